"""Where the QRS complex, the P wave and the T wave begin, peak and end, in each lead of an average beat.

Each ends where its slope has fallen to a share of its largest value. Of a rounded wave (P or T) that is looked for on its
limb: from the extremum outward the slope grows to the steepest point and falls again (Laguna, Jané and Caminal, Automatic
detection of wave boundaries in multilead ECG signals: validation with the CSE database, Comput Biomed Res 1994;27:45-60).
The shares were set on LUDB records 1-50.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.measurements.conditioning import smooth
from precordia.measurements.working_rate import BEFORE, FS
from precordia.records.order import finite_median, gradient, line, median

SEARCH_BEFORE: Final = round(0.12 * FS)
SEARCH_AFTER: Final = round(0.18 * FS)
QUIET: Final = 3
"""Samples in a row below the threshold that end a complex (12 ms)."""

QRS_GLOBAL_SHARE: Final = 0.06
QRS_ONSET_SHARE: Final = 0.035
QRS_OFFSET_SHARE: Final = 0.045
"""Share of the steepest slope, of all leads together and of one lead, below which the complex has not begun or has ended."""

AT_REST: Final = 0.15
"""How far from where they were before, as a share of the complex's height, the leads may stand where the complex begins. A delta
wave that flattens before the rest of the complex is as quiet as the PR segment, but stands apart."""

REST_BEFORE: Final = round(0.04 * FS)
"""What lies nearer to a column than this is not before it, samples."""

QRS_REACH: Final = 0.024 * FS
"""How far one lead's boundary may lie from the median of the leads, samples."""

LONGEST_PR: Final = round(0.32 * FS)
"""How far before the QRS complex a P wave is looked for, samples."""

P_SMALLEST_MV: Final = 0.015
"""Smallest P wave in a lead, mV."""

P_ONSET_SHARE: Final = 0.33
P_OFFSET_SHARE: Final = 0.45
"""Share of a limb's steepest slope at which the wave begins and ends."""

P_REACH: Final = 0.024 * FS
"""How far one lead's boundary may lie from the median of the leads, samples."""

CONSISTENT: Final = 0.25
"""Mean correlation between beats, in the window of the P wave, above which it belongs to the beat (f waves do not)."""

CONSISTENT_IRREGULAR: Final = 0.45
"""The same where RR intervals vary, so that fibrillation is likely a priori."""

SHORTEST_P: Final = 0.05 * FS
"""A P wave lasts at least this long (in the median of the leads), samples; what is shorter is an artefact."""

T_SMALLEST_MV: Final = 0.012
"""Smallest T wave in a lead, mV."""

T_ONSET_SHARE: Final = 0.28
T_OFFSET_SHARE: Final = 0.25
"""Share of a limb's steepest slope at which the wave begins and ends."""

T_REACH: Final = 0.048 * FS
"""How far one lead's boundary may lie from the median of the leads, samples."""


def slope(average: NDArray[np.float64]) -> NDArray[np.float64]:
    """Absolute slope, mV a sample, over 12 ms."""
    return np.abs(np.gradient(smooth(average, 12), axis=-1))


