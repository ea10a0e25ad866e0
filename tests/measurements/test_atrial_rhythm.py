"""The rate of the atria, and whether it is bound to that of the ventricles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_ecg import Drawn, draw, gains, hump, regular

from precordia.core.recording import Recording
from precordia.measurements import measure
from precordia.simulation import simulate
from precordia.simulation.persons import new_person


def with_p_waves(onsets: np.ndarray, p_onsets: np.ndarray, *, fs: float = 500.0, noise_mv: float = 0.02) -> Recording:
    recording = draw(onsets, Drawn(p_mv=0.0), fs=fs, noise_mv=noise_mv)
    t = np.arange(recording.n_samples) / fs
    waves = sum((hump(t, at, at + 0.1, 0.15) for at in p_onsets), np.zeros_like(t))
    return replace(recording, signal=recording.signal + (gains(50)[:, None] * waves).astype(np.float32))


@pytest.mark.parametrize("fs", [100.0, 500.0])
@pytest.mark.parametrize(("atrial", "ventricular"), [(90, 38), (80, 35), (100, 42), (75, 60), (85, 41)])
def test_p_waves_that_march_through_are_dissociated(atrial: float, ventricular: float, fs: float) -> None:
    m = measure(with_p_waves(regular(ventricular), np.arange(0.11, 10, 60 / atrial), fs=fs))
    assert m.av_dissociation is True
    assert m.p_rate_bpm == pytest.approx(atrial, rel=0.02)
    assert m.heart_rate_bpm == pytest.approx(ventricular, rel=0.02)


@pytest.mark.parametrize("rate", [50, 70, 95])
def test_a_p_wave_before_each_complex_is_not(rate: float) -> None:
    m = measure(draw(regular(rate), Drawn(qt=0.36), noise_mv=0.02))
    assert m.av_dissociation is False
    assert m.p_rate_bpm == pytest.approx(rate, rel=0.02)


def test_two_p_waves_a_complex_at_a_fixed_distance_are_bound_to_it() -> None:
    onsets = regular(38)
    m = measure(with_p_waves(onsets, np.sort(np.concatenate([onsets - 0.18, onsets - 0.18 + 30 / 38]))))
    assert m.p_rate_bpm == pytest.approx(76, rel=0.02)
    assert m.av_dissociation is False


def test_irregular_complexes_and_no_p_waves_leave_it_open() -> None:
    rng = np.random.default_rng(5)
    onsets = 0.3 + np.cumsum(rng.uniform(0.45, 1.05, size=14))
    m = measure(draw(onsets[onsets < 9.5], Drawn(p_mv=0.0), noise_mv=0.02))
    assert m.p_rate_bpm is None
    assert m.av_dissociation is None
    assert measure(draw(regular(40), Drawn(p_mv=0.0), noise_mv=0.02)).p_rate_bpm is None


def test_a_beat_or_two_say_nothing() -> None:
    assert measure(draw(np.array([0.5, 1.4]), duration=2.2)).p_rate_bpm is None


def test_a_complex_that_begins_behind_the_stretchs_end_takes_nothing_away() -> None:
    seed = 69117233185
    person = new_person(np.random.default_rng([seed, 0]))
    assert measure(simulate(("VT",), seed=seed, fs=500.0, person=person).recording).heart_rate_bpm is not None
