"""The kinds of vector index. A new one is one file with a class that is a ``VectorIndex``, and one line in ``INDEXES``."""

from __future__ import annotations

from typing import Final

from precordia.core.protocols import VectorIndex
from precordia.core.registry import Registry
from precordia.indexing.approximate import APPROXIMATE_FROM, APPROXIMATE_FROM_ON_GPU, FEWEST_TO_TRAIN
from precordia.indexing.vectors import use_gpu

BY_SIZE: Final = "by size"
"""What a manifest says where the number of vectors chooses: compared one by one while they are few, then approximately."""

INDEXES: Final[Registry[type[VectorIndex]]] = Registry(
    "vector index",
    {
        "flat": "precordia.indexing.vectors:FlatIndex",
        "approximate": "precordia.indexing.approximate:ApproximateIndex",
    },
)
"""Kind to class."""


def check_index(index: str) -> None:
    """Refuse what is neither a kind of index nor :data:`BY_SIZE`.

    Raises:
        UnknownNameError: there is no such kind.
    """
    if index != BY_SIZE:
        INDEXES.get(index)


def kind_for(index: str, n: int, approximate_from: int | None = None) -> str:
    """The kind of index that a manifest asks for.

    Args:
        index: What the manifest says: a name in :data:`INDEXES`, or :data:`BY_SIZE`.
        n: Number of vectors.
        approximate_from: Number of vectors from which the search is approximate; None: 200,000, or 10 million where
            FAISS has a GPU, which compares a query with all of them in time.

    Raises:
        UnknownNameError: there is no such kind.
    """
    check_index(index)
    if index != BY_SIZE:
        return index
    if approximate_from is None:
        approximate_from = APPROXIMATE_FROM_ON_GPU if use_gpu() else APPROXIMATE_FROM
    return "flat" if n < max(approximate_from, FEWEST_TO_TRAIN) else "approximate"
