"""``precordia eval questions``: questions and searches as people type them, on ECGs of which the truth is known."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import gettempdir
from typing import Final

import numpy as np

from precordia.core import bootstrap
from precordia.core.drafts import Draft
from precordia.core.errors import UsageError
from precordia.core.retrieval import Query
from precordia.datasets import ptbxl
from precordia.eval.archive_kb import archive_kb
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.eval.ptbxl import hash_signals
from precordia.eval.tasks.questions.asked import BUILDER, HALVES, Asked, load
from precordia.eval.tasks.questions.ecgs import COUNTED, PHANTOMS, Ecgs, Known
from precordia.eval.tasks.questions.replies import (
    Outcome,
    acuity,
    choice,
    compared,
    declined,
    meets,
    number,
    of_record,
    verdict,
)
from precordia.eval.tasks.questions.sought import Coded, Sought, coded
from precordia.indexing.store import DeltaCaseStore
from precordia.judgement.evidence import Evidence
from precordia.judgement.measured import TOLERANCE
from precordia.knowledge_base import KnowledgeBase

K: Final = 10
DEEP: Final = 5 * K
"""Hits that are read for the first ten of which report and codes agree."""
TWICE: Final = 2
"""ECGs that a question without yes or no is asked of."""
THRICE: Final = 3
"""Pairs of ECGs that a question for a verdict is asked of."""
FARTHER: Final = 2
"""Errors of measurement that two numbers lie apart, for one to be larger."""
OURS: Final = "precordia"
NO: Final = "always no"
LABELS: Final = "label filter"
Replied = tuple[str, Outcome, Outcome | None]
"""Of which ECG, the outcome, and that of who always says no."""

CARD: Final = TaskCard(
    name="questions",
    summary="questions and searches as people type them: right, declined or wrong; precision of searches",
    protocol=(
        "Questions and searches as physicians, nurses, students, patients and residents would put them, in English and "
        "German, with abbreviations, misspellings and much that no ECG can answer. Halves by a hash of what is meant: "
        "development, and held back; each asks ECGs of patients of its own. A question of yes or no is asked of one ECG "
        "where it is yes and of one where it is no, in each source that tells: PTB-XL fold 9 by its codes (no: neither "
        "codes nor report mention it), CPSC2018 by its classes (both: no only of what no number defines), phantom "
        "patients by what they were made with. Numbers and limits: phantoms at 500 Hz, right within the error of "
        "measurement that the project allows itself, limits no nearer than that. Archive: PTB-XL folds 1-8. Declined (not"
        " sure) counts apart, and is right where no ECG can answer. Searches: of the first ten hits the share that meets "
        "the condition written for the search, of the most that could, by PTB-XL's codes and columns. Baselines: always "
        "no; the archive's labels of the findings wanted, as a filter. Intervals: bootstrap by question. --set "
        "half=development asks and shows that half alone."
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


class QuestionsTask:
    """Questions and searches."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Measure.

        Raises:
            InputError: no PTB-XL.
            UsageError: there is no such half.
        """
        halves = _halves(settings)
        path = settings.kb or archive_kb(settings, settings.out or Path(gettempdir()) / "precordia-eval")
        bench = _Bench(KnowledgeBase.open(path), Ecgs(settings.data, settings.seed), settings.seed)
        questions, searches = (
            [asked for asked in load(name) if asked.half in halves][: settings.limit]
            for name in ("questions", "searches")
        )
        samples: list[Mapping[str, object]] = []
        for asked in settings.progress(questions, len(questions), "questions", "question"):
            for ecg, outcome, always_no in bench.ask(asked):
                samples.append(_sample(asked, ecg, OURS, outcome))
                if always_no is not None:
                    samples.append(_sample(asked, ecg, NO, always_no))
        store = DeltaCaseStore(path)
        cases = coded(bench.kb.cases(bench.kb.ids()))
        without = 0
        for asked in settings.progress(searches, len(searches), "searches", "search"):
            found = _precisions(asked, bench.kb, store, cases)
            without += not found
            samples += [{**_sample(asked, "archive", system), "precision": share} for system, share in found.items()]
        here = [known.recording for known in bench.ecgs.fold9]
        _, sha256 = ptbxl.read_table(settings.data / "ptbxl")
        return Result(
            self.card.name,
            tuple(_rows(samples, halves, settings.seed)),
            (
                f"{len(questions)} questions, {len(searches)} searches ({without} of which no case is, by its codes); PTB-XL "
                f"fold 9: {len(here)} ECGs; CPSC2018: {len(bench.ecgs.cpsc)}; phantoms: {len(bench.ecgs.phantoms)}",
            ),
            samples,
            {"phantoms": str(PHANTOMS), "half": " and ".join(halves)},
            {"ptbxl signals": hash_signals(here), "ptbxl_database.csv": sha256},
        )


class _Bench:
    """Who is asked, and about whom."""

    def __init__(self, kb: KnowledgeBase, ecgs: Ecgs, seed: int) -> None:
        self.kb, self.ecgs, self._seed = kb, ecgs, seed
        self._evidence: dict[str, Evidence] = {}

    def ask(self, asked: Asked) -> Iterator[Replied]:
        """Outcomes of a question on each ECG that it is asked of."""
        yield from _KINDS[asked.kind](self, asked)

    def about_a_finding(self, asked: Asked) -> Iterator[Replied]:
        """Yes and no, in each source that tells both ways or one."""
        # Who codes an ECG leaves out what its numbers say: that a rate is not slow, phantoms alone tell.
        silent = asked.truth in COUNTED
        for source in (self.ecgs.fold9, self.ecgs.cpsc, self.ecgs.phantoms):
            wanted = (True,) if silent and source is not self.ecgs.phantoms else (True, False)
            yield from self._yes_and_no(asked, source, lambda one: one.has(asked.truth), wanted)

    def about_a_limit(self, asked: Asked) -> Iterator[Replied]:
        """Yes and no, of phantoms."""
        yield from self._yes_and_no(
            asked, self.ecgs.phantoms, lambda one: None if one.truth is None else meets(asked, one.truth)
        )

    def about_regularity(self, asked: Asked) -> Iterator[Replied]:
        """Yes and no, of phantoms."""

        def truth_of(one: Known) -> bool | None:
            found = None if one.truth is None else one.truth.measurements.rhythm_regularity
            return found == asked.truth if found in ("regular", "irregular") else None

        yield from self._yes_and_no(asked, self.ecgs.phantoms, truth_of)

    def about_a_number(self, asked: Asked) -> Iterator[Replied]:
        """The number, of phantoms."""
        for made in [one for one in self._drawn(asked, self.ecgs.phantoms) if one.value(asked.truth) is not None][
            :TWICE
        ]:
            yield (
                made.recording.recording_id,
                number(self._reply(asked, made), asked.truth, made.value(asked.truth) or 0.0),
                None,
            )

    def about_a_choice(self, asked: Asked) -> Iterator[Replied]:
        """Each option once, of ECGs of fold 9 that show it alone."""
        for option in asked.options:
            others = [other for other in asked.options if other != option]
            for one in self._drawn(asked, self.ecgs.fold9):
                if one.has(option) and not any(one.has(other) is not False for other in others):
                    yield one.recording.recording_id, choice(self._reply(asked, one), asked.options, option), None
                    break

    def about_an_age(self, asked: Asked) -> Iterator[Replied]:
        """How old an infarction is, of each age once."""
        for stage in ("acute", "old"):
            for one in [known for known in self._drawn(asked, self.ecgs.fold9) if known.stage == stage][:1]:
                yield one.recording.recording_id, acuity(self._reply(asked, one), stage), None

    def about_the_record(self, asked: Asked) -> Iterator[Replied]:
        """The patient's age or sex."""
        for one in self._drawn(asked, self.ecgs.fold9)[:TWICE]:
            yield one.recording.recording_id, of_record(self._reply(asked, one), one.recording, asked.truth), None

    def beyond(self, asked: Asked) -> Iterator[Replied]:
        """What no ECG can answer."""
        for one in self._drawn(asked, self.ecgs.fold9)[:TWICE]:
            yield one.recording.recording_id, declined(self._reply(asked, one)), None

    def about_two(self, asked: Asked) -> Iterator[Replied]:
        """Whether a number is larger, or smaller, in the second of two phantoms: a pair of each kind."""
        name, operator = asked.truth.split()
        made = [one for one in self._drawn(asked, self.ecgs.phantoms) if one.value(name) is not None]
        apart = FARTHER * TOLERANCE[name]
        for wanted in (True, False):
            for before, after in pairwise(made):
                rise = (after.value(name) or 0.0) - (before.value(name) or 0.0)
                if abs(rise) > apart and (rise > 0) is ((operator == ">") is wanted):
                    reply = self.kb.ask(asked.text, self._known(before), self._known(after))
                    name_of = f"{before.recording.recording_id} {after.recording.recording_id}"
                    yield name_of, verdict(reply, wanted), "wrong" if wanted else "right"
                    break

    def for_a_verdict(self, asked: Asked) -> Iterator[Replied]:
        """Better, worse or unchanged: a pair of each."""
        pairs = [pair for pair in self.ecgs.pairs if pair[0].half == asked.half]
        order = self._rng(asked).permutation(len(pairs))
        for word in ("unchanged", "worse", "better"):
            before, after, _ = next(pairs[i] for i in order if pairs[i][2] == word)
            reply = self.kb.ask(asked.text, self._known(before), self._known(after))
            yield before.recording.recording_id, compared(reply, word), None

    def _yes_and_no(
        self,
        asked: Asked,
        source: Sequence[Known],
        truth_of: Callable[[Known], bool | None],
        answers: Sequence[bool] = (True, False),
    ) -> Iterator[Replied]:
        drawn = self._drawn(asked, source)
        for wanted in answers:
            one = next((one for one in drawn if truth_of(one) is wanted), None)
            if one is not None:
                yield (
                    one.recording.recording_id,
                    verdict(self._reply(asked, one), wanted),
                    "wrong" if wanted else "right",
                )

    def _reply(self, asked: Asked, known: Known) -> Draft:
        return self.kb.ask(asked.text, self._known(known))

    def _known(self, known: Known) -> Evidence:
        recording = known.recording
        if recording.recording_id not in self._evidence:
            self._evidence[recording.recording_id] = self.kb.evidence(recording)
        return self._evidence[recording.recording_id]

    def _drawn(self, asked: Asked, of: Sequence[Known]) -> list[Known]:
        """Those of the question's half, in an order of the question's own."""
        own = [one for one in of if one.half == asked.half]
        return [own[i] for i in self._rng(asked).permutation(len(own))]

    def _rng(self, asked: Asked) -> np.random.Generator:
        words = int.from_bytes(hashlib.sha256(asked.text.encode()).digest()[:4], "big")
        return np.random.default_rng([self._seed, words])


