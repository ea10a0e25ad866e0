"""Pacemaker spikes are found, and do not widen what is measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_ecg import Drawn, draw, gains, regular

from precordia.core.recording import Recording
from precordia.measurements import measure
from precordia.measurements.pacing import find_spikes

WIDE = Drawn(qrs=0.150, qt=0.440, p_mv=0.0)


def paced(spike_mv: float = 2.0, before_s: float = 0.012, fs: float = 500.0) -> tuple[Recording, np.ndarray]:
    onsets = regular(70)
    recording = draw(onsets, WIDE, fs=fs)
    signal = recording.signal.copy()
    at = np.rint((onsets - before_s) * fs).astype(int)
    signal[:, at] += spike_mv * gains(-70)[:, None].astype(np.float32)
    return replace(recording, signal=signal), at


def test_spikes_are_found_where_they_are() -> None:
    recording, at = paced()
    spikes = find_spikes(recording.signal.astype(np.float64), recording.fs)
    assert spikes == pytest.approx(at, abs=2)


def test_sharp_complexes_are_no_spikes() -> None:
    recording = draw(regular(70), Drawn(qrs=0.06, r_mv=2.5))
    assert find_spikes(recording.signal.astype(np.float64), recording.fs).size == 0


def test_spikes_do_not_widen_the_complex() -> None:
    without = measure(draw(regular(70), WIDE))
    with_spikes = measure(paced()[0])
    assert with_spikes.qrs_ms == pytest.approx(without.qrs_ms, abs=12)
    assert with_spikes.n_beats == without.n_beats


def test_rates_that_cannot_show_a_spike_show_none() -> None:
    recording, _ = paced(fs=100.0)
    assert find_spikes(recording.signal.astype(np.float64), 100.0).size == 0
