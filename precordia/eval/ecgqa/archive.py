"""Precedents of the ECGs asked about: from a knowledge base, or from the ECGs that are here."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from precordia.concepts import label_report
from precordia.core.case import Case, patient_key_of
from precordia.core.protocols import Encoder
from precordia.core.retrieval import Hit, Query, Why
from precordia.eval.ecgqa.signals import Signals
from precordia.eval.task import Progress, silent
from precordia.indexing.store import DeltaCaseStore
from precordia.knowledge_base import KnowledgeBase

PRECEDENTS = 20
TRAINING_FOLDS = range(1, 9)
_BATCH = 64


class Archive(Protocol):
    """Precedents by the number of an ECG."""

    def hits(self, ecg: int) -> list[Hit]:
        """The nearest cases of other patients, nearest first."""
        ...

    def random_hits(self, ecg: int, seed: int) -> list[Hit]:
        """As many cases of other patients, drawn at random."""
        ...


class Vectors:
    """ECGs as unit vectors, each embedded once."""

    def __init__(self, signals: Signals, encoder: Encoder, ecgs: Iterable[int], progress: Progress = silent) -> None:
        self.ecgs = tuple(sorted(set(ecgs)))
        starts = range(0, len(self.ecgs), _BATCH)
        parts = [
            encoder.embed([signals.recording(ecg) for ecg in self.ecgs[i : i + _BATCH]])
            for i in progress(starts, len(starts), f"embed, {_BATCH} ECGs at a time", "batch")
        ]
        self._rows = {ecg: row for row, ecg in enumerate(self.ecgs)}
        self.matrix: NDArray[np.float32] = np.concatenate(parts) if parts else np.zeros((0, encoder.dim), np.float32)

    def __contains__(self, ecg: int) -> bool:
        return ecg in self._rows

    def of(self, ecg: int) -> NDArray[np.float32]:
        """``(dim,)``."""
        vector: NDArray[np.float32] = self.matrix[self._rows[ecg]]
        return vector


class HereArchive:
    """The ECGs that are here, of PTB-XL's folds 1 to 8, with their reports."""

    def __init__(self, signals: Signals, vectors: Vectors) -> None:
        self._signals = signals
        self._vectors = vectors
        self._known = [ecg for ecg in vectors.ecgs if signals.folds.get(ecg, 1) in TRAINING_FOLDS]
        self._matrix = np.stack([vectors.of(ecg) for ecg in self._known]) if self._known else vectors.matrix[:0]
        self._cases: dict[int, Case] = {}

    def hits(self, ecg: int) -> list[Hit]:
        """By cosine similarity."""
        similarity = self._matrix @ self._vectors.of(ecg)
        return self._others(ecg, np.argsort(-similarity, kind="stable"), similarity)

    def random_hits(self, ecg: int, seed: int) -> list[Hit]:
        """Drawn by seed and ECG."""
        similarity = self._matrix @ self._vectors.of(ecg)
        return self._others(ecg, np.random.default_rng([seed, ecg]).permutation(len(self._known)), similarity)

    def _others(self, ecg: int, order: NDArray[np.intp], similarity: NDArray[np.float32]) -> list[Hit]:
        patient = self._signals.patient(ecg)
        chosen = [i for i in order.tolist() if self._signals.patient(self._known[i]) != patient][:PRECEDENTS]
        return [self._hit(rank, i, float(similarity[i])) for rank, i in enumerate(chosen, 1)]

    def _hit(self, rank: int, row: int, similarity: float) -> Hit:
        ecg = self._known[row]
        if ecg not in self._cases:
            recording = self._signals.recording(ecg)
            report, patient = self._signals.report(ecg), self._signals.patient(ecg)
            self._cases[ecg] = Case(ecg, recording.recording_id, patient, report, tuple(label_report(report or "")))
        return Hit(rank, similarity, self._cases[ecg], Why({"signal": similarity}, {"signal": rank}))


class KnowledgeBaseArchive:
    """A knowledge base's cases."""

    def __init__(self, signals: Signals, kb: KnowledgeBase) -> None:
        self._signals = signals
        self._kb = kb
        self._found: dict[int, list[Hit]] = {}
        self._drawn: dict[tuple[int, int], list[Hit]] = {}

    def hits(self, ecg: int) -> list[Hit]:
        """By :meth:`KnowledgeBase.search`, which leaves out the ECG's own patient and copies of it."""
        if ecg not in self._found:
            self._found[ecg] = self._kb.search(Query(self._signals.recording(ecg), k=PRECEDENTS))
        return self._found[ecg]

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

    @cached_property
    def _ids(self) -> NDArray[np.int64]:
        return DeltaCaseStore(self._kb.path).ids
