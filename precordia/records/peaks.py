"""Peaks of a row of numbers, and moving means and maxima over it, as scipy gives them and without importing it."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_SUMMED: Final = 9
"""Up to this width the shifted rows are added; a wider mean comes from running sums."""


def peaks_of(row: NDArray[np.floating], height: float, distance: float) -> NDArray[np.intp]:
    """Samples larger than their neighbours (the middle of a plateau), in order.

    As ``scipy.signal.find_peaks(row, height=height, distance=distance)``.

    Args:
        row: ``(n,)``.
        height: Of the smallest peak.
        distance: Samples between two peaks at least; the smaller one goes.
    """
    rise = np.diff(row)
    moves = np.flatnonzero(rise)
    tops = np.flatnonzero((rise[moves[:-1]] > 0) & (rise[moves[1:]] < 0))
    peaks: NDArray[np.intp] = (moves[tops] + 1 + moves[tops + 1]) // 2
    peaks = peaks[row[peaks] >= height]
    keep = np.ones(peaks.size, dtype=np.bool_)
    least = math.ceil(distance)
    if peaks.size < 2 or int(np.diff(peaks).min()) >= least:
        return peaks
    for at in np.argsort(row[peaks])[::-1]:
        if keep[at]:
            first = np.searchsorted(peaks, peaks[at] - least, side="right")
            last = np.searchsorted(peaks, peaks[at] + least, side="left")
            keep[first:last] = False
            keep[at] = True
    kept: NDArray[np.intp] = peaks[keep]
    return kept


def moving_mean(rows: NDArray[Any], width: int, mode: str = "nearest") -> NDArray[Any]:
    """Means over ``width`` samples along the last axis, as ``scipy.ndimage.uniform_filter1d`` gives them.

    Args:
        rows: ``(..., n)``, float32 or float64, which stays.
        width: Samples; of an even number one more lies before than after.
        mode: What stands beyond the ends: "nearest" the end's value, "constant" 0, "reflect" the row mirrored.
    """
    before, n = width // 2, rows.shape[-1]
    after = width - before - 1
    if mode == "reflect":
        padded = np.pad(rows, [(0, 0)] * (rows.ndim - 1) + [(before, after)], mode="symmetric")
    else:
        padded = np.zeros((*rows.shape[:-1], n + width - 1), dtype=rows.dtype)
        padded[..., before : before + n] = rows
        if mode == "nearest":
            padded[..., :before] = rows[..., :1]
            padded[..., before + n :] = rows[..., -1:]
    if width <= _SUMMED:
        out = padded[..., :n].copy()
        for shift in range(1, width):
            out += padded[..., shift : shift + n]
        out /= width
        return out
    total = np.zeros((*rows.shape[:-1], n + width))
    np.cumsum(padded, axis=-1, dtype=np.float64, out=total[..., 1:])
    mean: NDArray[Any] = ((total[..., width:] - total[..., :-width]) / width).astype(rows.dtype, copy=False)
    return mean


def near_true(marked: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """Whether anything within ``reach`` samples along the last axis is marked."""
    n = marked.shape[-1]
    total = np.zeros((*marked.shape[:-1], n + 1), dtype=np.int64)
    np.cumsum(marked, axis=-1, out=total[..., 1:])
    at = np.arange(n)
    found: NDArray[np.bool_] = total[..., np.minimum(at + reach + 1, n)] > total[..., np.maximum(at - reach, 0)]
    return found
