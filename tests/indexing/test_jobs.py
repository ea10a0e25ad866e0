"""A job's file says how far it is and how it ended, also where nobody was left to say so."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from precordia.core.errors import UsageError
from precordia.indexing import jobs as module
from precordia.indexing.jobs import JOBS, KEPT, STOPPING, Job, Recorder, Stopped, jobs, new_id, stop


def only(kb: Path) -> Job:
    (job,) = jobs(kb)
    return job


def test_a_job_says_how_far_it_is_and_what_came_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TELL_S", 0.0)
    with Recorder(tmp_path, "build", "/data/inbox", by="ward") as record:
        seen = []
        for _ in record.progress(range(3), 3, "building", "shard"):
            job = only(tmp_path)
            seen.append((job.state, job.doing, job.done, job.total, job.unit))
        record.tell("3 added")
    assert seen == [("running", "building", n, 3, "shard") for n in range(3)]
    job = only(tmp_path)
    assert (job.state, job.done, job.by, job.source, job.told) == ("done", 3, "ward", "/data/inbox", "3 added")


@pytest.mark.parametrize(
    ("error", "state", "told"),
    [(UsageError("no\nsuch thing"), "failed", "no such thing"),
     (ValueError("Zyxwvut"), "failed", "ValueError"), (KeyboardInterrupt(), "stopped", "")],
)  # fmt: skip
def test_a_job_that_fails_says_why_and_names_nobody(
    tmp_path: Path, error: BaseException, state: str, told: str
) -> None:
    with pytest.raises(type(error)), Recorder(tmp_path, "check"):
        raise error
    job = only(tmp_path)
    assert (job.state, job.told) == (state, told)


def test_a_job_whose_file_is_not_what_was_written_says_nothing(tmp_path: Path) -> None:
    with Recorder(tmp_path, "check") as record:
        record.tell("all as it was written")
    (file,) = (tmp_path / JOBS).glob("*.json")
    file.write_bytes(file.read_bytes().replace(b"all as", b"ill as"))
    assert jobs(tmp_path) == []


def test_a_job_that_was_killed_is_lost_and_one_that_lives_is_not(tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom precordia.indexing.jobs import Recorder\n"
        "with Recorder(Path(sys.argv[1]), 'refit'):\n    print('begun', flush=True)\n    time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    assert only(tmp_path).state == "running"
    process.kill()
    process.wait(20)
    process.stdout.close()
    assert only(tmp_path).state == "lost"


def test_the_latest_comes_first_and_the_oldest_are_forgotten(tmp_path: Path) -> None:
    for i in range(KEPT + 3):
        with Recorder(tmp_path, "check", id=f"20260101T{i:06d}-00000000"):
            pass
    found = [job.id for job in jobs(tmp_path)]
    assert found == sorted(found, reverse=True)
    assert len(found) == KEPT
    assert len(list((tmp_path / JOBS).iterdir())) <= 2 * KEPT


def test_files_that_are_no_jobs_are_passed_over(tmp_path: Path) -> None:
    with Recorder(tmp_path, "check"):
        pass
    for name, text in (
        ("20260101T000000-00000000", "{"),
        ("20260101T000001-00000000", json.dumps({"id": 1})),
        ("x", "{}"),
    ):
        (tmp_path / JOBS / f"{name}.json").write_text(text)
    assert len(jobs(tmp_path)) == 1


def test_a_job_runs_where_its_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / JOBS).write_text("in the way")
    with Recorder(tmp_path, "check") as record:
        assert list(record.progress("ab", 2, "checking")) == ["a", "b"]
    assert jobs(tmp_path) == []


def test_a_job_that_is_asked_to_stop_ends_in_order_and_says_by_whom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TELL_S", 0.01)
    before = signal.getsignal(signal.SIGUSR1)

    def work() -> None:
        with Recorder(tmp_path, "build", by="ward") as record:
            for i in record.progress(range(9), 9, "building", "shard"):
                if i == 2:
                    stop(tmp_path, only(tmp_path).id, "chief")
                    assert (only(tmp_path).state, only(tmp_path).doing) == ("running", STOPPING)
                    time.sleep(10)

    with pytest.raises(Stopped):
        work()
    job = only(tmp_path)
    assert (job.state, job.done, job.told) == ("stopped", 2, "stopped by chief")
    assert signal.getsignal(signal.SIGUSR1) is before
    with pytest.raises(UsageError, match="no job"):
        stop(tmp_path, job.id, "chief")


def test_a_stop_that_comes_too_late_stops_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TELL_S", 0.001)
    for i in range(30):
        with suppress(Stopped), Recorder(tmp_path, "check", id=f"20260101T{i:06d}-00000000"):
            stop(tmp_path, f"20260101T{i:06d}-00000000", "chief")
        assert jobs(tmp_path)[0].state in ("done", "stopped")


def test_of_jobs_that_begin_in_one_second_the_later_sorts_behind() -> None:
    ids = []
    for _ in range(20):
        ids.append(new_id())
        time.sleep(1e-3)
    assert ids == sorted(ids)
