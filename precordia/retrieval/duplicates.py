"""Near-duplicate signals: the same ECG once more, resampled, rescaled, filtered, shifted or cropped.

An archive often holds an ECG twice (two rates, two formats, a re-export). Retrieved as a "precedent" of itself, such a
copy makes any evaluation look good and any report look certain. Similar vectors are not enough to tell a copy from a
look-alike, so the standardized waveforms are laid over each other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from precordia.core.recording import Recording

MIN_OVERLAP_S = 2.4
"""Shortest overlap that can show a copy, s: a little under the shortest recording accepted."""

COPY_CORRELATION = 0.95
"""Correlation from which two recordings are one. `python -m benchmarks.duplicates` prints the distributions: copies (the
other rate, a crop, another gain, a narrower filter) stay above it, ECGs of different people and other visits below."""


def overlap_correlation(first: Recording, second: Recording) -> float:
    """Largest correlation of two recordings over all shifts, -1 to 1, all common leads together.

    Both must be standardized to the same rate. Gain is divided out over all leads at once, so a lead may not be scaled
    alone; 0.0 without common leads.
    """
    leads = [lead for lead in first.leads if lead in second.leads]
    if not leads or first.fs != second.fs:
        return 0.0
    a = first.signal[[first.leads.index(lead) for lead in leads]].astype(np.float64)
    b = second.signal[[second.leads.index(lead) for lead in leads]].astype(np.float64)
    return float(_sliding_correlation(a, b, round(MIN_OVERLAP_S * first.fs)).max(initial=-1.0))


def is_near_duplicate(first: Recording, second: Recording, threshold: float = COPY_CORRELATION) -> bool:
    """Whether two standardized recordings are the same ECG."""
    return overlap_correlation(first, second) >= threshold


def _sliding_correlation(a: NDArray[np.float64], b: NDArray[np.float64], min_overlap: int) -> NDArray[np.float64]:
    """Correlation of ``a`` and ``b`` for each shift with at least ``min_overlap`` samples in common."""
    n, m = a.shape[1], b.shape[1]
    size = next_fast_len(n + m - 1, real=True)
    product = irfft(rfft(a, size) * np.conj(rfft(b, size)), size).sum(axis=0)
    # Shift s: a[s + i] lies over b[i]; negative shifts wrap to the end.
    shifts = np.arange(-(m - 1), n)
    cross = product[shifts]
    overlap = np.minimum(n, shifts + m) - np.maximum(0, shifts)
    energy_a = _running_energy(a, np.maximum(0, shifts), overlap)
    energy_b = _running_energy(b, np.maximum(0, -shifts), overlap)
    norm = np.sqrt(energy_a * energy_b)
    usable = (overlap >= min(min_overlap, n, m)) & (norm > 1e-9)
    out: NDArray[np.float64] = cross[usable] / norm[usable]
    return out


def _running_energy(x: NDArray[np.float64], start: NDArray[np.int_], length: NDArray[np.int_]) -> NDArray[np.float64]:
    total = np.concatenate([[0.0], np.cumsum((x * x).sum(axis=0))])
    out: NDArray[np.float64] = total[start + length] - total[start]
    return out
