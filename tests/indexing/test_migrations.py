"""A knowledge base of format 1 (``format_1/``, written by the code of version 0.1) opens, whatever happens on the way."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from indexing_fakes import DIM, FakeEncoder, FakeTextEncoder

from precordia.core.errors import MismatchError, ReadOnlyError
from precordia.indexing import durable
from precordia.indexing.integrity import check
from precordia.indexing.manifest import FORMAT_VERSION, Manifest
from precordia.indexing.migrations import BESIDE, JOURNAL, bring_up_to_date
from precordia.indexing.store import DeltaCaseStore
from precordia.knowledge_base import KnowledgeBase

OLD = Path(__file__).parent / "format_1"
NAMES = ["r000", "r001", "r002", "r006", "r007", "r008", "r009", "r010", "r011"]


class Killed(BaseException):
    """As a kill: nothing may catch it."""


@pytest.fixture
def kb(tmp_path: Path) -> Path:
    return Path(shutil.copytree(OLD, tmp_path / "kb"))


def _assert_whole(kb: Path) -> None:
    store = DeltaCaseStore(kb)
    cases = store.get(store.ids.tolist())
    assert sorted(case.recording_id for case in cases) == NAMES
    for case in cases:
        assert store.recording(case.case_id).content_hash == case.content_hash
    assert len(store.rejects()) == 3
    report = check(kb)
    assert (report.sound, report.problems) == (True, ())
    assert not (kb / BESIDE).exists()
    assert not (kb / JOURNAL).exists()


def test_it_opens_is_sound_and_is_searched(kb: Path) -> None:
    opened = KnowledgeBase.open(kb, encoder=FakeEncoder(), text_encoder=FakeTextEncoder())
    assert json.loads((kb / "manifest.json").read_text())["format_version"] == FORMAT_VERSION
    _assert_whole(kb)
    case_id = opened.ids()[0]
    # As of another patient: a patient's own ECGs are never among the hits.
    hits = opened.search(opened.recording(case_id), k=9)
    assert hits
    assert hits[0].score > 0.5
    assert len(opened.search("sinus rhythm", k=9)) == 9
    assert len(opened.search("sinus rhythm", k=9, where="age > 45")) == sum(int(name[1:]) > 5 for name in NAMES)


def test_it_is_brought_up_to_date_once(kb: Path) -> None:
    assert bring_up_to_date(kb)
    before = {file: file.stat().st_mtime_ns for file in kb.rglob("*") if file.is_file()}
    assert not bring_up_to_date(kb)
    assert before == {file: file.stat().st_mtime_ns for file in kb.rglob("*") if file.is_file()}


def test_its_vectors_are_those_that_were_kept(kb: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    written = {
        row["case_id"]: row["embedding"]
        for file in (OLD / "cases").glob("*.parquet")
        for row in pq.read_table(pa.BufferReader(file.read_bytes()), columns=["case_id", "embedding"]).to_pylist()
    }
    bring_up_to_date(kb)
    kept = {int(i): v for ids, vectors in DeltaCaseStore(kb).vectors() for i, v in zip(ids, vectors, strict=True)}
    assert kept.keys() == written.keys()
    for case_id, vector in kept.items():
        np.testing.assert_array_equal(vector, np.array(written[case_id], np.float32).reshape(DIM))


def test_a_kill_at_any_step_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    monkeypatch.setattr(durable, "step", lambda doing, path: steps.append(doing))
    bring_up_to_date(shutil.copytree(OLD, tmp_path / "counted"))
    assert len(steps) > 40
    # Every step from the journal on, where parts change places, and some of those before it.
    for last in [*range(0, len(steps) - 32, 7), *range(len(steps) - 32, len(steps))]:
        kb = Path(shutil.copytree(OLD, tmp_path / f"kb{last}"))
        left = iter(range(last))

        def killing(doing: str, path: Path, left: object = left) -> None:
            if next(left, None) is None:  # type: ignore[call-overload]
                raise Killed

        monkeypatch.setattr(durable, "step", killing)
        with pytest.raises(Killed):
            bring_up_to_date(kb)
        monkeypatch.setattr(durable, "step", lambda doing, path: None)
        bring_up_to_date(kb)
        assert Manifest.load(kb).format_version == FORMAT_VERSION
        _assert_whole(kb)
        shutil.rmtree(kb)


def test_where_nothing_can_be_written_it_is_told_and_left_as_it_was(kb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(doing: str, path: Path) -> None:
        raise OSError(errno.EROFS, "read-only file system", str(path))

    monkeypatch.setattr(durable, "step", refuse)
    before = {file.relative_to(OLD): file.read_bytes() for file in OLD.rglob("*") if file.is_file()}
    with pytest.raises(ReadOnlyError, match=r"earlier format.*copy it to a folder that this user may write to"):
        bring_up_to_date(kb)
    assert all((kb / name).read_bytes() == content for name, content in before.items())


def test_a_check_alone_changes_nothing_and_says_what_does(kb: Path) -> None:
    with pytest.raises(MismatchError, match=r"check --kb .* --repair, brings it up to date"):
        check(kb)
    assert check(kb, repair=True).sound
    _assert_whole(kb)
