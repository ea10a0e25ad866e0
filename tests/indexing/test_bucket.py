"""A knowledge base in an object store is the one of a folder, with one writer on all machines."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from indexing_fakes import STAGES, FakeEncoder, write_archive
from loopback_s3 import LoopbackS3, serving

from precordia.cli.main import main
from precordia.core.errors import BusyError, DamageError, StorageError, UsageError
from precordia.indexing import bucket
from precordia.indexing.addresses import folder_of
from precordia.indexing.builder import build
from precordia.indexing.integrity import check
from precordia.indexing.store import DeltaCaseStore
from precordia.knowledge_base import KnowledgeBase

pytest.importorskip("obstore", reason="needs obstore: pip install 'precordia[cloud]'")

ADDRESS = "s3://archive/kb"
KEY = "/archive/kb/"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackS3]:
    with serving() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        yield server
        forget()


def forget() -> None:
    """As another process would see it."""
    bucket.bucket_of.cache_clear()
    bucket._BY_FOLDER.clear()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Gives the name of another machine: one with no copy yet."""

    def become(name: str) -> None:
        forget()
        monkeypatch.setenv(bucket.CACHE_VARIABLE, str(tmp_path / name))

    become("first")
    return become


def built(source: Path, kb: str | Path) -> int:
    return build(source, kb, encoder=FakeEncoder(), stages=STAGES, workers=1).n_added


def content(kb: str | Path) -> tuple[object, ...]:
    store = DeltaCaseStore(kb)
    vectors = {int(i): v.tobytes() for ids, rows in store.vectors() for i, v in zip(ids, rows, strict=True)}
    signals = [store.recording(i).signal.tobytes() for i in store.ids.tolist()]
    return store.get(store.ids.tolist()), vectors, signals, len(store.rejects())


def test_one_machine_builds_another_reads_and_goes_on(
    tmp_path: Path, s3: LoopbackS3, machine: Callable[[str], None]
) -> None:
    write_archive(tmp_path / "archive", 30)
    assert built(tmp_path / "archive", ADDRESS) == built(tmp_path / "archive", tmp_path / "kb")
    assert content(ADDRESS) == content(tmp_path / "kb")
    machine("second")
    assert content(ADDRESS) == content(tmp_path / "kb")
    write_archive(tmp_path / "archive", 40)
    assert built(tmp_path / "archive", ADDRESS) == built(tmp_path / "archive", tmp_path / "kb") > 0
    machine("first")
    assert content(ADDRESS) == content(tmp_path / "kb")
    assert not any(key.startswith(f"{KEY}cache/") or key.endswith(".lock") for key in s3.objects)


def test_an_erased_patient_s_bytes_are_gone_from_the_store(
    tmp_path: Path, s3: LoopbackS3, machine: Callable[[str], None]
) -> None:
    kb = KnowledgeBase.create(ADDRESS, encoder=FakeEncoder(), text_encoder=None)
    write_archive(tmp_path / "archive", 20)
    built(tmp_path / "archive", ADDRESS)
    store = DeltaCaseStore(ADDRESS)
    held = {
        f"{KEY}cases/{name}"
        for name in store.files
        if "P1" in store._rows.of_file(name, ["patient_key"]).column(0).to_pylist()
    }
    assert held
    assert held <= set(s3.objects)
    assert kb.erase(patient="P1") > 0
    assert not held & set(s3.objects)
    machine("second")
    assert not DeltaCaseStore(ADDRESS).ids_of_patient("P1").size


def test_one_writer_on_all_machines(tmp_path: Path, s3: LoopbackS3, machine: Callable[[str], None]) -> None:
    write_archive(tmp_path / "archive", 4)
    built(tmp_path / "archive", ADDRESS)
    other = {"host": "other", "pid": 1, "until": time.time() + 100}
    s3.objects[f"{KEY}bucket.lock"] = json.dumps(other).encode()
    with pytest.raises(BusyError, match="other is writing"), DeltaCaseStore(ADDRESS).writing(0.3):
        pass
    assert json.loads(s3.objects[f"{KEY}bucket.lock"]) == other
    # One that was not renewed is taken over, and the former holder is refused.
    s3.objects[f"{KEY}bucket.lock"] = json.dumps({**other, "until": time.time() - 1}).encode()
    with DeltaCaseStore(ADDRESS).writing() as writer:
        assert json.loads(s3.objects[f"{KEY}bucket.lock"])["host"] != "other"
        writer.forget_rejects()
    assert f"{KEY}bucket.lock" not in s3.objects
    before = dict(s3.objects)

    def overtaken() -> None:
        with bucket.bucket_of(ADDRESS).held(0, "this one"):
            (folder_of(ADDRESS) / "manifest.json").write_bytes(b"{}")
            s3.objects[f"{KEY}bucket.lock"] = json.dumps(other).encode()
            s3.objects[f"{KEY}bucket.json"] += b" "

    with pytest.raises(BusyError, match="another machine has written meanwhile"):
        overtaken()
    assert json.loads(s3.objects[f"{KEY}bucket.lock"]) == other
    assert {k: v for k, v in s3.objects.items() if k in before and "manifest" not in k} == {
        **{k: v for k, v in before.items() if "manifest" not in k},
        f"{KEY}bucket.json": before[f"{KEY}bucket.json"] + b" ",
    }


