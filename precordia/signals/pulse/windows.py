"""What the pulse encoder is fed: windows of one rate, within the pulse's band, of one size."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from precordia.core.errors import UnusableSignalError

FS: Final = 50.0
WINDOW_S: Final = 9.0
"""A resting ECG less the second in which the first beat's wave is under way."""

SAMPLES: Final = round(FS * WINDOW_S)
VERSION: Final = 1
"""Raised when the steps change: weights trained on other steps are refused."""

_BAND_HZ: Final = (0.4, 8.0)
_EDGE_S: Final = 0.15
"""How far a pulse is mirrored at its ends before it is filtered, s: in samples, the ends would depend on the rate."""

_MOST: Final = 4.0
_MOST_WINDOWS: Final = 40


def pulse_windows(pulse: NDArray[np.float64], fs: float) -> NDArray[np.float32]:
    """``(n_windows, SAMPLES)`` float32 at :data:`FS`, each of standard deviation 1, clipped at 4; the last ends with the pulse.

    Args:
        pulse: ``(n,)``, any unit, more blood upwards; missing samples are NaN.
        fs: Hz, from 20.

    Raises:
        UnusableSignalError: shorter than :data:`WINDOW_S`, a rate below 20 Hz, or nothing in it.
    """
    even = _even(pulse, fs, WINDOW_S)
    starts = [*range(0, even.size - SAMPLES, SAMPLES), even.size - SAMPLES][-_MOST_WINDOWS:]
    return _levelled(np.stack([even[start : start + SAMPLES] for start in starts]))


def prepared(pulse: NDArray[np.float64], fs: float, shortest_s: float) -> NDArray[np.float32]:
    """``(n,)`` float32 at :data:`FS`, within the pulse's band, of standard deviation 1, clipped at 4.

    Args:
        pulse: As for :func:`pulse_windows`.
        fs: Hz, from 20.
        shortest_s: Least length, s.

    Raises:
        UnusableSignalError: shorter, a rate below 20 Hz, or nothing in it.
    """
    return np.asarray(_levelled(_even(pulse, fs, shortest_s)[None])[0])


def _even(pulse: NDArray[np.float64], fs: float, shortest_s: float) -> NDArray[np.float64]:
    """The pulse at :data:`FS`, within its band."""
    row = np.asarray(pulse, dtype=np.float64)
    known = np.isfinite(row)
    if fs < 20.0 or row.size < shortest_s * fs or known.mean() < 0.5 or not np.ptp(row[known]) > 0.0:
        raise UnusableSignalError(
            f"a pulse of {row.size / fs:.1f} s at {fs:g} Hz cannot be used; {shortest_s:g} s at 20 Hz or more are needed"
        )
    at = np.arange(row.size)
    whole = np.interp(at, at[known], row[known])
    sections = signal.butter(2, [_BAND_HZ[0], min(_BAND_HZ[1], 0.45 * fs)], "band", fs=fs, output="sos")
    quiet = signal.sosfiltfilt(sections, whole - whole.mean(), padlen=round(_EDGE_S * fs))
    n = max(round(shortest_s * FS), int(row.size / fs * FS))
    return np.asarray(np.interp(np.arange(n) / FS, at / fs, quiet))


def _levelled(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    spread = np.maximum(rows.std(axis=1, keepdims=True), 1e-12)
    return np.asarray(np.clip(rows / spread, -_MOST, _MOST), dtype=np.float32)
