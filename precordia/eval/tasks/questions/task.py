"""``precordia eval questions``: questions and searches as people type them, on ECGs of which the truth is known."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import gettempdir
from typing import Final, TypeVar

import numpy as np

from precordia.concepts import findings_from_codes, label_report
from precordia.core import bootstrap
from precordia.core.drafts import Draft
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.core.retrieval import Query
from precordia.eval.archive_kb import archive_kb
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.eval.ptbxl import hash_signals, of_folds, read_codes, read_ptbxl_here
from precordia.eval.tasks.questions.asked import Asked, Outcome, declined, load, meets, number, of_record, verdict
from precordia.indexing.store import DeltaCaseStore
from precordia.judgement.evidence import Evidence
from precordia.judgement.votes import lineage
from precordia.knowledge_base import KnowledgeBase
from precordia.simulation.simulator import simulate_batch
from precordia.simulation.truth import Truth

PHANTOMS: Final = 60
"""Simulated patients at 500 Hz, whose numbers are known."""
K: Final = 10
TWICE: Final = 2
"""ECGs that a question without yes or no is asked of."""
OURS: Final = "precordia"
T = TypeVar("T")

CARD: Final = TaskCard(
    name="questions",
    summary="questions and searches as people type them: right, declined or wrong; precision of searches",
    protocol=(
        "Questions and searches in English, German and lay words, with abbreviations, misspellings and questions that no "
        "ECG can answer; halves by a hash of their words: development, and held back. Each yes-or-no question is asked of "
        "one ECG where the answer is yes and of one where it is no. Findings: PTB-XL fold 9, yes where codes or report state "
        "it without doubt, no where neither states it or anything that implies it. Numbers and limits: phantom patients at 500 "
        "Hz, by what they were made with, right within the error of measurement that the project allows itself, limits no "
        "nearer than that. Archive: PTB-XL folds 1-8. Declined counts apart, and is right where no ECG can answer. Searches: "
        "of the first ten hits, the share that meets the condition written for the search, of the most that could, by the "
        "archive's own labels. Baseline: always no. Intervals: bootstrap by question."
    ),
    source="Questions and searches of this project (Apache-2.0); PTB-XL, Wagner et al., Sci Data 2020;7:154 (CC BY 4.0)",
    headline=(
        "right or rightly declined @ held back",
        "wrong, of answers given @ held back",
        "precision@10 @ held back",
    ),
    wants_kb=True,
    code=__name__,
)


@dataclass(frozen=True, eq=False)
class _Real:
    """An ECG of PTB-XL, and what report and codes say of it.

    Attributes:
        stated: Findings without doubt, and what they imply.
        mentioned: The same with what is only possible.
    """

    recording: Recording
    stated: frozenset[str]
    mentioned: frozenset[str]

    def has(self, concept: str) -> bool | None:
        """Whether it shows a finding; None where that is in doubt."""
        return True if concept in self.stated else None if concept in self.mentioned else False


@dataclass(frozen=True, eq=False)
class _Made:
    """A phantom patient's ECG."""

    recording: Recording
    truth: Truth

    def value(self, name: str) -> float | None:
        """A measurement that it was made with."""
        found = getattr(self.truth.measurements, name)
        return None if found is None else float(found)

    def answers(self, asked: Asked) -> bool | None:
        """Whether a question is to be answered with yes; None where that is too near to say."""
        if asked.kind == "limit":
            return meets(asked, self.truth)
        regularity = self.truth.measurements.rhythm_regularity
        return None if regularity not in ("regular", "irregular") else regularity == asked.truth


class QuestionsTask:
    """Questions and searches."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Measure.

        Raises:
            InputError: no PTB-XL.
        """
        here = of_folds(read_ptbxl_here(settings.data), (9,))
        codes, sha256 = read_codes(settings.data)
        path = settings.kb or archive_kb(settings, settings.out or Path(gettempdir()) / "precordia-eval")
        bench = _Bench(KnowledgeBase.open(path), here, codes, settings.seed)
        questions, searches = (load(name)[: settings.limit] for name in ("questions", "searches"))
        samples: list[Mapping[str, object]] = []
        for asked in settings.progress(questions, len(questions), "questions", "question"):
            for i, (outcome, always_no) in enumerate(bench.ask(asked)):
                samples.append(_sample(asked, i, outcome, OURS))
                if always_no is not None:
                    samples.append(_sample(asked, i, always_no, "always no"))
        store, without = DeltaCaseStore(path), 0
        for asked in settings.progress(searches, len(searches), "searches", "search"):
            relevant = {int(i) for i in store.select(asked.truth)}
            found = [hit.case.case_id for hit in bench.kb.search(Query(text=asked.text, k=K))]
            best = min(K, len(relevant))
            without += not best
            if best:
                share = len(relevant.intersection(found)) / best
                samples.append({**_sample(asked, 0, None, OURS), "precision": share})
        return Result(
            self.card.name,
            tuple(_rows(samples, settings.seed)),
            (
                f"{len(questions)} questions, {len(searches)} searches; PTB-XL fold 9: {len(here)} ECGs; {PHANTOMS} phantoms",
            ),
            samples,
            {"phantoms": str(PHANTOMS)},
            {"ptbxl signals": hash_signals(here), "ptbxl_database.csv": sha256},
        )


