"""Beats where the heart is never at rest: in fast ventricular tachycardia no lead has a quiet level that beats stand out of.

What remains is that the same movement comes again and again: the leads together are like themselves one cycle later, and
beats are where they are like one cycle that was cut out of them. Noise is not like itself; a tremor of 4 to 6 a second is.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.fft import irfft, rfft
from numpy.typing import NDArray

from precordia.measurements.working_rate import FS
from precordia.records.peaks import peaks_of
from precordia.records.spectra import fast_length

CYCLE_S: Final = (0.24, 0.60)
"""RR intervals, s: 250 to 100 a minute."""

ALIKE: Final = 0.70
"""Correlation of the leads with themselves one cycle later (simulated tachycardias in noise: 0.85 and more; noise: below 0.3),
and of each beat with the one that was cut out."""

SHORTEST_WINS: Final = 0.95
"""Two cycles are as alike as one: the shortest lag within this share of the best counts."""


def restless_beats(signal: NDArray[np.float64]) -> NDArray[np.int64]:
    """Sample of each beat, at its fastest change; empty where nothing repeats.

    Args:
        signal: ``(n_leads, n)``, mV, at the working rate.
    """
    none = np.empty(0, dtype=np.int64)
    cycle = _cycle(signal)
    if cycle is None:
        return none
    speed = np.sqrt((np.gradient(signal, axis=1) ** 2).sum(axis=0))
    middle = signal.shape[1] // 2
    centre = middle - cycle // 2 + int(speed[middle - cycle // 2 : middle + cycle // 2 + 1].argmax())
    half = round(0.4 * cycle)
    if centre < half or centre + half > signal.shape[1]:
        return none
    likeness = _likeness(signal, signal[:, centre - half : centre + half])
    peaks = peaks_of(np.pad(likeness, 1), ALIKE, round(0.7 * cycle))
    beats: NDArray[np.int64] = (peaks - 1 + half).astype(np.int64)
    return beats if beats.size >= 0.7 * signal.shape[1] / cycle else none


def _cycle(signal: NDArray[np.float64]) -> int | None:
    """The lag, samples, at which the leads are most like themselves; None where they are not."""
    n = signal.shape[1]
    size = fast_length(2 * n)
    spectrum = rfft(signal, size, axis=1)
    together = irfft((spectrum.real**2 + spectrum.imag**2).sum(axis=0), size)[:n]
    lags = np.arange(round(CYCLE_S[0] * FS), min(round(CYCLE_S[1] * FS), n // 3) + 1)
    if not lags.size or together[0] <= 0.0:
        return None
    likeness = together[lags] / together[0] * n / (n - lags)
    if likeness.max() < ALIKE:
        return None
    tops = np.flatnonzero(likeness >= SHORTEST_WINS * likeness.max())
    run = tops[: np.flatnonzero(np.diff(tops, append=lags.size + 2) > 1)[0] + 1]
    best = int(run[likeness[run].argmax()])
    # A flank that only falls from lag 0 is slow movement, not a cycle.
    return int(lags[best]) if 0 < best < lags.size - 1 else None


def _likeness(signal: NDArray[np.float64], piece: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlation of each stretch of the signal with a piece of it, all leads together; one for each start."""
    width = piece.shape[1]
    windows = np.lib.stride_tricks.sliding_window_view(signal, width, axis=1)
    level = windows.mean(axis=2, keepdims=True)
    shape = piece - piece.mean(axis=1, keepdims=True)
    dots = np.einsum("lnw,lw->n", windows, shape, optimize=True)
    power = ((windows**2).sum(axis=2) - width * level[..., 0] ** 2).sum(axis=0)
    out: NDArray[np.float64] = dots / np.sqrt(np.maximum(power * (shape**2).sum(), 1e-12))
    return out
