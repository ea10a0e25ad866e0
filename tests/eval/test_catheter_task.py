"""``precordia eval catheter``, and what it is beside."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from precordia.cli.main import main
from precordia.eval.tasks.catheter.baselines import FILLS, along_a_line, one_cycle_away
from precordia.signals.catheter.model import CatheterModel, save_catheter_model
from precordia.signals.catheter.network import CatheterArchitecture, CatheterNetwork


def test_a_rhythm_that_repeats_is_filled_by_its_cycle_and_not_by_a_line() -> None:
    row = np.tile(np.exp(-0.5 * ((np.arange(40) - 20) / 2.0) ** 2), 10).astype(np.float32)
    hidden = np.zeros(row.size, dtype=np.bool_)
    hidden[210:232] = True
    np.testing.assert_allclose(one_cycle_away(row, hidden), row, atol=1e-5)
    assert np.abs(along_a_line(row, hidden) - row).max() > 0.5
    for fill in FILLS.values():
        np.testing.assert_array_equal(fill(row, hidden)[~hidden], row[~hidden])


def test_a_small_run_says_in_every_row_that_it_is_simulated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    save_catheter_model(CatheterModel(CatheterNetwork(CatheterArchitecture(16, 1, 2))), tmp_path)
    told = ["eval", "catheter", "--data", str(tmp_path), "--limit", "24", "--set", f"model={tmp_path}", "--json"]
    assert main(told) == 0
    result = json.loads(capsys.readouterr().out)
    assert all(row["group"].startswith("simulated") for row in result["rows"])
    assert "SIMULATED" in result["notes"][0]
    assert {row["metric"] for row in result["rows"]} == {
        "AUROC, fibrillation against sinus rhythm", "AUROC, fibrillation against sinus rhythm and flutter",
        "error, share of range",
    }  # fmt: skip
