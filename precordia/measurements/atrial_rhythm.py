"""The rate of the atria, found between the QRS complexes and apart from them: P waves that march through the rhythm.

The average QRS-T is subtracted from each beat; what is left between the QRS complexes is compared with itself at every lag,
all leads together. Atrial waves that repeat make peaks at their interval and its multiples. So AV dissociation has been
detected since Slocum et al., Circulation 1985;72:1028-1036; what it is, and what complete block is, say Kusumoto et al., 2018
ACC/AHA/HRS guideline on bradycardia, Circulation 2019;140:e382-e482: P waves and QRS complexes each at a rate of their own,
without a relation between them.

The limits were set on PTB-XL folds 1 to 8 (2,813 ECGs, none with second- or third-degree block), so that not one of them is
called dissociated; see docs/measurements.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.fft import irfft, rfft
from numpy.typing import NDArray

from precordia.measurements.analysis import Analysis
from precordia.measurements.conditioning import smooth
from precordia.measurements.working_rate import BEFORE, FS
from precordia.records.order import finite_median, median, quantile
from precordia.records.peaks import moving_mean
from precordia.records.spectra import fast_length

STEP: Final = 2
RATE: Final = FS / STEP
"""Every second sample is enough for P waves, Hz."""

PP_S: Final = (0.17, 1.60)
"""Intervals between atrial waves that are looked for, s: from flutter to sinus bradycardia."""

DISSOCIATED_PP_S: Final = 0.35
"""P waves closer than this are flutter or tachycardia, whose conduction varies without the AV node being blocked, s."""

MULTIPLES: Final = 4
"""A wave that repeats is like itself after one, two, three and four intervals."""

LONGEST_SHARE: Final = 0.75
"""Longest lag as a share of the stretch: beyond, too little is compared."""

LIKENESS: Final = 0.30
"""Mean correlation over the multiples from which on there is a repeating wave."""

LIKENESS_FAST: Final = 0.45
"""The same for several waves a QRS complex: T waves, or what is left of them, are like P waves once a beat."""

EVERY_MULTIPLE: Final = 0.60
EVERY_MULTIPLE_FAST: Final = 0.80
"""The smallest multiple's share of that mean."""

SHORTEST_WINS: Final = 0.85
"""Of all intervals this near the best the shortest is taken: its multiples are as good."""

SEVERAL: Final = 0.80
"""An interval below this share of RR means more than one wave a QRS complex."""

REGULAR_RR: Final = 0.06
"""QRS complexes are regular while nine in ten RR intervals lie within this share of their median."""

UNBOUND: Final = 0.50
"""What is left repeats with the QRS complexes less than this share as well as with itself: it does not belong to them."""

FEWEST_BEATS: Final = 4

P_LEADS: Final = ("I", "II", "V1", "V2", "V5")
"""Where P waves are largest, from the front, the side and below; more leads hold little of their own and cost time."""

MARGIN_S: Final = 0.016
"""What is left out on either side of a QRS complex, s: there beats of one shape differ most."""


@dataclass(frozen=True)
class AtrialRhythm:
    """Atrial waves over a stretch.

    Attributes:
        rate_bpm: Atrial waves a minute; None where none repeats.
        dissociated: Whether they go their own way beside regular QRS complexes; None where that cannot be told.
    """

    rate_bpm: float | None = None
    dissociated: bool | None = None


def atrial_rhythm(one: Analysis) -> AtrialRhythm:
    """The rhythm of the atria in a stretch, as far as its waves stand between the QRS complexes."""
    rr = one.rr / FS
    if rr.size < FEWEST_BEATS - 1:
        return AtrialRhythm()
    usual = float(median(rr))
    regular = quantile(np.abs(rr - usual), 0.9) <= REGULAR_RR * usual
    likeness = _self_likeness(*_between_complexes(one))
    interval, mean, least = _interval(likeness)
    several = interval < SEVERAL * usual
    fast = several and interval < DISSOCIATED_PP_S
    unbound = regular and _bound(likeness, usual * RATE, 3 if several else 1) < UNBOUND * mean
    certain = fast or (several and not unbound)
    if (
        mean < (LIKENESS_FAST if certain else LIKENESS)
        or least < (EVERY_MULTIPLE_FAST if certain else EVERY_MULTIPLE) * mean
    ):
        return AtrialRhythm()
    dissociated = unbound if regular and not fast else None
    return AtrialRhythm(60.0 / interval, dissociated)


