"""Pacemaker spikes that set off nothing, where a sample lasts as long as a spike (100 Hz and a little above).

Without the beat that follows it a stimulus is a small step of one or two samples in a quiet stretch. One such step is noise or
artefact; a pacemaker's come like a metronome, all pointing the same way, through whatever the heart does.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.records.peaks import peaks_of

SMALLEST_MV: Final = 0.05
"""Smallest step, root mean square over the leads, mV."""

LARGEST_SHARE: Final = 0.5
"""A step of more than this share of the QRS complexes is one of them."""

QUIET_SHARE: Final = 0.40
"""Largest movement from 30 to 70 ms on either side, as a share of the step."""

INTERVAL_S: Final = (0.5, 1.5)
"""Pacing intervals, s: 120 to 40 a minute."""

OFF_BEAT_S: Final = 0.015
FEWEST: Final = 5
LEAST_SHARE: Final = 0.5
"""How far from the beat of the metronome a step may fall, how many must fall on it, and on how many of its beats there is one:
a QRS complex hides the others."""

QRS_SHARE: Final = 0.6
BOUND_S: Final = 0.03
"""A QRS complex reaches this share of the typical one; what comes before it by one and the same time, to this many s, is P."""

SAME_WAY: Final = 0.7
"""Least cosine, over the leads, between a step and the usual one."""


def find_idle_spikes(signal: NDArray[np.float64], fs: float) -> NDArray[np.int64]:
    """Sample of each spike, in order; empty where no metronome is found.

    Args:
        signal: ``(n_leads, n)``, mV, unfiltered.
        fs: Hz, about 100 to 240.
    """
    none = np.empty(0, dtype=np.int64)
    unit = max(1, round(fs / 100))
    if signal.shape[1] < 20 * unit:
        return none
    at, steps = _steps(signal, unit)
    best = none
    for interval in np.arange(round(INTERVAL_S[0] * fs), round(INTERVAL_S[1] * fs) + 0.5, 0.5 * unit):
        on = _on_time(at, steps, interval, OFF_BEAT_S * fs)
        if on.size > best.size and on.size >= max(FEWEST, LEAST_SHARE * signal.shape[1] / interval):
            best = on
    return none if _leads_to(best, _complexes(signal, unit), BOUND_S * fs) else best


def _complexes(signal: NDArray[np.float64], unit: int) -> NDArray[np.int64]:
    """Samples at which all leads together are farthest from their level: the QRS complexes."""
    size = _size(signal)
    at = peaks_of(size, QRS_SHARE * _typical(size, unit), 25 * unit)
    return np.asarray(at, dtype=np.int64)


def _leads_to(steps: NDArray[np.int64], complexes: NDArray[np.int64], spread: float) -> bool:
    """Whether a complex follows nearly every step after the same time: then they are sharp P waves."""
    after = np.searchsorted(complexes, steps, side="right")
    lag = (
        (complexes[np.minimum(after, complexes.size - 1)] - steps)[after < complexes.size]
        if complexes.size
        else steps[:0]
    )
    if not lag.size:
        return False
    return bool(np.mean(np.abs(lag - np.median(lag)) <= spread) >= 0.8)


def _size(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    deviation = signal - np.median(signal, axis=1, keepdims=True)
    size: NDArray[np.float64] = np.sqrt((deviation**2).mean(axis=0))
    return size


def _typical(size: NDArray[np.float64], unit: int) -> float:
    """The height of a QRS complex: the median over pieces of 1.5 s of each piece's maximum."""
    return float(np.median([piece.max() for piece in np.array_split(size, max(1, size.size // (150 * unit)))]))


def _steps(signal: NDArray[np.float64], unit: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Samples of narrow steps between quiet stretches, and ``(n_leads, n)`` their size, mV."""
    n = signal.shape[1]
    centre = np.arange(7 * unit, n - 7 * unit)
    sides = [signal[:, centre + k * unit] for k in (-3, 3)]
    step = signal[:, centre] - (sides[0] + sides[1]) / 2
    height = np.sqrt((step**2).mean(axis=0))
    typical = _typical(_size(signal), unit)
    peaks = peaks_of(height, SMALLEST_MV, 5 * unit)
    peaks = peaks[height[peaks] <= LARGEST_SHARE * typical]
    moved = np.zeros(peaks.size)
    for side in (-1, 1):
        near = signal[:, (centre[peaks] + side * 3 * unit)[:, None] + side * unit * np.arange(5)]
        spread = np.sqrt((np.ptp(near, axis=2) ** 2).mean(axis=0))
        moved = np.maximum(moved, spread)
    kept = peaks[moved <= QUIET_SHARE * height[peaks]]
    return centre[kept].astype(np.int64), step[:, kept]


def _on_time(at: NDArray[np.int64], steps: NDArray[np.float64], interval: float, tolerance: float) -> NDArray[np.int64]:
    """The largest set of steps that fall on one metronome of this interval and point the same way."""
    best: NDArray[np.int64] = at[:0]
    for first in at[: max(0, at.size - FEWEST + 1)]:
        beats = (at - first) / interval
        near = np.abs(beats - np.round(beats)) * interval <= tolerance
        if np.count_nonzero(near) <= best.size:
            continue
        usual = steps[:, near].mean(axis=1)
        cosine = usual @ steps / np.maximum(np.linalg.norm(usual) * np.linalg.norm(steps, axis=0), 1e-9)
        near &= cosine >= SAME_WAY
        if np.count_nonzero(near) > best.size:
            best = at[near]
    return best
