"""Where the QRS complexes are: one detector over all leads together.

Each lead gives the envelope of its 8-25 Hz band (where the QRS complex has most of its energy and P and T waves little:
Thakor et al., IEEE Trans Biomed Eng 1984;31:702-706), scaled to that lead's own beats. The leads are averaged with
weights by how far their beats stand out, so that a noisy or loose electrode does not outvote the others. Peaks of the
sum are accepted against an adaptive threshold with search-back, as in Pan and Tompkins (IEEE Trans Biomed Eng
1985;32:230-236).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, find_peaks, sosfiltfilt

from precordia.measurements.working_rate import FS

REFRACTORY_S: Final = 0.20
"""No two ventricular complexes follow closer (Pan and Tompkins 1985)."""

THRESHOLD: Final = 0.35
"""Share of the typical beat's envelope that a beat must reach."""

SEARCH_BACK: Final = 0.18
"""Share of the typical beat's envelope accepted where a beat is overdue."""

OVERDUE: Final = 1.66
"""A gap this many times the usual RR interval is searched again (Pan and Tompkins 1985)."""

MIN_PROMINENCE: Final = 3.0
"""A typical beat's envelope over the median envelope; noise alone stays below."""


def find_beats(signal: NDArray[np.float64]) -> NDArray[np.int64]:
    """Sample of each QRS complex, in order; empty where there is none.

    Args:
        signal: ``(n_leads, n)``, mV, at the working rate.
    """
    envelope = _fused_envelope(signal)
    if envelope is None:
        return np.empty(0, dtype=np.int64)
    gap = round(REFRACTORY_S * FS)
    peaks, props = find_peaks(envelope, height=SEARCH_BACK, distance=gap)
    if not peaks.size:
        return np.empty(0, dtype=np.int64)
    heights = props["peak_heights"]
    peaks, heights = _without_t_waves(peaks, heights)
    strong = heights >= THRESHOLD
    if not strong.any():
        return np.empty(0, dtype=np.int64)
    kept = _search_back(peaks, strong)
    return peaks[kept].astype(np.int64)


def _fused_envelope(signal: NDArray[np.float64]) -> NDArray[np.float64] | None:
    band = sosfiltfilt(_qrs_band(), signal, axis=1, padlen=min(signal.shape[1] - 1, round(FS)))
    envelope = uniform_filter1d(np.abs(band), round(0.10 * FS), axis=1, mode="constant")
    # The typical beat: median over 1.5 s pieces of each piece's maximum.
    width = round(1.5 * FS)
    n_pieces = max(1, envelope.shape[1] // width)
    pieces = np.array_split(envelope, n_pieces, axis=1)
    typical = np.median([piece.max(axis=1) for piece in pieces], axis=0)
    floor = np.median(envelope, axis=1)
    prominence = typical / np.maximum(floor, 1e-6)
    weight = np.clip(prominence - MIN_PROMINENCE, 0.0, 10.0) * (typical > 0.003)
    if weight.sum() <= 0:
        return None
    scaled = np.clip(envelope / np.maximum(typical, 1e-6)[:, None], 0.0, 2.0)
    fused: NDArray[np.float64] = (weight[:, None] * scaled).sum(axis=0) / weight.sum()
    top = float(np.median([piece.max() for piece in np.array_split(fused, n_pieces)]))
    return fused / top if top > 0 else None


def _without_t_waves(
    peaks: NDArray[np.int64], heights: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Drop a peak that follows a much larger one within 360 ms: a T wave (Pan and Tompkins 1985)."""
    keep = np.ones(peaks.size, dtype=bool)
    for i in range(1, peaks.size):
        before = np.flatnonzero(keep[:i])
        if before.size and peaks[i] - peaks[before[-1]] < 0.36 * FS and heights[i] < 0.5 * heights[before[-1]]:
            keep[i] = False
    return peaks[keep], heights[keep]


def _search_back(peaks: NDArray[np.int64], strong: NDArray[np.bool_]) -> NDArray[np.bool_]:
    kept = strong.copy()
    for _ in range(2):
        sure = peaks[kept]
        if sure.size < 3:
            return kept
        usual = float(np.median(np.diff(sure)))
        for left, right in pairwise(sure):
            if right - left > OVERDUE * usual:
                margin = max(0.36 * FS, 0.4 * usual)
                kept |= (peaks > left + margin) & (peaks < right - margin)
    return kept


@lru_cache(maxsize=1)
def _qrs_band() -> NDArray[np.float64]:
    band: NDArray[np.float64] = butter(2, (8.0, 25.0), btype="bandpass", fs=FS, output="sos")
    return band
