"""A build can be repeated, resumed, split over workers and killed; it ends with the same knowledge base."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from indexing_fakes import DIM, STAGES, FakeEncoder, FakeTextEncoder, build_telling, write_archive

from precordia.core.errors import BusyError, FilterError, InputError, MismatchError, MissingExtraError
from precordia.core.findings import Measurements
from precordia.core.recording import Recording
from precordia.indexing.builder import BuildReport, build
from precordia.indexing.changed_sources import Stamp, stamps_of
from precordia.indexing.index_cache import open_vector_index, open_word_index
from precordia.indexing.store import DeltaCaseStore
from precordia.records.scan import RecordRef
from precordia.records.tables import ReportTable

N = 60
SHARD = 4

FRESH = get_context("forkserver")
"""Processes to kill: each is a copy of one that has done nothing but import what a build needs, which takes a second."""
FRESH.set_forkserver_preload(["precordia.indexing.builder", "deltalake", "filelock", "tantivy", "pandas"])


def _build(archive: Path, kb: Path, **options: object) -> BuildReport:
    settings = {"encoder": FakeEncoder(), "text_encoder": FakeTextEncoder(), "stages": STAGES, "workers": 1,
                "shard_size": SHARD, "encoder_name": "fake", **options}  # fmt: skip
    return build(archive, kb, **settings)  # type: ignore[arg-type]


def _content(kb: Path) -> dict[str, object]:
    """Everything a knowledge base holds, in an order of its own."""
    store = DeltaCaseStore(kb)
    ids = store.ids
    vectors = {i: v for chunk in store.vectors("signal") for i, v in zip(*chunk, strict=True)}
    texts = {i: v for chunk in store.vectors("text") for i, v in zip(*chunk, strict=True)}
    rejects = [(r.source, r.stage, r.error, r.reason, r.recording_id, r.patient_key) for r in store.rejects()]
    return {
        "ids": ids.tolist(),
        "cases": store.get(ids.tolist()),
        "hashes": [store.recording(int(i)).content_hash for i in ids],
        "vectors": np.array([vectors[i] for i in ids]).tobytes(),
        "texts": np.array([texts[i] for i in ids]).tobytes(),
        "rejects": rejects,
        "signal_ids": store._signal_rows.ids.tolist(),
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


def test_every_recording_ends_as_a_case_or_as_a_reject_with_its_reason(archive: Path, whole: Path) -> None:
    store = DeltaCaseStore(whole)
    rejects = store.rejects()
    assert len(store) + len(rejects) == N
    stages = {reject.recording_id: (reject.stage, reject.error) for reject in rejects}
    assert stages["r003"] == ("read", "UnreadableRecordingError")
    assert stages["r004"] == ("quality", "PoorQuality")
    assert stages["r005"] == ("embed", "UnusableSignalError")
    assert all(reject.reason and "Sinus" not in reject.reason for reject in rejects)


def test_what_is_stored_is_what_was_read(archive: Path, whole: Path) -> None:
    store = DeltaCaseStore(whole)
    case_id = int(store.select("recording_id = 'r010'")[0])
    (case,) = store.get([case_id])
    recording = store.recording(case_id)
    np.testing.assert_array_equal(recording.signal, np.load(archive / "r010.npy"))
    assert (case.patient_key, case.age, case.report) == ("P5", 50.0, "Sinus rhythm, variant 3")
    assert recording.content_hash == case.content_hash
    assert recording.report == case.report
    ((ids, vectors),) = ((i[i == case_id], v[i == case_id]) for i, v in store.vectors() if (i == case_id).any())
    np.testing.assert_array_equal(vectors[0], FakeEncoder().embed([recording])[0])
    assert ids.tolist() == [case_id]


def test_building_again_adds_nothing(archive: Path, tmp_path: Path) -> None:
    first = _build(archive, tmp_path / "kb")
    before = _content(tmp_path / "kb")
    again = _build(archive, tmp_path / "kb")
    assert first.n_added + first.n_rejected == first.n_seen == N
    assert (again.n_added, again.n_present, again.n_rejected) == (0, N, 0)
    assert _content(tmp_path / "kb") == before


def test_a_second_copy_of_a_recording_is_present_not_added(archive: Path, tmp_path: Path) -> None:
    _build(archive, tmp_path / "kb")
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("r000.npy", "r000.json"):
        (copy / name).write_bytes((archive / name).read_bytes())
    for _ in range(2):
        report = _build(copy, tmp_path / "kb")
        assert (report.n_added, report.n_present, report.n_rejected) == (0, 1, 0)


def _changed(archive: Path, folder: Path, **about: object) -> Path:
    """A copy of the archive in which one description differs."""
    if not folder.exists():
        shutil.copytree(archive, folder)
    file = folder / "r010.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **about}))
    return folder


@pytest.mark.parametrize("about", [{"report": "Amended report"}, {"patient": "P999"}, {"age": 77}])
def test_what_changed_is_updated_and_the_rest_left_alone(
    archive: Path, whole: Path, tmp_path: Path, about: dict[str, object]
) -> None:
    mine, kb = _changed(archive, tmp_path / "mine", age=50), tmp_path / "kb"
    _build(mine, kb)
    before = DeltaCaseStore(kb)
    old = before.get(before.select("recording_id = 'r010'").tolist())[0]
    report = _build(_changed(archive, mine, **about), kb)
    assert (report.n_added, report.n_updated, report.n_present) == (0, 1, N - 1)
    after = DeltaCaseStore(kb)
    (new,) = after.get(after.select("recording_id = 'r010'").tolist())
    assert (new.report, new.patient_key, new.age) == (
        about.get("report", old.report), about.get("patient", old.patient_key), about.get("age", old.age)
    )  # fmt: skip
    assert len(after) == len(before.ids) == len(after._signal_rows.ids)
    assert after.recording(new.case_id).content_hash == old.content_hash
    assert _build(mine, kb).n_present == N


def test_a_touched_file_is_read_again_once(archive: Path, tmp_path: Path) -> None:
    mine, kb = _changed(archive, tmp_path / "mine"), tmp_path / "kb"
    _build(mine, kb)
    before = _content(kb)
    for name in ("r010.npy", "r003.npy"):
        os.utime(mine / name, (1, 1))
    report = _build(mine, kb)
    assert (report.n_added, report.n_updated, report.n_present, report.n_rejected) == (0, 0, N - 1, 1)
    assert _content(kb) == before
    assert _build(mine, kb).n_present == N


def test_a_row_of_the_report_table_that_changes_is_noticed(archive: Path, tmp_path: Path) -> None:
    refs = [RecordRef(str(archive / f"r{i:03d}.npy"), "array") for i in range(N)]
    rows = [f"r{i:03d},words {i},Q{i}" for i in range(N)]
    stamps: list[dict[str, Stamp]] = []
    for words in ("words 10", "other words"):
        (tmp_path / "reports.csv").write_text("\n".join(["file,report,patient", *rows]).replace("words 10", words))
        mapping = {"files": ["file"], "report": "report", "patient_id": "patient"}
        stamps.append(stamps_of(refs, ReportTable.load(tmp_path / "reports.csv", mapping)))
    assert [path for path in stamps[0] if stamps[0][path] != stamps[1][path]] == [str(archive / "r010.npy")]
    assert stamps[0][str(archive / "r010.npy")].patient_key == "Q10"


def test_what_could_not_be_read_is_erased_with_its_patient(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "reports.csv").write_text("\n".join(["file,patient", *(f"r{i:03d},Q{i}" for i in range(N))]))
    table = ReportTable.load(tmp_path / "reports.csv", {"files": ["file"], "patient_id": "patient"})
    _build(archive, tmp_path / "kb", reports=table)
    store = DeltaCaseStore(tmp_path / "kb")
    assert [r.patient_key for r in store.rejects() if r.recording_id == "r003"] == ["Q3"]
    assert store.erase("Q3").n_rejects == 1
    assert not [r for r in store.rejects() if r.recording_id == "r003"]


def test_workers_and_shard_size_change_nothing(archive: Path, whole: Path, tmp_path: Path) -> None:
    _build(archive, tmp_path / "two", workers=2, shard_size=7)
    assert _content(tmp_path / "two") == _content(whole)


def test_progress_wraps_the_shards(archive: Path, tmp_path: Path) -> None:
    totals: list[int] = []

    def progress(results: Iterable[Any], total: int) -> Iterator[Any]:
        for result in results:
            totals.append(total)
            yield result

    _build(archive, tmp_path / "kb", progress=progress)
    assert totals == [N // SHARD] * (N // SHARD)


def test_where_without_a_table_is_over_the_cases(archive: Path, tmp_path: Path) -> None:
    _build(archive, tmp_path / "kb", where="fold <= 4 and age < 60")
    cases = DeltaCaseStore(tmp_path / "kb")
    assert len(cases) > 0
    assert all(float(c.metadata["fold"]) <= 4 and (c.age or 99) < 60 for c in cases.get(cases.ids.tolist()))
    with pytest.raises(FilterError, match="did you mean 'fold'"):
        _build(archive, tmp_path / "other", where="folds <= 4")


def test_a_source_that_is_not_there_leaves_no_knowledge_base(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="elsewhere"):
        _build(archive.parent / "elsewhere", tmp_path / "kb")
    assert not (tmp_path / "kb").exists()


def test_poor_recordings_are_kept_when_asked(archive: Path, tmp_path: Path) -> None:
    _build(archive, tmp_path / "kb", keep_poor=True)
    assert "r004" in {c.recording_id for c in DeltaCaseStore(tmp_path / "kb").get(DeltaCaseStore(tmp_path / "kb").ids)}


def test_rejects_are_read_again_when_asked(archive: Path, tmp_path: Path) -> None:
    first = _build(archive, tmp_path / "kb")
    again = _build(archive, tmp_path / "kb", retry_rejects=True)
    assert again.n_rejected == first.n_rejected == len(DeltaCaseStore(tmp_path / "kb").rejects())


def test_another_encoder_is_refused_with_the_remedy(archive: Path, whole: Path) -> None:
    with pytest.raises(MismatchError, match="open it with encoder 'fake'"):
        _build(archive, whole, encoder=FakeEncoder("another"))


def test_adding_without_the_text_encoder_is_refused(archive: Path, whole: Path) -> None:
    with pytest.raises(MismatchError, match="found by meaning"):
        _build(archive, whole, text_encoder=None)


def _needs_a_package(recording: Recording) -> Measurements:
    if recording.recording_id == "r010":
        raise MissingExtraError("something", "formats", "reading this")
    return STAGES.measure(recording)


def _fails_on_one(recording: Recording) -> Measurements:
    if recording.recording_id == "r010":
        raise ZeroDivisionError(recording.report)
    return STAGES.measure(recording)


def test_what_needed_a_missing_package_is_tried_again(archive: Path, tmp_path: Path) -> None:
    kb = tmp_path / "kb"
    for _ in range(2):
        _build(archive, kb, stages=replace(STAGES, measure=_needs_a_package))
        assert [r.error for r in DeltaCaseStore(kb).rejects() if r.recording_id == "r010"] == ["MissingExtraError"]
    assert _build(archive, kb).n_added == 1
    assert not [r for r in DeltaCaseStore(kb).rejects() if r.recording_id == "r010"]


def test_a_recording_that_breaks_a_stage_is_rejected_without_its_words(archive: Path, tmp_path: Path) -> None:
    _build(archive, tmp_path / "kb", stages=replace(STAGES, measure=_fails_on_one))
    (reject,) = [r for r in DeltaCaseStore(tmp_path / "kb").rejects() if r.recording_id == "r010"]
    assert (reject.stage, reject.error) == ("measure", "ZeroDivisionError")
    assert "Sinus" not in reject.reason


def test_a_second_writer_is_told_to_wait(archive: Path, tmp_path: Path) -> None:
    _build(archive, tmp_path / "kb")
    with DeltaCaseStore(tmp_path / "kb").writing(), pytest.raises(BusyError, match="another process is writing"):
        _build(archive, tmp_path / "kb", wait_s=0.1)


def _start(archive: Path, kb: Path) -> tuple[BaseProcess, Connection]:
    """A build in a process of its own, and its pipe: it says when it begins, and when each shard is committed."""
    ours, theirs = FRESH.Pipe(duplex=False)
    child = FRESH.Process(target=build_telling, args=(str(archive), str(kb), theirs))
    child.start()
    theirs.close()
    assert ours.recv() == "ready"
    return child, ours


def _told(said: Connection) -> bool:
    """Whether one more shard is committed; not where the build has ended."""
    try:
        return bool(said.recv())
    except EOFError:
        return False


@pytest.mark.slow
def test_killed_at_random_points_it_ends_with_the_same_knowledge_base(
    archive: Path, whole: Path, tmp_path: Path
) -> None:
    expected = _content(whole)
    chance = random.Random(8)
    kills, generation, sizes = 0, 0, set()
    while kills < 8:
        kb = tmp_path / f"kb{generation}"
        child, said = _start(archive, kb)
        # A few shards on, then somewhere within the next ones: whatever the machine's speed, lives are short.
        finished = not all(_told(said) for _ in range(chance.randrange(5)))
        if not finished:
            time.sleep(chance.choice([0.0, 0.005, 0.02, 0.05, 0.1]) * chance.random())
            child.kill()
        child.join()
        if child.exitcode == 0:
            assert _content(kb) == expected
            generation += 1
            continue
        assert child.exitcode == -signal.SIGKILL
        kills += 1
        if (kb / "manifest.json").exists():
            sizes.add(len(DeltaCaseStore(kb)))  # readable at every moment
    kb = tmp_path / f"kb{generation}"
    _build(archive, kb)
    assert _content(kb) == expected
    assert len(sizes) > 2
    assert {file.name for file in (kb / "cases").glob("*.parquet")} == set(DeltaCaseStore(kb).files)


def test_a_reader_beside_a_writer_sees_whole_versions(archive: Path, tmp_path: Path) -> None:
    child, _ = _start(archive, tmp_path / "kb")
    while not (tmp_path / "kb" / "manifest.json").exists():
        time.sleep(0.01)
    store, sizes = DeltaCaseStore(tmp_path / "kb"), []
    while child.is_alive():
        store.refresh()
        sizes.append(len(store))
        cases = store.get(store.ids.tolist())
        assert len(cases) == len(store)
        if len(store):
            assert store.recording(int(store.ids[-1])).content_hash == cases[-1].content_hash
    assert child.exitcode == 0
    assert sizes == sorted(sizes)


def test_indexes_are_made_when_missing_and_caught_up_when_stale(archive: Path, tmp_path: Path) -> None:
    half = tmp_path / "half"
    half.mkdir()
    for file in sorted(archive.iterdir())[:N]:
        (half / file.name).write_bytes(file.read_bytes())
    kb = tmp_path / "kb"
    _build(half, kb)
    store = DeltaCaseStore(kb)
    assert len(open_vector_index(store, "signal", DIM)) == len(open_word_index(store)) == len(store) < 44
    _build(archive, kb)
    store.refresh()
    for _ in range(2):
        index = open_vector_index(store, "signal", DIM)
        np.testing.assert_array_equal(np.sort(index.ids), store.ids)
        words = open_word_index(store)
        assert len(words) == len(store)
        assert len(words.search("sinus", 1000)) == len(store)
    for name in ("signal-vectors", "words"):
        place = kb / "cache" / json.loads((kb / "cache" / f"{name}.json").read_text())["file"]
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.write_bytes(b"damaged")
    assert len(open_vector_index(store, "signal", DIM)) == len(open_word_index(store)) == len(store)
