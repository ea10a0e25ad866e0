"""How disturbed each lead of a recording is, in numbers: wander, steps, high-frequency noise, bursts, flat stretches.

Plain signal statistics; what they mean for a question about noise is fitted (:mod:`precordia.generation.answers.fitted`).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.records.filtering import butterworth, zero_phase
from precordia.records.standardize import SignalSpec, standardize

SPEC: Final = SignalSpec(highpass_hz=0.02, lowpass_hz=45.0)
"""Nearly the whole band at 100 Hz: the encoder's own spec takes away the wander that is to be measured."""

NAMES: Final = (
    "wander_sd", "wander_range", "slow_wander_range", "drift", "noise_median", "noise_quiet", "noise_worst", "burst",
    "range", "wander_slope", "muscle_band", "flat_share", "steepest",
)  # fmt: skip
"""The measures, all but ``flat_share`` and ``burst`` (a difference of logarithms) as the logarithm of millivolts."""

_WINDOW_S: Final = 0.25
_FLAT_MV: Final = 1e-3


def disturbance(recording: Recording) -> NDArray[np.float64]:
    """``(12, 13)``: the measures :data:`NAMES` of each lead of :data:`LEADS`; NaN for a lead that is not there.

    Raises:
        UnusableSignalError: the recording is too short or has no standard lead.
    """
    found = standardize(recording, SPEC)
    x = found.signal.astype(np.float64)
    out = np.full((len(LEADS), len(NAMES)), np.nan)
    rows = [LEADS.index(lead) for lead in found.leads]
    out[rows] = _measures(x - np.median(x, axis=1, keepdims=True), SPEC.fs)
    return out


def _measures(x: NDArray[np.float64], fs: float) -> NDArray[np.float64]:
    wander, slow = (_filtered(x, butterworth(2, f, "lowpass", fs)) for f in (0.5, 0.2))
    noise = np.abs(_filtered(x, butterworth(4, 30.0, "highpass", fs)))
    muscle = np.abs(_filtered(x, butterworth(4, (15.0, 44.0), "bandpass", fs)))
    window = round(_WINDOW_S * fs)
    whole = x.shape[1] // window * window
    power = np.sqrt((noise[:, :whole].reshape(x.shape[0], -1, window) ** 2).mean(axis=2))
    step = np.abs(np.diff(x, axis=1))
    columns = (
        np.log(wander.std(axis=1) + 1e-3),
        np.log(np.ptp(wander, axis=1) + 1e-3),
        np.log(np.ptp(slow, axis=1) + 1e-3),
        np.log(np.abs(wander[:, -1] - wander[:, 0]) + 1e-2),
        np.log(np.median(noise, axis=1) + 5e-4),
        np.log(np.quantile(power, 0.25, axis=1) + 5e-4),
        np.log(power.max(axis=1) + 1e-3),
        np.log(np.quantile(power, 0.9, axis=1) + 1e-3) - np.log(np.median(power, axis=1) + 1e-3),
        np.log(np.ptp(x, axis=1) + 1e-3),
        np.log(np.abs(np.diff(wander, axis=1)).max(axis=1) * fs + 1e-3),
        np.log(np.median(muscle, axis=1) + 1e-3),
        (step < _FLAT_MV).mean(axis=1),
        np.log(step.max(axis=1) + 1e-3),
    )
    return np.stack(columns, axis=1)


def _filtered(x: NDArray[np.float64], sections: NDArray[np.float64]) -> NDArray[np.float64]:
    """Zero phase, mirrored through the end points over three times the filter's length, as it was when this was fitted."""
    return zero_phase(sections, x, 3 * (2 * len(sections) + 1), odd=True)
