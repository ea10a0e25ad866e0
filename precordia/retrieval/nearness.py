"""How near is near: the similarity that an archive's own cases have to their nearest case of another patient.

Cosine similarities mean different things in different encoders and archives. What an ordinary case reaches in this very
archive is the yardstick by which a query's nearest case counts as near, or as too far to be a precedent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE = 256
"""Cases looked at: the 2 % quantile then rests on some five of them."""

DEPTH = 32
"""How many neighbours are read to get past the case's own patient."""


class _Archive(Protocol):
    @property
    def ids(self) -> NDArray[np.int64]: ...

    def vectors(self, ids: NDArray[np.int64]) -> NDArray[np.float32]: ...

    def search(
        self, vectors: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]: ...


PatientsOf = Callable[[NDArray[np.int64]], Sequence[str]]
"""Case ids to patient keys."""


def nearest_similarities(
    index: _Archive, patients_of: PatientsOf, n: int = SAMPLE, among: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """Cosine similarity of each of ``n`` cases to its nearest case of another patient, ascending.

    Case ids are hashes, so the smallest ids are a fair and repeatable sample.

    Args:
        index: Vectors of the signals.
        patients_of: Tells whose some cases are; asked about the sample and its neighbours alone.
        n: Number of cases looked at.
        among: Ids of the cases that are asked about and count as near, or None for all.
    """
    every = index.ids if among is None else np.intersect1d(index.ids, among)
    chosen = np.sort(every if every.size <= n else np.partition(every, n)[:n])
    if chosen.size < 2:
        return np.zeros(0)
    ids, scores = index.search(index.vectors(chosen), min(DEPTH, int(index.ids.size)))
    met = np.unique(np.concatenate([chosen, ids[ids >= 0]]))
    met = met if among is None else met[np.isin(met, every)]
    patients = dict(zip(met.tolist(), patients_of(met), strict=True))
    out = []
    for case_id, found, similarity in zip(chosen, ids, scores, strict=True):
        own = patients[int(case_id)]
        other = next((s for i, s in zip(found, similarity, strict=True) if patients.get(int(i), own) != own), None)
        if other is not None:
            out.append(float(other))
    return np.sort(np.array(out))
