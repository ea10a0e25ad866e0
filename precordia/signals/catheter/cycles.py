"""What is measured of an electrogram without a model: cycle length, its irregularity, dominant frequency and how pure it is.

The envelope is that of Botteron and Smith (IEEE Trans Biomed Eng 1995;42:548): the deflections' band, rectified, smoothed below
20 Hz. The dominant frequency is its spectrum's highest peak, and regularity the share of the spectrum within 0.75 Hz of it
(Sanders et al., Circulation 2005;112:789).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from precordia.signals.catheter.tokens import FS

_DEFLECTIONS_HZ: Final = (30.0, 90.0)
_SMOOTH_HZ: Final = 20.0
_ATRIA_HZ: Final = (0.8, 12.0)
_NEAR_HZ: Final = 0.75
_REFRACTORY_S: Final = 0.08
_PROMINENT: Final = 0.3
"""Of the envelope's 98th percentile: what is lower is no activation."""

FEWEST: Final = 3
"""Activations, for an irregularity."""


@dataclass(frozen=True)
class Cycles:
    """What was measured.

    Attributes:
        cycle_ms: Median interval of activations, ms; None below two.
        irregularity: Standard deviation of the intervals over their mean; None below :data:`FEWEST` activations.
        dominant_hz: Hz.
        regularity: 0 to 1.
    """

    cycle_ms: float | None
    irregularity: float | None
    dominant_hz: float
    regularity: float

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "cycle_ms": None if self.cycle_ms is None else round(self.cycle_ms),
            "irregularity": None if self.irregularity is None else round(self.irregularity, 3),
            "dominant_hz": round(self.dominant_hz, 2),
            "regularity": round(self.regularity, 2),
        }


def measure_cycles(row: NDArray[np.float32]) -> Cycles:
    """Of one window.

    Args:
        row: ``(SAMPLES,)`` at :data:`~precordia.signals.catheter.tokens.FS`, any unit.
    """
    own = envelope(row)
    times = activations(own)
    steps = np.diff(times) * 1000.0
    frequency, power = signal.periodogram(own - own.mean(), FS, "hann", nfft=4096)
    inside = (frequency >= _ATRIA_HZ[0]) & (frequency <= _ATRIA_HZ[1])
    peak = float(frequency[inside][power[inside].argmax()])
    near = inside & (np.abs(frequency - peak) <= _NEAR_HZ)
    return Cycles(
        float(np.median(steps)) if steps.size else None,
        float(steps.std() / steps.mean()) if times.size >= FEWEST else None,
        peak,
        float(power[near].sum() / max(power[inside].sum(), 1e-30)),
    )


def envelope(row: NDArray[np.float32]) -> NDArray[np.float64]:
    """``(n,)``: how much of the deflections' band is there."""
    band = signal.butter(2, _DEFLECTIONS_HZ, "band", fs=FS, output="sos")
    smooth = signal.butter(2, _SMOOTH_HZ, fs=FS, output="sos")
    return np.asarray(signal.sosfiltfilt(smooth, np.abs(signal.sosfiltfilt(band, row.astype(np.float64)))))


def activations(own: NDArray[np.float64]) -> NDArray[np.float64]:
    """Times of activation, s, by an envelope."""
    least = _PROMINENT * float(np.quantile(own, 0.98))
    found, _ = signal.find_peaks(own, height=least, prominence=least / 2.0, distance=round(_REFRACTORY_S * FS))
    return np.asarray(found / FS)
