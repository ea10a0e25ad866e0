"""Transit time between two sites of a simulated body, and pressure only by a calibration.

Physics of the simulation: one heart's beats, two sites whose transit times differ; pressure falls with transit time as
``120 + 15 * (0.06 s / transit - 1)`` mmHg.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from precordia.core.errors import UsageError
from precordia.signals.pulse.transit import Reading, Transit, systolic_mmhg, transit_time
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


def test_pressure_is_told_by_a_calibration_and_never_without() -> None:
    found = transit_time(*sites(0.06), 100.0)
    calibration = [Reading(t, pressure(t)) for t in (0.045, 0.06, 0.08)]
    assert systolic_mmhg(found, calibration) == pytest.approx(120.0, abs=3.0)
    assert systolic_mmhg(found, []) is None
    assert systolic_mmhg(found, calibration[:1]) is None
    assert systolic_mmhg(found, [calibration[0]] * 3) is None
    assert systolic_mmhg(Transit(None, 0.1), calibration) is None


def test_pressure_beyond_the_calibration_is_not_told() -> None:
    calibration = [Reading(t, pressure(t)) for t in (0.045, 0.06)]
    assert systolic_mmhg(Transit(0.15, 0.99), calibration) is None


def test_a_reading_no_cuff_gives_is_refused() -> None:
    with pytest.raises(UsageError, match="no reading of a cuff"):
        systolic_mmhg(Transit(0.06, 0.99), [Reading(0.06, 12.0), Reading(0.07, 110.0)])
