"""``precordia eval pulse``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from precordia.cli.main import main
from precordia.core.bootstrap import auroc
from precordia.eval.harness.registry import TASKS
from precordia.eval.tasks.pulse.aligned import best_lag, pair
from precordia.eval.tasks.pulse.baselines import spectral_rate
from precordia.eval.tasks.pulse.rhythm_task import irregularity, neighbours
from precordia.eval.tasks.pulse.task import PULSE
from precordia.fitting.signals.pulse_pairs import Pairs, pulse_of


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


def test_neighbours_vote_by_their_rhythm_and_others_have_none() -> None:
    gallery = Pairs(
        np.zeros((4, 450), np.float32),
        np.array([[1, 0], [0.9, 0.1], [0, 1], [1, 0]], np.float32),
        np.array(["fibrillation", "fibrillation", "sinus", "other"]),
    )
    votes = neighbours(np.array([[1, 0], [0, 1]], np.float32), gallery, k=1)
    assert votes.tolist() == [1.0, 0.0]


def test_irregularity_alone_tells_fibrillation_from_sinus_rhythm() -> None:
    def pairs(first: int) -> Pairs:
        windows, rhythms = [], []
        for number in range(first, first + 24):
            rng = np.random.default_rng(number)
            spread = 0.25 if number % 2 else 0.02
            windows.append(pulse_of(np.cumsum(0.75 * (1.0 + spread * rng.standard_normal(16))) - 0.8, [number]))
            rhythms.append("fibrillation" if number % 2 else "sinus")
        return Pairs(np.stack(windows), np.zeros((24, 2), np.float32), np.array(rhythms))

    scores, truth = irregularity(pairs(0), pairs(100)), pairs(100).rhythms == "fibrillation"
    assert auroc(truth, scores).value > 0.8
