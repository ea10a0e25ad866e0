"""The pulse of simulated hearts: delay, heights and noise as said."""

from __future__ import annotations

import numpy as np

from precordia.simulation.pulse import Vessels, new_vessels, simulate_pulse

QUIET = Vessels(breathing=0.0, sensor=0.0)


def test_a_wave_rises_after_pre_ejection_and_transit() -> None:
    beats = np.arange(-2.0, 12.0, 0.8)
    pulse = simulate_pulse(beats, 10.0, fs=200.0, vessels=QUIET, rng=np.random.default_rng(0))
    np.testing.assert_allclose(pulse.foot_s - beats, QUIET.pre_ejection_s + QUIET.transit_s, atol=1e-9)
    one = int(np.searchsorted(beats, 3.0))
    piece = pulse.signal[round(pulse.foot_s[one] * 200) : round((pulse.foot_s[one] + 0.4) * 200)]
    assert abs(piece.argmax() / 200 - QUIET.rise_s) < 0.02


def test_a_premature_beat_is_weaker_and_a_very_early_one_does_not_arrive() -> None:
    for coupling, low, high in ((0.5, 0.3, 0.85), (0.29, 0.0, 0.0)):
        beats = np.r_[np.arange(-2.0, 5.0, 0.8), 4.4 + coupling, 6.4, 7.2]
        beats.sort()
        pulse = simulate_pulse(beats, 10.0, vessels=QUIET, rng=np.random.default_rng(0))
        early = float(pulse.height[np.abs(beats - (4.4 + coupling)).argmin()])
        assert low <= early <= high


def test_the_same_seed_gives_the_same_pulse() -> None:
    a, b = (
        simulate_pulse(
            np.arange(0.0, 9.0, 0.7), 10.0, vessels=new_vessels(np.random.default_rng(5)), rng=np.random.default_rng(6)
        ).signal
        for _ in range(2)
    )
    np.testing.assert_array_equal(a, b)


def test_movement_comes_in_bursts() -> None:
    body = Vessels(breathing=0.0, movement=1.0, bursts_per_min=6.0)
    moved = simulate_pulse(np.arange(0.0, 60.0, 0.8), 60.0, vessels=body, rng=np.random.default_rng(3)).signal
    quiet = simulate_pulse(np.arange(0.0, 60.0, 0.8), 60.0, vessels=QUIET, rng=np.random.default_rng(3)).signal
    touched = np.abs(moved - quiet) > 1e-9
    assert 0.02 < touched.mean() < 0.7
