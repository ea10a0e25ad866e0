"""How measurements are scored against experts: matching, tallies, references, and the task itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import UsageError
from precordia.datasets.ludb import Beats, _beats, consensus_beats, extents_of, intervals_of
from precordia.eval.harness.task import Row, Settings
from precordia.eval.tasks.measurements.scores import boundary_rows, match, tally_boundaries
from precordia.eval.tasks.measurements.task import MEASUREMENTS

NAMES = ("p_on", "p_off", "qrs_on", "qrs_off", "t_on", "t_off")


def lead(shift: float = 0.0, *, widen: float = 0.0, p: bool = True) -> Beats:
    """Three beats a second apart: PR 160, QRS 90, QT 400 ms, P 100 ms; QRS and T end ``widen`` ms later."""
    r = np.array([1000.0, 2000.0, 3000.0]) + shift
    offsets = {"p_on": -200, "p_off": -100, "qrs_on": -40, "qrs_off": 50 + widen, "t_on": 200, "t_off": 360 + widen}
    values = {name: r + offsets[name] for name in NAMES}
    if not p:
        values["p_on"] = values["p_off"] = np.full(3, np.nan)
    return Beats(r, values, {name: v[np.isfinite(v)] for name, v in values.items()})


def test_marks_become_beats() -> None:
    symbols = ["N", ")", "(", "t", ")", "(", "p", ")", "(", "N", ")", "(", "t", ")"]
    times = np.array([100, 140, 300, 350, 400, 800, 850, 900, 960, 1000, 1050, 1200, 1260, 1330], dtype=float)
    beats = _beats(times, symbols)
    assert beats.r.tolist() == [100, 1000]
    assert beats.boundaries["p_on"][1] == 800
    assert np.isnan(beats.boundaries["p_on"][0])
    assert np.isnan(beats.boundaries["qrs_on"][0])
    assert beats.boundaries["t_off"].tolist() == [400, 1330]
    assert beats.loose["qrs_on"].tolist() == [960]


def test_each_mark_is_matched_once_and_the_nearest_first() -> None:
    errors, missed, false = match(np.array([100.0, 200.0]), np.array([98.0, 104.0, 500.0]), 75)
    assert (sorted(errors.tolist()), missed, false) == ([-2.0], 1, 2)
    assert match(np.empty(0), np.array([1.0]), 75)[1:] == (0, 1)
    assert match(np.array([1.0]), np.empty(0), 75)[1:] == (1, 0)


def test_intervals_are_medians_and_extents_are_extremes() -> None:
    leads = {"I": lead(), "II": lead(widen=10), "III": lead(widen=40)}
    assert intervals_of(leads) == {"p_ms": 100, "pr_ms": 160, "qrs_ms": 100, "qt_ms": 410}
    assert extents_of(leads)["qrs_ms"] == 130
    assert np.isnan(intervals_of({"I": lead(p=False)})["pr_ms"])


def test_a_beat_needs_half_of_the_leads() -> None:
    only = Beats(np.array([500.0]), {}, {})
    assert consensus_beats({"I": lead(), "II": lead(4), "III": lead(-4), "V1": only}).tolist() == [1000, 2000, 3000]


def test_only_the_marked_span_is_scored() -> None:
    truth = {"I": lead()}
    r = np.arange(0, 5000, 1000.0)
    found = {
        "I": Beats(r, {}, {name: np.concatenate([v - 1000, v[-1:], v[-1:] + 1000]) for name, v in lead().loose.items()})
    }
    tally = tally_boundaries(truth, found)["qrs_on"]
    assert (tally.found, tally.missed, tally.false) == (3, 0, 0)
    missing = tally_boundaries(truth, {})["qrs_on"]
    assert (missing.found, missing.missed, missing.false) == (0, 3, 0)


def test_boundary_rows_say_sensitivity_precision_mean_and_spread() -> None:
    truth = {"I": lead()}
    tallies = [tally_boundaries(truth, {"I": lead(shift)})["qrs_off"] for shift in (-6, 10)]
    rows = {row.metric: row.value for row in boundary_rows("x", "qrs_off", tallies, seed=1)}
    assert rows == {
        "sensitivity": 1.0,
        "precision": 1.0,
        "mean error, ms": pytest.approx(2.0),
        "SD of error, ms": pytest.approx(8.0),
    }
    nothing = [tally_boundaries(truth, {})["qrs_off"]]
    assert boundary_rows("x", "qrs_off", nothing, seed=1) == []


@pytest.mark.parametrize("options", [{"records": "five"}, {"records": "9-2"}, {"baselines": "dwt,ecgpuwave"}])
def test_options_that_are_not_understood(options: Mapping[str, str], tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        MEASUREMENTS.run(Settings(tmp_path, options=options))


@pytest.mark.data
def test_the_task_on_a_few_records(data_dir: Path) -> None:
    settings = Settings(data_dir, options={"records": "1-6", "baselines": "none"})
    result = MEASUREMENTS.run(settings)
    rows: dict[tuple[str, str], Row] = {
        (row.metric, row.group): row for row in result.rows if row.system == "precordia"
    }
    assert rows["R peak F1", ""].value >= 0.99
    assert rows["heart rate mean absolute error, bpm", ""].value < 2
    for label, limit in (("QRS", 14), ("PR", 20), ("QT", 25)):
        assert rows[f"{label} mean absolute error, ms", ""].value < limit
    assert rows["sensitivity", "QRS onset"].value > 0.97
    assert rows["SD of error, ms", "QRS onset"].value < 20
    assert [sample["record"] for sample in result.samples] == ["1", "2", "3", "4", "5", "6"]
    assert MEASUREMENTS.run(settings) == result
