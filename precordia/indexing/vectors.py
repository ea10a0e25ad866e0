"""Vectors under explicit ids, searched exactly: the index up to some 200,000 cases, and the yardstick above."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import KnowledgeBaseError, MissingExtraError, UsageError
from precordia.indexing.id_order import IdOrder

_OVERFETCH: Final = 16
"""Neighbours asked for beyond ``k``, so that ties at the boundary can be broken by id."""

_FEW: Final = 64
"""Up to this many allowed rows a thousandth of the index, rows are compared one by one instead of scanned."""


class FlatIndex:
    """Every vector compared with the query; a :class:`~precordia.core.protocols.VectorIndex`.

    Args:
        dim: Length of a vector.
        gpu: Search on the first CUDA device where this FAISS can; None: when a device is there.
    """

    kind: Final = "flat"
    leaves_traces: Final = False
    tolerance: Final = 0.0

    def __init__(self, dim: int, gpu: bool | None = None) -> None:
        faiss = import_faiss()
        self.dim = dim
        self._index: Any = faiss.IndexFlatIP(dim)
        self._ids = np.zeros(0, np.int64)
        self._order: IdOrder | None = None
        self._gpu = use_gpu() if gpu is None else gpu
        self._on_gpu: Any = None
        self._owner: Any = None
        self._memory = AllowedRows()

    @classmethod
    def prepare(cls, dim: int, n: int, sample: Callable[[int], NDArray[np.float32]]) -> FlatIndex:
        """An empty index; there is nothing to train."""
        return cls(dim)

    def suits(self, n: int) -> bool:
        """Any number of vectors can be compared one by one."""
        return True

    def __len__(self) -> int:
        return int(self._ids.size)

    @property
    def ids(self) -> NDArray[np.int64]:
        """The ids there are, in the order they were added."""
        return self._ids

    def add(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Add ``(n, dim)`` unit vectors.

        Raises:
            UsageError: an id is there already or comes twice, or the shapes do not fit.
        """
        order = self._ordered()
        ids, vectors = checked(ids, vectors, self.dim, order)
        self._index.add(vectors)
        order.extend(ids, self._ids.size)
        self._ids = np.concatenate([self._ids, ids])
        self._on_gpu = None

    def remove(self, ids: NDArray[np.int64]) -> int:
        """Remove ids; the number that were there. The vectors are gone from memory and from what is saved next."""
        faiss = import_faiss()
        gone = np.isin(self._ids, np.asarray(ids, dtype=np.int64))
        rows = np.flatnonzero(gone).astype(np.int64)
        if rows.size:
            self._index.remove_ids(faiss.IDSelectorBatch(rows))
            self._ids, self._order = self._ids[~gone], None
            self._on_gpu = None
        return int(rows.size)

    def vectors(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """``(len(ids), dim)``: the vectors of ids.

        Raises:
            KeyError: an id is not there.
        """
        return np.asarray(self._index.reconstruct_batch(self._ordered().rows(ids)), dtype=np.float32)

    def search(
        self, vectors: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Ids and cosine similarities, each ``(n_queries, k)``, best first, ties by id; -1 and -inf pad short rows."""
        queries = np.ascontiguousarray(np.atleast_2d(vectors), dtype=np.float32)
        rows = None if allowed is None else self._memory.rows(self._ids, allowed)
        n = self._ids.size if rows is None else rows.size
        if n == 0 or k == 0:
            return padded(queries.shape[0], k)
        wanted = min(k + _OVERFETCH, n)
        while True:
            scores, found = self._nearest(queries, wanted, rows)
            # A tie that runs over the edge of what was fetched may hide a smaller id: fetch more.
            if wanted >= n or not np.any(scores[:, k - 1] <= scores[:, wanted - 1]):
                break
            wanted = min(4 * wanted, n)
        ids = np.where(found >= 0, self._ids[found], -1)
        return ordered(ids, scores, k)

    def save(self, path: Path) -> None:
        """Write vectors and ids to one file."""
        faiss = import_faiss()
        wrapped = faiss.IndexIDMap2(faiss.IndexFlatIP(self.dim))
        if self._ids.size:
            wrapped.add_with_ids(self._index.reconstruct_n(0, self._ids.size), self._ids)
        with path.open("wb") as stream:
            stream.write(memoryview(faiss.serialize_index(wrapped)))

    @classmethod
    def load(cls, path: Path) -> FlatIndex:
        """Read what :meth:`save` wrote.

        Raises:
            KnowledgeBaseError: the file is damaged.
        """
        faiss = import_faiss()
        try:
            wrapped = faiss.read_index(str(path))
            ids = faiss.vector_to_array(wrapped.id_map).astype(np.int64)
        except (RuntimeError, AttributeError) as error:
            raise KnowledgeBaseError(f"vector index {path} cannot be read ({first_line(error)}): delete it") from None
        out = cls(wrapped.d)
        out._index, out._ids = faiss.downcast_index(wrapped.index), ids
        out._owner = wrapped  # frees the index when it goes
        return out

    def _nearest(
        self, queries: NDArray[np.float32], k: int, rows: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        faiss = import_faiss()
        if rows is None:
            scores, found = self._searcher().search(queries, k)
        elif rows.size * 1000 <= _FEW * self._ids.size or rows.size <= 1000:
            subset = faiss.IndexFlatIP(self.dim)
            subset.add(self._index.reconstruct_batch(rows))
            scores, found = subset.search(queries, k)
            found = np.where(found >= 0, rows[found], -1)
        else:
            selector = faiss.IDSelectorBitmap(bitmap_of(rows, self._ids.size))
            scores, found = self._index.search(queries, k, params=faiss.SearchParameters(sel=selector))
        return scores, found

    def _ordered(self) -> IdOrder:
        order = self._order
        if order is None:
            order = self._order = IdOrder(self._ids)
        return order

    def _searcher(self) -> Any:
        if not self._gpu:
            return self._index
        if self._on_gpu is None:
            faiss = import_faiss()
            self._resources = faiss.StandardGpuResources()
            self._on_gpu = faiss.index_cpu_to_gpu(self._resources, 0, self._index)
        return self._on_gpu


class GpuIndex(FlatIndex):
    """A :class:`FlatIndex` that is searched on a CUDA device, and refuses to be where none is."""

    kind: Final = "faiss-gpu"  # type: ignore[misc]

    def __init__(self, dim: int) -> None:
        if not use_gpu():
            raise UsageError(
                "index 'faiss-gpu' needs a CUDA device and a FAISS built for one: install precordia[gpu] on such a machine, "
                "or build with --index faiss, which takes a device where there is one"
            )
        super().__init__(dim, gpu=True)


class AllowedRows:
    """Ids to rows, remembered for the last list of allowed ids, since one filter serves many queries."""

    def __init__(self) -> None:
        self._last: tuple[Any, Any, NDArray[np.int64]] | None = None

    def rows(self, there: NDArray[np.int64], allowed: NDArray[np.int64]) -> NDArray[np.int64]:
        """Positions in ``there`` of the ids that are allowed, ascending."""
        last = self._last
        if last is not None and last[0] is there and last[1] is allowed:
            return last[2]
        rows = np.flatnonzero(np.isin(there, allowed) & (there >= 0))
        # Only what nobody can change is worth remembering.
        self._last = (there, allowed, rows) if not allowed.flags.writeable else None
        return rows


def bitmap_of(rows: NDArray[np.int64], n: int) -> NDArray[np.uint8]:
    """``n`` bits, those of ``rows`` set."""
    bits = np.zeros(n, np.bool_)
    bits[rows] = True
    return np.packbits(bits, bitorder="little")


def import_faiss() -> Any:
    """The module, or the error that says what to install."""
    try:
        import faiss
    except ImportError:
        raise MissingExtraError("faiss", "cpu", "searching vectors") from None
    return faiss


def use_gpu() -> bool:
    """Whether this FAISS can use a CUDA device and there is one."""
    faiss = import_faiss()
    return hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus() > 0


def checked(
    ids: NDArray[np.int64], vectors: NDArray[np.float32], dim: int, there: IdOrder
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Ids and vectors as FAISS wants them.

    Raises:
        UsageError: shapes do not fit, or an id repeats.
    """
    ids = np.ascontiguousarray(ids, dtype=np.int64).reshape(-1)
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    if vectors.shape != (ids.size, dim):
        raise UsageError(f"vectors have shape {vectors.shape}; {ids.size} ids need ({ids.size}, {dim})")
    unique, counts = np.unique(ids, return_counts=True)
    repeated = unique[(counts > 1) | there.has(unique)]
    if repeated.size:
        raise UsageError(f"id {int(repeated[0])} is in the index already; remove it first")
    return ids, vectors


def padded(n_queries: int, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """No result: ids -1, scores -inf."""
    return np.full((n_queries, k), -1, np.int64), np.full((n_queries, k), -np.inf, np.float32)


def ordered(
    ids: NDArray[np.int64], scores: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The best ``k`` of each row, ties by id, padded."""
    out_ids, out_scores = padded(ids.shape[0], k)
    for row in range(ids.shape[0]):
        real = ids[row] >= 0
        found, values = ids[row][real], scores[row][real]
        best = np.lexsort((found, -values))[:k]
        out_ids[row, : best.size], out_scores[row, : best.size] = found[best], values[best]
    return out_ids, out_scores


def first_line(error: Exception) -> str:
    """An error's first line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
