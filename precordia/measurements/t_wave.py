"""Where the T wave begins and ends, in each lead of an average beat."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.measurements.conditioning import FS, smooth
from precordia.measurements.humps import end_of, extremum_of, start_of

SMALLEST_MV: Final = 0.02
"""Smallest T wave in a lead, mV."""


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
    curve = smooth(average, 32)
    stop = min(latest, average.shape[1])
    start = int(np.nanmedian(qrs_offsets)) + round(0.04 * FS)
    if stop - start < round(0.10 * FS):
        return out[0], out[1], out[2]
    for k in range(n_leads):
        peak, height = extremum_of(curve[k], start, stop)
        if abs(height) < SMALLEST_MV:
            continue
        offset = end_of(curve[k], peak, min(stop, peak + round(0.25 * FS)))
        out[:, k] = start_of(curve[k], peak, max(start - round(0.02 * FS), peak - round(0.25 * FS))), peak, offset
    return out[0], out[1], out[2]
