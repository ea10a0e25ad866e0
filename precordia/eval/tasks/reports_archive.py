"""Past ECGs as precedents: a knowledge base, asked as users ask it; for training, vectors in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from tempfile import gettempdir
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.concepts import label_report
from precordia.core.case import Case, patient_key_of
from precordia.core.errors import InputError
from precordia.core.protocols import Encoder
from precordia.core.recording import Recording
from precordia.core.retrieval import Hit, Why
from precordia.eval.archive_kb import archive_kb
from precordia.eval.task import Progress, Settings, silent
from precordia.judgement.evidence import Evidence
from precordia.knowledge_base import PRECEDENTS, KnowledgeBase

_BATCH: Final = 64
_DEPTH: Final = 10 * PRECEDENTS
"""Neighbours looked at to find :data:`PRECEDENTS` of other patients."""


class Archive:
    """A knowledge base's cases, and the evidence that it gathers for any recording.

    Args:
        folder: The knowledge base.
        folds: PTB-XL's folds that it may hold; its other cases are of no concern.

    Raises:
        InputError: it holds recordings of other folds of PTB-XL, whose patients are asked about.
    """

    def __init__(self, folder: Path, folds: Sequence[int] = range(1, 9)) -> None:
        self.kb = KnowledgeBase.open(folder)
        held_back = [c for c in self.cases if c.metadata.get("strat_fold", "1") not in {str(fold) for fold in folds}]
        if held_back:
            raise InputError(
                f"{folder}: holds {len(held_back)} recordings of PTB-XL's folds that are asked about; "
                "build one with --where 'strat_fold <= 8'"
            )
        self.name = f"knowledge base {folder.name}"

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """All there are, by id."""
        return tuple(self.kb.cases(sorted(int(i) for i in self.kb.ids())))

    def evidence(self, recording: Recording) -> Evidence:
        """As :meth:`KnowledgeBase.evidence` gathers it."""
        return self.kb.evidence(recording)


def open_archive(settings: Settings, also: Sequence[Path] = ()) -> Archive:
    """The archive that a task asks: the one given, or PTB-XL's folds 1-8, built once and kept.

    Args:
        settings: Of the task.
        also: Other recordings that it is to hold besides; only where it is built.
    """
    if settings.kb is not None and not also:
        return Archive(settings.kb)
    return Archive(archive_kb(settings, settings.out or Path(gettempdir()) / "precordia-eval", also))


class VectorArchive:
    """Recordings with their reports, found by vectors that were computed beforehand: for training, where no archive is built.

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
