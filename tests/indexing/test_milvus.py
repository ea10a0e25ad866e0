"""The index in Milvus keeps the contract of the one in a file; Milvus Lite stands in for a server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from indexing_fakes import DIM as FAKE_DIM
from indexing_fakes import FakeEncoder, row
from numpy.typing import NDArray

from precordia.core.errors import KnowledgeBaseError, UsageError
from precordia.core.protocols import VectorIndex
from precordia.indexing.index_cache import forget_index, open_vector_index
from precordia.indexing.indexes import check_index, named_address, same_address
from precordia.indexing.manifest import MANIFEST, Manifest
from precordia.indexing.schema import case_table, signal_table
from precordia.indexing.store import DeltaCaseStore
from precordia.indexing.vectors import FlatIndex
from precordia.knowledge_base import KnowledgeBase
from precordia.testing.indexes import DIM, VectorIndexContract, clustered

pytest.importorskip("milvus_lite", reason="needs Milvus Lite: pip install 'precordia[milvus]' milvus-lite")

from precordia.indexing import milvus
from precordia.indexing.milvus import MilvusIndex, MilvusPlace

NUMBERS = count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    uri = str(tmp_path_factory.mktemp("milvus") / "lite.db")
    yield uri
    milvus.connected(uri).close()
    milvus.connected.cache_clear()


@pytest.fixture
def address(server: str) -> str:
    return f"{server}#t{next(NUMBERS)}_0"


class TestMilvusIndex(VectorIndexContract):
    @pytest.fixture(autouse=True)
    def _place(self, address: str) -> None:
        self.place = MilvusPlace.at(address)

    def make(self, dim: int, n: int, sample: Callable[[int], NDArray[np.float32]]) -> VectorIndex:
        return self.place.prepare(dim, n, sample)

    def test_a_removed_vector_leaves_no_trace_where_that_is_said(
        self, index: VectorIndex, ids: NDArray[np.int64], vectors: NDArray[np.float32], tmp_path: Path
    ) -> None:
        """Nothing of a vector is saved here at all; the server no longer gives it."""
        index.remove(ids[:1])
        index.save(tmp_path / "index")
        assert vectors[1, :8].tobytes() not in (tmp_path / "index").read_bytes()
        client = milvus.connected(self.place.uri)
        assert [len(client.get(self.place.collection, ids=[int(i)])) for i in ids[:2]] == [0, 1]

    def test_of_equal_vectors_the_smallest_ids_come(
        self, empty: VectorIndex, ids: NDArray[np.int64], vectors: NDArray[np.float32]
    ) -> None:
        empty.add(ids[:300], np.repeat(vectors[:1], 300, axis=0))
        found, _ = empty.search(vectors[:1], 7)
        assert found[0].tolist() == sorted(ids[:300])[:7]


@pytest.mark.parametrize("asked", [4096, 50])
def test_it_finds_what_the_exact_index_finds(address: str, asked: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where more ids are allowed than can be sent along, and they lie far from the query."""
    monkeypatch.setattr(milvus, "ASKED", asked)
    monkeypatch.setattr(milvus, "MOST", 400)
    monkeypatch.setattr(milvus, "ADDED", 400)
    vectors, ids = clustered(1000, 1), np.arange(1000, dtype=np.int64) * 2**40
    exact, there = FlatIndex(DIM, gpu=False), MilvusPlace.at(address).prepare(DIM, 1000, lambda n: vectors[:n])
    for index in (exact, there):
        index.add(ids, vectors)
    queries = clustered(10, 9)
    far = np.sort(ids[np.argsort(queries[0] @ vectors.T)[:120]])
    for allowed in (None, np.sort(ids[::3]), far):
        wanted, scores = exact.search(queries, 10, allowed)
        found, near = there.search(queries, 10, allowed)
        np.testing.assert_array_equal(found, wanted)
        np.testing.assert_allclose(near, scores, atol=1e-6)


def test_archives_share_a_collection_by_parts(server: str) -> None:
    vectors = clustered(40, 1)
    parts = [MilvusPlace.at(f"{server}#shared_0/{name}").prepare(DIM, 40, lambda n: vectors) for name in ("a", "b")]
    parts[0].add(np.arange(30), vectors[:30])
    parts[1].add(np.arange(30, 40), vectors[30:])
    assert set(parts[0].search(vectors[35:36], 40)[0][0]) == {-1, *range(30)}
    assert parts[1].search(vectors[35:36], 1)[0][0] == [35]
    again = MilvusPlace.at(f"{server}#shared_0/b").prepare(DIM, 40, lambda n: vectors)
    assert again.ids.tolist() == list(range(30, 40))


