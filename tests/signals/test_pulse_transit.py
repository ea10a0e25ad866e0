"""Transit time between two sites of a simulated body, and pressure only by a calibration.

Physics of the simulation: one heart's beats, two sites whose transit times differ; pressure falls with transit time as
``120 + 15 * (0.06 s / transit - 1)`` mmHg.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import InputError, UsageError
from precordia.signals.pulse.pressure import Reading, blood_pressure, read_calibration
from precordia.signals.pulse.transit import transit_time
from precordia.simulation.pulse import Vessels, simulate_pulse

NEAR = Vessels(transit_s=0.08, sensor=0.02)


def sites(delay_s: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    beats = np.cumsum(0.85 * (1.0 + 0.04 * rng.standard_normal(90))) - 2.0
    far = replace(NEAR, transit_s=NEAR.transit_s + delay_s)
    first, second = (
        simulate_pulse(beats, 60.0, vessels=body, rng=np.random.default_rng([seed, row])).signal
        for row, body in enumerate((NEAR, far))
    )
    return first, second


@pytest.mark.parametrize("delay_s", [0.02, 0.06, 0.12, -0.05])
def test_the_delay_between_two_sites_is_found(delay_s: float) -> None:
    found = transit_time(*sites(delay_s), 100.0)
    assert found.transit_s == pytest.approx(delay_s, abs=0.006)
    assert found.coherence > 0.9


def test_two_strangers_pulses_have_no_transit_time() -> None:
    found = transit_time(sites(0.05, 1)[0], np.random.default_rng(9).standard_normal(6000), 100.0)
    assert found.transit_s is None
    assert "agree too little" in found.reason


def test_noise_has_no_transit_time() -> None:
    rng = np.random.default_rng(2)
    assert transit_time(rng.standard_normal(6000), rng.standard_normal(6000), 100.0).transit_s is None


def test_lengths_must_be_one() -> None:
    with pytest.raises(UsageError, match="one clock"):
        transit_time(np.zeros(100), np.zeros(90), 100.0)


def pressure(transit_s: float) -> float:
    return 120.0 + 15.0 * (0.06 / transit_s - 1.0)


CALIBRATION = [Reading(t * 1000.0, pressure(t)) for t in (0.045, 0.06, 0.08)]


def test_pressure_is_told_by_a_calibration() -> None:
    now = transit_time(*sites(0.06), 100.0)
    found = blood_pressure(now.transit_ms, CALIBRATION)
    assert found.systolic_mmhg == pytest.approx(120.0, abs=3.0)
    assert found.document()["calibration_error_mmhg"] == 0.0
    assert "not_measured" not in found.document()


@pytest.mark.parametrize(
    ("transit_ms", "calibration", "why"),
    [
        (60.0, None, "needs a calibration"),
        (60.0, [], "needs a calibration"),
        (60.0, CALIBRATION[:1], "2 readings"),
        (60.0, [CALIBRATION[0]] * 3, "differ by 5 ms"),
        (None, CALIBRATION, "no transit time"),
        (150.0, CALIBRATION, "beyond what the calibration covers"),
        (-60.0, CALIBRATION, "order of the calibration"),
    ],
)
def test_pressure_is_never_told_without_what_it_rests_on(
    transit_ms: float | None, calibration: list[Reading] | None, why: str
) -> None:
    found = blood_pressure(transit_ms, calibration)
    assert found.systolic_mmhg is None
    assert why in found.reason
    assert found.document()["not_measured"] == found.reason
    assert "not measured" not in found.reason  # the key says so


def test_a_calibration_is_read_from_a_table(tmp_path: Path) -> None:
    table = tmp_path / "cuff.csv"
    table.write_text("transit_ms,systolic_mmhg\n45,125\n62,119.5\n")
    assert read_calibration(table) == (Reading(45.0, 125.0), Reading(62.0, 119.5))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("transit,mmhg\n45,125\n", "columns transit_ms and systolic_mmhg"),
        ("transit_ms,systolic_mmhg\n", "a line a reading"),
        ("transit_ms,systolic_mmhg\n45,high\n", "line 2: not two numbers"),
        ("transit_ms,systolic_mmhg\n45,12\n", "line 2: 45 ms at 12 mmHg is no reading of a cuff"),
        ("transit_ms,systolic_mmhg\n4500,120\n", "no reading of a cuff"),
    ],
)
def test_what_is_no_calibration_is_refused(text: str, said: str, tmp_path: Path) -> None:
    table = tmp_path / "cuff.csv"
    table.write_text(text)
    with pytest.raises(InputError, match=said):
        read_calibration(table)


def test_a_missing_calibration_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: no calibration"):
        read_calibration(tmp_path / "none.csv")
