"""What every vector index must do; the approximate one must agree with the exact one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from precordia.core.errors import KnowledgeBaseError, UsageError
from precordia.core.protocols import VectorIndex
from precordia.indexing.approximate import ApproximateIndex
from precordia.indexing.vectors import FlatIndex

DIM = 32
N = 6000
Index = FlatIndex | ApproximateIndex


def _clustered(n: int, seed: int) -> NDArray[np.float32]:
    """Unit vectors around 200 centres, as embeddings of ECGs lie."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(200, DIM))
    rows = centres[rng.integers(0, 200, n)] + 0.6 * rng.normal(size=(n, DIM))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


VECTORS = _clustered(N, 1)
IDS = np.random.default_rng(2).permutation(np.arange(1, 10 * N))[:N].astype(np.int64) * 2**33


def _flat() -> FlatIndex:
    return FlatIndex(DIM, gpu=False)


def _approximate() -> ApproximateIndex:
    return ApproximateIndex.train(VECTORS, N)


@pytest.fixture(params=[_flat, _approximate])
def make(request: pytest.FixtureRequest) -> Callable[[], Index]:
    factory: Callable[[], Index] = request.param
    return factory


@pytest.fixture
def index(make: Callable[[], Index]) -> Index:
    made = make()
    made.add(IDS[:4000], VECTORS[:4000])
    made.add(IDS[4000:], VECTORS[4000:])
    return made


def test_it_is_a_vector_index(index: Index) -> None:
    assert isinstance(index, VectorIndex)
    assert len(index) == N
    assert index.ids.tolist() == IDS.tolist()


def test_a_vector_finds_itself_first_with_similarity_one(index: Index) -> None:
    ids, scores = index.search(VECTORS[:50], 5)
    assert ids.shape == scores.shape == (50, 5)
    assert (ids.dtype, scores.dtype) == (np.int64, np.float32)
    assert ids[:, 0].tolist() == IDS[:50].tolist()
    np.testing.assert_allclose(scores[:, 0], 1.0, atol=0.01)
    assert np.all(np.diff(scores, axis=1) <= 0)


def test_an_empty_index_and_too_few_neighbours_are_padded(make: Callable[[], Index]) -> None:
    index = make()
    ids, scores = index.search(VECTORS[:2], 3)
    assert ids.tolist() == [[-1] * 3] * 2
    assert np.all(np.isneginf(scores))
    index.add(IDS[:2], VECTORS[:2])
    ids, scores = index.search(VECTORS[:1], 4)
    assert sorted(ids[0, :2]) == sorted(IDS[:2])
    assert ids[0, 2:].tolist() == [-1, -1]
    assert np.all(np.isneginf(scores[0, 2:]))


@pytest.mark.parametrize("share", [0.0005, 0.02, 0.5, 0.9])
def test_only_allowed_ids_are_returned(index: Index, share: float) -> None:
    allowed = np.sort(IDS[np.random.default_rng(3).random(N) < share])
    ids, _ = index.search(VECTORS[:20], 10, allowed)
    assert np.isin(ids[ids >= 0], allowed).all()
    assert ((ids >= 0).sum(axis=1) == min(10, allowed.size)).all()


def test_nothing_allowed_finds_nothing(index: Index) -> None:
    ids, _ = index.search(VECTORS[:1], 3, np.zeros(0, np.int64))
    assert ids.tolist() == [[-1, -1, -1]]
    ids, _ = index.search(VECTORS[:1], 3, np.array([1, 3], dtype=np.int64))
    assert ids.tolist() == [[-1, -1, -1]]


def test_a_changed_list_of_allowed_ids_counts(index: Index) -> None:
    allowed = IDS[:100].copy()
    first, _ = index.search(VECTORS[:1], 3, allowed)
    allowed[:] = IDS[100:200]
    second, _ = index.search(VECTORS[:1], 3, allowed)
    assert not np.intersect1d(first, second).size


