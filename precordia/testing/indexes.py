"""What every vector index must do: a test class inherits :class:`VectorIndexContract` and gives ``make``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from precordia.core.errors import KnowledgeBaseError, UsageError
from precordia.core.protocols import VectorIndex

DIM = 32
N = 2000


def clustered(n: int, seed: int) -> NDArray[np.float32]:
    """``(n, DIM)`` unit vectors around 200 centres, as embeddings of ECGs lie."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(200, DIM))
    rows = centres[rng.integers(0, 200, n)] + 0.6 * rng.normal(size=(n, DIM))
    out: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return out


class VectorIndexContract:
    """Ids, order, filters, removal, and what is saved."""

    def make(self, dim: int, n: int, sample: Callable[[int], NDArray[np.float32]]) -> VectorIndex:
        """An empty index, as :meth:`~precordia.core.protocols.VectorIndex.prepare` makes it."""
        raise NotImplementedError

    @pytest.fixture
    def vectors(self) -> NDArray[np.float32]:
        return clustered(N, 1)

    @pytest.fixture
    def ids(self) -> NDArray[np.int64]:
        return np.random.default_rng(2).permutation(np.arange(1, 10 * N))[:N].astype(np.int64) * 2**33

    @pytest.fixture
    def empty(self, vectors: NDArray[np.float32]) -> VectorIndex:
        return self.make(DIM, N, lambda size: vectors[:size])

    @pytest.fixture
    def index(self, empty: VectorIndex, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> VectorIndex:
        empty.add(ids[:1500], vectors[:1500])
        empty.add(ids[1500:], vectors[1500:])
        return empty

    def test_it_is_the_whole_interface(self, index: VectorIndex, ids: NDArray[np.int64]) -> None:
        assert isinstance(index, VectorIndex)
        assert (len(index), index.dim) == (N, DIM)
        assert index.ids.tolist() == ids.tolist()
        assert index.suits(N)

    def test_a_vector_finds_itself_first(
        self, index: VectorIndex, ids: NDArray[np.int64], vectors: NDArray[np.float32]
    ) -> None:
        found, scores = index.search(vectors[:50], 5)
        assert (found.shape, scores.shape) == ((50, 5), (50, 5))
        assert found.dtype == np.int64
        assert scores.dtype == np.float32
        assert found[:, 0].tolist() == ids[:50].tolist()
        np.testing.assert_allclose(scores[:, 0], 1.0, atol=0.01)
        assert np.all(np.diff(scores, axis=1) <= 0)

    def test_short_rows_are_padded(
        self, empty: VectorIndex, ids: NDArray[np.int64], vectors: NDArray[np.float32]
    ) -> None:
        found, scores = empty.search(vectors[:2], 3)
        assert found.tolist() == [[-1] * 3] * 2
        assert np.all(np.isneginf(scores))
        empty.add(ids[:2], vectors[:2])
        found, scores = empty.search(vectors[:1], 4)
        assert sorted(found[0, :2]) == sorted(ids[:2])
        assert found[0, 2:].tolist() == [-1, -1]
        assert np.all(np.isneginf(scores[0, 2:]))

    @pytest.mark.parametrize("share", [0.0, 0.002, 0.5, 0.9])
    def test_only_allowed_ids_are_found(
        self, index: VectorIndex, ids: NDArray[np.int64], vectors: NDArray[np.float32], share: float
    ) -> None:
        allowed = np.sort(ids[np.random.default_rng(3).random(N) < share])
        found, _ = index.search(vectors[:20], 10, allowed)
        assert np.isin(found[found >= 0], allowed).all()
        assert ((found >= 0).sum(axis=1) == min(10, allowed.size)).all()

    def test_a_changed_list_of_allowed_ids_counts(
        self, index: VectorIndex, ids: NDArray[np.int64], vectors: NDArray[np.float32]
    ) -> None:
        allowed = ids[:100].copy()
        first, _ = index.search(vectors[:1], 3, allowed)
        allowed[:] = ids[100:200]
        second, _ = index.search(vectors[:1], 3, allowed)
        assert not np.intersect1d(first, second).size

    def test_ties_come_by_id(self, empty: VectorIndex, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        empty.add(ids[:300], np.repeat(vectors[:1], 300, axis=0))
        for allowed in (None, ids[:300], ids[100:]):
            found, _ = empty.search(vectors[:1], 7, allowed)
            assert found[0].tolist() == sorted(found[0])

    def test_an_id_cannot_be_added_twice(
        self, index: VectorIndex, ids: NDArray[np.int64], vectors: NDArray[np.float32]
    ) -> None:
        with pytest.raises(UsageError, match=str(ids[7])):
            index.add(ids[7:8], vectors[7:8])
        with pytest.raises(UsageError, match="already"):
            index.add(np.array([5, 5]), vectors[:2])
        with pytest.raises(UsageError, match="shape"):
            index.add(np.array([5]), vectors[:2])
        assert len(index) == N

    def test_removed_ids_are_never_found_and_can_come_back(
        self, index: VectorIndex, ids: NDArray[np.int64], vectors: NDArray[np.float32]
    ) -> None:
        assert index.remove(np.concatenate([ids[:100], [999]])) == 100
        assert index.remove(ids[:100]) == 0
        assert len(index) == N - 100
        found, _ = index.search(vectors[:100], 20)
        assert not np.isin(found, ids[:100]).any()
        index.add(ids[:100], vectors[:100])
        found, _ = index.search(vectors[:100], 1)
        assert found[:, 0].tolist() == ids[:100].tolist()

    def test_what_is_saved_comes_back(
        self, index: VectorIndex, ids: NDArray[np.int64], vectors: NDArray[np.float32], tmp_path: Path
    ) -> None:
        index.remove(ids[:10])
        index.save(tmp_path / "index")
        again = type(index).load(tmp_path / "index")
        for before, after in zip(index.search(vectors[:30], 8), again.search(vectors[:30], 8), strict=True):
            np.testing.assert_array_equal(before, after)
        assert (len(again), again.kind, again.dim) == (N - 10, index.kind, DIM)
        np.testing.assert_allclose(again.vectors(ids[20:30]), vectors[20:30], atol=index.tolerance, rtol=0)
        with pytest.raises(KeyError):
            again.vectors(ids[:1])

    def test_a_removed_vector_leaves_no_trace_where_that_is_said(
        self, index: VectorIndex, ids: NDArray[np.int64], vectors: NDArray[np.float32], tmp_path: Path
    ) -> None:
        if index.leaves_traces:
            pytest.skip("it says that it may; it is built again after an erasure")
        index.remove(ids[:1])
        index.save(tmp_path / "index")
        assert vectors[0, :8].tobytes() not in (tmp_path / "index").read_bytes()
        assert vectors[1, :8].tobytes() in (tmp_path / "index").read_bytes() or index.tolerance > 0

    @pytest.mark.parametrize("content", [b"", b"nonsense" * 100])
    def test_a_damaged_file_is_an_error_that_names_it(self, index: VectorIndex, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "index").write_bytes(content)
        with pytest.raises(KnowledgeBaseError, match="index"):
            type(index).load(tmp_path / "index")
