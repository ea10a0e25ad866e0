"""Where the QRS complex begins and ends, in each lead of an average beat."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.measurements.conditioning import smooth
from precordia.measurements.humps import gathered
from precordia.measurements.order import median
from precordia.measurements.working_rate import BEFORE, FS

SEARCH_BEFORE: Final = round(0.12 * FS)
SEARCH_AFTER: Final = round(0.18 * FS)
QUIET: Final = 3
"""Samples in a row below the threshold that end a complex (12 ms)."""

GLOBAL_SHARE: Final = 0.06
ONSET_SHARE: Final = 0.035
OFFSET_SHARE: Final = 0.045
"""Share of the steepest slope, of all leads together and of one lead, below which the complex has not begun or has ended."""

REACH: Final = 0.024 * FS
"""How far one lead's boundary may lie from the median of the leads, samples."""


def slope(average: NDArray[np.float64]) -> NDArray[np.float64]:
    """Absolute slope, mV a sample, over 12 ms."""
    return np.abs(np.gradient(smooth(average, 12), axis=-1))


def qrs_bounds(
    average: NDArray[np.float64], stimulus: int | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Onset and offset in each lead, columns of ``average``.

    Args:
        average: ``(n_leads, n)``, mV.
        stimulus: Column of the pacemaker spike that sets the complex off, before which it cannot begin; or None.
    """
    speed = slope(average)
    total = np.sqrt((speed**2).sum(axis=0))
    lo, hi = max(BEFORE - SEARCH_BEFORE, stimulus or 0), BEFORE + SEARCH_AFTER
    core = slice(BEFORE - round(0.06 * FS), BEFORE + round(0.06 * FS))
    peak = core.start + int(np.argmax(total[core]))
    first, last = _extent(total, peak, lo, hi, (GLOBAL_SHARE, GLOBAL_SHARE))
    onsets = np.full(average.shape[0], np.nan)
    offsets = np.full(average.shape[0], np.nan)
    for k, s in enumerate(speed):
        a, b = max(lo, first - 6), min(hi, last + 10)
        top = a + int(np.argmax(s[a:b]))
        on, off = _extent(s, top, a, b, (ONSET_SHARE, OFFSET_SHARE))
        onsets[k], offsets[k] = on, off
    return gathered(onsets, REACH), gathered(offsets, REACH)


def _extent(s: NDArray[np.float64], peak: int, lo: int, hi: int, shares: tuple[float, float]) -> tuple[int, int]:
    """First and last column around ``peak`` where the slope ``s`` exceeds its share (before, after) of the peak's."""
    floor = 1.5 * float(median(s[max(0, lo - 12) : lo])) if lo > 0 else 0.0
    left = _quiet_runs(s[lo:peak] < max(shares[0] * float(s[peak]), floor))
    right = _quiet_runs(s[peak:hi] < max(shares[1] * float(s[peak]), floor))
    on = lo + int(left[-1]) + QUIET - 1 if left.size else lo
    off = peak + int(right[0]) if right.size else hi
    return on, off


def _quiet_runs(below: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Where runs of :data:`QUIET` quiet samples start."""
    if below.size < QUIET:
        return np.empty(0, dtype=np.intp)
    runs = below[: below.size - QUIET + 1].copy()
    for shift in range(1, QUIET):
        runs &= below[shift : below.size - QUIET + 1 + shift]
    return runs.nonzero()[0]


def r_peaks(
    average: NDArray[np.float64], onsets: NDArray[np.float64], offsets: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Column of the largest deflection of the QRS complex in each lead; NaN in a lead without a complex."""
    out = np.full(average.shape[0], np.nan)
    for k in np.flatnonzero(np.isfinite(onsets) & np.isfinite(offsets)):
        a, b = int(onsets[k]), int(offsets[k]) + 1
        x = average[k, a:b]
        out[k] = a + int(np.argmax(np.abs(x - np.linspace(x[0], x[-1], x.size))))
    return out
