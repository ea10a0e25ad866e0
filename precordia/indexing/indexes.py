"""The kinds of vector index. A new one is one file with a class that is a ``VectorIndex``, and one line in ``INDEXES``."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UsageError
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
        "faiss-gpu": "precordia.indexing.vectors:GpuIndex",
        "milvus": "precordia.indexing.milvus:MilvusIndex",
    },
)
"""Kind to class."""


class Maker(Protocol):
    """Makes an empty index: a class of :data:`INDEXES`, or a place on a server."""

    def prepare(self, dim: int, n: int, sample: Callable[[int], NDArray[np.float32]]) -> VectorIndex:
        """See :meth:`precordia.core.protocols.VectorIndex.prepare`."""
        ...


class Place(Maker, Protocol):
    """Where an index lies that is no file."""

    @classmethod
    def at(cls, address: str) -> Place:
        """The place that an address names."""
        ...


PLACES: Final[Registry[type[Place]]] = Registry(
    "index on a server", {"milvus": "precordia.indexing.milvus:MilvusPlace"}
)
"""Kind to what makes it at an address, of those that lie on a server."""


def maker_of(kind: str, address: str | None) -> Maker:
    """What makes an index of a kind.

    Args:
        kind: A name in :data:`INDEXES`.
        address: Where it is to lie, for a kind in :data:`PLACES`: ``URI#name``.
    """
    return INDEXES.get(kind) if address is None else PLACES.get(kind).at(address)


def check_index(index: str, address: str | None = None) -> None:
    """Refuse what is neither a kind of index nor :data:`BY_SIZE`, and an address where none belongs.

    Raises:
        UnknownNameError: there is no such kind.
        UsageError: it needs an address, takes none, or the address is not valid.
    """
    if index != BY_SIZE:
        INDEXES.get(index)
    if index in PLACES and address is None:
        raise UsageError(f"index {index!r} lies on a server: say where by --index-uri")
    if address is not None:
        if index not in PLACES:
            raise UsageError(
                f"index {index!r} lies beside its knowledge base: --index-uri goes with {', '.join(PLACES)}"
            )
        PLACES.get(index).at(address)


def named_address(uri: str | None) -> str | None:
    """An address with a name to begin collections with: the one after ``#``, else one of its own.

    >>> named_address("http://host:19530#ecg")
    'http://host:19530#ecg'
    """
    return uri if uri is None or "#" in uri else f"{uri}#precordia_{uuid.uuid4().hex[:12]}"


def same_address(said: str | None, there: str | None) -> bool:
    """Whether what was said of an address, if anything, is that of a manifest; without a name, any name fits."""
    return said is None or (there is not None and said in (there, there.partition("#")[0]))


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
    if index != BY_SIZE:
        INDEXES.get(index)
        return index
    if approximate_from is None:
        approximate_from = APPROXIMATE_FROM_ON_GPU if use_gpu() else APPROXIMATE_FROM
    return "flat" if n < max(approximate_from, FEWEST_TO_TRAIN) else "approximate"
