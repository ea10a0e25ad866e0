"""The indexes that are compared: the exact one, the one for large archives, and the usual graph beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from precordia.indexing.approximate import ApproximateIndex
from precordia.indexing.vectors import FlatIndex, import_faiss, ordered

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]

FLAT: Final = "exact"
FASTSCAN: Final = "IVF-PQ fast-scan, refined"
HNSW: Final = "HNSW"


class Searched(Protocol):
    """What is measured of an index."""

    def search(self, vectors: Vectors, k: int, allowed: Ids | None = None) -> tuple[Ids, Vectors]:
        """As :class:`~precordia.core.protocols.VectorIndex`."""
        ...

    def save(self, path: Path) -> None:
        """Write it to one file."""
        ...


class Graph:
    """FAISS's HNSW graph over full vectors, for comparison: 32 links, 40 candidates to build and 64 to search with.

    The candidates to build with are FAISS's own default (1.15).
    """

    def __init__(self, ids: Ids, vectors: Vectors) -> None:
        faiss = import_faiss()
        self._ids = ids
        self._index: Any = faiss.IndexHNSWFlat(vectors.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
        self._index.add(vectors)

    def search(self, vectors: Vectors, k: int, allowed: Ids | None = None) -> tuple[Ids, Vectors]:
        """Ids and similarities; where the search finds fewer, the rest is padded."""
        faiss = import_faiss()
        options: dict[str, Any] = {"efSearch": 64}
        if allowed is not None:
            rows = np.flatnonzero(np.isin(self._ids, allowed)).astype(np.int64)
            options["sel"] = faiss.IDSelectorBatch(rows)
        scores, found = self._index.search(vectors, k, params=faiss.SearchParametersHNSW(**options))
        return ordered(np.where(found >= 0, self._ids[found], -1), scores, k)

    def save(self, path: Path) -> None:
        """Write the graph; ids are another eight bytes a vector."""
        import_faiss().write_index(self._index, str(path))
        with path.open("ab") as stream:
            stream.write(self._ids.tobytes())


def flat(ids: Ids, vectors: Vectors) -> FlatIndex:
    """The exact index, on the processor."""
    index = FlatIndex(vectors.shape[1], gpu=False)
    index.add(ids, vectors)
    return index


def fastscan(ids: Ids, vectors: Vectors) -> ApproximateIndex:
    """The index of large archives, trained on as many vectors as the knowledge base trains it on, from the beginning."""
    index = ApproximateIndex.train(vectors[: ApproximateIndex.training_size(len(vectors))], len(vectors))
    index.add(ids, vectors)
    return index


BUILDERS: Final[Mapping[str, Any]] = {FLAT: flat, FASTSCAN: fastscan, HNSW: Graph}
