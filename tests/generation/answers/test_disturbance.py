"""How disturbed a lead is, in numbers: each disturbance shows in its own lead and measure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.generation.answers.disturbance import NAMES, disturbance

FS = 500.0
T = np.arange(round(10 * FS)) / FS


def ecg(added: NDArray[np.float64] | None = None, lead: str = "V3") -> Recording:
    beats = np.exp(-((((T % 0.8) - 0.4) / 0.012) ** 2))
    signal = np.tile(beats, (12, 1)) * np.linspace(0.5, 1.5, 12)[:, None]
    signal += np.random.default_rng(1).normal(0, 0.003, signal.shape)
    if added is not None:
        signal[LEADS.index(lead)] += added
    return Recording(signal.astype(np.float32), FS, LEADS, "r")


def change(added: NDArray[np.float64], measure: str) -> NDArray[np.float64]:
    column = NAMES.index(measure)
    difference: NDArray[np.float64] = disturbance(ecg(added))[:, column] - disturbance(ecg())[:, column]
    return difference


@pytest.mark.parametrize(
    ("added", "measure"),
    [
        (0.8 * np.sin(2 * np.pi * 0.15 * T), "wander_range"),
        (0.8 * T / 10, "drift"),
        (0.1 * np.random.default_rng(0).normal(0, 1, T.size), "noise_median"),
        (np.where((T > 4) & (T < 4.6), 0.4 * np.sin(2 * np.pi * 38 * T), 0), "noise_worst"),
        (np.where((T > 4) & (T < 5.5), 1.0 * np.sin(2 * np.pi * 38 * T), 0), "burst"),
    ],
)
def test_a_disturbance_shows_in_its_lead_and_measure(added: NDArray[np.float64], measure: str) -> None:
    difference = change(added, measure)
    own = LEADS.index("V3")
    assert difference[own] > 0.5
    assert np.abs(np.delete(difference, own)).max() < 1e-6


def test_a_lead_that_is_not_there_is_not_a_number() -> None:
    whole = ecg()
    some = replace(whole, signal=whole.signal[6:], leads=LEADS[6:])
    found = disturbance(some)
    assert np.isnan(found[:6]).all()
    assert np.allclose(found[6:], disturbance(whole)[6:])


def test_a_recording_at_another_rate_measures_nearly_the_same() -> None:
    from scipy.signal import resample_poly

    whole = ecg(0.8 * np.sin(2 * np.pi * 0.15 * T))
    slower = replace(whole, signal=resample_poly(whole.signal, 1, 2, axis=1).astype(np.float32), fs=FS / 2)
    columns = [NAMES.index(name) for name in ("wander_sd", "wander_range", "noise_quiet", "range")]
    assert np.allclose(disturbance(whole)[:, columns], disturbance(slower)[:, columns], atol=0.15)
