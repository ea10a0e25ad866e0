"""The package's own parts keep the contracts that it sets for others; a new index is one file and one line."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from indexing_fakes import DIM, FakeEncoder, row

from precordia.core.errors import UnknownNameError
from precordia.core.protocols import Encoder
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


def test_a_new_kind_of_index_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(INDEXES, "_entries", {**INDEXES._entries, "other": OtherIndex})
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


def test_the_package_does_without_pytest() -> None:
    code = "import sys, precordia, precordia.knowledge_base, precordia.indexing.builder; print('pytest' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
