"""What every vector index must do; the approximate one must agree with the exact one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from precordia.core.errors import UsageError
from precordia.core.protocols import VectorIndex
from precordia.indexing.approximate import ApproximateIndex
from precordia.indexing.vectors import FlatIndex
from precordia.testing.indexes import DIM, VectorIndexContract, clustered

N = 6000


VECTORS = clustered(N, 1)
IDS = np.random.default_rng(2).permutation(np.arange(1, 10 * N))[:N].astype(np.int64) * 2**33


def _flat() -> FlatIndex:
    return FlatIndex(DIM, gpu=False)


def _approximate() -> ApproximateIndex:
    return ApproximateIndex.train(VECTORS, N)


class TestFlatIndex(VectorIndexContract):
    def make(self, dim: int, n: int, sample: Callable[[int], NDArray[np.float32]]) -> VectorIndex:
        return FlatIndex.prepare(dim, n, sample)

    def test_of_equal_vectors_the_smallest_ids_come(
        self, empty: VectorIndex, ids: NDArray[np.int64], vectors: NDArray[np.float32]
    ) -> None:
        empty.add(ids[:300], np.repeat(vectors[:1], 300, axis=0))
        for allowed in (ids[:300], ids[100:]):
            found, _ = empty.search(vectors[:1], 7, allowed)
            assert found[0].tolist() == sorted(np.intersect1d(allowed, ids[:300]))[:7]


class TestApproximateIndex(VectorIndexContract):
    def make(self, dim: int, n: int, sample: Callable[[int], NDArray[np.float32]]) -> VectorIndex:
        return ApproximateIndex.prepare(dim, n, sample)


def _codes(index: ApproximateIndex) -> dict[int, tuple[int, bytes]]:
    """Id to its list and its 4-bit code; what is behind the end of a list must be nothing."""
    faiss = pytest.importorskip("faiss")
    lists, out = faiss.downcast_InvertedLists(index._base.invlists), dict[int, tuple[int, bytes]]()
    for number in np.flatnonzero([lists.list_size(at) for at in range(lists.nlist)]).tolist():
        n = lists.list_size(number)
        n_blocks = -(-n // lists.n_per_block)
        ids = index._by_row[faiss.rev_swig_ptr(lists.get_ids(number), n)]
        blocks = faiss.rev_swig_ptr(lists.get_codes(number), n_blocks * lists.block_size).reshape(n_blocks, -1)
        codes = [lists.packer.unpack_1(blocks, at) for at in range(n_blocks * lists.n_per_block)]
        assert not np.any(codes[n:])
        out |= {int(i): (number, code.tobytes()) for i, code in zip(ids, codes, strict=False)}
    return out


def test_what_is_removed_leaves_no_code_in_a_list_and_what_is_added_then_is_whole(tmp_path: Path) -> None:
    _approximate().save(tmp_path / "trained")
    index, never = (ApproximateIndex.load(tmp_path / "trained") for _ in range(2))
    gone = np.arange(N) % 7 == 0
    index.add(IDS, VECTORS)
    never.add(IDS[~gone], VECTORS[~gone])
    assert index.remove(IDS[gone]) == gone.sum()
    assert _codes(index) == _codes(never)
    for each in (index, never):
        each.add(IDS[gone], VECTORS[gone])
    again, first = _codes(index), _codes(never)
    assert {i: code for i, (_, code) in again.items()} == {i: code for i, (_, code) in first.items()}


def test_no_centroid_stays_that_a_removed_vector_may_have_had_for_itself() -> None:
    index = _approximate()
    index.add(IDS, VECTORS)
    lists = {i: number for i, (number, _) in _codes(index).items()}
    emptied, lessened = lists[int(IDS[0])], next(n for n in lists.values() if n != lists[int(IDS[0])])
    gone = np.array(
        [*(i for i, n in lists.items() if n == emptied), next(i for i, n in lists.items() if n == lessened)]
    )
    index.remove(gone)
    flat = pytest.importorskip("faiss").downcast_index(index._base.quantizer)
    stay = index.vectors(np.array([i for i, n in lists.items() if n == lessened and i not in gone])).sum(axis=0)
    assert not flat.reconstruct(emptied).any()
    np.testing.assert_allclose(flat.reconstruct(lessened), stay / np.linalg.norm(stay), atol=1e-6)


@pytest.mark.parametrize("share", [1.0, 0.6])
def test_the_approximate_index_agrees_with_the_exact_one(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("precordia.indexing.approximate.EXHAUSTIVE", 0)
    exact, approximate = _flat(), _approximate()
    for index in (exact, approximate):
        index.add(IDS, VECTORS)
    queries = clustered(200, 9)
    allowed = None if share == 1.0 else np.sort(IDS[: int(share * N)])
    wanted, scores = exact.search(queries, 10, allowed)
    found, near = approximate.search(queries, 10, allowed)
    recall = np.mean([np.isin(a, b).mean() for a, b in zip(found, wanted, strict=True)])
    assert recall >= 0.95
    np.testing.assert_allclose(near[:, 0], scores[:, 0], atol=0.05)


def test_exact_search_is_exact() -> None:
    index = _flat()
    index.add(IDS, VECTORS)
    queries = clustered(20, 9)
    similar = queries @ VECTORS.T
    expected = [sorted(zip(-row, IDS, strict=True))[:10] for row in similar]
    ids, _ = index.search(queries, 10)
    assert ids.tolist() == [[int(i) for _, i in row] for row in expected]


def test_too_few_vectors_to_train_on() -> None:
    with pytest.raises(UsageError, match="too few"):
        ApproximateIndex.train(VECTORS[:10], 10)


@pytest.mark.gpu
def test_a_gpu_finds_the_same() -> None:
    faiss = pytest.importorskip("faiss")
    if not hasattr(faiss, "StandardGpuResources") or faiss.get_num_gpus() == 0:
        pytest.skip("needs a CUDA device and a FAISS built for it")
    here, there = FlatIndex(DIM, gpu=False), FlatIndex(DIM, gpu=True)
    for index in (here, there):
        index.add(IDS, VECTORS)
    np.testing.assert_array_equal(here.search(VECTORS[:50], 10)[0], there.search(VECTORS[:50], 10)[0])


def test_equal_vectors_come_by_id_however_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("precordia.indexing.approximate.EXHAUSTIVE", 0)
    index = _approximate()
    index.add(IDS, VECTORS)
    same = np.arange(60, 0, -1, dtype=np.int64)
    index.add(same, np.repeat(VECTORS[:1], 60, axis=0))
    ids, scores = index.search(VECTORS[:1], 10)
    assert ids[0].tolist() == sorted([*same.tolist(), int(IDS[0])])[:10]
    assert np.ptp(scores) < 1e-6
