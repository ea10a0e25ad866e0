"""Where the T wave begins and ends, in each lead of an average beat."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.measurements.conditioning import smooth
from precordia.measurements.humps import end_of, extremum_of, gathered, start_of
from precordia.measurements.working_rate import FS

SMALLEST_MV: Final = 0.012
"""Smallest T wave in a lead, mV."""

ONSET_SHARE: Final = 0.28
OFFSET_SHARE: Final = 0.25
"""Share of a limb's steepest slope at which the wave begins and ends."""

REACH: Final = 0.048 * FS
"""How far one lead's boundary may lie from the median of the leads, samples."""


def t_bounds(
    average: NDArray[np.float64], qrs_offsets: NDArray[np.float64], latest: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Onset, peak and offset of the T wave in each lead, columns of ``average``; NaN in a lead without one.

    Args:
        average: ``(n_leads, n)``, mV.
        qrs_offsets: Column of the QRS offset in each lead.
        latest: First column that may belong to the next beat.
    """
    n_leads = average.shape[0]
    out = np.full((3, n_leads), np.nan)
    curve, smoother = smooth(average, 20), smooth(average, 32)
    stop = min(latest, average.shape[1])
    ended = int(np.nanmedian(qrs_offsets))
    start = ended + round(0.04 * FS)
    if stop - start < round(0.08 * FS):
        return out[0], out[1], out[2]
    for k in range(n_leads):
        peak, height = extremum_of(smoother[k], start, stop)
        if abs(height) < SMALLEST_MV:
            continue
        lo, hi = max(ended, peak - round(0.24 * FS)), min(stop, peak + round(0.25 * FS))
        out[:, k] = start_of(curve[k], peak, lo, ONSET_SHARE), peak, end_of(curve[k], peak, hi, OFFSET_SHARE)
    out[:, ~np.isfinite(out).all(axis=0)] = np.nan
    return gathered(out[0], REACH), out[1], gathered(out[2], REACH)
