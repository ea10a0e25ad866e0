"""Cases whose second modality (echo, magnetic resonance, laboratory values) looked like some values, by a head taught by pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from precordia.core.case import Case
from precordia.core.documents import hit_document
from precordia.core.retrieval import Hit, Why, check_number
from precordia.signals.paired.space import PairedSpace

PAIRED = "paired"
"""Among a hit's scores: cosine in the space that ECGs and the second modality share."""

LIMITS: Final = (
    "Numbers of a second modality: shows ECGs that lie near such numbers in the space the pairs taught; cannot show that the "
    "people found had such numbers, nor that these can be told from an ECG."
)
"""The one line for a user."""


class Store(Protocol):
    """What is needed of a case store."""

    def select(self, where: str | None) -> NDArray[np.int64]:
        """Ids of the cases that meet a condition."""
        ...

    def vectors(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Ids and vectors, a file at a time."""
        ...

    def get(self, ids: list[int]) -> list[Case]:
        """The cases."""
        ...


def cases_like(store: Store, space: PairedSpace, values: Mapping[str, float], k: int, where: str | None) -> list[Hit]:
    """Whole recordings that lie nearest to some values in the shared space, best first, ties by case id.

    Every vector is looked at: the space is none that an index is made for.

    Args:
        store: The cases.
        space: Taught by pairs, on the vectors of the store's encoder.
        values: Column to number; a column left out counts as the usual.
        k: Number of hits.
        where: SQL condition that they must meet.

    Raises:
        UsageError: no value, or a column that the pairs did not have, or ``k`` is not 1 to 1000.
        FilterError: ``where`` is not valid.
    """
    check_number(k)
    whole = "start_s is null"
    allowed = store.select(f"({where}) and {whole}" if where else whole)
    best: list[tuple[float, int]] = []
    for ids, vectors in store.vectors():
        wanted = np.isin(ids, allowed)
        rows, cosines = space.ecgs_like(values, vectors[wanted], k)
        best = sorted([*best, *zip((-cosines).tolist(), ids[wanted][rows].tolist(), strict=True)])[:k]
    cases = store.get([case_id for _, case_id in best])
    return [
        Hit(rank, -score, case, Why({PAIRED: -score}, {PAIRED: rank}))
        for rank, ((score, _), case) in enumerate(zip(best, cases, strict=True), start=1)
    ]


def paired_document(
    values: Mapping[str, float], pairs: str, k: int, where: str | None, hits: Sequence[Hit]
) -> dict[str, Any]:
    """A search by such values for JSON: what was asked, what it cannot show, and what was found.

    Args:
        values: Column to number.
        pairs: What the pairs are called.
        k: As asked.
        where: As asked.
        hits: Found.
    """
    return {
        "query": {"values": dict(values), "pairs": pairs, "k": k, "where": where},
        "signal": {"kind": "paired", "limits": LIMITS},
        "hits": [hit_document(hit) for hit in hits],
    }
