"""``precordia eval paired``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from precordia.cli.main import main


def test_a_small_run_prints_probes_controls_and_search(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "paired", "--data", str(tmp_path), "--limit", "40", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["group"] for row in rows} == {"left ventricular mass, g", "ejection fraction, %", "search across"}
    probes = {row["system"] for row in rows if row["metric"].startswith("R²")}
    assert probes == {
        "encoder", "encoder and pairs, regression", "encoder and pairs, contrastive",
        "encoder and shuffled pairs, regression", "principal components",
    }  # fmt: skip
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows)


def test_a_setting_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "paired", "--data", str(tmp_path), "--set", "x=1"]) == 2
    assert "no settings" in capsys.readouterr().err
