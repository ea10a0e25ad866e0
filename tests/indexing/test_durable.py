"""Kills and failing disks, wherever they strike: nothing is lost, nothing is doubled, and the error says what to do."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faults_of_disks import Killed, every_step, failing_at, killed_at
from indexing_fakes import DIM, STAGES, FakeEncoder, FakeTextEncoder, row, write_archive
from needles import append, fill

from precordia.core.errors import (
    AccessDeniedError,
    DiskFullError,
    PrecordiaError,
    ReadOnlyError,
    StorageError,
    UsageError,
)
from precordia.indexing import index_cache
from precordia.indexing.addresses import folder_of
from precordia.indexing.builder import build
from precordia.indexing.durable import write_atomically
from precordia.indexing.index_cache import open_vector_index, open_word_index
from precordia.indexing.integrity import check
from precordia.indexing.manifest import Manifest
from precordia.indexing.store import DeltaCaseStore

N = 8


def _build(archive: Path, kb: Path) -> None:
    build(archive, kb, encoder=FakeEncoder(), text_encoder=FakeTextEncoder(), stages=STAGES, workers=1, shard_size=4,
          encoder_name="fake")  # fmt: skip


def _content(kb: Path) -> dict[str, Any]:
    store = DeltaCaseStore(kb)
    ids = store.ids.tolist()
    return {
        "cases": store.get(ids),
        "signals": [store.recording(i).signal.tobytes() for i in ids],
        "stored": store._signal_rows.ids.tolist(),
        "rejects": [(r.source, r.stage, r.error) for r in store._all_rejects()],
        "vectors": sorted(open_vector_index(store, "signal", DIM).ids),
        "words": len(open_word_index(store)),
    }


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive") / "ecgs"
    write_archive(folder, N)
    return folder


@pytest.fixture(scope="module")
def whole(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    kb = tmp_path_factory.mktemp("whole") / "kb"
    _build(archive, kb)
    return kb


@pytest.fixture(scope="module")
def steps(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> range:
    """Of a build into an empty folder."""
    empty = tmp_path_factory.mktemp("empty") / "kb"
    empty.mkdir()
    return every_step(lambda kb: _build(archive, kb), empty, tmp_path_factory.mktemp("count") / "kb")


def test_an_index_that_another_process_replaced_meanwhile_is_taken_as_it_is_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = fill(tmp_path / "kb")
    open_word_index(store)
    with store.writing() as writer:
        append(writer, [row(99, "P99", "a later report")])
    lock = index_cache.locked

    def another_is_faster(*args: Any) -> Any:
        monkeypatch.setattr(index_cache, "locked", lock)
        open_word_index(DeltaCaseStore(tmp_path / "kb"))
        return lock(*args)

    monkeypatch.setattr(index_cache, "locked", another_is_faster)
    assert len(open_word_index(store)) == len(store)


@pytest.mark.slow
def test_a_build_killed_at_any_write_goes_on_to_the_same_end(
    archive: Path, whole: Path, steps: range, tmp_path: Path
) -> None:
    expected = _content(whole)
    for at in steps:
        kb = tmp_path / f"kb{at}"
        with killed_at(at), pytest.raises(Killed):
            _build(archive, kb)
        if Manifest.exists(kb):
            assert len(DeltaCaseStore(kb)) <= len(expected["cases"])  # readable at every moment
        _build(archive, kb)
        assert _content(kb) == expected
        assert check(kb).problems == ()
        shutil.rmtree(kb)
    assert len(steps) > 40


@pytest.mark.parametrize(
    ("number", "kind", "said"),
    [
        (errno.ENOSPC, DiskFullError, "the disk is full.*free some space"),
        (errno.EDQUOT, DiskFullError, "the disk is full"),
        (errno.EROFS, ReadOnlyError, "mounted read-only"),
        (errno.EACCES, AccessDeniedError, "permission denied: let this user"),
        (errno.EIO, StorageError, "cannot be used .*run precordia check"),
    ],
)
def test_a_failing_disk_is_told_with_the_remedy_and_costs_nothing_that_was_finished(
    archive: Path, whole: Path, steps: range, tmp_path: Path, number: int, kind: type[PrecordiaError], said: str
) -> None:
    for at in steps[:: max(1, len(steps) // 6)]:
        kb = tmp_path / f"kb{at}"
        with failing_at(at, number), pytest.raises(kind, match=said):
            _build(archive, kb)
        assert not list(kb.glob("*/*.tmp"))
        _build(archive, kb)
        assert _content(kb)["cases"] == _content(whole)["cases"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO])
def test_a_disk_that_takes_no_writes_is_searched_from_memory(whole: Path, tmp_path: Path, number: int) -> None:
    expected = _content(whole)
    kb = shutil.copytree(whole, tmp_path / "kb", ignore=shutil.ignore_patterns("cache"))
    with failing_at(0, number):
        assert _content(kb) == expected
    assert not list((kb / "cache").rglob("*.blocks"))


def test_a_damaged_cache_that_cannot_be_written_is_passed_over(whole: Path, tmp_path: Path) -> None:
    expected = _content(whole)
    kb = shutil.copytree(whole, tmp_path / "kb")
    for mirror in (kb / "cache" / "rows").iterdir():
        content = bytearray(mirror.read_bytes())
        content[len(content) // 2] ^= 1
        mirror.write_bytes(content)
    with failing_at(0, errno.EROFS):
        assert _content(kb) == expected


def _fails(number: int, on: str) -> Callable[[Path], bytes]:
    real = Path.read_bytes

    def read_bytes(self: Path) -> bytes:
        if self.name.endswith(on):
            raise OSError(number, "x", str(self))
        return real(self)

    return read_bytes


@pytest.mark.parametrize(
    ("number", "on", "kind"),
    [
        (errno.EIO, ".parquet", StorageError),
        (errno.EACCES, "manifest.json", AccessDeniedError),
        (errno.EACCES, "_files.json", AccessDeniedError),
        (errno.EACCES, ".parquet", AccessDeniedError),
        (errno.EIO, "manifest.json", StorageError),
    ],
)
def test_what_cannot_be_read_is_neither_damage_nor_no_knowledge_base(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, on: str, kind: type[PrecordiaError]
) -> None:
    kb = shutil.copytree(whole, tmp_path / "kb", ignore=shutil.ignore_patterns("cache"))
    monkeypatch.setattr(Path, "read_bytes", _fails(number, on))
    use = Manifest.load if on == "manifest.json" else _content
    with pytest.raises(kind) as told:
        use(kb)
    assert type(told.value) is kind


def test_a_disk_that_vanishes_during_a_search(whole: Path, tmp_path: Path) -> None:
    kb = shutil.copytree(whole, tmp_path / "kb")
    store = DeltaCaseStore(kb)
    assert len(store)
    shutil.rmtree(kb)
    with pytest.raises(StorageError, match=r"vanished.*see that it is mounted"):
        store.refresh()


def test_what_is_written_is_the_old_or_the_new(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_atomically(file, b"old")
    for at in range(4):
        with killed_at(at), pytest.raises(Killed):
            write_atomically(file, b"new")
        assert file.read_bytes() == (b"new" if at == 3 else b"old")
    with failing_at(1, errno.ENOSPC), pytest.raises(DiskFullError):
        write_atomically(file, b"newer")
    assert [f.name for f in tmp_path.iterdir() if "tmp" in f.name and str(f.name).endswith("tmp")] == [
        f.name for f in tmp_path.glob("file.*.tmp")
    ]


ODD = [
    "s3:x",
    "a:b",
    "~",
    "~root",
    "100%41",
    "two words",
    "new\nline",
    "file:",
    "gs:",
    "http:x",
    "ümlaut",
    "-kb",
    "a?b#c",
    "*",
]


@pytest.mark.parametrize("name", ODD)
def test_a_folder_is_a_folder_whatever_its_name(
    archive: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    _build(archive, Path(name))
    assert [f.name for f in tmp_path.iterdir() if f.name != "home"] == [name]
    assert _content(Path(name)) == _content(whole)
    assert check(name).problems == ()
    store = DeltaCaseStore(name)
    assert store.erase("P0").case_ids
    for table in store._tables:
        table.checkpoint()
    assert check(name, repair=True).problems == ()


@pytest.mark.parametrize("name", ["s3://bucket/kb", "gs://bucket/kb", "az://container/kb"])
def test_without_credentials_no_object_store_is_contacted(archive: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no credentials are set"):
        folder_of(name)
    with pytest.raises(UsageError, match="no credentials are set"):
        build(archive, name, encoder=FakeEncoder(), stages=STAGES, workers=1)