def qrs_bounds(
    average: NDArray[np.float64], stimulus: int | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Onset and offset in each lead, columns of ``average``.

    Args:
        average: ``(n_leads, n)``, mV.
        stimulus: Column of the pacemaker spike that sets the complex off, before which it cannot begin; or None.
    """
    speed = slope(average)
    total = np.sqrt((speed**2).sum(axis=0))
    lo, hi = max(BEFORE - SEARCH_BEFORE, stimulus or 0), BEFORE + SEARCH_AFTER
    core = slice(BEFORE - round(0.06 * FS), BEFORE + round(0.06 * FS))
    peak = core.start + int(np.argmax(total[core]))
    first, last = _extent(total, peak, lo, hi, (QRS_GLOBAL_SHARE, QRS_GLOBAL_SHARE), _away(average, lo, peak, hi))
    onsets = np.full(average.shape[0], np.nan)
    offsets = np.full(average.shape[0], np.nan)
    for k, s in enumerate(speed):
        a, b = max(lo, first - 6), min(hi, last + 10)
        top = a + int(np.argmax(s[a:b]))
        departure = np.abs(average[k, a:b] - average[k, first])
        away = departure[: top - a] / max(float(departure.max()), 1e-9)
        on, off = _extent(s, top, a, b, (QRS_ONSET_SHARE, QRS_OFFSET_SHARE), away)
        onsets[k], offsets[k] = on, off
    return gathered(onsets, QRS_REACH), gathered(offsets, QRS_REACH)


def _away(average: NDArray[np.float64], lo: int, peak: int, hi: int) -> NDArray[np.float64]:
    """How far, all leads together, each column from ``lo`` to ``peak`` is from where it came nearest to before.

    As a share of the complex's height.
    """
    size = (average[:, :hi] ** 2).sum(axis=0)
    squares = size[lo:peak, None] + size - 2 * average[:, lo:peak].T @ average[:, :hi]
    height = max(float((size[lo:] + size[lo] - 2 * average[:, lo:hi].T @ average[:, lo]).max()), 1e-12)
    before = np.arange(hi) <= np.arange(lo, peak)[:, None] - REST_BEFORE
    nearest = np.where(before, squares, np.inf).min(axis=1)
    return np.asarray(np.sqrt(np.maximum(nearest, 0.0) / height))


def _extent(
    s: NDArray[np.float64], peak: int, lo: int, hi: int, shares: tuple[float, float], away: NDArray[np.float64]
) -> tuple[int, int]:
    """First and last column around ``peak`` where the slope ``s`` exceeds its share (before, after) of the peak's.

    Before it, what is quiet ``away`` (``(peak - lo,)``) from rest is a part of the complex.
    """
    floor = 1.5 * float(median(s[max(0, lo - 12) : lo])) if lo > 0 else 0.0
    left = _quiet_runs((s[lo:peak] < max(shares[0] * float(s[peak]), floor)) & (away < AT_REST))
    right = _quiet_runs(s[peak:hi] < max(shares[1] * float(s[peak]), floor))
    on = lo + int(left[-1]) + QUIET - 1 if left.size else lo
    off = peak + int(right[0]) if right.size else hi
    return on, off


def _quiet_runs(below: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Where runs of :data:`QUIET` quiet samples start."""
    if below.size < QUIET:
        return np.empty(0, dtype=np.intp)
    runs = below[: below.size - QUIET + 1].copy()
    for shift in range(1, QUIET):
        runs &= below[shift : below.size - QUIET + 1 + shift]
    return runs.nonzero()[0]


def r_peaks(
    average: NDArray[np.float64], onsets: NDArray[np.float64], offsets: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Column of the largest deflection of the QRS complex in each lead; NaN in a lead without a complex."""
    out = np.full(average.shape[0], np.nan)
    for k in np.flatnonzero(np.isfinite(onsets) & np.isfinite(offsets)):
        a, b = int(onsets[k]), int(offsets[k]) + 1
        x = average[k, a:b]
        out[k] = a + int(np.argmax(np.abs(x - line(float(x[0]), float(x[-1]), x.size) if x.size > 1 else x)))
    return out


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
    onset = int(finite_median(qrs_onsets))
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
        if abs(height) < P_SMALLEST_MV:
            continue
        lo, hi = max(start, peak - round(0.11 * FS)), min(stop + 2, peak + round(0.11 * FS))
        out[:, k] = start_of(curve[k], peak, lo, P_ONSET_SHARE), peak, end_of(curve[k], peak, hi, P_OFFSET_SHARE)
    whole = np.isfinite(out).all(axis=0)
    out[:, ~whole] = np.nan
    if whole.any() and median(out[2, whole] - out[0, whole]) < SHORTEST_P:
        out[:] = np.nan
    return gathered(out[0], P_REACH), out[1], gathered(out[2], P_REACH)


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


def t_bounds(
    average: NDArray[np.float64], qrs_offsets: NDArray[np.float64], latest: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Onset, peak and offset of the T wave in each lead, columns of ``average``; NaN in a lead without one.

    Args:
        average: ``(n_leads, n)``, mV.
        qrs_offsets: Column of the QRS offset in each lead.
        latest: First column that may belong to the next beat.
    """
    n_leads = average.shape[0]
    out = np.full((3, n_leads), np.nan)
    curve, smoother = smooth(average, 20), smooth(average, 32)
    stop = min(latest, average.shape[1])
    ended = int(finite_median(qrs_offsets))
    start = ended + round(0.04 * FS)
    if stop - start < round(0.08 * FS):
        return out[0], out[1], out[2]
    for k in range(n_leads):
        peak, height = extremum_of(smoother[k], start, stop)
        if abs(height) < T_SMALLEST_MV:
            continue
        lo, hi = max(ended, peak - round(0.24 * FS)), min(stop, peak + round(0.25 * FS))
        out[:, k] = start_of(curve[k], peak, lo, T_ONSET_SHARE), peak, end_of(curve[k], peak, hi, T_OFFSET_SHARE)
    out[:, ~np.isfinite(out).all(axis=0)] = np.nan
    return gathered(out[0], T_REACH), out[1], gathered(out[2], T_REACH)


def end_of(curve: NDArray[np.float64], peak: int, stop: int, share: float) -> float:
    """Column at which the wave with its extremum at ``peak`` has died down, at most ``stop``; NaN if it has no limb.

    Args:
        curve: ``(n,)`` one lead, smooth, mV.
        peak: Column of the extremum.
        stop: First column beyond the search.
        share: Of the steepest slope, at which the wave counts as ended.
    """
    stop = min(stop, curve.size)
    if stop - peak < 4:
        return float("nan")
    side = 1.0 if curve[peak] > curve[stop - 2] else -1.0
    fall = -side * gradient(curve[peak - 1 : stop + 1])[1 : stop - peak + 1] if peak else -side * gradient(curve[:stop])
    if fall.max() <= 0:
        return float("nan")
    # The first strong limb: a later, steeper one belongs to the next wave.
    steepest = int((fall >= 0.7 * fall.max()).argmax())
    while steepest + 1 < fall.size and fall[steepest + 1] >= fall[steepest]:
        steepest += 1
    spent = (fall[steepest:] < share * fall[steepest]).nonzero()[0]
    return float(peak + steepest + spent[0]) if spent.size else float(stop)


def start_of(curve: NDArray[np.float64], peak: int, start: int, share: float) -> float:
    """Column at which the wave with its extremum at ``peak`` sets out, not before ``start``; NaN if it has no limb."""
    last = curve.size - 1
    return last - end_of(curve[::-1], last - peak, last - start + 1, share)


def extremum_of(curve: NDArray[np.float64], start: int, stop: int) -> tuple[int, float]:
    """Column and signed height (mV) of the largest departure from the chord between the ends of the window."""
    piece = curve[start:stop]
    edge = max(2, piece.size // 16)
    departure = piece - line(piece[:edge].sum() / edge, piece[-edge:].sum() / edge, piece.size)
    at = int(np.argmax(np.abs(departure)))
    return start + at, float(departure[at])


def gathered(columns: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
    """A boundary by lead, no lead further than ``reach`` from their median: one wave has one time, seen from all sides."""
    finite = columns[np.isfinite(columns)]
    if not finite.size:
        return columns
    middle = float(median(finite))
    return np.clip(columns, middle - reach, middle + reach)
