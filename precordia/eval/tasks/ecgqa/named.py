"""Precordia's own answers, said in ECG-QA's words: the findings and measurements of a draft, not its sentences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from precordia.concepts import vocabulary
from precordia.core.drafts import Draft
from precordia.datasets.ecgqa.builder import annotated
from precordia.datasets.ecgqa.builder.annotated import axis_of_angle, leads_of
from precordia.datasets.ecgqa.builder.attributes import BY_CODE, SUPERCLASSES
from precordia.datasets.ecgqa.builder.templates import BY_ID
from precordia.datasets.ecgqa.questions import Question
from precordia.eval.tasks.ecgqa.shipped import in_short
from precordia.eval.tasks.ecgqa.system import Reply, said
from precordia.fitting.answers.examined import Examined
from precordia.fitting.answers.targets import AXIS_TARGETS, CLASS_TARGETS, NOISE_TARGETS
from precordia.generation.answers.answer import BEYOND_PROMISE, answer
from precordia.generation.answers.fitted import FittedAnswers

EXTRA: Final = {
    "PVC": "ventricular extrasystoles",
    "SVES": "supraventricular extrasystoles",
    "PAC": "supraventricular extrasystoles",
    "PRC(S)": "extrasystoles",
}
"""The project's concepts as kinds of extra systoles."""
CHANGES: Final = {"new": "new", "gone": "resolved", "still": "unchanged"}
"""Subjects of questions about two ECGs, as the project calls a change."""
STAGES: Final = {
    "ACMI": annotated.EARLY_STAGE,
    "RECMI": annotated.MIDDLE_STAGE,
    "OLDMI": annotated.OLD_STAGE,
    "MI": annotated.UNKNOWN_STAGE,
}
"""The project's concepts as stages of infarction."""


class Named:
    """``precordia ask`` without a language model; the findings of its draft are the answer.

    Args:
        examined: The ECGs.
        name: In results.
        fitted: What answers rest on besides; None for the judgement alone.
        abstain: Withhold answers that are not sure enough.
    """

    reads_ecg = True

    def __init__(
        self,
        examined: Examined,
        *,
        name: str = "precordia ask, no LLM, its findings",
        fitted: FittedAnswers | None = None,
        abstain: bool = True,
    ) -> None:
        self.name = name
        self._examined = examined
        self._fitted = fitted
        self._abstain = abstain

    def reads_words(self, question: Question) -> bool:
        """Always."""
        return True

    def reply(self, question: Question, ecgs: tuple[int, ...]) -> Reply | None:
        """To a question about one ECG or two; of two nothing is promised. None to one about numbers of two."""
        if len(ecgs) > 1 and question.attribute == "numeric_feature":
            return None
        judgements = [self._examined.judgement(ecg) for ecg in ecgs]
        draft = answer(question.text, judgements, fitted=self._fitted, abstain=self._abstain)
        promised = len(ecgs) == 1 and BEYOND_PROMISE not in draft.warnings
        if question.type.endswith("-verify") or draft.abstained:
            return Reply(verdict_of(draft, question), promised=promised)
        return replace(said(names_of(draft, question) or {"none"}), promised=promised)


def verdict_of(draft: Draft, question: Question) -> str:
    """Yes, no or not sure; where a draft tells what it found instead, whether that is what was asked for."""
    short = in_short(draft)
    if short in ("yes", "no", "not sure"):
        return short
    subject = BY_ID[question.template].subject
    stated = {f.concept for s in draft.statements for f in s.findings if f.status == "present"} - {"NORM", "SR"}
    if subject == "axis":
        return "yes" if axis_of_angle(draft.measurements.axis_deg) in question.attributes else "no"
    if subject == "any statement":
        return "yes" if stated else "no"
    if subject.startswith("any") and question.attribute == "scp_code":
        kind = subject.removeprefix("any ")[0]
        return "yes" if any(kind in BY_CODE[c].kinds for c in stated if c in BY_CODE) else "no"
    if subject == "any extra systole":
        return "yes" if stated & EXTRA.keys() else "no"
    return short


def names_of(draft: Draft, question: Question) -> frozenset[str]:
    """What a draft says of an ECG, in the answers of a choice or a query; empty for none of them.

    A choice or a query that does not say "excluding uncertain symptoms" takes what is possible for said.
    """
    subject = BY_ID[question.template].subject
    if subject in CHANGES:
        way = CHANGES[subject]
        return _statements(f.concept for s in draft.statements for f in s.findings if f.comparison == way)
    certain = "excluding uncertain" in question.text
    stated = {
        f.concept
        for s in draft.statements
        for f in s.findings
        if f.status == "present" or (f.status == "uncertain" and not certain)
    }
    if subject == "axis":
        axis = axis_of_angle(draft.measurements.axis_deg)
        found = frozenset(AXIS_TARGETS[c] for c in stated if c in AXIS_TARGETS) or frozenset({axis} if axis else ())
    elif subject == "extra systole":
        found = frozenset(EXTRA[c] for c in stated if c in EXTRA)
    elif subject == "stage":
        found = frozenset(STAGES[c] for c in stated if c in STAGES) if stated else frozenset({annotated.NO_INFARCTION})
    elif subject == "superclass":
        classes = {vocabulary().superclass(c) for c in stated} | {c for c in stated if c in SUPERCLASSES}
        classes |= {CLASS_TARGETS[c] for c in stated if c in CLASS_TARGETS}
        found = frozenset(SUPERCLASSES[c] for c in classes if c in SUPERCLASSES)
    elif subject.startswith("leads of"):
        return frozenset(f"lead {lead}" for s in draft.statements if stated for lead in leads_of(_after_in(s.text)))
    elif subject.startswith("noise"):
        if stated & NOISE_TARGETS.keys() or any("signal's own" in w for s in draft.statements for w in s.warnings):
            return frozenset(NOISE_TARGETS[c] for c in stated if c in NOISE_TARGETS)
        words = draft.text.lower()
        drifts = "drift" in words or "wander" in words
        noisy = any(word in words for word in ("noise", "muscle", "mains", "interference"))
        found = frozenset([*(["baseline drift"] if drifts else []), *(["static noise"] if noisy else [])])
    else:
        found = _statements(stated, question.attributes)
    return found & frozenset(question.attributes) if question.attributes else found


def _statements(concepts: Iterable[str], asked: Iterable[str] = ()) -> frozenset[str]:
    """Names of statements; that an ECG is normal is none, unless it is asked about."""
    normal = BY_CODE["NORM"].name
    return frozenset(BY_CODE[c].name for c in concepts if c in BY_CODE and (c != "NORM" or normal in asked))


def _after_in(text: str) -> str:
    return text.rpartition(" in ")[2]
