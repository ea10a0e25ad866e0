"""What a result looks like on disk, by its JSON Schema, and what is kept out of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from precordia.eval.harness import results
from precordia.eval.harness.task import Result, Row, Settings, TaskCard

SCHEMA = json.loads(results.SCHEMA_FILE.read_text("utf-8"))


@dataclass(frozen=True)
class Timed:
    card = TaskCard("timed", "s", "p", "made up, CC0", __name__, ("accuracy", "recall@* @ rare*"))
    seconds: float = 1.0

    def run(self, settings: Settings) -> Result:
        rows = (
            Row("a", "accuracy", 0.5, 0.4, 0.6, 10),
            Row("a", "accuracy", 0.5, n=3, group="women"),
            Row("a", "recall@10", float("nan"), group="rare findings"),
            Row("a", "seconds", self.seconds, machine=True),
        )
        samples = [{"sample": "1", "patient": "x", "correct": True}]
        return Result("timed", rows, ("small",), samples, {"threshold": "0.5"}, {"toy.csv": "abc"})


def written(folder: Path, seconds: float = 1.0) -> tuple[Path, ...]:
    task, settings = Timed(seconds=seconds), Settings(folder)
    result = task.run(settings)
    return results.write(results.document_of(task, result, settings), result.samples, folder)


def test_a_written_document_follows_the_schema(tmp_path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(json.loads(written(tmp_path)[0].read_text("utf-8")), SCHEMA)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("git", "yesterday"),
        ("seed", "42"),
        ("rows", [{"system": "a"}]),
        ("schema_version", 2),
        ("made_at", "2026-01-01"),
    ],
)
def test_the_schema_refuses_what_is_not_a_result(tmp_path: Path, key: str, value: Any) -> None:
    document = json.loads(written(tmp_path)[0].read_text("utf-8")) | {key: value}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)


def test_figures_of_the_machine_change_no_byte_of_the_result(tmp_path: Path) -> None:
    first = [path.read_bytes() for path in written(tmp_path / "a", seconds=1.0)]
    second = [path.read_bytes() for path in written(tmp_path / "b", seconds=7.0)]
    names = [path.name for path in written(tmp_path / "a")]
    assert names == ["timed.json", "timed.parquet", "timed.machine.json"]
    assert [a == b for a, b in zip(first, second, strict=True)] == [True, True, False]


def test_figures_of_the_machine_come_back_when_read(tmp_path: Path) -> None:
    written(tmp_path, seconds=7.0)
    document = results.read(tmp_path)
    assert all(row.metric != "seconds" for row in document.rows)
    assert document.machine is not None
    assert [row.value for row in document.machine.rows] == [7.0]
    assert document.machine.machine["cores"].isdigit()


def test_a_task_names_its_headlines_by_pattern(tmp_path: Path) -> None:
    written(tmp_path)
    rows = results.read(tmp_path).rows
    assert [(row.metric, row.group) for row in rows if row.headline] == [
        ("accuracy", ""),
        ("recall@10", "rare findings"),
    ]
