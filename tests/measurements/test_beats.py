"""Which beats are found where detection is hard."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_ecg import Drawn, draw, regular
from numpy.typing import NDArray

from precordia.core.recording import Recording
from precordia.measurements import delineate


def found_onsets(recording: Recording, onsets: NDArray[np.float64]) -> tuple[int, int]:
    beats = delineate(recording).beats
    gap = np.abs(beats[:, None] - (onsets + 0.045)[None, :])
    return beats.size, int((gap.min(axis=0) < 0.075).sum())


@pytest.mark.parametrize("rate", [30, 60, 120, 160, 200])
def test_rates(rate: int) -> None:
    onsets = regular(rate)
    qt = min(0.42, 0.30 + 0.1 * (60 / rate - 0.3))
    d = Drawn(qt=qt, pr=0.13 if rate > 110 else 0.16, p=0.08, t=0.14, p_mv=0.1)
    assert found_onsets(draw(onsets, d), onsets) == (onsets.size, onsets.size)


def test_tall_t_waves_are_no_beats() -> None:
    onsets = regular(60)
    assert found_onsets(draw(onsets, Drawn(t_mv=1.4)), onsets) == (onsets.size, onsets.size)


def test_small_complexes_among_large_ones_are_found() -> None:
    onsets = regular(60)
    large, small = draw(np.delete(onsets, [2, 6])), draw(onsets[[2, 6]], Drawn(r_mv=0.5, p_mv=0, t_mv=0.1), seed=9)
    both = replace(large, signal=large.signal + small.signal)
    assert found_onsets(both, onsets) == (onsets.size, onsets.size)


def test_blocked_p_waves_beside_wide_complexes_are_no_beats() -> None:
    from precordia.measurements import measure
    from precordia.simulation import simulate

    made = simulate(("MOB2", "CLBBB"), seed=13, fs=500.0)
    m = measure(made.recording)
    assert m.n_beats == len(made.truth.beats)
    assert m.n_lone_p


def test_a_burst_in_one_lead_is_no_beat() -> None:
    onsets = regular(60)
    recording = draw(onsets)
    signal = recording.signal.copy()
    signal[4, 2300:2360] += 3.0 * np.random.default_rng(0).normal(size=60)
    assert found_onsets(replace(recording, signal=signal), onsets) == (onsets.size, onsets.size)


def test_a_single_beat_has_no_rate() -> None:
    from precordia.measurements import measure

    m = measure(draw(np.array([1.0]), duration=2.5))
    assert m.n_beats == 1
    assert m.heart_rate_bpm is None
    assert m.qtc_ms is None
    assert m.rhythm_regularity is None
