"""Whether there are P waves, and where they begin and end in each lead of an average beat."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.measurements.conditioning import smooth
from precordia.measurements.humps import end_of, extremum_of, gathered, start_of
from precordia.measurements.working_rate import FS

LONGEST_PR: Final = round(0.32 * FS)
"""How far before the QRS complex a P wave is looked for, samples."""

SMALLEST_MV: Final = 0.015
"""Smallest P wave in a lead, mV."""

ONSET_SHARE: Final = 0.33
OFFSET_SHARE: Final = 0.45
"""Share of a limb's steepest slope at which the wave begins and ends."""

REACH: Final = 0.024 * FS
"""How far one lead's boundary may lie from the median of the leads, samples."""

CONSISTENT: Final = 0.25
"""Mean correlation between beats, in the window of the P wave, above which it belongs to the beat (f waves do not)."""

CONSISTENT_IRREGULAR: Final = 0.45
"""The same where RR intervals vary, so that fibrillation is likely a priori."""

SHORTEST: Final = 0.05 * FS
"""A P wave lasts at least this long (in the median of the leads), samples; what is shorter is an artefact."""


def p_bounds(
    average: NDArray[np.float64], qrs_onsets: NDArray[np.float64], earliest: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Onset, peak and offset of the P wave in each lead, columns of ``average``; NaN in a lead without one.

    Args:
        average: ``(n_leads, n)``, mV.
        qrs_onsets: Column of the QRS onset in each lead.
        earliest: First column that no earlier T wave reaches.
    """
    n_leads = average.shape[0]
    out = np.full((3, n_leads), np.nan)
    curve = smooth(average, 20)
    onset = int(np.nanmedian(qrs_onsets))
    start, stop = max(earliest, onset - LONGEST_PR, 0), onset - 2
    if stop - start < round(0.06 * FS):
        return out[0], out[1], out[2]
    piece = curve[:, start:stop]
    edge = max(2, piece.shape[1] // 16)
    ramp = np.linspace(0, 1, piece.shape[1])
    left, right = piece[:, :edge].mean(axis=1), piece[:, -edge:].mean(axis=1)
    departure = piece - (left[:, None] * (1 - ramp) + right[:, None] * ramp)
    centre = start + int(np.argmax((departure**2).sum(axis=0)))
    for k in range(n_leads):
        a, b = max(start, centre - round(0.06 * FS)), min(stop, centre + round(0.06 * FS))
        peak, height = extremum_of(curve[k], max(start, a - 8), min(stop, b + 8))
        if abs(height) < SMALLEST_MV:
            continue
        lo, hi = max(start, peak - round(0.11 * FS)), min(stop + 2, peak + round(0.11 * FS))
        out[:, k] = start_of(curve[k], peak, lo, ONSET_SHARE), peak, end_of(curve[k], peak, hi, OFFSET_SHARE)
    whole = np.isfinite(out).all(axis=0)
    out[:, ~whole] = np.nan
    if whole.any() and np.median(out[2, whole] - out[0, whole]) < SHORTEST:
        out[:] = np.nan
    return gathered(out[0], REACH), out[1], gathered(out[2], REACH)


def consistency(pieces: NDArray[np.float64]) -> float:
    """Mean correlation between pairs of beats, all leads together, of ``pieces`` ``(n_beats, n_leads, width)``.

    1 when every beat has the same wave there, about 0 when what is there does not belong to the beat.
    """
    n = pieces.shape[0]
    if n < 2:
        return 0.0
    ramp = np.linspace(-1, 1, pieces.shape[2])
    centred = pieces - pieces.mean(axis=2, keepdims=True)
    centred = centred - (centred @ ramp / (ramp @ ramp))[..., None] * ramp
    # A lead counts by how alike its own beats are: one noisy electrode must not drown the others.
    noise = np.sqrt(np.mean((centred - centred.mean(axis=0)) ** 2, axis=(0, 2)))
    flat = (centred / np.maximum(noise, 1e-3)[None, :, None]).reshape(n, -1)
    norm = np.linalg.norm(flat, axis=1)
    flat = flat / np.maximum(norm, 1e-9)[:, None]
    total = flat.sum(axis=0)
    return float((total @ total - n) / (n * (n - 1)))
