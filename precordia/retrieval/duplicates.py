"""Near-duplicate signals: the same ECG once more, resampled, rescaled, filtered, shifted or cropped.

An archive often holds an ECG twice (two rates, two formats, a re-export). Retrieved as a "precedent" of itself, such a
copy makes any evaluation look good and any report look certain. Similar vectors are not enough to tell a copy from a
look-alike, so the standardized waveforms are laid over each other.
"""

from __future__ import annotations

import numpy as np
from numpy.fft import irfft, rfft
from numpy.typing import NDArray

from precordia.core.recording import Recording
from precordia.records.spectra import fast_length
from precordia.records.standardize import SignalSpec

MIN_OVERLAP_S = 2.4
"""Shortest overlap that can show a copy, s: a little under the shortest recording accepted."""

COPY_CORRELATION = 0.94
"""Correlation from which two recordings are one: above the largest of 20,000 pairs of different people (0.934), below 99 %
of copies, however made (`python -m benchmarks.duplicates`)."""

SCREEN = SignalSpec(leads=("I", "II", "V2", "V5"))
"""Leads that are compared first: they see the heart from all sides, and most other ECGs already differ in them."""

SCREEN_CORRELATION = 0.7
"""Correlation of those leads below which the others are not looked at: 5.9% of other people's ECGs reach it, and no copy
that all leads tell stays below (0.88 the least, with a fifth drowned in noise; `python -m benchmarks.duplicates`)."""


def overlap_correlation(first: Recording, second: Recording) -> float:
    """How well two recordings lie over each other at their best shift, -1 to 1, all common leads together.

    Both must be standardized to the same rate. The shift is the one of the largest correlation, of the signals as they
    are or of their low amplitudes (an artefact may hide either); the figure is then the median over one-second segments
    of the overlap, so that a transient at an end or one burst of noise does not hide a copy. Gain is divided out over
    all leads at once. 0.0 without common leads.
    """
    leads = [lead for lead in first.leads if lead in second.leads]
    if not leads or first.fs != second.fs:
        return 0.0
    a = first.signal[[first.leads.index(lead) for lead in leads]].astype(np.float64)
    b = second.signal[[second.leads.index(lead) for lead in leads]].astype(np.float64)
    min_overlap, second_long = round(MIN_OVERLAP_S * first.fs), round(first.fs)
    shifts = {_best_shift(a, b, min_overlap), _best_shift(_clipped(a), _clipped(b), min_overlap)}
    return max(float(np.median(_segment_correlations(*_overlap(a, b, shift), second_long))) for shift in shifts)


def may_be_near_duplicate(first: Recording, second: Recording) -> bool:
    """Whether two recordings, standardized to :data:`SCREEN`, are worth a look at all their leads.

    True also where they have too few of those leads in common to tell.
    """
    common = [lead for lead in SCREEN.leads if lead in first.leads and lead in second.leads]
    return len(common) < 2 or overlap_correlation(first, second) >= SCREEN_CORRELATION


def is_near_duplicate(first: Recording, second: Recording, threshold: float = COPY_CORRELATION) -> bool:
    """Whether two standardized recordings are the same ECG."""
    return overlap_correlation(first, second) >= threshold


def _overlap(
    a: NDArray[np.float64], b: NDArray[np.float64], shift: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    length = min(a.shape[1], shift + b.shape[1]) - max(0, shift)
    return a[:, max(0, shift) :][:, :length], b[:, max(0, -shift) :][:, :length]


def _clipped(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each lead cut at its own 90th percentile, so that an artefact does not decide the shift."""
    size = np.abs(x)
    rank = int(0.9 * (size.shape[1] - 1))
    limit = np.partition(size, rank, axis=1)[:, rank : rank + 1]
    return np.clip(x, -limit, limit)


def _best_shift(a: NDArray[np.float64], b: NDArray[np.float64], min_overlap: int) -> int:
    """The shift ``s`` for which ``a[:, s + i]`` is most like ``b[:, i]``, with at least ``min_overlap`` samples in common."""
    n, m = a.shape[1], b.shape[1]
    size = fast_length(n + m - 1)
    product = irfft(rfft(a, size) * np.conj(rfft(b, size)), size).sum(axis=0)
    shifts = np.arange(-(m - 1), n)
    overlap = np.minimum(n, shifts + m) - np.maximum(0, shifts)
    energy_a = _running_energy(a, np.maximum(0, shifts), overlap)
    energy_b = _running_energy(b, np.maximum(0, -shifts), overlap)
    norm = np.sqrt(np.maximum(energy_a * energy_b, 1e-18))
    # Negative shifts stand at the end of a circular correlation.
    score = np.where(overlap >= min(min_overlap, n, m), product[shifts] / norm, -np.inf)
    return int(shifts[int(np.argmax(score))])


def _running_energy(x: NDArray[np.float64], start: NDArray[np.int_], length: NDArray[np.int_]) -> NDArray[np.float64]:
    total = np.concatenate([[0.0], np.cumsum((x * x).sum(axis=0))])
    out: NDArray[np.float64] = total[start + length] - total[start]
    return out


def _segment_correlations(a: NDArray[np.float64], b: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    count = max(1, a.shape[1] // width)
    width = min(width, a.shape[1])
    x = a[:, : count * width].reshape(a.shape[0], count, width)
    y = b[:, : count * width].reshape(b.shape[0], count, width)
    norm = np.sqrt((x * x).sum(axis=(0, 2)) * (y * y).sum(axis=(0, 2)))
    out: NDArray[np.float64] = (x * y).sum(axis=(0, 2)) / np.maximum(norm, 1e-9)
    return out
