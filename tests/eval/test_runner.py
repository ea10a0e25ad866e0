from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest

from precordia.cli.main import main
from precordia.core.errors import InputError
from precordia.eval.harness import results, runner
from precordia.eval.harness.registry import TASKS
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.testing.tasks import TaskContract


class Toy:
    """Ten samples of five patients; the rule is right more often than the coin."""

    card = TaskCard("toy", "a toy", "ten samples", "made up, CC0", __name__)

    def run(self, settings: Settings) -> Result:
        if "file" in settings.options:
            (settings.data / settings.options["file"]).read_bytes()
        samples = [
            {"sample": f"s{i}", "patient": f"p{i // 2}", "system": system, "correct": right(i)}
            for system, right in (("rule", lambda i: i != 3), ("coin", lambda i: i % 2 == settings.seed % 2))
            for i in range(10)
        ]  # fmt: skip
        rows = (
            Row("rule", "accuracy", 0.9, 0.7, 1.0, 10, goal=0.8),
            Row("coin", "accuracy", 0.5, 0.3, 0.7, 10, goal=0.8),
            Row("rule", "error, ms", 12.5, n=10, goal=20, at_least=False),
            Row("rule", "undefined", float("nan")),
        )
        return Result("toy", rows, ("small",), samples, {"threshold": "0.5"}, {"toy.csv": "abc"})


@pytest.fixture(autouse=True)
def _toy(register: Callable[..., None]) -> None:
    register(TASKS, "toy", Toy())


def test_the_table_lines_up_and_says_which_goals_were_missed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "toy", "--data", "."]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "system  metric      value      95% interval   n  goal",
        "------  ---------  ------  ----------------  --  -----------------",
        "rule    accuracy   0.9000       0.7000 to 1  10  >= 0.8000 reached",
        "coin    accuracy   0.5000  0.3000 to 0.7000  10  >= 0.8000 MISSED",
        "rule    error, ms    12.5                    10  <= 20 reached",
        "rule    undefined       -",
        "note: small",
    ]


def test_only_check_turns_a_missed_goal_into_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "toy"]) == 0
    assert main(["eval", "toy", "--check"]) == 1
    assert "coin accuracy" in capsys.readouterr().err


def test_json_carries_what_is_needed_to_run_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "toy", "--json", "--seed", "7", "--limit", "5", "--set", "depth=3"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["schema_version"], found["task"]) == ("precordia.eval.result", 1, "toy")
    assert found["seed"] == 7
    assert found["settings"]["limit"] == 5
    assert found["settings"]["option depth"] == "3"
    assert found["settings"]["threshold"] == "0.5"
    assert found["data"] == {"toy.csv": "abc"}
    assert "numpy" in found["packages"]
    assert found["rows"][3]["value"] is None


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("precordia.eval.harness.results.git_commit", lambda: "0" * 40)  # others may commit meanwhile
    for folder in "ab":
        assert main(["eval", "toy", "--out", str(tmp_path / folder)]) == 0
    assert main(["eval", "toy", "--seed", "43", "--out", str(tmp_path / "c")]) == 0
    for name in ("toy.json", "toy.parquet"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
        assert (tmp_path / "a" / name).read_bytes() != (tmp_path / "c" / name).read_bytes()


def test_a_written_result_reads_back(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    document, result = runner.run("toy", settings)
    results.write(document, result.samples, tmp_path)
    found = results.read(tmp_path)
    assert replace(found, samples_sha256=None, rows=found.rows[:3]) == replace(document, rows=document.rows[:3])
    assert list(results.read_samples(tmp_path)["sample"][:2]) == ["s0", "s1"]


def test_samples_with_different_keys_are_refused(tmp_path: Path) -> None:
    document, _ = runner.run("toy", Settings(tmp_path))
    with pytest.raises(InputError, match="sample 1 has keys"):
        results.write(document, [{"a": 1}, {"b": 2}], tmp_path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["eval"], "name a task"),
        (["eval", "toi"], "did you mean 'toy'"),
        (["eval", "toy", "more"], "no further arguments"),
        (["eval", "toy", "--set", "depth"], "KEY=VALUE"),
        (["eval", "toy", "--limit", "0"], "at least 1"),
        (["eval", "toy", "--data", "nowhere", "--set", "file=x.csv"], "x.csv is not there"),
        (["eval", "compare", "a"], "two results"),
        (["eval", "compare", "a", "b"], "no such result"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


@pytest.mark.parametrize("value", [None, ""])
def test_no_folder_of_data_is_guessed(
    value: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if value is None:
        monkeypatch.delenv("PRECORDIA_DATA")
    else:
        monkeypatch.setenv("PRECORDIA_DATA", value)
    assert main(["eval", "toy"]) == 2
    assert "--data DIR or set $PRECORDIA_DATA" in capsys.readouterr().err


def test_a_new_task_is_one_file_and_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], register: Callable[..., None]
) -> None:
    (tmp_path / "one_more_task.py").write_text(
        "from precordia.eval.harness.task import Result, Row, TaskCard\n"
        "class Task:\n"
        "    card = TaskCard('one-more', 'one more', 'none', 'made up, CC0', __name__)\n"
        "    def run(self, settings):\n"
        "        return Result('one-more', (Row('rule', 'accuracy', 0.25),))\n"
        "TASK = Task()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    register(TASKS, "one-more", "one_more_task:TASK")
    assert main(["eval", "--list"]) == 0
    assert "one more" in capsys.readouterr().out
    assert main(["eval", "one-more"]) == 0
    assert "0.2500" in capsys.readouterr().out


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_a_card_of_its_own_name(name: str) -> None:
    card = TASKS.get(name).card
    assert card.name == name
    assert card.summary
    assert card.protocol
    assert card.source
    with pytest.raises(FrozenInstanceError):
        card.name = "other"  # type: ignore[misc]


def test_the_list_names_every_task(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "--list", "--json"]) == 0
    found = {task["name"]: task for task in json.loads(capsys.readouterr().out)}
    assert set(found) == set(TASKS)
    assert found["toy"]["source"] == "made up, CC0"


def test_data_are_hashed_by_name_and_content(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x").write_text("1")
    (tmp_path / "y").write_text("2")
    before = results.hash_of([tmp_path / "d", tmp_path / "y"], tmp_path)
    assert results.hash_of([tmp_path / "y", tmp_path / "d" / "x"], tmp_path) == before
    (tmp_path / "d" / "x").rename(tmp_path / "d" / "z")
    assert results.hash_of([tmp_path / "d", tmp_path / "y"], tmp_path) != before


def test_an_unwritten_figure_reaches_no_goal() -> None:
    assert runner.goal_reached(Row("a", "b", float("nan"), goal=0.5)) is False
    assert runner.goal_reached(Row("a", "b", float("nan"), goal=0.5, at_least=False)) is False
    assert runner.goal_reached(Row("a", "b", 1.0)) is None


class TestToy(TaskContract):
    task = Toy()

    def settings(self) -> Settings:
        return Settings(Path())
