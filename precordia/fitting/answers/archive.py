"""Precedents of the ECGs asked about: from a knowledge base, or from the ECGs that are here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from precordia.concepts import label_report
from precordia.core.case import Case, patient_key_of
from precordia.core.findings import Measurements
from precordia.core.progress import Progress, silent
from precordia.core.protocols import Encoder
from precordia.core.retrieval import ALIKE, Hit, Query, Why
from precordia.fitting.answers.signals import Signals
from precordia.indexing.store import DeltaCaseStore
from precordia.judgement.inputs import inputs_of, recorder_of
from precordia.judgement.knowledge import DEFAULT_FLOOR, Knowledge
from precordia.judgement.learning import FEWEST_CASES, Lessons, Seen, learn
from precordia.judgement.models import FindingModels
from precordia.judgement.promise import calibrate_similarity
from precordia.judgement.reconcile import written_of
from precordia.knowledge_base import KnowledgeBase
from precordia.retrieval.retriever import CANDIDATES

PRECEDENTS = 20
TRAINING_FOLDS = range(1, 9)
_BATCH = 64


class Archive(Protocol):
    """Precedents by the number of an ECG."""

    def hits(self, ecg: int) -> list[Hit]:
        """The nearest cases of other patients, nearest first."""
        ...

    def precedents(self, ecg: int, measurements: Callable[[int], Measurements]) -> list[Hit]:
        """The precedents that :meth:`KnowledgeBase.evidence` gathers, as far as the ECGs that are here allow.

        Args:
            ecg: Asked about.
            measurements: Of each of its ECGs, where they have to be found first.
        """
        ...

    def random_hits(self, ecg: int, seed: int) -> list[Hit]:
        """As many cases of other patients, drawn at random."""
        ...

    def knowledge(self, measurements: Callable[[int], Measurements]) -> Knowledge:
        """What its cases have taught, as a knowledge base of them would know it.

        Args:
            measurements: Of each of its ECGs, where they have to be found first.
        """
        ...


class Vectors:
    """ECGs as unit vectors, each embedded once.

    Attributes:
        ecgs: Their numbers, ascending.
        encoder: Fingerprint.
        matrix: ``(n, dim)``, in the order of ``ecgs``.
    """

    def __init__(self, signals: Signals, encoder: Encoder, ecgs: Iterable[int], progress: Progress = silent) -> None:
        self.ecgs = tuple(sorted(set(ecgs)))
        starts = range(0, len(self.ecgs), _BATCH)
        parts = [
            encoder.embed([signals.recording(ecg) for ecg in self.ecgs[i : i + _BATCH]])
            for i in progress(starts, len(starts), f"embed, {_BATCH} ECGs at a time", "batch")
        ]
        self.encoder = encoder.fingerprint
        self._rows = {ecg: row for row, ecg in enumerate(self.ecgs)}
        self.matrix: NDArray[np.float32] = np.concatenate(parts) if parts else np.zeros((0, encoder.dim), np.float32)

    def __contains__(self, ecg: int) -> bool:
        return ecg in self._rows

    def of(self, ecg: int) -> NDArray[np.float32]:
        """``(dim,)``."""
        vector: NDArray[np.float32] = self.matrix[self._rows[ecg]]
        return vector


class HereArchive:
    """The ECGs that are here, of PTB-XL's folds 1 to 8, with their reports.

    Args:
        signals: The ECGs.
        vectors: Of every ECG.
        seen: Tells the ECGs that the encoder was trained on; None where it was trained on others.
    """

    def __init__(self, signals: Signals, vectors: Vectors, seen: Seen | None = None) -> None:
        self._signals = signals
        self._vectors = vectors
        self._seen = seen
        self._knowledge: Knowledge | None = None
        self._known = [ecg for ecg in vectors.ecgs if signals.folds.get(ecg, 1) in TRAINING_FOLDS]
        self._matrix = np.stack([vectors.of(ecg) for ecg in self._known]) if self._known else vectors.matrix[:0]
        self._cases: dict[int, Case] = {}
        self._measured: list[Case] | None = None

    def hits(self, ecg: int) -> list[Hit]:
        """By cosine similarity."""
        similarity = self._matrix @ self._vectors.of(ecg)
        return self._others(ecg, np.argsort(-similarity, kind="stable"), similarity)

    def precedents(self, ecg: int, measurements: Callable[[int], Measurements]) -> list[Hit]:
        """Of the nearest by signal the most alike, where the ECGs that are here are enough for models."""
        models = self.knowledge(measurements).models
        if models is None:
            return self.hits(ecg)
        vector = self._vectors.of(ecg)
        similarity = self._matrix @ vector
        near = self._of_others(ecg, np.argsort(-similarity, kind="stable"))[:CANDIDATES]
        cases = self._with_measurements(measurements)
        chances = models.chances(self._signals.recording(ecg), measurements(ecg), vector)
        alike = models.likeness(chances, [cases[i] for i in near], self._matrix[near])
        order = sorted(zip(alike.tolist(), near, strict=True), key=lambda pair: (-pair[0], cases[pair[1]].case_id))
        return [
            Hit(rank, value, cases[i], Why({"signal": float(similarity[i]), ALIKE: value}, {ALIKE: rank}))
            for rank, (value, i) in enumerate(order[:PRECEDENTS], 1)
        ]

    def random_hits(self, ecg: int, seed: int) -> list[Hit]:
        """Drawn by seed and ECG."""
        similarity = self._matrix @ self._vectors.of(ecg)
        return self._others(ecg, np.random.default_rng([seed, ecg]).permutation(len(self._known)), similarity)

    def knowledge(self, measurements: Callable[[int], Measurements]) -> Knowledge:
        """The floor and the finding models of these ECGs, learned once; every one of them is measured for it."""
        if self._knowledge is None:
            nearest = [hits[0].score for ecg in self._known if (hits := self.hits(ecg))]
            floor = calibrate_similarity(nearest)
            self._knowledge = Knowledge(floor if floor > -1.0 else DEFAULT_FLOOR, self._models(measurements))
        return self._knowledge

    def _models(self, measurements: Callable[[int], Measurements]) -> FindingModels | None:
        stated = {ecg: written_of(self._case(ecg).findings) for ecg in self._known}
        ecgs = [ecg for ecg, findings in stated.items() if findings]
        if len(ecgs) < FEWEST_CASES:
            return None
        vectors = np.stack([self._vectors.of(ecg) for ecg in ecgs])
        about = [self._signals.recording(ecg) for ecg in ecgs]
        inputs = [
            inputs_of(vector, measurements(ecg), recording.age, recording.sex)
            for ecg, vector, recording in zip(ecgs, vectors, about, strict=True)
        ]
        lessons = Lessons(
            np.stack(inputs),
            tuple(stated[ecg] for ecg in ecgs),
            tuple(self._case(ecg).patient_key for ecg in ecgs),
            np.ones(len(ecgs)),
            ~self._seen(vectors) if self._seen is not None else np.ones(len(ecgs), dtype=bool),
            len(ecgs),
            tuple(recorder_of(recording.device, recording.fs) for recording in about),
        )
        return learn(lessons, self._vectors.encoder)

    def _others(self, ecg: int, order: NDArray[np.intp], similarity: NDArray[np.float32]) -> list[Hit]:
        chosen = self._of_others(ecg, order)[:PRECEDENTS]
        return [self._hit(rank, i, float(similarity[i])) for rank, i in enumerate(chosen, 1)]

    def _of_others(self, ecg: int, order: NDArray[np.intp]) -> list[int]:
        patient = self._signals.patient(ecg)
        return [i for i in order.tolist() if self._signals.patient(self._known[i]) != patient]

    def _with_measurements(self, measurements: Callable[[int], Measurements]) -> list[Case]:
        """The cases, row by row, as a knowledge base would hold them."""
        if self._measured is None:
            self._measured = [
                replace(
                    self._case(ecg), measurements=measurements(ecg), age=about.age, sex=about.sex, device=about.device,
                    fs=about.fs,
                )
                for ecg in self._known
                for about in (self._signals.recording(ecg),)
            ]  # fmt: skip
        return self._measured

    def _hit(self, rank: int, row: int, similarity: float) -> Hit:
        return Hit(rank, similarity, self._case(self._known[row]), Why({"signal": similarity}, {"signal": rank}))

    def _case(self, ecg: int) -> Case:
        if ecg not in self._cases:
            recording = self._signals.recording(ecg)
            report, patient = self._signals.report(ecg), self._signals.patient(ecg)
            self._cases[ecg] = Case(ecg, recording.recording_id, patient, report, tuple(label_report(report or "")))
        return self._cases[ecg]


class KnowledgeBaseArchive:
    """A knowledge base's cases."""

    def __init__(self, signals: Signals, kb: KnowledgeBase) -> None:
        self._signals = signals
        self._kb = kb
        self._found: dict[int, list[Hit]] = {}
        self._gathered: dict[int, list[Hit]] = {}
        self._drawn: dict[tuple[int, int], list[Hit]] = {}

    def hits(self, ecg: int) -> list[Hit]:
        """By :meth:`KnowledgeBase.search`, which leaves out the ECG's own patient and copies of it."""
        if ecg not in self._found:
            self._found[ecg] = self._kb.search(Query(self._signals.recording(ecg), k=PRECEDENTS))
        return self._found[ecg]

    def precedents(self, ecg: int, measurements: Callable[[int], Measurements]) -> list[Hit]:
        """By :meth:`KnowledgeBase.evidence`."""
        if ecg not in self._gathered:
            self._gathered[ecg] = list(self._kb.evidence(self._signals.recording(ecg)).hits)
        return self._gathered[ecg]

    def random_hits(self, ecg: int, seed: int) -> list[Hit]:
        """Drawn by seed and ECG; how similar they are is not asked, and given as 0."""
        if (ecg, seed) not in self._drawn:
            order = np.random.default_rng([seed, ecg]).permutation(len(self._ids))[: 2 * PRECEDENTS]
            patient = patient_key_of(self._signals.recording(ecg))
            others = [c for c in self._kb.cases([int(self._ids[i]) for i in order]) if c.patient_key != patient]
            self._drawn[ecg, seed] = [
                Hit(rank, 0.0, case, Why({}, {})) for rank, case in enumerate(others[:PRECEDENTS], 1)
            ]
        return self._drawn[ecg, seed]

    def knowledge(self, measurements: Callable[[int], Measurements]) -> Knowledge:
        """What the knowledge base knows."""
        return self._kb.knowledge()

    @cached_property
    def _ids(self) -> NDArray[np.int64]:
        return DeltaCaseStore(self._kb.path).ids