_KINDS: Final[Mapping[str, Callable[[_Bench, Asked], Iterator[Replied]]]] = {
    "finding": _Bench.about_a_finding,
    "choice": _Bench.about_a_choice,
    "acuity": _Bench.about_an_age,
    "limit": _Bench.about_a_limit,
    "number": _Bench.about_a_number,
    "regular": _Bench.about_regularity,
    "record": _Bench.about_the_record,
    "compare": _Bench.about_two,
    "verdict": _Bench.for_a_verdict,
    "beyond": _Bench.beyond,
}


def _halves(settings: Settings) -> tuple[str, ...]:
    wanted = settings.options.get("half")
    if wanted is None:
        return HALVES
    if wanted not in HALVES:
        raise UsageError(f"there is no half {wanted!r}: give one of {', '.join(HALVES)}")
    return (wanted,)


def _precisions(asked: Asked, kb: KnowledgeBase, store: DeltaCaseStore, cases: Sequence[Coded]) -> dict[str, float]:
    """System to the share of its first ten hits that are relevant, of the most that could be; nothing where no case is."""
    sought = Sought.of(asked.truth)
    meets = {case.case.case_id: sought.met_by(case) for case in cases}
    relevant = {case_id for case_id, met in meets.items() if met}
    best = min(K, len(relevant))
    if not best:
        return {}
    hits = {
        OURS: [hit.case.case_id for hit in kb.search(Query(text=asked.text, k=DEEP))],
        LABELS: [int(i) for i in store.select(sought.labels)[:DEEP]],
    }
    told = {system: [i for i in found if meets[i] is not None][:K] for system, found in hits.items()}
    return {system: len(relevant.intersection(found)) / best for system, found in told.items()}


