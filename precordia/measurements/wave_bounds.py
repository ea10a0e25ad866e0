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
    return np.abs(gradient(smooth(average, 12)))


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
    at_rest = np.zeros((1, hi - lo), dtype=np.bool_)
    at_rest[0, : peak - lo] = _away(average, lo, peak, hi) < AT_REST
    on, off = _extents(total[None], np.array([peak]), lo, hi, (QRS_GLOBAL_SHARE, QRS_GLOBAL_SHARE), at_rest)
    first, last = int(on[0]), int(off[0])
    a, b = max(lo, first - 6), min(hi, last + 10)
    tops = a + speed[:, a:b].argmax(axis=1)
    departure = np.abs(average[:, a:b] - average[:, first : first + 1])
    at_rest = departure / np.maximum(departure.max(axis=1, keepdims=True), 1e-9) < AT_REST
    onsets, offsets = _extents(speed, tops, a, b, (QRS_ONSET_SHARE, QRS_OFFSET_SHARE), at_rest)
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


def _extents(
    speed: NDArray[np.float64],
    peaks: NDArray[np.intp],
    lo: int,
    hi: int,
    shares: tuple[float, float],
    at_rest: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First and last column around each row's peak where its slope exceeds its share (before, after) of the peak's.

    Before it, what is quiet and not ``at_rest`` (``(n_rows, hi - lo)``) is a part of the complex.
    """
    top = speed[np.arange(peaks.size), peaks]
    floor = 1.5 * median(speed[:, max(0, lo - 12) : lo], axis=1) if lo > 0 else np.zeros(peaks.size)
    limits = [np.maximum(share * top, floor)[:, None] for share in shares]
    piece, before = speed[:, lo:hi], np.arange(lo, hi) < peaks[:, None]
    left = _quiet_runs((piece < limits[0]) & at_rest & before)
    right = _quiet_runs((piece < limits[1]) & ~before)
    last_left = left.shape[1] - 1 - left[:, ::-1].argmax(axis=1)
    on = np.where(left.any(axis=1), lo + last_left + QUIET - 1, lo)
    off = np.where(right.any(axis=1), lo + right.argmax(axis=1), hi)
    return on.astype(np.float64), off.astype(np.float64)


def _quiet_runs(below: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether a run of :data:`QUIET` quiet samples starts at a column, in each row."""
    n = max(0, below.shape[1] - QUIET + 1)
    runs = below[:, :n].copy()
    for shift in range(1, QUIET):
        runs &= below[:, shift : shift + n]
    return runs


def r_peaks(
    average: NDArray[np.float64], onsets: NDArray[np.float64], offsets: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Column of the largest deflection of the QRS complex in each lead; NaN in a lead without a complex."""
    out = np.full(average.shape[0], np.nan)
    rows = np.flatnonzero(np.isfinite(onsets) & np.isfinite(offsets))
    if not rows.size:
        return out
    first, last = onsets[rows].astype(np.intp), np.minimum(offsets[rows].astype(np.intp), average.shape[1] - 1)
    step = np.arange(int((last - first).max()) + 1)
    at = first[:, None] + step
    x = average[rows[:, None], np.minimum(at, last[:, None])]
    rise = (average[rows, last] - average[rows, first]) / np.maximum(last - first, 1)
    departure = np.abs(x - (x[:, :1] + step * rise[:, None]))
    departure[at >= last[:, None]] = 0.0
    out[rows] = first + departure.argmax(axis=1)
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
    a, b = max(start, centre - round(0.06 * FS)), min(stop, centre + round(0.06 * FS))
    peaks, heights = extremes_of(curve, max(start, a - 8), min(stop, b + 8))
    seen = np.flatnonzero(np.abs(heights) >= P_SMALLEST_MV)
    out[:, seen] = _limbs(
        curve[seen],
        peaks[seen],
        np.maximum(start, peaks[seen] - round(0.11 * FS)),
        np.minimum(stop + 2, peaks[seen] + round(0.11 * FS)),
        (P_ONSET_SHARE, P_OFFSET_SHARE),
    )
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
    peaks, heights = extremes_of(smoother, start, stop)
    seen = np.flatnonzero(np.abs(heights) >= T_SMALLEST_MV)
    out[:, seen] = _limbs(
        curve[seen],
        peaks[seen],
        np.maximum(ended, peaks[seen] - round(0.24 * FS)),
        np.minimum(stop, peaks[seen] + round(0.25 * FS)),
        (T_ONSET_SHARE, T_OFFSET_SHARE),
    )
    out[:, ~np.isfinite(out).all(axis=0)] = np.nan
    return gathered(out[0], T_REACH), out[1], gathered(out[2], T_REACH)


def _limbs(
    curve: NDArray[np.float64],
    peaks: NDArray[np.intp],
    starts: NDArray[np.intp],
    stops: NDArray[np.intp],
    shares: tuple[float, float],
) -> NDArray[np.float64]:
    """Onset, peak and offset of each row's wave, ``(3, n_rows)``."""
    last = curve.shape[1] - 1
    onsets = last - ends_of(curve[:, ::-1], last - peaks, last - starts + 1, shares[0])
    return np.stack([onsets, peaks.astype(np.float64), ends_of(curve, peaks, stops, shares[1])])


def ends_of(
    curve: NDArray[np.float64], peaks: NDArray[np.intp], stops: NDArray[np.intp], share: float
) -> NDArray[np.float64]:
    """Column at which the wave with its extremum at a row's peak has died down, at most its stop; NaN if it has no limb.

    Args:
        curve: ``(n_rows, n)`` leads, smooth, mV.
        peaks: ``(n_rows,)`` column of the extremum.
        stops: ``(n_rows,)`` first column beyond the search.
        share: Of the steepest slope, at which the wave counts as ended.
    """
    rows = np.arange(peaks.size)
    stops = np.minimum(stops, curve.shape[1])
    length = stops - peaks
    if length.max(initial=0) < 4:
        return np.full(peaks.size, np.nan)
    step = np.arange(int(length.max()))
    inside = step < length[:, None]
    side = np.where(curve[rows, peaks] > curve[rows, stops - 2], -1.0, 1.0)
    fall = gradient(curve)[rows[:, None], np.minimum(peaks[:, None] + step, curve.shape[1] - 1)] * side[:, None]
    fall[~inside] = -np.inf
    most = fall.max(axis=1)
    # The first strong limb: a later, steeper one belongs to the next wave.
    first = (fall >= 0.7 * most[:, None]).argmax(axis=1)
    slackens = np.ones_like(inside)
    np.less(fall[:, 1:], fall[:, :-1], out=slackens[:, :-1])
    steepest = (slackens & (step >= first[:, None])).argmax(axis=1)
    spent = (fall < share * fall[rows, steepest][:, None]) & (step >= steepest[:, None]) & inside
    ends = np.where(spent.any(axis=1), peaks + spent.argmax(axis=1), stops).astype(np.float64)
    ends[(length < 4) | (most <= 0)] = np.nan
    return ends


def extremes_of(curve: NDArray[np.float64], start: int, stop: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Column and signed height (mV) of each row's largest departure from the chord between the ends of the window."""
    piece = curve[:, start:stop]
    n = piece.shape[1]
    edge = max(2, n // 16)
    departure = piece - line(piece[:, :edge].sum(axis=1) / edge, piece[:, -edge:].sum(axis=1) / edge, n)
    at = np.abs(departure).argmax(axis=1)
    return start + at, departure[np.arange(at.size), at]


def gathered(columns: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
    """A boundary by lead, no lead further than ``reach`` from their median: one wave has one time, seen from all sides."""
    finite = columns[np.isfinite(columns)]
    if not finite.size:
        return columns
    middle = float(median(finite))
    return np.clip(columns, middle - reach, middle + reach)