def store_with(folder: Path, case_ids: list[int]) -> DeltaCaseStore:
    store = DeltaCaseStore.create(folder)
    rows = [row(case_id) for case_id in case_ids]
    with store.writing() as writer:
        writer.append(case_table(rows), signal_table(rows))
    store.refresh()
    return store


def test_it_catches_up_with_the_table_and_outlives_the_cache(tmp_path: Path, address: str) -> None:
    def opened(store: DeltaCaseStore) -> list[int]:
        index = open_vector_index(store, "signal", FAKE_DIM, index="milvus", address=address)
        assert isinstance(index, MilvusIndex)
        return sorted(index.ids.tolist())

    store = store_with(tmp_path, [3, 5])
    assert opened(store) == [3, 5]
    with store.writing() as writer:
        writer.append(case_table([row(8)]), signal_table([row(8)]))
    store.refresh()
    before = open_vector_index(store, "signal", FAKE_DIM, index="milvus", address=address)
    assert opened(store) == [3, 5, 8]
    with store.writing() as writer:  # the cache goes with an erasure, the collection does not
        writer.append(case_table([row(9)]), signal_table([row(9)]))
        writer.purge()
    store.refresh()
    forget_index(tmp_path, "signal-vectors")
    assert opened(store) == [3, 5, 8, 9]
    # Who has not read that version yet does not find what came with it.
    query = next(store.vectors())[1][:1]
    assert set(before.search(query, 10)[0][0]) == {3, 5, 8, -1}


def test_an_erased_patient_is_gone_from_the_server_at_once(tmp_path: Path, server: str) -> None:
    place = f"{server}#erased"
    kb = KnowledgeBase.create(tmp_path, encoder=FakeEncoder(), text_encoder=None, index="milvus", index_uri=place)
    rows = [row(3, "P1"), row(5, "P2")]
    with kb.store.writing() as writer:
        writer.append(case_table(rows), signal_table(rows))
    assert [hit.case.case_id for hit in kb.search(kb.recording(3))] == [5]  # not the query's own
    client, name = milvus.connected(server), "erased_signal_fake_encoder"
    assert client.get_collection_stats(name)["row_count"] == 2
    kb.erase(patient="P1")
    assert [case["id"] for case in client.get(name, ids=[3, 5])] == [5]


def test_another_encoder_s_vectors_go(server: str) -> None:
    vectors = clustered(10, 1)
    former = MilvusPlace.at(f"{server}#kb_signal_aaa").prepare(DIM, 10, lambda n: vectors)
    former.add(np.arange(10), vectors)
    beside = MilvusPlace.at(f"{server}#kb_text_aaa").prepare(DIM, 10, lambda n: vectors)
    assert len(MilvusPlace.at(f"{server}#kb_signal_bbb").prepare(DIM, 10, lambda n: vectors)) == 0
    assert not milvus.connected(server).has_collection("kb_signal_aaa")
    assert milvus.connected(server).has_collection(beside.place.collection)


def test_the_manifest_says_where_without_credentials(tmp_path: Path) -> None:
    there = named_address("http://host:19530")
    assert there is not None
    assert there.startswith("http://host:19530#precordia_")
    manifest = Manifest.of(FakeEncoder(), "fake", index="milvus", index_at="http://host:19530#ecg/north")
    manifest.save(tmp_path)
    assert Manifest.load(tmp_path) == manifest
    assert manifest.index_address("signal") == "http://host:19530#ecg_signal_fake_encoder/north"
    Manifest.of(FakeEncoder(), "fake").save(tmp_path)
    assert "index_at" not in json.loads((tmp_path / MANIFEST).read_bytes())
    assert same_address("http://host:19530", there)
    assert not same_address("http://other:19530", there)


@pytest.mark.parametrize(
    ("index", "address", "message"),
    [
        ("milvus", None, "--index-uri"),
        ("flat", "http://host:1#a", "lies beside its knowledge base"),
        ("milvus", "http://root:secret@host:19530#a", "PRECORDIA_INDEX_TOKEN"),
        ("milvus", "s3://bucket#a", "http://HOST:PORT"),
        ("milvus", "http://host:19530#1 a", "letters, digits"),
        ("milvus", "http://host:19530", "after a #"),
    ],
)
def test_an_address_that_cannot_be_is_refused(index: str, address: str | None, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        check_index(index, address)
    assert "secret" not in str(caught.value)


def test_a_server_that_does_not_answer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(milvus, "PATIENCE_S", 0.5)
    with pytest.raises(KnowledgeBaseError, match=r"http://127\.0\.0\.1:1 cannot be used"):
        open_vector_index(
            store_with(tmp_path, [3]), "signal", FAKE_DIM, index="milvus", address="http://127.0.0.1:1#a_b"
        )
