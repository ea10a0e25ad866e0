"""Past ECGs as precedents: those of PTB-XL's folds that are here, or a knowledge base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from precordia.concepts import label_report
from precordia.core.case import Case, patient_key_of
from precordia.core.errors import InputError
from precordia.core.protocols import Encoder
from precordia.core.recording import Recording
from precordia.core.retrieval import Hit, Query, Why
from precordia.eval.task import Progress, silent
from precordia.generation.reports.consensus import calibrate_similarity

PRECEDENTS: Final = 20
_BATCH: Final = 64
_DEPTH: Final = 10 * PRECEDENTS
"""Neighbours looked at to find :data:`PRECEDENTS` of other patients."""


class Archive(Protocol):
    """Precedents of any recording.

    Attributes:
        cases: All there are.
        floor: Similarity that all but 2 % of its own cases reach to another patient's case.
        name: For people.
    """

    @property
    def cases(self) -> Sequence[Case]: ...

    @property
    def floor(self) -> float: ...

    @property
    def name(self) -> str: ...

    def hits(self, recording: Recording) -> list[Hit]:
        """The nearest cases of other patients, nearest first."""
        ...


class VectorArchive:
    """Recordings with their reports, found by vectors that were computed beforehand.

    Args:
        known: The recordings.
        vectors: Recording to its unit vector, for those known and all that will be asked.
        codes: Recording to the codes of its diagnoses, where there are any.
    """

    name = "PTB-XL folds 1-8 that are here"

    def __init__(
        self,
        known: Sequence[Recording],
        vectors: Mapping[str, NDArray[np.float32]],
        codes: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self.cases = tuple(_case(number, recording, codes or {}) for number, recording in enumerate(known, 1))
        self._matrix = np.stack([vectors[recording.recording_id] for recording in known])
        self._vectors = vectors
        nearest = [self._near(row, case.patient_key)[1][:1] for row, case in zip(self._matrix, self.cases, strict=True)]
        self.floor = calibrate_similarity([float(s[0]) for s in nearest if s.size])

    def hits(self, recording: Recording) -> list[Hit]:
        """By cosine similarity."""
        order, similarity = self._near(self._vectors[recording.recording_id], patient_key_of(recording))
        return [
            Hit(rank, float(s), self.cases[i], Why({"signal": float(s)}, {"signal": rank}))
            for rank, (i, s) in enumerate(zip(order.tolist(), similarity, strict=True), 1)
        ]

    def _near(self, vector: NDArray[np.float32], patient: str) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        similarity = self._matrix @ vector
        order = np.argsort(-similarity, kind="stable")[:_DEPTH].tolist()
        others = np.array([i for i in order if self.cases[i].patient_key != patient][:PRECEDENTS], dtype=np.intp)
        return others, similarity[others]


class KnowledgeBaseArchive:
    """A knowledge base's cases; their findings also come from the codes beside the reports, where it holds codes.

    Args:
        folder: The knowledge base.
        folds: PTB-XL's folds that it may hold; its other cases are of no concern.

    Raises:
        InputError: it holds recordings of other folds of PTB-XL, whose patients are asked about.
    """

    def __init__(self, folder: Path, folds: Sequence[int] = range(1, 9)) -> None:
        from precordia.indexing.derived import open_vector_index
        from precordia.indexing.store import DeltaCaseStore
        from precordia.knowledge_base import KnowledgeBase
        from precordia.retrieval.nearness import nearest_similarities

        store = DeltaCaseStore(folder)
        self.kb = KnowledgeBase.open(folder)
        self.cases = tuple(self.kb.cases([int(i) for i in np.sort(store.ids)]))
        held_back = [c for c in self.cases if c.metadata.get("strat_fold", "1") not in {str(fold) for fold in folds}]
        if held_back:
            raise InputError(
                f"{folder}: holds {len(held_back)} recordings of PTB-XL's folds that are asked about; "
                "build one with --where 'strat_fold <= 8'"
            )
        self.name = f"knowledge base {folder.name}"
        patients = {case.case_id: case.patient_key for case in self.cases}
        index = open_vector_index(store, "signal", self.kb.manifest.dim)
        self.floor = calibrate_similarity(nearest_similarities(index, patients))

    def hits(self, recording: Recording) -> list[Hit]:
        """By the knowledge base's own search, which leaves out the recording's patient and copies of its signal."""
        return self.kb.search(Query(recording, k=PRECEDENTS))


def embed(
    encoder: Encoder, recordings: Sequence[Recording], progress: Progress = silent
) -> dict[str, NDArray[np.float32]]:
    """Recording to its unit vector."""
    starts = range(0, len(recordings), _BATCH)
    found: dict[str, NDArray[np.float32]] = {}
    for start in progress(starts, len(starts), "embedding", "batch"):
        batch = recordings[start : start + _BATCH]
        found |= dict(zip([r.recording_id for r in batch], encoder.embed(batch), strict=True))
    return found


def _case(number: int, recording: Recording, codes: Mapping[str, tuple[str, ...]]) -> Case:
    report = recording.report
    return Case(
        case_id=number,
        recording_id=recording.recording_id,
        patient_key=patient_key_of(recording),
        report=report,
        findings=tuple(label_report(report or "")),
        codes=codes.get(recording.recording_id, ()),
    )
