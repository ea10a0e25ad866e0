"""A recording as the quality checks look at it: 100 Hz, in three bands, gaps bridged."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.fft import irfft, rfft, rfftfreq
from numpy.typing import NDArray

from precordia.core.recording import Recording
from precordia.records.filtering import antialias, resampled
from precordia.records.peaks import near_true
from precordia.records.spectra import fast_length

FS = 100.0
"""Rate of the view, Hz: enough for every check, and the rate of the smallest common ECGs."""

DRIFT_HZ = 0.7
"""Below: baseline wander (Kligfield et al., Circulation 2007: the slowest heart's fundamental is near 0.5 Hz)."""

QRS_BAND_HZ = (5.0, 25.0)
"""Most of the QRS complex's energy and little of the T wave's (Thakor et al., IEEE Trans Biomed Eng 1984;31:702-706)."""

NOISE_HZ = 28.0
"""Above, up to 50 Hz: little ECG, much muscle noise."""


GAP_REACH_S = 0.2
"""How far from a bridged gap the QRS band is touched by it, s."""

LARGEST = np.float32(1e9)
"""Samples beyond are brought to it, so that squares stay finite."""


@dataclass(frozen=True, eq=False)
class View:
    """A recording's rows at 100 Hz.

    Attributes:
        leads: Names, one a row.
        finite: ``(n_leads,)`` share of samples that are finite in the recording.
        known: ``(n_leads, n)`` False within :data:`GAP_REACH_S` of a bridged gap, or None when nothing was bridged.
        factor: What the recording's amplitudes were multiplied with to be mV.
        wide: ``(n_leads, n)`` mV, median removed, the whole band.
        drift: ``(n_leads, n)`` mV, below :data:`DRIFT_HZ`.
        qrs: ``(n_leads, n)`` mV, :data:`QRS_BAND_HZ`.
        noise: ``(n_leads, n)`` mV, above :data:`NOISE_HZ`.
    """

    leads: tuple[str, ...]
    finite: NDArray[np.float64]
    known: NDArray[np.bool_] | None
    factor: float
    wide: NDArray[np.float32]
    drift: NDArray[np.float32]
    qrs: NDArray[np.float32]
    noise: NDArray[np.float32]

    def of(self, rows: NDArray[np.intp]) -> View:
        """Some of its rows."""
        leads = tuple(self.leads[row] for row in rows)
        known = None if self.known is None else self.known[rows]
        return View(
            leads,
            self.finite[rows],
            known,
            self.factor,
            self.wide[rows],
            self.drift[rows],
            self.qrs[rows],
            self.noise[rows],
        )

    def rescaled(self, factor: float) -> View:
        """The same with every amplitude multiplied."""
        scale = np.float32(factor)
        bands = (band * scale for band in (self.wide, self.drift, self.qrs, self.noise))
        return View(self.leads, self.finite, self.known, self.factor * factor, *bands)


def view_of(recording: Recording, rows: list[int]) -> View:
    """The view of some rows of a recording.

    Args:
        recording: At least one sample long.
        rows: Which rows.
    """
    signal = np.clip(recording.signal[rows], -LARGEST, LARGEST)
    good = np.isfinite(recording.signal[rows])
    share = good.mean(axis=1)
    gaps = not good.all()
    if gaps:
        signal = _bridged(signal, good)
    wide = _at_view_rate(signal, recording.fs)
    known = _known(good, wide.shape[1]) if gaps else None
    wide -= np.median(wide, axis=1, keepdims=True)
    drift, qrs, noise = _bands(wide)
    return View(tuple(recording.leads[row] for row in rows), share, known, 1.0, wide, drift, qrs, noise)


def in_blocks(x: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """``(n_leads, n_blocks, width)``: rows cut into blocks, an incomplete last one left out; one block when too short."""
    if x.shape[1] < width:
        return x[:, None, :]
    n = x.shape[1] // width
    return x[:, : n * width].reshape(x.shape[0], n, width)


def _bridged(signal: NDArray[np.float32], good: NDArray[np.bool_]) -> NDArray[np.float32]:
    out = np.zeros_like(signal)
    index = np.arange(signal.shape[1])
    for row, (x, ok) in enumerate(zip(signal, good, strict=True)):
        if ok.any():
            out[row] = np.interp(index, index[ok], x[ok])
    return out


def _known(good: NDArray[np.bool_], n: int) -> NDArray[np.bool_]:
    nearest = np.minimum(np.arange(n) * good.shape[1] // n, good.shape[1] - 1)
    reach = round(GAP_REACH_S * FS)
    # A gap shorter than a sample of the view may fall between the nearest ones; its own place is marked as well.
    gap = ~good[:, nearest]
    rows, places = np.nonzero(~good)
    gap[rows, np.minimum(places * n // good.shape[1], n - 1)] = True
    return ~near_true(gap, reach)


@lru_cache(maxsize=32)
def _antialias(up: int, down: int) -> NDArray[np.float32]:
    """A short low-pass at the lower of the two Nyquist rates; the checks need no steep one."""
    return antialias(up, down, crossings=4, beta=4.0).astype(np.float32)


def _at_view_rate(signal: NDArray[np.float32], fs: float) -> NDArray[np.float32]:
    # A rate within 0.5% serves: the checks look at durations no finer than that.
    ratio = Fraction(FS / fs).limit_denominator(40)
    if ratio == 1 or ratio == 0:
        return signal.astype(np.float32)
    up, down = ratio.numerator, ratio.denominator
    return resampled(signal.astype(np.float32, copy=False), up, down, _antialias(up, down), level=True)


@lru_cache(maxsize=32)
def _responses(n: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Squared magnitudes of Butterworth filters (as of filtering forwards and backwards), at ``n``-point frequencies."""
    f = rfftfreq(n, 1 / FS)
    f[0] = 1e-9
    drift = 1 / (1 + (f / DRIFT_HZ) ** 4)
    low, high = QRS_BAND_HZ
    qrs = 1 / (1 + (low / f) ** 4) / (1 + (f / high) ** 4)
    noise = 1 / (1 + (NOISE_HZ / f) ** 8)
    return drift.astype(np.float32), qrs.astype(np.float32), noise.astype(np.float32)


def _bands(wide: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    n = wide.shape[1]
    pad = min(n - 1, round(1.5 * FS))
    padded = np.pad(wide, ((0, 0), (pad, pad)), mode="reflect", reflect_type="odd") if pad else wide
    size = fast_length(padded.shape[1])
    spectrum = rfft(padded, size, axis=1)
    drift, qrs, noise = (
        irfft(spectrum * response, size, axis=1)[:, pad : pad + n].astype(np.float32) for response in _responses(size)
    )
    return drift, qrs, noise
