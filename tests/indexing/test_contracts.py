"""The package's own parts keep the contracts that it sets for others; a new index is one file and one line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from indexing_fakes import DIM, STAGES, FakeEncoder, row, write_archive

from precordia.core.errors import UnknownNameError
from precordia.core.protocols import Encoder
from precordia.engine.executors import EXECUTORS
from precordia.indexing.builder import build
from precordia.indexing.index_cache import open_vector_index
from precordia.indexing.indexes import INDEXES, kind_for
from precordia.indexing.manifest import Manifest
from precordia.indexing.schema import case_table, signal_table
from precordia.indexing.store import DeltaCaseStore
from precordia.indexing.vectors import FlatIndex
from precordia.testing.encoders import EncoderContract
from precordia.testing.stores import CaseStoreContract


class TestDeltaCaseStore(CaseStoreContract):
    def make(self, folder: Path) -> DeltaCaseStore:
        store = DeltaCaseStore.create(folder)
        rows = [row(3, age=50.0), row(5, age=70.0), row(8)]
        with store.writing() as writer:
            writer.append(case_table(rows), signal_table(rows))
        store.refresh()
        return store


class TestFakeEncoder(EncoderContract):
    def make(self) -> Encoder:
        return FakeEncoder()


class OtherIndex(FlatIndex):
    kind = "other"  # type: ignore[misc]


def test_a_new_kind_of_index_is_one_line(tmp_path: Path, register: Callable[..., None]) -> None:
    register(INDEXES, "other", OtherIndex)
    store = TestDeltaCaseStore().make(tmp_path)
    made = open_vector_index(store, "signal", DIM, index="other")
    again = open_vector_index(store, "signal", DIM, index="other")
    assert [type(index) for index in (made, again)] == [OtherIndex, OtherIndex]
    assert sorted(again.ids) == [3, 5, 8]
    assert type(open_vector_index(store, "signal", DIM)) is FlatIndex


def test_the_manifest_names_the_index(tmp_path: Path) -> None:
    replace(Manifest.of(FakeEncoder(), "fake"), index="approximate").save(tmp_path)
    assert Manifest.load(tmp_path).index == "approximate"
    assert [kind_for("by size", n, 1000) for n in (999, 1000)] == ["flat", "approximate"]
    with pytest.raises(UnknownNameError, match="unknown vector index 'flta'; did you mean 'flat'"):
        kind_for("flta", 10)


class HereExecutor:
    """Runs shards where it is, and counts them."""

    def __init__(self) -> None:
        self.n = 0

    def map(self, function: Any, shards: Iterable[Any]) -> Iterator[Any]:
        for shard in shards:
            self.n += 1
            yield function(shard)


def test_a_new_executor_is_one_line(tmp_path: Path, register: Callable[..., None]) -> None:
    here = HereExecutor()
    register(EXECUTORS, "here", lambda workers, n_shards: here)
    write_archive(tmp_path / "archive", 4)
    report = build(tmp_path / "archive", tmp_path / "kb", encoder=FakeEncoder(), stages=STAGES, executor="here")
    assert (report.n_added, here.n) == (3, 1)
    with pytest.raises(UnknownNameError, match="unknown executor"):
        build(tmp_path / "archive", tmp_path / "kb", encoder=FakeEncoder(), stages=STAGES, executor="nowhere")


def test_the_package_does_without_pytest() -> None:
    code = "import sys, precordia, precordia.knowledge_base, precordia.indexing.builder; print('pytest' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