@pytest.mark.parametrize("n_puts", [2, 4, 6, 9])
def test_a_machine_that_is_cut_off_leaves_the_former_state_or_the_new_one(
    tmp_path: Path, s3: LoopbackS3, machine: Callable[[str], None], n_puts: int
) -> None:
    write_archive(tmp_path / "archive", 20)
    built(tmp_path / "archive", ADDRESS)
    built(tmp_path / "archive", tmp_path / "kb")
    former = content(ADDRESS)
    write_archive(tmp_path / "archive", 26)
    s3.fails_after = n_puts
    with pytest.raises(StorageError, match="object store cannot be used"):
        built(tmp_path / "archive", ADDRESS)
    s3.fails_after = None
    machine("second")
    s3.objects.pop(f"{KEY}bucket.lock", None)  # as if its time had passed
    assert content(ADDRESS) == former
    built(tmp_path / "archive", ADDRESS)
    built(tmp_path / "archive", tmp_path / "kb")
    assert content(ADDRESS) == content(tmp_path / "kb")


def test_the_root_is_put_last_and_engines_find_the_tables(
    tmp_path: Path, s3: LoopbackS3, machine: Callable[[str], None]
) -> None:
    write_archive(tmp_path / "archive", 8)
    built(tmp_path / "archive", ADDRESS)
    puts = [key.removeprefix(KEY) for key in s3.puts if not key.endswith("bucket.lock")]
    assert puts[-1] == "bucket.json"
    for file in (*folder_of(ADDRESS).glob("cases/*.parquet"), *folder_of(ADDRESS).glob("cases/_delta_log/*")):
        key = f"{KEY}{file.relative_to(folder_of(ADDRESS)).as_posix()}"
        assert s3.objects[key] == file.read_bytes()


def test_serve_wants_a_folder(
    s3: LoopbackS3, machine: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("fastapi")
    assert main(["serve", "--kb", ADDRESS]) == 2
    assert "serve reads a folder" in capsys.readouterr().err


def test_what_is_damaged_on_its_way_is_told(tmp_path: Path, s3: LoopbackS3, machine: Callable[[str], None]) -> None:
    write_archive(tmp_path / "archive", 8)
    built(tmp_path / "archive", ADDRESS)
    (key,) = (key for key in s3.objects if key.startswith(f"{KEY}cases/part"))
    sound, s3.objects[key] = s3.objects[key], s3.objects[key][:-1] + b"?"
    machine("second")
    with pytest.raises(StorageError, match=r"cases/part.* is damaged"):
        folder_of(ADDRESS)
    s3.objects[key] = sound
    (key,) = (key for key in s3.objects if key.startswith(f"{KEY}signals/part"))
    s3.objects[key] = b"?" * 2000 + s3.objects[key][2000:]
    store = DeltaCaseStore(ADDRESS)
    with pytest.raises(DamageError, match=r"the signal of case .* is damaged"):
        [store.recording(i) for i in store.ids.tolist()]


def test_of_the_signals_only_what_is_read_is_fetched(
    tmp_path: Path, s3: LoopbackS3, machine: Callable[[str], None]
) -> None:
    write_archive(tmp_path / "archive", 200)
    build(tmp_path / "archive", ADDRESS, encoder=FakeEncoder(), stages=STAGES, workers=1, shard_size=200)
    first = DeltaCaseStore(ADDRESS)
    (key,) = (key for key in s3.objects if key.startswith(f"{KEY}signals/part"))
    size, case_id = len(s3.objects[key]), int(first.ids[7])
    signal = first.recording(case_id).signal
    machine("second")
    s3.got.clear()
    second = DeltaCaseStore(ADDRESS)
    assert (second.recording(case_id).signal == signal).all()
    read = s3.got[key]
    assert 0 < read < size / 2
    second.recording(case_id)
    assert s3.got[key] == read
    assert check(ADDRESS).sound  # which reads the rest
    assert s3.got[key] == size


def test_who_is_open_reads_on_after_another_machine_has_erased(
    tmp_path: Path, s3: LoopbackS3, machine: Callable[[str], None]
) -> None:
    write_archive(tmp_path / "archive", 40)
    built(tmp_path / "archive", ADDRESS)
    signals = {int(i): DeltaCaseStore(ADDRESS).recording(int(i)).signal for i in DeltaCaseStore(ADDRESS).ids}
    machine("second")
    reading = DeltaCaseStore(ADDRESS)
    left = [int(i) for i in np.setdiff1d(reading.ids, reading.ids_of_patient("P1"))]
    second = bucket.bucket_of(ADDRESS)
    machine("third")
    assert DeltaCaseStore(ADDRESS).erase("P1").case_ids
    bucket._BY_FOLDER[second.folder] = second
    assert all((reading.recording(i).signal == signals[i]).all() for i in left)
    assert not reading.ids_of_patient("P1").size


@pytest.mark.parametrize("name", ["s3://bucket/kb", "gs://bucket/kb", "az://container/kb"])
def test_nothing_is_contacted_without_credentials(name: str) -> None:
    with pytest.raises(UsageError, match="no credentials are set"):
        folder_of(name)


def test_a_store_that_does_not_answer_is_told(
    s3: LoopbackS3, machine: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setattr(bucket, "RETRIES", 0)
    with pytest.raises(StorageError, match="s3://archive/kb: the object store cannot be used"):
        folder_of(ADDRESS)
