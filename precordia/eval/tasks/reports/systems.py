"""Who writes the reports: the judgement, parts of it alone, a language model held to it, and those that copy a past report."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Protocol

import numpy as np

from precordia.concepts import label_report, statement_of
from precordia.core.case import Case
from precordia.core.drafts import Draft
from precordia.core.findings import Finding
from precordia.core.protocols import LanguageModel
from precordia.eval.tasks.reports.data import Sample
from precordia.eval.tasks.reports.findings import overlap
from precordia.generation.reports.composer import compose
from precordia.generation.written.writing import WritingSettings
from precordia.judgement.judge import judge
from precordia.judgement.reconcile import most_specific, said_of
from precordia.knowledge_base import KnowledgeBase

CONSENSUS: Final = "precordia"
NEAREST: Final = "nearest report"


@dataclass(frozen=True, eq=False)
class Written:
    """A report.

    Attributes:
        text: Its words. Of a draft, the statements that make a finding: no reference states the numbers.
        draft: The draft with its evidence, or None where a past report was copied.
    """

    text: str
    draft: Draft | None = None

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What the report labeller reads in the text."""
        return tuple(label_report(self.text))

    @cached_property
    def said(self) -> frozenset[str]:
        """The report as a set of findings."""
        return said_of(self.findings)

    @property
    def abstained(self) -> bool:
        """Whether nothing is said, on purpose."""
        return self.draft is not None and self.draft.abstained


class System(Protocol):
    """Writes reports."""

    name: str

    def write(self, sample: Sample) -> Written:
        """A report on the sample's ECG; the reference is not read, but by the oracle."""
        ...


class Drafted:
    """Precordia's own report, as ``precordia report`` gives it.

    Args:
        kb: The archive that is asked.
        language_model: None writes the judgement down.
        settings: What a language model is shown, and what happens to statements that do not stand up.
    """

    def __init__(
        self, kb: KnowledgeBase, language_model: LanguageModel | None = None, settings: WritingSettings | None = None
    ) -> None:
        self.name = CONSENSUS if language_model is None else language_model.name
        self._kb, self._model, self._settings = kb, language_model, settings

    def write(self, sample: Sample) -> Written:
        """From the sample's evidence."""
        model = self._model if self._model is not None else "none"
        return written(self._kb.report(sample.evidence, llm=model, settings=self._settings))


class PrecedentsAlone:
    """The report that the precedents' vote and the rules of measurement come to, without the archive's models."""

    name = "precedents alone"

    def write(self, sample: Sample) -> Written:
        """From the sample's evidence."""
        knowledge = replace(sample.evidence.knowledge, models=None)
        return written(compose(judge(replace(sample.evidence, knowledge=knowledge))))


class ModelsAlone:
    """What the archive's models find probable, whether a precedent or a measurement bears it out or not."""

    name = "models alone"

    def write(self, sample: Sample) -> Written:
        """From the sample's vector and measurements."""
        evidence = sample.evidence
        models = evidence.knowledge.models
        if models is None or evidence.vector is None:
            return Written("")
        chances = models.chances(evidence.recording, evidence.measurements, evidence.vector)
        said = [concept for concept, p in chances.items() if p >= evidence.least(concept)]
        return Written(" ".join(statement_of(Finding(concept)) for concept in most_specific(said)))


def written(draft: Draft) -> Written:
    """A draft's statements that make a finding, as a report."""
    return Written(" ".join(statement.text for statement in draft.statements if statement.findings), draft)


class Nearest:
    """Copies the report of the nearest case that has one."""

    name = NEAREST

    def write(self, sample: Sample) -> Written:
        """Word for word."""
        return Written(next((hit.case.report for hit in sample.hits if hit.case.report), ""))


class Random:
    """Copies the report of a case drawn at random, of another patient.

    Args:
        cases: To draw from.
        seed: Of the draws; with the sample's id it settles each.
    """

    name = "random report"

    def __init__(self, cases: Sequence[Case], seed: int) -> None:
        self._cases = [case for case in cases if case.report]
        self._seed = seed

    def write(self, sample: Sample) -> Written:
        """Word for word."""
        for place in _generator(self._seed, sample).permutation(len(self._cases)).tolist():
            case = self._cases[place]
            if case.patient_key != sample.patient:
                return Written(case.report or "")
        return Written("")


class MostFrequent:
    """Always gives the report that stands most often in the archive, whoever asks.

    Args:
        cases: The archive.
    """

    name = "most frequent report"

    def __init__(self, cases: Sequence[Case]) -> None:
        counted = Counter(case.report for case in cases if case.report)
        self.text = min(counted, key=lambda report: (-counted[report], report), default="")

    def write(self, sample: Sample) -> Written:
        """The same for all."""
        return Written(self.text)


class SameLabels:
    """Copies a past report with exactly the reference's findings, or the one whose findings overlap most: an oracle.

    It reads the reference's findings and shows what copying could reach: how much the words of reports with the same
    findings differ, and which findings the archive does not hold together.

    Args:
        cases: The archive.
        seed: Of the draw among equally good ones.
    """

    name = "same-label oracle"

    def __init__(self, cases: Sequence[Case], seed: int) -> None:
        self._cases = [case for case in cases if case.report]
        self._said = [said_of(label_report(case.report or "")) for case in self._cases]
        self._seed = seed

    def write(self, sample: Sample) -> Written:
        """Word for word."""
        likeness = np.array([
            overlap(said, sample.truth) if case.patient_key != sample.patient else -1.0
            for case, said in zip(self._cases, self._said, strict=True)
        ])  # fmt: skip
        if not likeness.size or likeness.max() < 0:
            return Written("")
        best = np.flatnonzero(likeness == likeness.max())
        return Written(self._cases[int(_generator(self._seed, sample).choice(best))].report or "")


def _generator(seed: int, sample: Sample) -> np.random.Generator:
    """Of a sample alone, so that what else is asked changes nothing."""
    name = int.from_bytes(hashlib.sha256(sample.id.encode()).digest()[:8], "big")
    return np.random.default_rng([seed, name])
