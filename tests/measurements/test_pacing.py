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
PACED_COMPLEX = Drawn(qrs=0.160, qt=0.440, p_mv=0.0, r_mv=2.5, axis=-60.0)


def paced(
    spike_mv: float = 2.0, before_s: float = 0.012, fs: float = 500.0, complexes: Drawn = WIDE
) -> tuple[Recording, np.ndarray]:
    onsets = regular(70)
    recording = draw(onsets, complexes, fs=fs)
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


@pytest.mark.parametrize("fs", [100.0, 500.0])
@pytest.mark.parametrize("gap_s", [0.0, 0.008, 0.012, 0.02, 0.04])
def test_a_spike_becomes_no_r_wave_whatever_its_distance(fs: float, gap_s: float) -> None:
    without = measure(draw(regular(70), PACED_COMPLEX, fs=fs))
    recording, _ = paced(spike_mv=1.5, before_s=gap_s, fs=fs, complexes=PACED_COMPLEX)
    found = measure(recording)
    assert found.axis_deg == pytest.approx(without.axis_deg, abs=3)
    for lead in found.r_mv:
        # Where a sample is 10 ms, bridging takes the first corner of the complex with it.
        assert found.r_mv[lead] == pytest.approx(without.r_mv[lead], abs=0.05 if fs > 240 else 0.15), lead
    assert found.criteria == {}


@pytest.mark.parametrize("fs", [100.0, 500.0])
def test_paced_beats_are_said_to_be(fs: float) -> None:
    found = measure(paced(before_s=0.02, fs=fs, complexes=PACED_COMPLEX)[0])
    assert found.paced is True
    assert found.n_captured == found.n_spikes == len(regular(70))


def test_a_low_rate_that_shows_no_spike_is_not_sure() -> None:
    low, high = (measure(draw(regular(70), fs=fs)) for fs in (100.0, 500.0))
    assert (low.paced, low.n_spikes, low.n_captured) == (None, None, None)
    assert (high.paced, high.n_spikes, high.n_captured) == (False, 0, 0)


@pytest.mark.parametrize("fs", [100.0, 500.0])
def test_spikes_without_a_complex_are_counted(fs: float) -> None:
    beats = np.arange(0.5, 10, 2.0)
    recording = draw(beats, PACED_COMPLEX, fs=fs)
    stimuli = np.arange(0.5, 9.6, 1.0) - 0.02
    signal = recording.signal.copy()
    signal[:, np.rint(stimuli * fs).astype(int)] += 2.0 * gains(-70)[:, None].astype(np.float32)
    found = measure(replace(recording, signal=signal))
    assert found.n_spikes == stimuli.size
    assert found.n_captured == beats.size


@pytest.mark.parametrize("d", [Drawn(), Drawn(qrs=0.06, r_mv=2.5), Drawn(p=0.06, p_mv=0.3), Drawn(qrs=0.16, qt=0.45)])
def test_no_spike_is_seen_at_a_low_rate_where_none_is(d: Drawn) -> None:
    assert find_spikes(draw(regular(70), d, fs=100.0).signal.astype(np.float64), 100.0).size == 0