def _between_complexes(one: Analysis) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What the average beats leave, ``(n_leads, n)`` at :data:`RATE` in units of each lead's noise, 0 within QRS complexes.

    The second array, ``(n,)``, is 1 where something counts.
    """
    rows = [k for k, lead in enumerate(one.stretch.leads) if lead in P_LEADS] or list(range(len(one.stretch.leads)))
    left = smooth(one.stretch.signal[rows], 20)[:, ::STEP]
    n = left.shape[1]
    counts = np.ones(n)
    margin = round(MARGIN_S * RATE)
    for family, bounds in zip(one.families, one.bounds, strict=True):
        on, off = _at_rate(np.nanmin(bounds.qrs_on)) - margin, _at_rate(np.nanmax(bounds.qrs_off)) + margin
        t_off = finite_median(bounds.t_off) if np.isfinite(bounds.t_off).any() else 0.4 * FS
        average = family.average[rows, BEFORE % STEP :: STEP]
        zero = BEFORE // STEP
        # A complex may be as wide as the average beat is long.
        on, off = max(on, -zero), min(off, average.shape[1] - zero)
        end = max(min(_at_rate(t_off) + 2 * margin, average.shape[1] - zero), off)
        piece = average[:, zero + on : zero + end]
        ramp = np.linspace(0.0, 1.0, piece.shape[1])
        # From its own ends, so that nothing jumps where it is taken away.
        piece = piece - piece[:, :1] * (1 - ramp) - piece[:, -1:] * ramp
        for beat in np.rint(one.beats[family.members] / STEP).astype(np.intp):
            a, b = max(0, beat + on), min(n, beat + end)
            if (
                a >= b
            ):  # Measured on the average, the complex may begin behind the beat, and here behind the stretch's end.
                continue
            left[:, a:b] -= piece[:, a - beat - on : b - beat - on]
            counts[a : max(0, beat + off)] = 0.0
    left -= moving_mean(left, round(0.4 * RATE) | 1, "reflect")
    return left * (counts / np.maximum(one.families[0].noise[rows], 1e-6)[:, None]), counts


def _at_rate(samples: float) -> int:
    """Samples at the working rate as samples at :data:`RATE`."""
    return round(float(samples) / STEP)


def _self_likeness(left: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlation with itself at each lag (samples at :data:`RATE`) of the samples that count at both ends.

    Up to :data:`LONGEST_SHARE` of the stretch.
    """
    n = left.shape[1]
    longest = round(LONGEST_SHARE * n)
    size = fast_length(n + longest)
    spectra = rfft(np.vstack([left, (left**2).sum(axis=0), counts]), size, axis=1)
    power = (spectra[:-2].real ** 2 + spectra[:-2].imag ** 2).sum(axis=0)
    overlap = spectra[-2] * np.conj(spectra[-1])
    together, later, earlier = irfft(np.stack([power, overlap, np.conj(overlap)]), size, axis=1)[:, :longest]
    out: NDArray[np.float64] = together / np.sqrt(np.maximum(later, 1e-9) * np.maximum(earlier, 1e-9))
    return out


def _bound(likeness: NDArray[np.float64], rr: float, multiples: int) -> float:
    """The least likeness after one and more RR intervals (samples): what only nearly fits the ventricles' rhythm drifts away."""
    near = [likeness[max(0, round(k * rr) - 3) :][:7] for k in range(1, multiples + 1)]
    return min((float(piece.max()) for piece in near if piece.size == 7), default=1.0)


def _interval(likeness: NDArray[np.float64]) -> tuple[float, float, float]:
    """The interval that repeats best, s, the mean likeness over its multiples, and the least."""
    longest = likeness.size
    lags = np.arange(round(PP_S[0] * RATE), min(round(PP_S[1] * RATE), longest - 1) + 1)
    if not lags.size:
        return PP_S[1], 0.0, 0.0
    table = np.full((MULTIPLES, lags.size), np.nan)
    for k in range(1, MULTIPLES + 1):
        inside = k * lags + k < longest
        near = k * lags[inside][:, None] + np.arange(-k, k + 1)
        table[k - 1, inside] = likeness[near].max(axis=1)
    table[0] = np.where(np.isnan(table[0]), likeness[lags], table[0])
    mean = np.nanmean(table, axis=0)
    if mean.max() <= 0.0:
        return PP_S[1], 0.0, 0.0
    good = np.flatnonzero(mean >= SHORTEST_WINS * mean.max())
    run = good[: np.flatnonzero(np.diff(good, append=likeness.size) > 1)[0] + 1]
    # Within the tolerance of a sample several lags are equally good; the wave itself is most like itself at one of them.
    best = int(run[np.argmax(mean[run] + 1e-3 * likeness[lags[run]])])
    interval = _refined(likeness, float(lags[best]))
    return interval / RATE, float(mean[best]), float(np.nanmin(table[:, best]))


def _refined(likeness: NDArray[np.float64], interval: float) -> float:
    """The interval, samples, from the place of its multiples' peaks: the fourth gives it four times as exactly."""
    for k in range(1, MULTIPLES + 1):
        start = round(k * interval) - 2
        near = likeness[start : start + 5]
        if near.size == 5:
            interval = (start + int(np.argmax(near))) / k
    return interval
