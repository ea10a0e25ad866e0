"""Beats of a pulse: where they are found, to fractions of a sample, and how far each resembles the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

Samples = NDArray[np.float64]

SLOWEST_BPM, FASTEST_BPM = 30.0, 200.0
BAND_HZ: Final = (0.5, 6.0)
"""Where a pulse wave lies: the first harmonics of 30 to 200 a minute (Elgendi, Curr Cardiol Rev 2012;8:14)."""

_HALF_S: Final = 0.25
"""Half of the piece around an upstroke by which beats are compared, s."""

_REACH_S: Final = 0.1
_PASSES: Final = 3
_CLOSEST, _STEEP = 0.6, 0.6
"""Least distance between upstrokes as a share of the usual one, and least prominence of a slope as a share of the 95th
percentile of slopes; chosen on Welltory's odd subjects."""

_LOUDEST: Final = 2.0
"""Times the usual peak: what moves more is an artefact, and is clipped."""


@dataclass(frozen=True, eq=False)
class PulseBeats:
    """Beats of a pulse, one channel's.

    Attributes:
        time_s: ``(n,)`` float64, s: middle of each upstroke.
        likeness: ``(n,)`` float64: correlation of each upstroke with the median one, -1 to 1.
        amplitude: ``(n,)`` float64: height of each upstroke over the median height.
    """

    time_s: Samples
    likeness: Samples
    amplitude: Samples


def find_beats(pulse: Samples, fs: float) -> PulseBeats:
    """The beats of a pulse whose upstroke points up; one beside an artefact is like no other (0).

    Upstrokes are found at the largest slopes, at least :data:`_CLOSEST` of a usual beat apart, then moved to where they
    resemble the median upstroke most, with a parabola between samples.

    Args:
        pulse: ``(n,)`` finite, any unit.
        fs: Hz.
    """
    loud, artefact = _levelled(filtered(pulse, fs), fs)
    period = usual_period_s(loud, fs)
    none = np.zeros(0)
    if period is None:
        return PulseBeats(none, none, none)
    slope = np.gradient(loud) * fs
    height = float(np.percentile(slope, 95))
    peaks, _ = signal.find_peaks(slope, distance=max(1, int(_CLOSEST * period * fs)), prominence=_STEEP * height)
    half, reach = round(_HALF_S * fs), max(2, round(_REACH_S * fs))
    at = peaks.astype(np.float64)
    likeness = none
    for _ in range(_PASSES):
        at = at[(at > 2 * half + reach) & (at < slope.size - 2 * half - reach)]
        if at.size < 3:
            return PulseBeats(none, none, none)
        whole = np.rint(at).astype(np.intp)
        median = np.median(slope[whole[:, None] + np.arange(-half, half + 1)], axis=0)
        at, likeness = _moved(slope, whole, median, reach)
    at, first = np.unique(at, return_index=True)
    whole = np.rint(at).astype(np.intp)
    beside = artefact[whole[:, None] + np.arange(-2 * half, 2 * half + 1)].any(axis=1)
    likeness = np.where(beside, 0.0, likeness[first])
    amplitude = _heights(loud, whole, half)
    return PulseBeats(at / fs, likeness, amplitude)


def filtered(pulse: Samples, fs: float) -> Samples:
    """Within :data:`BAND_HZ`, without shift."""
    high = min(BAND_HZ[1], 0.45 * fs)
    sections = signal.butter(3, [BAND_HZ[0], high], "band", fs=fs, output="sos")
    out: Samples = signal.sosfiltfilt(sections, pulse - pulse.mean())
    return out


def usual_period_s(pulse: Samples, fs: float) -> float | None:
    """The usual time between beats, s: first high peak of the median autocorrelation of pieces of 8 s; None where none is."""
    size = min(pulse.size, round(8.0 * fs))
    starts = range(0, pulse.size - size + 1, max(1, size // 2))
    pieces = np.stack([pulse[s : s + size] - pulse[s : s + size].mean() for s in starts])
    spectra = np.abs(np.fft.rfft(pieces, 2 * size, axis=1)) ** 2
    correlations = np.fft.irfft(spectra, axis=1)[:, :size]
    energies = correlations[:, :1]
    if not (energies > 0).any():
        return None
    mean = np.median((correlations / np.maximum(energies, 1e-12))[energies[:, 0] > 0], axis=0)
    mean = mean * size / np.maximum(size - np.arange(size), size // 4)  # fewer products at longer lags
    low, high = int(60.0 / FASTEST_BPM * fs), min(int(60.0 / SLOWEST_BPM * fs), size - 1)
    peaks, facts = signal.find_peaks(mean[low : high + 1], height=0.05)
    if not peaks.size:
        return None
    heights = facts["peak_heights"]
    first = peaks[np.flatnonzero(heights >= 0.7 * heights.max())[0]]
    return float(low + first) / fs


def _levelled(pulse: Samples, fs: float) -> tuple[Samples, NDArray[np.bool_]]:
    """Divided by the local loudness (median magnitude within 6 s) and clipped, and where it was clipped."""
    step = max(1, round(fs / 10.0))
    coarse = np.abs(pulse[: pulse.size // step * step]).reshape(-1, step).max(axis=1)
    loudness = ndimage.median_filter(coarse, size=61, mode="reflect")
    floor = 0.1 * float(np.median(loudness)) + 1e-12
    at = (np.arange(coarse.size) + 0.5) * step
    level = pulse / np.interp(np.arange(pulse.size), at, np.maximum(loudness, floor))
    peak = float(np.median(ndimage.maximum_filter1d(np.abs(level), round(1.5 * fs))))
    most = _LOUDEST * max(peak, 1e-12)
    clipped: Samples = np.clip(level, -most, most)
    return clipped, np.abs(level) > most


def _moved(slope: Samples, whole: NDArray[np.intp], median: Samples, reach: int) -> tuple[Samples, Samples]:
    """Beats where they resemble the median upstroke most within ``reach`` samples, and how far they do."""
    half = (median.size - 1) // 2
    shifts = np.arange(-reach, reach + 1)
    pieces = slope[whole[:, None, None] + shifts[None, :, None] + np.arange(-half, half + 1)]
    pieces = pieces - pieces.mean(axis=2, keepdims=True)
    wanted = median - median.mean()
    norms = np.linalg.norm(pieces, axis=2) * np.linalg.norm(wanted)
    alike = pieces @ wanted / np.maximum(norms, 1e-12)
    best = alike.argmax(axis=1)
    rows = np.arange(whole.size)
    inner = np.clip(best, 1, shifts.size - 2)
    left, middle, right = (alike[rows, inner + step] for step in (-1, 0, 1))
    bend = left - 2.0 * middle + right
    part = np.where((inner == best) & (bend < 0), 0.5 * (left - right) / np.where(bend < 0, bend, -1.0), 0.0)
    return whole + shifts[best] + np.clip(part, -0.5, 0.5), alike[rows, best]


def _heights(pulse: Samples, whole: NDArray[np.intp], half: int) -> Samples:
    """Highest after less lowest before the middle of each upstroke, over the median of all."""
    spans = whole[:, None] + np.arange(half)
    heights = pulse[spans].max(axis=1) - pulse[spans - half].min(axis=1)
    return np.asarray(heights / max(float(np.median(heights)), 1e-12), dtype=np.float64)
