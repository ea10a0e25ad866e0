"""Many vectors, searched approximately: an inverted file of 4-bit product codes, refined by 8-bit scalars.

Chosen over bare product codes (which never reached a recall@10 of 0.95) and HNSW (which fell behind at a million); see
``docs/storage.md``. Scores are those of the 8-bit vectors: within about 0.005 of the exact cosine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import KnowledgeBaseError, UsageError
from precordia.indexing.id_order import IdOrder
from precordia.indexing.vectors import (
    AllowedRows,
    FlatIndex,
    bitmap_of,
    checked,
    first_line,
    import_faiss,
    ordered,
    padded,
)

APPROXIMATE_FROM: Final = 200_000
"""Vectors from which comparing with every one takes longer than a query may."""

APPROXIMATE_FROM_ON_GPU: Final = 10_000_000
"""The same where FAISS has a GPU: ten million vectors of 256 numbers are 10 GB there."""

FEWEST_TO_TRAIN: Final = 256
"""Fewer vectors than a product code has to learn from."""

_TRAIN_PER_LIST: Final = 40
"""Training vectors a list: FAISS asks for at least 39; more cost time and gain little."""

EXHAUSTIVE: Final = 20_000
"""Up to this many allowed vectors are all compared: lists would mostly hold vectors that are not allowed."""

_PIECE: Final = 1 << 20
"""Bytes that are read and written at a time: the index is never in memory twice."""

_CANDIDATES: Final = 256
"""Candidates refined a query, at least."""

_SPARE: Final = 16
_MOST_SPARE: Final = 1024
"""Vectors fetched beyond those wanted, and at most where the last of them tie: ties go by id."""


class ApproximateIndex:
    """An IVF index with fast-scan product codes and refinement; a :class:`~precordia.core.protocols.VectorIndex`.

    Made by :meth:`train` or :meth:`load`. What is removed leaves its list, its codes of 4 and of 8 bits overwritten, and the
    list's centroid, which an odd vector may have had for itself, becomes that of the vectors that stay. What else was learned
    when the index was made stays: 16 values of each part of a 4-bit code, least and greatest value of each dimension.
    """

    kind: Final = "approximate"
    leaves_traces: Final = False
    tolerance: Final = 0.05

    def __init__(self, index: Any, ids: NDArray[np.int64]) -> None:
        faiss = import_faiss()
        self.dim = int(index.d)
        self._index = index
        self._base: Any = faiss.downcast_index(index.base_index)
        self._refine: Any = faiss.downcast_index(index.refine_index)
        self._by_row = ids
        self._order: IdOrder | None = None
        self._n_removed = int((ids < 0).sum())
        self._memory = AllowedRows()

    @classmethod
    def prepare(cls, dim: int, n: int, sample: Callable[[int], NDArray[np.float32]]) -> ApproximateIndex | FlatIndex:
        """A trained, empty index; an exact one where there are too few vectors to train on."""
        vectors = sample(cls.training_size(n))
        return cls.train(vectors, n) if len(vectors) >= FEWEST_TO_TRAIN else FlatIndex(dim)

    @staticmethod
    def training_size(n: int) -> int:
        """How many vectors :meth:`train` wants for an index of ``n``."""
        return min(n, _TRAIN_PER_LIST * _n_lists(n))

    @classmethod
    def train(cls, sample: NDArray[np.float32], n: int) -> ApproximateIndex:
        """An empty index, fitted to a sample of the ``n`` vectors that it will hold.

        Raises:
            UsageError: the sample is too small to fit anything.
        """
        faiss = import_faiss()
        if len(sample) < FEWEST_TO_TRAIN:
            raise UsageError(f"{len(sample)} vectors are too few to train an approximate index; use a FlatIndex")
        dim = sample.shape[1]
        n_lists = min(_n_lists(n), max(1, len(sample) // 39))
        parts = dim // 2 if dim % 2 == 0 else dim
        index = faiss.index_factory(dim, f"IVF{n_lists},PQ{parts}x4fs,Refine(SQ8)", faiss.METRIC_INNER_PRODUCT)
        faiss.downcast_index(index.base_index).cp.niter = 10  # 25 change recall by less than 0.002
        index.train(np.ascontiguousarray(sample, dtype=np.float32))
        return cls(index, np.zeros(0, np.int64))

    def __len__(self) -> int:
        return int(self._by_row.size) - self._n_removed

    @property
    def ids(self) -> NDArray[np.int64]:
        """The ids there are, in the order they were added."""
        return self._by_row[self._by_row >= 0]

    def suits(self, n: int) -> bool:
        """Whether the lists are not too few for ``n`` vectors."""
        return int(self._base.nlist) * 4 > _n_lists(n)

    def add(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Add ``(n, dim)`` unit vectors.

        Raises:
            UsageError: an id is there already or comes twice, or the shapes do not fit.
        """
        order = self._ordered()
        ids, vectors = checked(ids, vectors, self.dim, order)
        rows = np.arange(self._by_row.size, self._by_row.size + ids.size, dtype=np.int64)
        self._base.add_with_ids(vectors, rows)
        self._refine.add(vectors)
        self._index.ntotal = self._refine.ntotal
        order.extend(ids, self._by_row.size)
        self._by_row = np.concatenate([self._by_row, ids])

    def remove(self, ids: NDArray[np.int64]) -> int:
        """Remove ids; the number that were there. No code of theirs is left, in memory or in what is saved next."""
        faiss = import_faiss()
        rows = np.flatnonzero(np.isin(self._by_row, np.asarray(ids, dtype=np.int64)) & (self._by_row >= 0))
        if rows.size:
            codes = faiss.rev_swig_ptr(self._refine.codes.data(), self._refine.codes.size())
            codes.reshape(self._refine.ntotal, -1)[rows] = 0
            flat: Any = faiss.downcast_index(self._base.quantizer)
            centroids = faiss.rev_swig_ptr(flat.get_xb(), flat.ntotal * self.dim).reshape(-1, self.dim)
            for number, stay in _take_out(faiss.downcast_InvertedLists(self._base.invlists), rows):
                total = (
                    self._refine.reconstruct_batch(stay).sum(axis=0) if stay.size else np.zeros(self.dim, np.float32)
                )
                centroids[number] = total / max(float(np.linalg.norm(total)), 1e-9)
            self._by_row = self._by_row.copy()
            self._by_row[rows], self._order = -1, None
            self._n_removed += int(rows.size)
        return int(rows.size)

    def vectors(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """``(len(ids), dim)``: the vectors of ids, to 8 bits.

        Raises:
            KeyError: an id is not there.
        """
        return np.asarray(self._refine.reconstruct_batch(self._ordered().rows(ids)), dtype=np.float32)

    def search(
        self, vectors: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Ids and cosine similarities, each ``(n_queries, k)``, best first, ties by id; -1 and -inf pad short rows."""
        queries = np.ascontiguousarray(np.atleast_2d(vectors), dtype=np.float32)
        rows = None if allowed is None else self._memory.rows(self._by_row, allowed)
        n = len(self) if rows is None else rows.size
        if n == 0 or k == 0:
            return padded(queries.shape[0], k)
        if rows is not None and n <= max(EXHAUSTIVE, 4 * k):
            scores = queries @ np.asarray(self._refine.reconstruct_batch(rows), dtype=np.float32).T
            return ordered(np.broadcast_to(self._by_row[rows], scores.shape), scores, k)
        share = n / max(self._by_row.size, 1)
        n_lists = int(self._base.nlist)
        n_probe = min(n_lists, math.ceil(max(16, n_lists // 64) / share))
        spare = _SPARE
        while True:
            found, scores = self._probe(queries, k + spare, n_probe, rows)
            ids, best = ordered(np.where(found >= 0, self._by_row[found], -1), scores, k)
            # As good as the last wanted: there may be more of them, with smaller ids.
            tied = np.isfinite(best[:, -1]) & (scores[:, -1] >= best[:, -1])
            if tied.any() and k + spare < n and spare < _MOST_SPARE:
                spare *= 8
                continue
            # A list may hold too few allowed vectors: look into more of them.
            if n_probe >= n_lists or not np.any(ids[:, min(k, n) - 1] < 0):
                return ids, best
            n_probe = min(n_lists, n_probe * 8)

    def save(self, path: Path) -> None:
        """Write vectors and ids to one file."""
        faiss = import_faiss()
        with path.open("wb") as stream:
            np.save(stream, self._by_row)
            faiss.write_index(self._index, faiss.PyCallbackIOWriter(stream.write, _PIECE))

    @classmethod
    def load(cls, path: Path) -> ApproximateIndex:
        """Read what :meth:`save` wrote.

        Raises:
            KnowledgeBaseError: the file is damaged.
        """
        faiss = import_faiss()
        try:
            with path.open("rb") as stream:
                ids = np.load(stream)
                return cls(faiss.read_index(faiss.PyCallbackIOReader(stream.read, _PIECE)), ids)
        except (RuntimeError, ValueError, OSError, EOFError) as error:
            raise KnowledgeBaseError(f"vector index {path} cannot be read ({first_line(error)}): delete it") from None

    def _ordered(self) -> IdOrder:
        order = self._order
        if order is None:
            order = self._order = IdOrder(self._by_row)
        return order

    def _probe(
        self, queries: NDArray[np.float32], wanted: int, n_probe: int, rows: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        faiss = import_faiss()
        wanted = min(wanted, self._by_row.size)
        options: dict[str, Any] = {"nprobe": n_probe}
        if rows is not None:
            options["sel"] = faiss.IDSelectorBitmap(bitmap_of(rows, self._by_row.size))
        parameters = faiss.IndexRefineSearchParameters(
            k_factor=max(8.0, _CANDIDATES / wanted), base_index_params=faiss.SearchParametersIVF(**options)
        )
        scores, found = self._index.search(queries, wanted, params=parameters)
        return found, scores


def _take_out(lists: Any, rows: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Remove rows from lists of packed 4-bit codes: the last of a list takes the place, and its own is overwritten.

    FAISS's own removal leaves codes behind a list's end, into which the next addition is mixed.

    Yields:
        Each list that has lost something, and the rows that it keeps.
    """
    faiss = import_faiss()
    packer, nothing = lists.packer, np.zeros(lists.packer.code_size, np.uint8)
    for number in range(lists.nlist):
        n = lists.list_size(number)
        if not n:
            continue
        ids = faiss.rev_swig_ptr(lists.get_ids(number), n)
        places = np.flatnonzero(np.isin(ids, rows))
        if not places.size:
            continue
        blocks = faiss.rev_swig_ptr(lists.get_codes(number), -(-n // lists.n_per_block) * lists.block_size)
        blocks = blocks.reshape(-1, lists.block_size)
        for place in places[::-1].tolist():  # from behind, so that what takes a place stays
            n -= 1
            packer.pack_1(packer.unpack_1(blocks, n), place, blocks)
            packer.pack_1(nothing, n, blocks)
            ids[place] = ids[n]
        stay = ids[:n].copy()
        lists.resize(number, n)
        yield number, stay


def _n_lists(n: int) -> int:
    """Lists for ``n`` vectors: a power of two near ``4 sqrt(n)``."""
    return int(2 ** round(math.log2(max(16.0, 4.0 * math.sqrt(max(n, 1))))))
