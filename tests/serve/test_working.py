"""Jobs that an administrator starts: they are done, seen by all, and nobody starts anything else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from precordia import KnowledgeBase
from precordia.indexing.jobs import Recorder
from precordia.serve.app import create_app
from precordia.serve.security.tokens import Tokens, new_token
from precordia.serve.working import Works
from precordia.simulation import simulate
from precordia.simulation.writers import WRITERS


@pytest.fixture(scope="module")
def made() -> dict[str, tuple[str, str]]:
    return {role: new_token(f"{role}er", role) for role in ("read", "write", "admin")}


@pytest.fixture(scope="module")
def client(kb: KnowledgeBase, made: dict[str, tuple[str, str]], tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    folder = tmp_path_factory.mktemp("jobs")
    shutil.copytree(kb.path, folder / "kb")
    inbox = folder / "ward 7"
    inbox.mkdir()
    WRITERS.get("dicom")(inbox / "new", replace(simulate("AFIB", seed=77).recording, report=None))
    app = create_app(
        KnowledgeBase.open(folder / "kb", text_encoder=None),
        tokens=Tokens(None, [line for _, line in made.values()]),
        archives={"ward 7": inbox},
    )
    return TestClient(app, base_url="http://localhost")


@pytest.fixture
def ask(client: TestClient, made: dict[str, tuple[str, str]]) -> Any:
    def ask(role: str, body: Any = None, path: str = "/v1/jobs") -> Any:
        headers = {"Authorization": f"Bearer {made[role][0]}"}
        return client.get(path, headers=headers) if body is None else client.post(path, json=body, headers=headers)

    return ask


def ended(ask: Any, name: str) -> dict[str, Any]:
    until = time.monotonic() + 240
    while time.monotonic() < until:
        job = next((job for job in ask("read").json()["items"] if job["id"] == name), None)
        if job is not None and job["state"] != "running":
            return dict(job)
        time.sleep(0.3)
    raise AssertionError("the job did not end")


def test_an_administrator_builds_and_everyone_sees_how_far_it_is(ask: Any) -> None:
    before = ask("read", path="/v1/health").json()["n_cases"]
    begun = ask("admin", {"kind": "build", "archive": "ward 7"})
    assert begun.status_code == 202
    # One at a time: the second is told so, whether the first has said anything yet or not.
    assert ask("admin", {"kind": "check"}).status_code == 503
    job = ended(ask, begun.json()["id"])
    assert (job["kind"], job["state"], job["by"], job["total"], job["done"]) == ("build", "done", "adminer", 1, 1)
    assert "1" in job["told"]
    assert ask("read", path="/v1/health").json()["n_cases"] == before + 1
    assert job["source"] == "ward 7"
    assert "path" not in job
    (whole,) = (one for one in ask("admin").json()["items"] if one["id"] == job["id"])
    assert Path(whole["path"]).is_absolute()
    assert [ask(role).json()["archives"] for role in ("read", "write", "admin")] == [[], [], ["ward 7"]]
    row = next(row for row in ask("admin", path="/v1/audit").json()["items"] if row["action"] == "job build")
    assert row["actor"] == "adminer"


def test_who_is_no_administrator_starts_nothing(ask: Any) -> None:
    before = ask("read").json()["total"]
    for role in ("read", "write"):
        assert ask(role, {"kind": "check"}).status_code == 403
    assert ask("read").json()["total"] == before


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "erase"},
        {"kind": "build"},
        {"kind": "build", "archive": "/etc"},
        {"kind": "build", "archive": "../ward 7"},
        {"kind": "check", "archive": "ward 7"},
        {"kind": ["check"]},
        {"kind": "check; rm -rf /"},
        [],
        "check",
    ],
)
def test_what_is_no_job_is_refused(ask: Any, body: Any) -> None:
    answer = ask("admin", body)
    assert answer.status_code == 400
    assert answer.json()["error"].count("\n") == 0


def test_a_job_of_the_command_line_is_seen_and_so_is_one_that_is_lost(ask: Any, client: TestClient) -> None:
    kb = client.app.state.service.works._kb  # type: ignore[attr-defined]
    with Recorder(kb, "refit", by="me") as record:
        record.stage("fitting")
        seen = ask("read").json()["items"][0]
        assert (seen["state"], seen["by"], seen["doing"], seen["total"]) == ("running", "me", "fitting", None)
        assert ask("admin", {"kind": "check"}).status_code == 503
    assert ask("read").json()["items"][0]["state"] == "done"


def test_an_administrator_stops_a_job_and_nobody_else_does(ask: Any, client: TestClient) -> None:
    kb = client.app.state.service.works._kb  # type: ignore[attr-defined]
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom precordia.indexing.jobs import Recorder\n"
        "with Recorder(Path(sys.argv[1]), 'refit', by='me') as record:\n    print('begun', flush=True)\n    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(kb)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"begun\n"
    name = ask("read").json()["items"][0]["id"]
    for role in ("read", "write"):
        assert ask(role, {}, f"/v1/jobs/{name}/stop").status_code == 403
    assert ask("admin", {}, f"/v1/jobs/{name}/stop").status_code == 202
    job = ended(ask, name)
    assert (job["state"], job["told"], job["by"]) == ("stopped", "stopped by adminer", "me")
    assert process.wait(20) != 0
    for gone in (name, "..%2f..%2fx", "20260101T000000-00000000"):
        assert ask("admin", {}, f"/v1/jobs/{gone}/stop").status_code in (400, 404)
    assert any(row["action"] == "job stop" for row in ask("admin", path="/v1/audit").json()["items"])


def test_a_stopped_build_goes_on_where_it_stopped(own_kb: KnowledgeBase, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    made, n = simulate("NORM", seed=500).recording, 48  # more than are built before the stop arrives
    for i in range(n):
        WRITERS.get("dicom")(inbox / f"new{i}", replace(made, signal=made.signal * (1 + i / n), report=None))
    works = Works(own_kb.path, {"inbox": inbox})
    name = works.start("build", "inbox", "chief")
    until = time.monotonic() + 120
    while time.monotonic() < until and not any(job.state == "running" for job in works.all()):
        time.sleep(0.02)
    (child,) = works._children
    works.stop(name, "chief")
    assert child.wait(60) == 0
    (job,) = works.all()
    assert (job.state, job.told) == ("stopped", "stopped by chief")
    there = KnowledgeBase.open(own_kb.path, text_encoder=None)
    there.add(inbox, workers=1)
    assert len(there) == 8 + n
