"""``precordia eval pulse``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from precordia.cli.main import main
from precordia.eval.harness.registry import TASKS
from precordia.eval.tasks.pulse.aligned import best_lag, pair
from precordia.eval.tasks.pulse.baselines import spectral_rate
from precordia.eval.tasks.pulse.task import PULSE


def beats(n: int = 60) -> np.ndarray:
    return np.cumsum(0.8 + 0.1 * np.random.default_rng(0).standard_normal(n))


def test_the_shift_between_two_clocks_is_found() -> None:
    assert best_lag(beats() + 1.74, beats()) == pytest.approx(1.74, abs=0.021)


def test_intervals_are_paired_in_time_and_a_missed_one_has_no_pair() -> None:
    mine = np.delete(beats() + 1.0, 20)
    rr = np.diff(mine) * 1000.0
    both = pair(mine[1:], rr, mine, beats(), (0.0, 100.0))
    assert both.n_reference == 59
    assert both.pulse_ms.size >= 57
    assert np.median(np.abs(both.pulse_ms - both.reference_ms)) < 1e-6


def test_the_spectral_baseline_reads_a_sine() -> None:
    assert spectral_rate(np.sin(2 * np.pi * 1.2 * np.arange(6000) / 100.0), 100.0) == pytest.approx(72, abs=0.5)


def test_the_task_is_registered_and_takes_no_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert TASKS.get("pulse") is PULSE
    assert main(["eval", "pulse", "--set", "x=1"]) == 2
    assert "no settings" in capsys.readouterr().err


@pytest.mark.data
def test_held_back_people_are_measured_within_the_goals(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not (data_dir / "modalities" / "welltory").is_dir():
        pytest.skip("needs modalities/welltory in the folder of data")
    assert main(["eval", "pulse", "--data", str(data_dir), "--json", "--check"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    worst = {
        row["metric"]: row["value"]
        for row in rows
        if row["system"] == "precordia" and row["group"] == "even subjects" and row["metric"].endswith("worst")
    }
    assert worst["rate error, bpm, worst"] < 2.0
    assert worst["RR error, median of a recording, ms, worst"] < 25.0
