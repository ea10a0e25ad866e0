"""Whatever byte of a knowledge base is damaged, it is noticed, what is derived is made again, and what is lost is named."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from indexing_fakes import DIM, STAGES, FakeEncoder, FakeTextEncoder, write_archive

from precordia.core.errors import DamageError, KnowledgeBaseError, KnowledgeBaseNotFoundError
from precordia.indexing.builder import build
from precordia.indexing.index_cache import open_vector_index, open_word_index
from precordia.indexing.integrity import check
from precordia.indexing.manifest import Manifest
from precordia.indexing.store import DeltaCaseStore

N = 24


def _build(archive: Path, kb: Path) -> None:
    build(archive, kb, encoder=FakeEncoder(), text_encoder=FakeTextEncoder(), stages=STAGES, workers=1, shard_size=8,
          encoder_name="fake")  # fmt: skip


def everything(kb: Path) -> dict[str, Any]:
    """All that can be asked of a knowledge base."""
    manifest, store = Manifest.load(kb), DeltaCaseStore(kb)
    ids = store.ids.tolist()
    signals, texts = open_vector_index(store, "signal", DIM), open_vector_index(store, "text", FakeTextEncoder.dim)
    probe = np.eye(DIM, dtype=np.float32)[:4]
    return {
        "manifest": manifest,
        "cases": store.get(ids),
        "signals": [store.recording(i).signal.tobytes() for i in ids],
        "leads": [store.waveform(i, ("II",)).signal.tobytes() for i in ids],
        "near": [part.tolist() for part in signals.search(probe, 5)],
        "near texts": texts.search(np.eye(26, dtype=np.float32)[:2], 5)[0].tolist(),
        "words": open_word_index(store).search("variant 3", 5),
        "old": store.select("age > 60").tolist(),
        "fold": store.select("fold = 3").tolist(),
        "rejects": store.rejects(),
        "sources": [store.row(i, ["source", "source_stamp"]) for i in ids],
    }


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive") / "ecgs"
    write_archive(folder, N)
    return folder


@pytest.fixture(scope="module")
def sound(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    kb = tmp_path_factory.mktemp("sound") / "kb"
    _build(archive, kb)
    return kb, everything(kb)


@pytest.fixture
def kb(sound: tuple[Path, dict[str, Any]], tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound[0], tmp_path / "kb"))


def _files(kb: Path, pattern: str) -> list[Path]:
    return sorted(f for f in kb.glob(pattern) if f.is_file() and not f.name.endswith(".lock"))


def _flip(file: Path, chance: random.Random) -> None:
    content = bytearray(file.read_bytes())
    bit = chance.randrange(8 * len(content))
    content[bit // 8] ^= 1 << bit % 8
    file.write_bytes(content)


TRUTH = ("manifest.json", "*/_files.json", "cases/*.parquet", "signals/*.parquet", "rejects/*.parquet")
DERIVED = ("cache/*.json", "cache/rows/*", "cache/signal-vectors-*", "cache/text-vectors-*", "cache/words-*/*")


@pytest.mark.parametrize("pattern", [*TRUTH, *DERIVED, "*/_delta_log/*", "manifest.copy.json"])
def test_no_flipped_bit_is_served(sound: tuple[Path, dict[str, Any]], kb: Path, pattern: str) -> None:
    chance = random.Random(pattern)
    for _ in range(6):
        file = chance.choice(_files(kb, pattern))
        before = file.read_bytes()
        _flip(file, chance)
        try:
            served = everything(kb)
        except DamageError as error:
            told = str(error)
            assert pattern in TRUTH, told
            assert "precordia check" in told
            file.write_bytes(before)
        else:
            assert served == sound[1], file


@pytest.mark.parametrize("pattern", DERIVED)
@pytest.mark.parametrize("content", [b"", b"nonsense \xff\xfe", b"{}"])
def test_what_is_derived_and_cannot_be_read_is_made_again(
    sound: tuple[Path, dict[str, Any]], kb: Path, pattern: str, content: bytes
) -> None:
    for file in _files(kb, pattern):
        file.write_bytes(content)
    assert everything(kb) == sound[1]
    assert check(kb).problems == ()


@pytest.mark.parametrize("pattern", ["cases/*.parquet", "signals/*.parquet", "rejects/*.parquet"])
@pytest.mark.parametrize("cut", [None, 0, 100])
def test_a_missing_or_empty_file_of_a_table_never_passes_for_there_already(
    archive: Path, kb: Path, pattern: str, cut: int | None
) -> None:
    file = _files(kb, pattern)[1]
    if cut is None:
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:cut])
    for use in (lambda: DeltaCaseStore(kb), lambda: _build(archive, kb)):
        with pytest.raises(DamageError, match=f"{file.name}.*precordia check"):
            use()


def test_a_sound_one_has_no_problems(kb: Path) -> None:
    report = check(kb)
    assert report.problems == ()
    assert report.sound
    assert report.n_files > 20


def test_a_folder_without_one(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeBaseNotFoundError):
        check(tmp_path)


@pytest.mark.parametrize("pattern", [*TRUTH, *DERIVED, "*/_delta_log/*", "manifest.copy.json"])
def test_check_finds_every_flipped_bit_and_repairs_what_it_can(
    archive: Path, sound: tuple[Path, dict[str, Any]], kb: Path, pattern: str
) -> None:
    chance = random.Random(pattern)
    for at in range(min(2, len(_files(kb, pattern)))):
        file = _files(kb, pattern)[-1 - at]
        _flip(file, chance)
        name = file.relative_to(kb).as_posix()
        found = check(kb).problems
        assert [p for p in found if name.startswith(p.what)], name
        report = check(kb, repair=True)
        assert all(problem.repaired for problem in report.problems)
        assert report.sound == (report.n_lost == 0)
        assert not report.n_lost or pattern.endswith("parquet")
        assert check(kb).problems == ()
        if report.n_lost and not pattern.startswith("rejects"):
            assert set(report.lost_cases) == {c.case_id for c in sound[1]["cases"]} - set(
                DeltaCaseStore(kb).ids.tolist()
            )
        _build(archive, kb)  # what was lost is read again
        again = everything(kb)
        assert {c.case_id: c for c in again["cases"]} == {c.case_id: c for c in sound[1]["cases"]}
        assert again["signals"] == sound[1]["signals"]
        assert again["near"] == sound[1]["near"]


def test_the_sound_rows_of_a_damaged_file_of_signals_are_kept(sound: tuple[Path, dict[str, Any]], kb: Path) -> None:
    file = _files(kb, "signals/*.parquet")[0]
    content = bytearray(file.read_bytes())
    content[60] ^= 1
    file.write_bytes(content)
    n = pq.read_metadata(file).num_rows
    named = check(kb)
    report = check(kb, repair=True)
    assert (named.lost_cases, named.n_lost) == (report.lost_cases, report.n_lost)
    assert 0 < report.n_lost < n
    assert len(report.lost_cases) == report.n_lost
    assert len(DeltaCaseStore(kb)) == len(sound[1]["cases"]) - report.n_lost


def test_a_ledger_and_log_that_are_both_lost_are_named(kb: Path) -> None:
    for file in _files(kb, "cases/_files.json") + _files(kb, "cases/_delta_log/*"):
        file.write_bytes(b"x")
    report = check(kb, repair=True)
    assert not report.sound
    assert [p.what for p in report.problems if p.n_lost] == ["cases/_files.json"]


def test_vectors_in_the_cache_that_are_not_the_table_s_are_found(kb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DeltaCaseStore(kb)
    shutil.rmtree(kb / "cache")
    real = DeltaCaseStore.vectors

    def wrong(self: DeltaCaseStore, *args: Any) -> Any:
        for ids, vectors in real(self, *args):
            yield ids, vectors[::-1]

    with monkeypatch.context() as patch:
        patch.setattr(DeltaCaseStore, "vectors", wrong)
        open_vector_index(store, "signal", DIM)
    assert [p.what for p in check(kb).problems] == ["cache/signal-vectors"]
    assert check(kb, repair=True).sound
    assert check(kb).problems == ()


def test_other_derived_folders_are_verified_by_what_is_given(kb: Path) -> None:
    (kb / "judgement").mkdir()
    (kb / "judgement" / "a.json").write_text("x")
    assert check(kb).problems == ()
    verify: Callable[[Path], list[str]] = lambda folder: [f.name for f in folder.iterdir()]  # noqa: E731
    assert [p.what for p in check(kb, verifiers={"judgement": verify}).problems] == ["judgement/a.json"]
    assert check(kb, repair=True, verifiers={"judgement": verify}).sound
    assert not list((kb / "judgement").iterdir())


def test_other_engines_read_the_tables(archive: Path, kb: Path) -> None:
    store = DeltaCaseStore(kb)
    for _ in range(2):
        table = DeltaTable((kb / "cases").as_uri())
        assert sorted(table.to_pyarrow_table(columns=["case_id"])["case_id"].to_pylist()) == store.ids.tolist()
        assert table.schema().to_json()
        for one in store._tables:
            one.checkpoint()


def test_what_another_engine_adds_and_removes_is_taken_over(archive: Path, kb: Path) -> None:
    before = DeltaCaseStore(kb)
    uri = (kb / "cases").as_uri()
    row = DeltaTable(uri).to_pyarrow_table().slice(0, 1)
    gone = row["case_id"].to_pylist()[0]
    DeltaTable(uri).delete(f"case_id = {gone}")
    assert len(DeltaCaseStore(kb)) == len(before)  # readers go by the ledger
    with before.writing():
        pass
    assert gone not in before.ids
    write_deltalake(uri, row, mode="append")
    with before.writing():
        pass
    assert gone in before.ids
    report = check(kb, repair=True)  # its signal went with the row that was removed
    assert report.lost_cases == (gone,)
    assert check(kb).problems == ()


def test_two_damaged_tables_are_both_mended(archive: Path, sound: tuple[Path, dict[str, Any]], kb: Path) -> None:
    (kb / "signals" / "_files.json").write_bytes(b"x")
    (kb / "rejects" / "_files.json").unlink()
    _flip(_files(kb, "cases/_delta_log/*")[0], random.Random(0))
    assert check(kb, repair=True).sound
    assert everything(kb) == sound[1]


def test_many_transactions_leave_a_short_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("precordia.indexing.tables.CHECKPOINT_EVERY", 5)
    write_archive(tmp_path / "a", N)
    build(tmp_path / "a", tmp_path / "kb", encoder=FakeEncoder(), stages=STAGES, workers=1, shard_size=2)
    assert len(list((tmp_path / "kb" / "cases" / "_delta_log").iterdir())) <= 7
    assert check(tmp_path / "kb").problems == ()
    ids = DeltaTable((tmp_path / "kb" / "cases").as_uri()).to_pyarrow_table(columns=["case_id"])["case_id"].to_pylist()
    assert sorted(ids) == DeltaCaseStore(tmp_path / "kb").ids.tolist()


def test_a_damaged_manifest_without_a_sound_copy_is_named(kb: Path) -> None:
    for name in ("manifest.json", "manifest.copy.json"):
        (kb / name).write_bytes(b"x")
    report = check(kb, repair=True)
    assert not report.sound
    with pytest.raises(KnowledgeBaseError):
        Manifest.load(kb)
