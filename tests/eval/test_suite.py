"""Every task in one go: what is run again and what is kept, and what happens when something is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from precordia.cli.main import main
from precordia.eval import suite
from precordia.eval.harness.code_hash import code_hash
from precordia.eval.harness.registry import TASKS
from precordia.eval.harness.results import read
from precordia.eval.harness.task import Result, Row, Settings, TaskCard


@dataclass
class Counting:
    """Says how often it ran, on the side."""

    card: TaskCard
    asked: list[dict[str, str]] = field(default_factory=list)

    def run(self, settings: Settings) -> Result:
        self.asked.append(dict(settings.options))
        if self.card.name == "suite-lacking":
            (settings.data / "absent.csv").read_bytes()
        if self.card.name == "suite-broken":
            raise ZeroDivisionError("a bug")
        value = float(settings.options.get("value", "0.5"))
        return Result(self.card.name, (Row("a", "share", value, 0.1, 0.9, 4), Row("b", "share", 0.4, n=4)))


def card(name: str, runs: tuple[dict[str, str], ...] = ({},)) -> TaskCard:
    return TaskCard(name, "counts", "none", "made up, CC0", __name__, runs=runs)


@pytest.fixture
def counting(register: Callable[..., None]) -> dict[str, Counting]:
    tasks = {
        "suite-one": Counting(card("suite-one")),
        "suite-two": Counting(card("suite-two", ({}, {"value": "0.75"}))),
        "suite-lacking": Counting(card("suite-lacking")),
        "suite-broken": Counting(card("suite-broken")),
    }
    for name, task in tasks.items():
        register(TASKS, name, task)
    return tasks


def ended(names: list[str], data: Path, out: Path, **changes: object) -> dict[str, str]:
    settings = Settings(data, **changes)  # type: ignore[arg-type]
    return {outcome.run: outcome.status for outcome in suite.run_all(suite.runs_of(names), settings, out)}


def test_a_run_is_kept_until_data_settings_or_seed_change(counting: dict[str, Counting], tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    assert ended(["suite-one"], data, out) == {"suite-one": "done"}
    assert ended(["suite-one"], data, out) == {"suite-one": "kept"}
    (data / "ecg").write_text("1")
    assert ended(["suite-one"], data, out) == {"suite-one": "done"}
    assert ended(["suite-one"], data, out, seed=7) == {"suite-one": "done"}
    assert ended(["suite-one"], data, out, seed=7, limit=3) == {"suite-one": "done"}
    assert len(counting["suite-one"].asked) == 4


def test_a_damaged_document_is_made_again(counting: dict[str, Counting], tmp_path: Path) -> None:
    assert ended(["suite-one"], tmp_path / "home", tmp_path / "out") == {"suite-one": "done"}
    (tmp_path / "out" / "suite-one.json").write_text('{"schema"')
    assert ended(["suite-one"], tmp_path / "home", tmp_path / "out") == {"suite-one": "done"}


def test_a_task_may_ask_for_several_runs(counting: dict[str, Counting], tmp_path: Path) -> None:
    found = ended(["suite-two"], tmp_path / "home", tmp_path / "out")
    assert found == {"suite-two": "done", "suite-two+value=0.75": "done"}
    assert counting["suite-two"].asked == [{}, {"value": "0.75"}]
    assert (tmp_path / "out" / "suite-two+value=0.75.json").is_file()


def test_a_task_may_stay_out_of_all_unless_named(counting: dict[str, Counting]) -> None:
    counting["suite-one"].card = card("suite-one", ())
    assert not [run for run in suite.runs_of() if run.task == "suite-one"]
    assert [run.name for run in suite.runs_of(["suite-one"])] == ["suite-one"]


def test_one_that_lacks_data_or_breaks_does_not_stop_the_others(
    counting: dict[str, Counting], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    names = ["suite-lacking", "suite-broken", "suite-one"]
    assert main(["eval", "all", *names, "--data", str(tmp_path / "home"), "--out", str(out)]) == 1
    said = capsys.readouterr().err
    assert "suite-lacking skipped" in said
    assert "absent.csv" in said
    assert "suite-broken failed: ZeroDivisionError: a bug" in said
    assert "suite-one done" in said
    assert "ZeroDivisionError" in (out / "suite-broken.log").read_text()
    page = (out / "index.html").read_text("utf-8")
    assert "not run" in page
    assert "absent.csv" in page
    assert set(suite.skipped_in(out)) == {"suite-lacking", "suite-broken"}


def test_missing_data_alone_is_no_failure(counting: dict[str, Counting], tmp_path: Path) -> None:
    arguments = ["eval", "all", "suite-lacking", "--data", str(tmp_path / "home"), "--out", str(tmp_path / "out")]
    assert main(arguments) == 0


def test_two_processes_find_what_one_finds(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "home", options={"vectors": "clusters", "size": "1000"})
    found = []
    for workers in (1, 2):
        out = tmp_path / f"with-{workers}"
        done = list(suite.run_all([suite.Run("index", {}, False)], settings, out, workers))
        assert [outcome.status for outcome in done] == ["done"]
        document = read(out)
        found.append((document.rows, document.samples_sha256, document.settings))
    assert found[0] == found[1]
    assert found[0][1] is not None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["eval", "all"], "--out DIR"),
        (["eval", "all", "nothing", "--out", "x"], "unknown evaluation task"),
        (["eval", "all", "--out", "x", "--data", "nowhere"], "no such folder"),
        (["eval", "all", "--out", "x", "--workers", "0"], "at least 1"),
        (["eval", "report"], "name results"),
        (["eval", "report", "a"], "say what to write"),
        (["eval", "report", "a", "--out", "x.html"], "no such result"),
    ],
)
def test_bad_usage_is_one_line(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1


def test_code_counts_as_far_as_a_task_may_load_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "__init__.py": "",
        "task.py": "def run():\n    from precordia import part\n    return part\nNAME = 'precordia.named:THING'\n",
        "part.py": "import numpy\n",
        "named.py": "THING = 1\n",
        "other.py": "THING = 2\n",
        "weights/w.bin": "1",
    }
    for name, text in files.items():
        path = tmp_path / "precordia" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr("precordia.eval.harness.code_hash.ROOT", tmp_path)
    before = code_hash("precordia.task")
    (tmp_path / "precordia" / "other.py").write_text("THING = 3\n")
    assert code_hash("precordia.task") == before
    for name in ("part.py", "named.py", "weights/w.bin"):
        (tmp_path / "precordia" / name).write_text(files[name] + "\n")
        assert code_hash("precordia.task") != before
        before = code_hash("precordia.task")
