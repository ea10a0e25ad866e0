"""What is relied on: the rates of false alarms that a report shows are those that an evaluation found."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import pytest

import precordia
from precordia.cli.main import main
from precordia.core.errors import InputError
from precordia.judgement.urgent import concerns

SHIPPED = resources.files("precordia.judgement") / "urgent.csv"


def results(folder: Path, rates: Mapping[str, float], part: str = "PTB-XL fold 1-8") -> Path:
    rows = [{"metric": "false alarms", "group": f"{name}, {part}", "value": rate} for name, rate in rates.items()]
    (folder / "urgent.json").write_text(
        json.dumps({"rows": [*rows, {"metric": "specificity", "group": "x", "value": 1}]})
    )
    return folder / "urgent.json"


def test_the_table_is_written_as_it_is_but_for_the_rates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rates = {row.name: row.false_alarms for row in concerns()}
    assert main(["train", "alarms", str(results(tmp_path, rates)), "--out", str(tmp_path / "same.csv")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "same.csv")
    assert (tmp_path / "same.csv").read_bytes() == SHIPPED.read_bytes()
    name = concerns()[0].name
    made = precordia.train("alarms", results(tmp_path, {**rates, name: 0.123456}), tmp_path / "other.csv")
    assert made.facts["changed"] == [name]
    with made.path.open(encoding="utf-8", newline="") as file:
        assert next(csv.DictReader(file))["false_alarms"] == "0.1235"


def test_other_results_are_refused_with_what_to_run(tmp_path: Path) -> None:
    rates = {row.name: row.false_alarms for row in concerns()}
    (tmp_path / "none.json").write_text("{}")
    for path in (tmp_path / "none.json", tmp_path / "nowhere.json", results(tmp_path, rates, "PTB-XL fold 9")):
        with pytest.raises(InputError, match="precordia eval urgent --set fold=1-8 --out DIR"):
            precordia.train("alarms", path, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()
