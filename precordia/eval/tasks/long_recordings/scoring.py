"""How found beats and times are held against true ones, and the simplest detector beside ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, find_peaks, sosfiltfilt

from precordia.core.recording import Recording

WINDOW_S: Final = 0.150
"""A beat found so near a marked one is that beat (ANSI/AAMI EC57)."""


def matched(truth: NDArray[np.float64], found: NDArray[np.float64]) -> int:
    """Number of beats that are in both, each counted once."""
    i = j = n = 0
    while i < truth.size and j < found.size:
        if abs(truth[i] - found[j]) <= WINDOW_S:
            n, i, j = n + 1, i + 1, j + 1
        elif truth[i] < found[j]:
            i += 1
        else:
            j += 1
    return n


def seconds_inside(spans: Sequence[tuple[float, float]], duration_s: float) -> NDArray[np.bool_]:
    """``(n_seconds,)`` whether the middle of each second lies in one of some spans."""
    middle = np.arange(int(duration_s)) + 0.5
    out = np.zeros(middle.size, dtype=bool)
    for start, end in spans:
        out |= (middle >= start) & (middle <= end)
    return out


def overlap(truth: tuple[float, float], found: Sequence[tuple[float, float]]) -> float:
    """The largest intersection over union of a span with one of those found; 0 without any."""
    best = 0.0
    for start, end in found:
        shared = max(0.0, min(end, truth[1]) - max(start, truth[0]))
        best = max(best, shared / (max(end, truth[1]) - min(start, truth[0])))
    return best


def fixed_threshold(recording: Recording) -> NDArray[np.float64]:
    """Beats by one threshold for the whole of the first lead: half of the 98th percentile of its QRS band, s."""
    band = butter(2, (8.0, 25.0), "bandpass", fs=recording.fs, output="sos")
    height = np.abs(sosfiltfilt(band, np.nan_to_num(recording.signal[0].astype(np.float64))))
    peaks, _ = find_peaks(height, height=0.5 * np.quantile(height, 0.98), distance=round(0.25 * recording.fs))
    out: NDArray[np.float64] = peaks / recording.fs
    return out