class _Bench:
    """Who is asked, and about whom."""

    def __init__(
        self, kb: KnowledgeBase, here: Sequence[Recording], codes: Mapping[str, Sequence[str]], seed: int
    ) -> None:
        self.kb, self._seed = kb, seed
        self._real = [_read(r, codes[r.recording_id]) for r in here]
        batch = simulate_batch(PHANTOMS, seed, fs=500.0)
        self._made = [
            _Made(Recording(signal, batch.fs, LEADS, f"phantom:{i}", age=truth.age, sex=truth.sex), truth)
            for i, (signal, truth) in enumerate(zip(batch.signal, batch.truths, strict=True))
        ]
        self._evidence: dict[str, Evidence] = {}

    def ask(self, asked: Asked) -> Iterator[tuple[Outcome, Outcome | None]]:
        """Outcomes of a question on each ECG that it is asked of, and those of who always says no."""
        if asked.kind == "finding":
            for truth, real in _one_of_each(self._drawn(asked, self._real), lambda one: one.has(asked.truth)):
                yield verdict(self._reply(asked, real.recording), truth), "wrong" if truth else "right"
        elif asked.kind in ("limit", "regular"):
            for truth, made in _one_of_each(self._drawn(asked, self._made), lambda one: one.answers(asked)):
                yield verdict(self._reply(asked, made.recording), truth), "wrong" if truth else "right"
        elif asked.kind == "number":
            for made in [one for one in self._drawn(asked, self._made) if one.value(asked.truth) is not None][:TWICE]:
                value = made.value(asked.truth) or 0.0
                yield number(self._reply(asked, made.recording), asked.truth, value), None
        else:
            for real in self._drawn(asked, self._real)[:TWICE]:
                reply = self._reply(asked, real.recording)
                yield (
                    (of_record(reply, real.recording, asked.truth) if asked.kind == "record" else declined(reply)),
                    None,
                )

    def _reply(self, asked: Asked, recording: Recording) -> Draft:
        if recording.recording_id not in self._evidence:
            self._evidence[recording.recording_id] = self.kb.evidence(recording)
        return self.kb.ask(asked.text, self._evidence[recording.recording_id])

    def _drawn(self, asked: Asked, of: Sequence[T]) -> list[T]:
        """In an order of the question's own."""
        words = int.from_bytes(hashlib.sha256(asked.text.encode()).digest()[:4], "big")
        return [of[i] for i in np.random.default_rng([self._seed, words]).permutation(len(of))]


def _one_of_each(of: Sequence[T], truth_of: Callable[[T], bool | None]) -> Iterator[tuple[bool, T]]:
    """The first of which it is true, and the first of which it is not, where there are such."""
    for wanted in (True, False):
        for one in of:
            if truth_of(one) is wanted:
                yield wanted, one
                break


def _read(recording: Recording, codes: Sequence[str]) -> _Real:
    findings = [*label_report(recording.report or ""), *findings_from_codes(codes)]
    sure = [lineage(f.concept) for f in findings if f.status == "present"]
    maybe = [lineage(f.concept) for f in findings if f.status == "uncertain"]
    # The report itself is not asked: its words would be the answer.
    bare = replace(recording, report=None, codes=())
    return _Real(bare, frozenset().union(*sure), frozenset().union(*sure, *maybe))


def _sample(asked: Asked, number_of: int, outcome: Outcome | None, system: str) -> dict[str, object]:
    return {
        "sample": f"{asked.text} ({number_of + 1})",
        "patient": asked.text,
        "system": system,
        "half": asked.half,
        "kind": asked.kind,
        "right": None if outcome is None else outcome == "right",
        "wrong": None if outcome in (None, "declined") or asked.kind == "beyond" else outcome == "wrong",
        "precision": None,
    }


def _rows(samples: Sequence[Mapping[str, object]], seed: int) -> Iterator[Row]:
    """Both halves, then every kind."""
    metrics = (
        ("right or rightly declined", "right", 0.92, True),
        ("wrong, of answers given", "wrong", 0.02, False),
        ("precision@10", "precision", 0.9, True),
    )
    for metric, key, goal, at_least in metrics:
        known = [s for s in samples if s[key] is not None]
        for system in dict.fromkeys(str(s["system"]) for s in known):
            own = [s for s in known if s["system"] == system]
            kinds = dict.fromkeys(str(s["kind"]) for s in own)
            for group, part in (
                *((half, [s for s in own if s["half"] == half]) for half in ("held back", "development")),
                *((kind, [s for s in own if s["kind"] == kind]) for kind in kinds),
            ):
                if not part:
                    continue
                e = bootstrap.mean(np.array([s[key] for s in part], float), [s["patient"] for s in part], seed=seed)
                ours = system == OURS and group == "held back"
                yield Row(system, metric, e.value, e.low, e.high, len(part), group, goal if ours else None, at_least)


QUESTIONS = QuestionsTask()
