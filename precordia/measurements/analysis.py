"""The steps from a stretch of signal to its beats, their families and the boundaries of their waves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.recording import Recording
from precordia.measurements.beat_shapes import Family, group_beats, without_faint
from precordia.measurements.beats import find_beats
from precordia.measurements.conditioning import Conditioned, condition, smooth
from precordia.measurements.pacing import stimulus_before
from precordia.measurements.wave_bounds import (
    CONSISTENT,
    CONSISTENT_IRREGULAR,
    consistency,
    p_bounds,
    qrs_bounds,
    r_peaks,
    t_bounds,
)
from precordia.measurements.working_rate import AFTER, BEFORE, FS
from precordia.records.order import finite_median, median, quantile

MIN_LIKENESS: Final = 0.55
"""Median likeness of beats to their average below which what was found are not beats but noise."""

LATE_T: Final = 0.27 * FS
"""A wave that begins so long before the QRS complex may be a late T wave, samples."""

CONSISTENT_AFTER_T: Final = 0.45
"""Mean correlation between beats from which a wave after it is the P wave."""

REGULAR_SHARE: Final = 0.10
"""A regular rhythm's RR intervals stay within this share of their median (nine in ten of them)."""


@dataclass(frozen=True, eq=False)
class Bounds:
    """Boundaries of the waves of one family of beats, in each lead.

    Every array is ``(n_leads,)``, in samples from the R position at the working rate, NaN where absent. ``p_consistency``
    is the mean correlation between beats in the window of the P wave; ``paced`` says that a pacemaker spike sets off most
    of the beats.
    """

    p_on: NDArray[np.float64]
    p_peak: NDArray[np.float64]
    p_off: NDArray[np.float64]
    qrs_on: NDArray[np.float64]
    r_peak: NDArray[np.float64]
    qrs_off: NDArray[np.float64]
    t_on: NDArray[np.float64]
    t_peak: NDArray[np.float64]
    t_off: NDArray[np.float64]
    p_consistency: float
    paced: bool


@dataclass(frozen=True, eq=False)
class Analysis:
    """One stretch with what was found in it.

    Attributes:
        stretch: The conditioned signal.
        beats: Sample of each beat, aligned with its family.
        families: Families of beats, largest first.
        bounds: One for each family.
    """

    stretch: Conditioned
    beats: NDArray[np.int64]
    families: tuple[Family, ...]
    bounds: tuple[Bounds, ...]

    @property
    def rr(self) -> NDArray[np.float64]:
        """RR intervals, samples."""
        return np.diff(self.beats).astype(np.float64)


def analyse(recording: Recording) -> tuple[Analysis, ...]:
    """Each stretch of the recording in which beats were found."""
    found = (_analyse_stretch(stretch) for stretch in condition(recording))
    return tuple(one for one in found if one is not None)


def _analyse_stretch(stretch: Conditioned) -> Analysis | None:
    beats, families = without_faint(*group_beats(stretch.signal, find_beats(stretch.signal)))
    if not families or families[0].likeness < MIN_LIKENESS:
        return None
    intervals = np.diff(np.sort(beats)).astype(np.float64)
    bounds = tuple(_bounds(stretch, beats, family, intervals) for family in families)
    order = np.argsort(beats, kind="stable")
    if not np.array_equal(order, np.arange(beats.size)):
        rank = np.argsort(order)
        families = [Family(np.sort(rank[f.members]), f.average, f.noise, f.likeness) for f in families]
        beats = beats[order]
    return Analysis(stretch, beats, tuple(families), bounds)


def _bounds(stretch: Conditioned, beats: NDArray[np.int64], family: Family, intervals: NDArray[np.float64]) -> Bounds:
    signal, average = stretch.signal, family.average
    rr = float(median(intervals)) if intervals.size else FS
    regular = bool(quantile(np.abs(intervals - rr), 0.9) <= REGULAR_SHARE * rr) if intervals.size else True
    stimulus = stimulus_before(stretch.spikes_s * FS, beats[family.members])
    qrs_on, qrs_off = qrs_bounds(average, stimulus)
    r_peak = r_peaks(average, qrs_on, qrs_off)
    # No P wave before the last T wave has ended: QT is at most about 420 ms times the root of RR in s (Bazett), or half of
    # a cycle where that is shorter.
    earliest = BEFORE - int(min(BEFORE, max(0.48 * rr, rr - 0.42 * np.sqrt(rr * FS))))
    whole = beats[family.members]
    whole = whole[(whole >= BEFORE) & (whole + AFTER // 4 <= signal.shape[1])][:20]
    least = CONSISTENT if regular else CONSISTENT_IRREGULAR
    (p_on, p_peak, p_off), consistent = _p_wave(signal, average, whole, qrs_on, earliest, least)
    if np.isfinite(p_on).any() and finite_median(qrs_on) - finite_median(p_on) >= LATE_T:
        # With a long QT the last T wave reaches so far; the P wave is then the smaller one after it.
        after_it = round(float(np.nanmax(p_off)))
        second, consistent_second = _p_wave(signal, average, whole, qrs_on, after_it, CONSISTENT_AFTER_T)
        if np.isfinite(second[0]).mean() >= 0.5:
            (p_on, p_peak, p_off), consistent = second, consistent_second
    pr = BEFORE - float(np.nanmin(p_on)) if np.isfinite(p_on).any() else 0.12 * FS
    latest = BEFORE + int(min(AFTER, max(rr - pr, 0.5 * rr)))
    t_on, t_peak, t_off = t_bounds(average, qrs_off, latest)
    # Boundaries are found apart from each other; in the end they must follow in time.
    p_off = np.maximum(np.minimum(p_off, qrs_on), p_peak)
    t_on = np.minimum(np.maximum(t_on, qrs_off), t_peak)
    t_off = np.maximum(t_off, t_peak)
    return Bounds(
        p_on=p_on - BEFORE,
        p_peak=p_peak - BEFORE,
        p_off=p_off - BEFORE,
        qrs_on=qrs_on - BEFORE,
        r_peak=r_peak - BEFORE,
        qrs_off=qrs_off - BEFORE,
        t_on=t_on - BEFORE,
        t_peak=t_peak - BEFORE,
        t_off=t_off - BEFORE,
        p_consistency=consistent,
        paced=stimulus is not None,
    )


def _p_wave(
    signal: NDArray[np.float64],
    average: NDArray[np.float64],
    beats: NDArray[np.int64],
    qrs_on: NDArray[np.float64],
    earliest: int,
    least: float,
) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], float]:
    """Onset, peak and offset of the P wave in each lead after ``earliest``, all NaN where beats are less alike than ``least``;
    and how alike they are."""
    found = p_bounds(average, qrs_on, earliest)
    consistent = 0.0
    if np.isfinite(found[0]).any():
        lo, hi = int(np.nanmin(found[0])), int(np.nanmax(found[2])) + 1
        if beats.size:
            spare = 4  # what is smoothed needs a few samples beside it
            columns = beats[:, None] - BEFORE + np.arange(max(0, lo - 8) - spare, hi + 2 + spare)
            pieces = smooth(signal[:, np.clip(columns, 0, signal.shape[1] - 1)], 20)
            consistent = consistency(pieces[..., spare:-spare].transpose(1, 0, 2))
        if consistent < least:
            found = (np.full_like(found[0], np.nan), np.full_like(found[1], np.nan), np.full_like(found[2], np.nan))
    return found, consistent
