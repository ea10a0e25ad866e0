"""Rankings of an archive's cases for each query: by the knowledge base itself, and by what it should beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.progress import Progress
from precordia.core.protocols import Encoder
from precordia.core.recording import Recording
from precordia.core.retrieval import Query
from precordia.encoders.encoder import unit_rows
from precordia.eval.metrics.ranking import shared_share
from precordia.eval.tasks.retrieval.data import Asked
from precordia.knowledge_base import KnowledgeBase

DEPTH: Final = 20
BATCH: Final = 64


@dataclass(frozen=True)
class Exclusions:
    """What a query never gets back."""

    self_: bool = True
    patient: bool = True
    near_duplicates: bool = True


GUARDED: Final = Exclusions()
OPEN: Final = Exclusions(False, False, False)


def search(
    kb: KnowledgeBase,
    queries: Sequence[Recording],
    progress: Progress,
    label: str,
    exclusions: Exclusions = GUARDED,
    depth: int = DEPTH,
) -> list[list[int]]:
    """Case ids that :meth:`KnowledgeBase.search` gives for each query, nearest first."""
    return [
        [
            hit.case.case_id
            for hit in kb.search(
                Query(
                    query,
                    k=depth,
                    exclude_self=exclusions.self_,
                    exclude_patient=exclusions.patient,
                    exclude_near_duplicates=exclusions.near_duplicates,
                )
            )
        ]
        for query in progress(queries, len(queries), label, "ECG")
    ]


def nearest(queries: NDArray[np.float32], cases: NDArray[np.float32], asked: Asked) -> list[list[int]]:
    """Case ids by cosine similarity of any vectors, exactly; ties by id.

    Args:
        queries: ``(n_queries, dim)``.
        cases: ``(n_cases, dim)`` in the order of ``asked.cases``.
        asked: Says which case may answer which query.
    """
    similarity = np.where(asked.allowed, unit_rows(queries) @ unit_rows(cases).T, -np.inf)
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :DEPTH]
    return [[asked.cases[i].case_id for i in row if np.isfinite(similarity[q, i])] for q, row in enumerate(order)]


def popular(asked: Asked) -> list[list[int]]:
    """The same cases for everybody: those that have most in common with the rest of the archive, of other patients."""
    common = shared_share(asked.case_findings, asked.case_findings).mean(axis=1)
    order = np.argsort(-common, kind="stable")
    return [[asked.cases[i].case_id for i in order if allowed[i]][:DEPTH] for allowed in asked.allowed]


def embed(encoder: Encoder, recordings: Sequence[Recording], progress: Progress, label: str) -> NDArray[np.float32]:
    """``(n, dim)``."""
    starts = range(0, len(recordings), BATCH)
    parts = [encoder.embed(recordings[i : i + BATCH]) for i in progress(starts, len(starts), label, "batch")]
    return np.concatenate(parts)
