"""Near-duplicate signals: the same ECG once more, resampled, rescaled, inverted, filtered, shifted or cropped.

An archive often holds an ECG twice (two rates, two formats, a re-export). Retrieved as a "precedent" of itself, such a
copy makes any evaluation look good and any report look certain. Similar vectors are not enough to tell a copy from a
look-alike, so the standardized waveforms are laid over each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

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


class Overlay:
    """A recording that others are laid over, one after the other: what depends on it alone is made once.

    Args:
        recording: Standardized.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._sides: dict[tuple[str, ...], tuple[_Side, _Side]] = {}

    def correlation(self, other: Recording) -> float:
        """How well another recording lies over this one at its best shift; see :func:`overlap_correlation`."""
        leads = tuple(lead for lead in self.recording.leads if lead in other.leads)
        if not leads or self.recording.fs != other.fs:
            return 0.0
        if leads not in self._sides:
            self._sides[leads] = _sides(_rows(self.recording, leads))
        plain, clipped = self._sides[leads]
        against = _sides(_rows(other, leads))
        min_overlap, second_long = round(MIN_OVERLAP_S * other.fs), round(other.fs)
        best = {_best_shift(plain, against[0], min_overlap), _best_shift(clipped, against[1], min_overlap)}
        return max(
            sign * float(np.median(_segment_correlations(*_overlap(plain.rows, against[0].rows, shift), second_long)))
            for shift, sign in best
        )


def overlap_correlation(first: Recording, second: Recording) -> float:
    """How well two recordings lie over each other at their best shift, -1 to 1, all common leads together.

    Both must be standardized to the same rate. The shift is the one of the largest correlation, of the signals as they
    are or of their low amplitudes (an artefact may hide either); the figure is then the median over one-second segments
    of the overlap, so that a transient at an end or one burst of noise does not hide a copy. Gain is divided out over
    all leads at once, its sign with it. 0.0 without common leads.
    """
    return Overlay(first).correlation(second)


def may_be_near_duplicate(first: Overlay, second: Recording) -> bool:
    """Whether two recordings, the second standardized to :data:`SCREEN`, are worth a look at all their leads.

    True also where they have too few of those leads in common to tell.
    """
    common = [lead for lead in SCREEN.leads if lead in first.recording.leads and lead in second.leads]
    return len(common) < 2 or first.correlation(second) >= SCREEN_CORRELATION


def is_near_duplicate(first: Overlay | Recording, second: Recording, threshold: float = COPY_CORRELATION) -> bool:
    """Whether two standardized recordings are the same ECG."""
    overlay = first if isinstance(first, Overlay) else Overlay(first)
    return overlay.correlation(second) >= threshold


class _Side:
    """One of two recordings that are laid over each other: rows ``(n_leads, n_samples)``, mV, with what is made of them."""

    def __init__(self, rows: NDArray[np.float64]) -> None:
        self.rows = rows
        self._energy = np.concatenate([[0.0], np.cumsum((rows * rows).sum(axis=0))])
        self._spectra: dict[int, NDArray[np.complex128]] = {}

    def spectrum(self, size: int) -> NDArray[np.complex128]:
        """The rows' Fourier transforms, padded to a size."""
        if size not in self._spectra:
            self._spectra[size] = rfft(self.rows, size)
        return self._spectra[size]

    def energy(self, begin: NDArray[np.int_], end: NDArray[np.int_]) -> NDArray[np.float64]:
        """Energy of the samples from each beginning to its end."""
        out: NDArray[np.float64] = self._energy[end] - self._energy[begin]
        return out


def _rows(recording: Recording, leads: tuple[str, ...]) -> NDArray[np.float64]:
    rows: NDArray[np.float64] = recording.signal[[recording.leads.index(lead) for lead in leads]].astype(np.float64)
    return rows


def _sides(rows: NDArray[np.float64]) -> tuple[_Side, _Side]:
    """Rows as they are, and their low amplitudes."""
    return _Side(rows), _Side(_clipped(rows))


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


def _best_shift(first: _Side, second: _Side, min_overlap: int) -> tuple[int, int]:
    """The shift ``s`` for which ``a[:, s + i]`` is most like ``b[:, i]`` or its inverse, which the sign tells.

    At least ``min_overlap`` samples are in common.
    """
    shifts = _Shifts.of(first.rows.shape[1], second.rows.shape[1], min_overlap)
    product = irfft((first.spectrum(shifts.size) * np.conj(second.spectrum(shifts.size))).sum(axis=0), shifts.size)
    energy = first.energy(*shifts.of_first) * second.energy(*shifts.of_second)
    score = product[shifts.places] / np.sqrt(np.maximum(energy, 1e-18))
    at = int(np.argmax(np.abs(score)))
    return at + shifts.least, -1 if score[at] < 0 else 1


@dataclass(frozen=True, eq=False)
class _Shifts:
    """The shifts of two recordings that leave enough of them in common.

    Attributes:
        least: The first; the others follow one by one.
        size: Of the Fourier transforms, so long that no shift meets another.
        places: Where each stands in their circular correlation: negative shifts at its end.
        of_first: Where what is common begins and ends in the first recording, for each shift.
        of_second: The same in the second.
    """

    least: int
    size: int
    places: NDArray[np.int_]
    of_first: tuple[NDArray[np.int_], NDArray[np.int_]]
    of_second: tuple[NDArray[np.int_], NDArray[np.int_]]

    @classmethod
    @lru_cache(maxsize=16)
    def of(cls, n: int, m: int, min_overlap: int) -> _Shifts:
        """Of recordings of ``n`` and ``m`` samples, laid one over the other again and again in an archive."""
        overlap = min(min_overlap, n, m)
        shifts = np.arange(overlap - m, n - overlap + 1)
        size = fast_length(n + m - overlap)
        begin, end = np.maximum(0, shifts), np.minimum(n, shifts + m)
        return cls(int(shifts[0]), size, shifts % size, (begin, end), (begin - shifts, end - shifts))


def _segment_correlations(a: NDArray[np.float64], b: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    count = max(1, a.shape[1] // width)
    width = min(width, a.shape[1])
    x = a[:, : count * width].reshape(a.shape[0], count, width)
    y = b[:, : count * width].reshape(b.shape[0], count, width)
    norm = np.sqrt((x * x).sum(axis=(0, 2)) * (y * y).sum(axis=(0, 2)))
    out: NDArray[np.float64] = (x * y).sum(axis=(0, 2)) / np.maximum(norm, 1e-9)
    return out
