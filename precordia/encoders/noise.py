"""The noises of ECG recording, for training and for stress tests: shaped by their spectra, never taken from a data set.

Bands and shapes follow what the MIT-BIH Noise Stress Test Database recorded (Moody, Muldrow, Mark, Computers in
Cardiology 1984) and Friesen et al., IEEE Trans. Biomed. Eng. 1990;37:85-98: baseline wander below 0.5 Hz with a tail to
1 Hz (breathing, sweat), muscle noise white from 5 Hz up, mains at 50 or 60 Hz, and electrode motion as abrupt shifts that
decay, most of it between 0.5 and 10 Hz, in the band of the ECG itself.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnknownNameError

NoiseKind = Literal["baseline_wander", "muscle", "mains", "electrode_motion"]
NOISES: Final[tuple[NoiseKind, ...]] = ("baseline_wander", "muscle", "mains", "electrode_motion")


def noise(kind: str, n_rows: int, n_samples: int, fs: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Independent noise for each row, ``(n_rows, n_samples)`` float32 of unit root mean square.

    Raises:
        UnknownNameError: not one of ``NOISES``.
    """
    if kind not in NOISES:
        raise UnknownNameError("noise", kind, NOISES)
    if kind == "mains":
        rows = _mains(n_rows, n_samples, fs, rng)
    elif kind == "electrode_motion":
        rows = _electrode_motion(n_rows, n_samples, fs, rng)
    else:
        low, high, slope = (0.05, 1.0, -2.0) if kind == "baseline_wander" else (5.0, 0.45 * fs, 0.0)
        rows = _coloured(n_rows, n_samples, fs, low, high, slope, rng)
    rows -= rows.mean(axis=1, keepdims=True)
    rms = np.sqrt((rows**2).mean(axis=1, keepdims=True))
    out: NDArray[np.float32] = (rows / np.maximum(rms, 1e-12)).astype(np.float32)
    return out


def add_noise(
    signal: NDArray[np.float32], fs: float, kind: str, snr_db: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """``signal`` with noise of its own on each lead, at ``snr_db`` to that lead's mean power about its mean.

    Args:
        signal: ``(n_leads, n_samples)`` mV.
        fs: Hz.
        kind: One of ``NOISES``.
        snr_db: Signal-to-noise ratio, dB.
        rng: Source of the draw.
    """
    rows = noise(kind, signal.shape[0], signal.shape[1], fs, rng)
    scale = signal.std(axis=1, keepdims=True) * 10.0 ** (-snr_db / 20.0)
    out: NDArray[np.float32] = (signal + rows * scale).astype(np.float32)
    return out


def _coloured(
    n_rows: int, n_samples: int, fs: float, low: float, high: float, slope: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Gaussian noise between two frequencies whose power falls as ``f ** slope``."""
    frequencies = np.fft.rfftfreq(n_samples, 1.0 / fs)
    inside = (frequencies >= low) & (frequencies <= high)
    inside[1] |= not inside.any()
    weights = np.zeros_like(frequencies)
    weights[inside] = np.maximum(frequencies[inside], low) ** (slope / 2.0)
    spectrum = rng.standard_normal((n_rows, frequencies.size)) + 1j * rng.standard_normal((n_rows, frequencies.size))
    rows: NDArray[np.float64] = np.fft.irfft(spectrum * weights, n_samples, axis=1)
    return rows


def _mains(n_rows: int, n_samples: int, fs: float, rng: np.random.Generator) -> NDArray[np.float64]:
    time = np.arange(n_samples) / fs
    frequency = rng.choice([50.0, 60.0]) + rng.normal(0.0, 0.1)
    phase = rng.uniform(0.0, 2.0 * np.pi, (n_rows, 1))
    depth = rng.uniform(0.0, 0.3, (n_rows, 1))
    rows: NDArray[np.float64] = (1.0 + depth * np.sin(2 * np.pi * 0.3 * time)) * np.sin(
        2 * np.pi * frequency * time + phase
    )
    return rows


def _electrode_motion(n_rows: int, n_samples: int, fs: float, rng: np.random.Generator) -> NDArray[np.float64]:
    rows = 0.3 * _coloured(n_rows, n_samples, fs, 0.5, 10.0, -1.5, rng)
    rows /= np.maximum(rows.std(axis=1, keepdims=True), 1e-12)
    time = np.arange(n_samples) / fs
    for row in rows:
        for start in rng.uniform(0.0, time[-1], rng.poisson(0.5 * time[-1]) + 1):
            decay, rise = rng.uniform(0.1, 0.6), rng.uniform(0.01, 0.05)
            since = np.maximum(time - start, 0.0)
            row += rng.normal(0.0, 2.5) * (np.exp(-since / decay) - np.exp(-since / rise)) * (time >= start)
    return np.asarray(rows, dtype=np.float64)
