"""Atria without P waves: the fine chaos of fibrillation and the sawtooth of flutter, as a dipole over time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from precordia.simulation.heart import Rhythm


def atrial_dipole(rhythm: Rhythm, t: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64] | None:
    """``(3, n)`` mV at the times ``t`` (s), or None when the atria beat with P waves."""
    if rhythm.kind == "fibrillation":
        return _fibrillatory(rhythm, t, rng)
    if rhythm.kind == "flutter":
        return _sawtooth(rhythm, t, rng)
    return None


def _fibrillatory(rhythm: Rhythm, t: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """A few sawtooth-like waves whose rate and size wander, strongest towards V1.

    Stridh, Soernmo, Spatiotemporal QRST cancellation techniques for analysis of atrial fibrillation, IEEE TBME
    2001;48:105-111: harmonics fall as 1/m, the rate (4 to 9 Hz) and the amplitude are modulated slowly.
    """
    out = np.zeros((3, t.size))
    directions = np.array([[-0.3, 0.5, -1.0], [0.2, 0.9, -0.3], [-0.6, -0.1, -0.6]])
    for direction in directions:
        rate = rhythm.atrial_bpm / 60.0 * float(rng.uniform(0.88, 1.12))
        wander = sum(
            depth * np.sin(2 * np.pi * f * t + phase)
            for depth, f, phase in zip(
                rng.uniform(0.5, 1.3, 3),
                rng.uniform([0.08, 0.25, 0.7], [0.2, 0.6, 1.3]),
                rng.uniform(0, 7, 3),
                strict=True,
            )
        )
        angle = 2 * np.pi * rate * t + wander
        swell = 0.65 + 0.35 * np.sin(2 * np.pi * float(rng.uniform(0.15, 0.5)) * t + float(rng.uniform(0, 7)))
        wave = sum(np.sin(m * angle + 0.3 * m) / m for m in (1, 2, 3))
        out += 0.5 * rhythm.atrial_mv * np.outer(direction / np.linalg.norm(direction), swell * wave)
    return out


def _sawtooth(rhythm: Rhythm, t: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Typical counter-clockwise flutter: slow downstroke and sharp upstroke in II, III, aVF, upright in V1.

    Saoudi et al., Classification of atrial flutter and regular atrial tachycardia, Eur Heart J 2001;22:1162-1182.
    """
    phase = np.mod(t * rhythm.atrial_bpm / 60.0 + float(rng.uniform(0, 1)), 1.0)
    fall = 0.68
    ramp = np.where(phase < fall, 0.5 - phase / fall, -0.5 + (phase - fall) / (1.0 - fall))
    rounded = ramp - 0.12 * np.sin(4 * np.pi * phase)
    upright = np.exp(-0.5 * ((phase - 0.84) / 0.09) ** 2)
    upright -= 0.09 * np.sqrt(2 * np.pi)
    saw = np.outer([0.05, 1.0, 0.05], rounded)
    blip = np.outer([-0.25, 0.0, -0.55], upright)
    out: NDArray[np.float64] = rhythm.atrial_mv * (saw + blip)
    return out