def test_ties_break_by_id(make: Callable[[], Index]) -> None:
    index = make()
    same = np.repeat(VECTORS[:1], 300, axis=0)
    index.add(IDS[:300], same)
    for allowed in (None, IDS[:300], IDS[100:]):
        inside = IDS[:300] if allowed is None else np.intersect1d(allowed, IDS[:300])
        ids, _ = index.search(VECTORS[:1], 7, allowed)
        if isinstance(index, FlatIndex):
            assert ids[0].tolist() == sorted(inside)[:7]
        assert ids[0].tolist() == sorted(ids[0])


def test_an_id_cannot_be_added_twice(index: Index) -> None:
    with pytest.raises(UsageError, match=str(IDS[7])):
        index.add(IDS[7:8], VECTORS[7:8])
    with pytest.raises(UsageError, match="already"):
        index.add(np.array([5, 5]), VECTORS[:2])
    with pytest.raises(UsageError, match="shape"):
        index.add(np.array([5]), VECTORS[:2])
    assert len(index) == N


def test_removed_ids_are_never_found_and_can_come_back(index: Index) -> None:
    assert index.remove(np.concatenate([IDS[:100], [999]])) == 100
    assert index.remove(IDS[:100]) == 0
    assert len(index) == N - 100
    ids, _ = index.search(VECTORS[:100], 20)
    assert not np.isin(ids, IDS[:100]).any()
    index.add(IDS[:100], VECTORS[:100])
    ids, _ = index.search(VECTORS[:100], 1)
    assert ids[:, 0].tolist() == IDS[:100].tolist()


def test_what_is_saved_comes_back(index: Index, tmp_path: Path) -> None:
    index.remove(IDS[:10])
    index.save(tmp_path / "index")
    again = type(index).load(tmp_path / "index")
    for a, b in zip(index.search(VECTORS[:30], 8), again.search(VECTORS[:30], 8), strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(again) == N - 10
    np.testing.assert_allclose(again.vectors(IDS[20:22]), VECTORS[20:22], atol=0.02)
    with pytest.raises(KeyError):
        again.vectors(IDS[:1])


@pytest.mark.parametrize("kind", [FlatIndex, ApproximateIndex])
def test_a_damaged_file_is_an_error_that_names_it(kind: type[Index], tmp_path: Path) -> None:
    for content in (b"", b"nonsense" * 100):
        (tmp_path / "index").write_bytes(content)
        with pytest.raises(KnowledgeBaseError, match="index"):
            kind.load(tmp_path / "index")


@pytest.mark.parametrize("share", [1.0, 0.6])
def test_the_approximate_index_agrees_with_the_exact_one(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("precordia.indexing.approximate._EXHAUSTIVE", 0)
    exact, approximate = _flat(), _approximate()
    for index in (exact, approximate):
        index.add(IDS, VECTORS)
    queries = _clustered(200, 9)
    allowed = None if share == 1.0 else np.sort(IDS[: int(share * N)])
    wanted, scores = exact.search(queries, 10, allowed)
    found, near = approximate.search(queries, 10, allowed)
    recall = np.mean([np.isin(a, b).mean() for a, b in zip(found, wanted, strict=True)])
    assert recall >= 0.95
    np.testing.assert_allclose(near[:, 0], scores[:, 0], atol=0.05)


def test_exact_search_is_exact() -> None:
    index = _flat()
    index.add(IDS, VECTORS)
    queries = _clustered(20, 9)
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
    monkeypatch.setattr("precordia.indexing.approximate._EXHAUSTIVE", 0)
    index = _approximate()
    index.add(IDS, VECTORS)
    same = np.arange(60, 0, -1, dtype=np.int64)
    index.add(same, np.repeat(VECTORS[:1], 60, axis=0))
    ids, scores = index.search(VECTORS[:1], 10)
    assert ids[0].tolist() == sorted([*same.tolist(), int(IDS[0])])[:10]
    assert np.ptp(scores) < 1e-6