def _sample(asked: Asked, ecg: str, system: str, outcome: Outcome | None = None) -> dict[str, object]:
    return {
        "sample": f"{asked.text} ({ecg})",
        "patient": asked.text,
        "system": system,
        "half": asked.half,
        "kind": asked.kind,
        "voice": asked.voice,
        "outcome": outcome,
        "right": None if outcome is None else outcome == "right",
        "wrong": None if outcome in (None, "declined") or asked.kind == "beyond" else outcome == "wrong",
        "precision": None,
    }


def _rows(samples: Sequence[Mapping[str, object]], halves: Sequence[str], seed: int) -> Iterator[Row]:
    """Each half, its questions that are not the builder's own, and its kinds."""
    metrics = (
        ("right or rightly declined", "right", 0.92, True),
        ("wrong, of answers given", "wrong", 0.02, False),
        ("precision@10", "precision", 0.9, True),
    )
    for metric, key, goal, at_least in metrics:
        known = [s for s in samples if s[key] is not None]
        for system in dict.fromkeys(str(s["system"]) for s in known):
            for half in reversed(HALVES):
                own = [s for s in known if s["system"] == system and s["half"] == half and half in halves]
                groups: dict[str, list[Mapping[str, object]]] = {half: own}
                groups[f"{half}, other voices"] = [s for s in own if s["voice"] != BUILDER]
                for kind in dict.fromkeys(str(s["kind"]) for s in own):
                    groups[f"{half}, {kind}"] = [s for s in own if s["kind"] == kind]
                for group, part in groups.items():
                    if not part:
                        continue
                    e = bootstrap.mean(np.array([s[key] for s in part], float), [s["patient"] for s in part], seed=seed)
                    ours = system == OURS and group == "held back"
                    yield Row(
                        system, metric, e.value, e.low, e.high, len(part), group, goal if ours else None, at_least
                    )


QUESTIONS = QuestionsTask()
