"""Rate and regularity of the ventricular rhythm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.measurements.analysis import REGULAR_SHARE, Analysis
from precordia.measurements.working_rate import FS
from precordia.records.order import median, quantile

PATTERN_SHARE: Final = 0.80
"""Share of the RR variance that a repeating pattern (bigeminy, trigeminy) must explain."""

FEWEST_USUAL: Final = 3
"""Fewer intervals between beats of the commonest shape say nothing of their regularity."""


@dataclass(frozen=True)
class Rhythm:
    """Rate and regularity.

    Attributes:
        heart_rate_bpm: Beats a minute over the time between the first and last beat, or None with a single beat.
        rr_ms: Median RR interval, ms.
        rr_sd_ms: Standard deviation of RR intervals, ms; None with fewer than two.
        rr_usual_sd_ms: The same of the intervals between beats of the commonest shape; None with fewer than three.
        regularity: "regular", "irregular", "regularly irregular", or None with fewer than four intervals.
    """

    heart_rate_bpm: float | None = None
    rr_ms: float | None = None
    rr_sd_ms: float | None = None
    rr_usual_sd_ms: float | None = None
    regularity: str | None = None


def rhythm(analyses: Sequence[Analysis]) -> Rhythm:
    """Rate and regularity over all stretches; no interval spans two of them."""
    rr = np.concatenate([one.rr for one in analyses]) * 1000 / FS if analyses else np.empty(0)
    if not rr.size:
        return Rhythm()
    usual = _between_usual_beats(analyses)
    return Rhythm(
        heart_rate_bpm=60_000 / float(rr.mean()),
        rr_ms=float(median(rr)),
        rr_sd_ms=float(np.std(rr)) if rr.size > 1 else None,
        rr_usual_sd_ms=float(np.std(usual)) if usual.size >= FEWEST_USUAL else None,
        regularity=_regularity(rr, usual),
    )


def _regularity(rr: NDArray[np.float64], usual: NDArray[np.float64]) -> str | None:
    if rr.size < 4:
        return None
    if _patterned(rr):
        return "regularly irregular"
    if usual.size < FEWEST_USUAL:
        usual = rr
    deviation = np.abs(usual - median(usual)) / median(usual)
    return "regular" if quantile(deviation, 0.9) <= REGULAR_SHARE else "irregular"


def _between_usual_beats(analyses: Sequence[Analysis]) -> NDArray[np.float64]:
    """RR intervals whose two beats both have the commonest shape, ms: ectopic beats make no rhythm irregular."""
    kept = []
    for one in analyses:
        usual = np.zeros(one.beats.size, dtype=bool)
        usual[one.families[0].members] = True
        kept.append(one.rr[usual[:-1] & usual[1:]])
    return np.concatenate(kept) * 1000 / FS


def _patterned(rr: NDArray[np.float64]) -> bool:
    """Whether RR intervals repeat with a period of two or three beats (bigeminy, trigeminy)."""
    variance = float(np.var(rr))
    if variance <= (REGULAR_SHARE * float(median(rr))) ** 2 / 4:
        return False
    for period in (2, 3):
        if rr.size < 3 * period:
            continue
        phase = np.arange(rr.size) % period
        fitted = np.array([rr[phase == p].mean() for p in range(period)])[phase]
        if 1 - float(np.var(rr - fitted)) / variance >= PATTERN_SHARE:
            return True
    return False


def rr_extremes_ms(analyses: Sequence[Analysis]) -> tuple[float, float] | None:
    """The shortest and the longest RR interval, ms; None with a single beat."""
    rr = np.concatenate([one.rr for one in analyses]) * 1000 / FS
    return (float(rr.min()), float(rr.max())) if rr.size else None
