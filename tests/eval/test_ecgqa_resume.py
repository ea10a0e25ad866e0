"""A language model over ECG-QA: each prompt asked once, whatever stops the run, and the same results after it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from small_ecgqa import write_small_ecgqa

from precordia.cli.main import main
from precordia.eval.harness.task import Settings
from precordia.eval.tasks.ecgqa.language import load_model


class Server:
    """An OpenAI-compatible server that says "no", and holds its tongue from the request ``silent_from`` on."""

    def __init__(self) -> None:
        self.answered: Counter[str] = Counter()
        self.silent_from: int | None = None
        self.failing = ""
        self.held = threading.Event()
        self.release = threading.Event()
        server = self
        lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                prompt = body["messages"][-1]["content"]
                with lock:
                    silent = server.silent_from is not None and server.answered.total() >= server.silent_from
                    failing = bool(server.failing) and server.failing in prompt
                    if not silent and not failing:
                        server.answered[prompt] += 1
                if silent:
                    server.held.set()
                    server.release.wait(60)
                    return
                message = {"role": "assistant", "content": "No"}
                choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
                usage = {"prompt_tokens": 90, "completion_tokens": 1, "total_tokens": 91}
                reply: dict[str, Any] = {"id": "c", "object": "chat.completion", "created": 0, "model": "m"}
                reply |= {"choices": choices, "usage": usage}
                data = json.dumps(reply).encode()
                self.send_response(401 if failing else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    @property
    def spec(self) -> str:
        return f"openai:m@http://127.0.0.1:{self.http.server_port}/v1"

    def close(self) -> None:
        self.release.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


def arguments(data: Path, spec: str, out: Path) -> list[str]:
    settings = ["sample=no", "systems=", "contexts=none", "workers=1"]
    command = ["eval", "ecgqa", "--data", str(data), "--llm", spec, "--out", str(out)]
    return [*command, *(part for setting in settings for part in ("--set", setting))]


def files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.glob("ecgqa.*"))}


def test_a_run_that_was_killed_goes_on_where_it_was(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("precordia.eval.harness.results.git_commit", lambda: "0" * 40)  # others may commit meanwhile
    write_small_ecgqa(tmp_path / "data")
    command = arguments(tmp_path / "data", server.spec, tmp_path / "out")
    server.silent_from = 2
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    program = "import sys; from precordia.cli.main import main; sys.exit(main(sys.argv[1:]))"
    with subprocess.Popen([sys.executable, "-c", program, *command], env=environment) as child:
        assert server.held.wait(60)
        child.kill()
    assert server.answered.total() == len(list((tmp_path / "out" / "replies").glob("*.json"))) == 2
    assert files(tmp_path / "out") == {}

    server.silent_from = None
    assert main(command) == 0
    assert set(server.answered.values()) == {1}  # nothing was asked again
    resumed, asked = files(tmp_path / "out"), server.answered.total()
    assert main(command) == 0
    assert (files(tmp_path / "out"), server.answered.total()) == (resumed, asked)

    samples = pq.read_table(tmp_path / "out" / "ecgqa.parquet").to_pylist()
    assert {(s["tokens_in"], s["tokens_out"]) for s in samples} == {(90, 1)}
    assert all(s["latency_s"] > 0 for s in samples)
    assert [s["correct"] for s in samples] == [False, True, True, True]

    other = arguments(tmp_path / "data", server.spec, tmp_path / "other")
    assert main(other) == 0
    assert server.answered.total() == 2 * asked  # kept elsewhere, and so asked for once more
    uninterrupted = pq.read_table(tmp_path / "other" / "ecgqa.parquet").drop_columns("latency_s")
    assert uninterrupted.to_pylist() == [{k: v for k, v in s.items() if k != "latency_s"} for s in samples]
    capsys.readouterr()


def test_replies_that_came_are_kept_when_others_fail(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_small_ecgqa(tmp_path / "data")
    command = [
        *arguments(tmp_path / "data", server.spec, tmp_path / "out"),
        "--set",
        f"replies={tmp_path / 'kept'}",
        "--set",
        "probes=no",
    ]
    server.failing = "heart_rate"
    assert main(command) == 1
    assert "of 4 prompts were not answered (language model openai:m" in capsys.readouterr().err
    server.failing = ""
    assert main(command) == 0
    assert server.answered.total() == len(list((tmp_path / "kept").glob("*.json"))) == 4


def test_a_model_of_this_process_is_asked_one_prompt_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(
        "precordia.eval.tasks.ecgqa.language.load_language_model", lambda spec, settings: seen.append(settings)
    )
    load_model(Settings(tmp_path, llm="hf:folder", out=tmp_path))
    load_model(Settings(tmp_path, llm="openai:m", options={"workers": "9", "replies": "kept"}))
    assert [(s.workers, s.cache_dir) for s in seen] == [(1, tmp_path / "replies"), (9, Path("kept"))]
    assert load_model(Settings(tmp_path)) is None


@pytest.mark.data
def test_the_same_seed_gives_the_same_bytes(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("precordia.eval.harness.results.git_commit", lambda: "0" * 40)
    every = "systems=blind,majority,random,measurements"
    for out in "ab":
        assert (
            main(
                [
                    "eval",
                    "ecgqa",
                    "--data",
                    str(data_dir),
                    "--limit",
                    "40",
                    "--set",
                    every,
                    "--out",
                    str(tmp_path / out),
                ]
            )
            == 0
        )
    assert files(tmp_path / "a") == files(tmp_path / "b") != {}
    capsys.readouterr()
