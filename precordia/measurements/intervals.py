"""Durations of waves and intervals, and the QT interval corrected for rate.

An interval is taken in each lead of the commonest beat and its median over the leads is reported. The textbook
definition, earliest onset to latest offset in any lead, suits boundaries that were set on all leads together; for
boundaries set lead by lead its extremes grow with the number of leads (see docs/measurements.md).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.measurements.analysis import Analysis, Bounds
from precordia.measurements.conditioning import smooth
from precordia.measurements.working_rate import BEFORE, FS
from precordia.records.order import finite_median, median, quantile

FAST: Final = 0.2
"""Share of a cycle's highest velocity that counts as fast."""


def interval_ms(start: NDArray[np.float64], stop: NDArray[np.float64]) -> float | None:
    """Median over leads of ``stop - start`` (samples at the working rate), ms; None where no lead has both."""
    length = (stop - start) * 1000 / FS
    length = length[np.isfinite(length) & (length > 0)]
    return float(median(length)) if length.size else None


def spread_ms(start: NDArray[np.float64], stop: NDArray[np.float64]) -> float:
    """Half the interquartile range over leads of an interval, ms; 0 for a single lead."""
    length = (stop - start) * 1000 / FS
    length = length[np.isfinite(length)]
    return (quantile(length, 0.75) - quantile(length, 0.25)) / 2 if length.size > 1 else 0.0


def intervals(bounds: Bounds) -> dict[str, float | None]:
    """``p_ms``, ``pr_ms``, ``qrs_ms`` and ``qt_ms`` of one family of beats."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return {
            "p_ms": interval_ms(bounds.p_on, bounds.p_off),
            "pr_ms": interval_ms(bounds.p_on, bounds.qrs_on),
            "qrs_ms": interval_ms(bounds.qrs_on, bounds.qrs_off),
            "qt_ms": interval_ms(bounds.qrs_on, bounds.t_off),
        }


def bazett(qt_ms: float, rr_ms: float) -> float:
    """QT corrected by the square root of the RR interval in seconds, ms (Bazett, Heart 1920;7:353-370).

    >>> round(bazett(400, 640))
    500
    """
    return qt_ms / math.sqrt(rr_ms / 1000)


QRS_WIDE_MS: Final = 120.0
"""From here on QT is too long for the QRS complex alone."""

QRS_SHARE: Final = 0.485
"""Share of a wide QRS complex that is taken off QT (Bogossian et al., Heart Rhythm 2014;11:2273-2277, found in left bundle
branch block; other wide complexes are taken to be alike)."""


def bazett_wide(qt_ms: float, qrs_ms: float, rr_ms: float) -> float | None:
    """QT less what a wide QRS complex adds to it, corrected by Bazett, ms; None where the complex is not wide.

    >>> round(bazett_wide(460, 160, 1000)), bazett_wide(400, 100, 1000)
    (382, None)
    """
    return bazett(qt_ms - QRS_SHARE * qrs_ms, rr_ms) if qrs_ms >= QRS_WIDE_MS else None


def fridericia(qt_ms: float, rr_ms: float) -> float:
    """QT corrected by the cube root of the RR interval in seconds, ms (Fridericia, Acta Med Scand 1920;53:469-486).

    >>> round(fridericia(400, 512))
    500
    """
    return qt_ms / math.pow(rr_ms / 1000, 1 / 3)


def qrs_sd_ms(one: Analysis) -> float | None:
    """Standard deviation over beats of the QRS duration of the family each belongs to, ms: 0 when all beats are of one shape.

    A premature beat adds to it; in fibrillation over an accessory pathway it is large because every beat is another mixture of
    two ways (Klein et al., N Engl J Med 1979;301:1080-1085).
    """
    widths = [interval_ms(b.qrs_on, b.qrs_off) for b in one.bounds]
    counts = [f.members.size for f in one.families]
    known = [(w, n) for w, n in zip(widths, counts, strict=True) if w is not None]
    return float(np.std([w for w, n in known for _ in range(n)])) if known else None


def rr_extremes_ms(analyses: Sequence[Analysis]) -> tuple[float, float] | None:
    """The shortest and the longest RR interval, ms; None with a single beat."""
    rr = np.concatenate([one.rr for one in analyses]) * 1000 / FS
    return (float(rr.min()), float(rr.max())) if rr.size else None


def qrs_active_ms(one: Analysis) -> float | None:
    """Time in one cycle of the commonest beat during which the leads together change fast, ms; None with a single beat.

    A width of the QRS complex that needs no baseline: in a fast ventricular tachycardia QRS and T run into each other and no
    onset can be found; the spatial velocity (Sano, Yamada, J Electrocardiol 1982;15:79-84) is high for as long as ventricles
    are activated slowly all the same.

    About 70 ms in a narrow QRS, 110 in right and 160 in left bundle branch block, 140 to 230 in ventricular tachycardia
    (simulated).
    """
    if not one.rr.size:
        return None
    average, bounds = smooth(one.families[0].average, 12), one.bounds[0]
    velocity = np.sqrt((np.gradient(average, axis=1) ** 2).sum(axis=0))
    cycle = min(float(median(one.rr)), velocity.size)
    centre = BEFORE + finite_median(bounds.r_peak) if np.isfinite(bounds.r_peak).any() else BEFORE
    start = max(0, round(centre - min(0.45 * cycle, centre)))
    piece = velocity[start : start + round(cycle)]
    return float((piece > FAST * piece.max()).sum()) * 1000 / FS


def t_widths(average: NDArray[np.float64], leads: Sequence[str], bounds: Bounds) -> dict[str, float]:
    """Lead to the width of the T wave at half its height, ms; a lead without a T wave, or whose T does not fall so far, is absent.

    Tall on a narrow base is the shape of hyperkalaemia.

    Height is against the PR segment, as for the amplitude: half height lies well above where the wave's feet are lost in noise
    (Dillon et al., J Am Heart Assoc 2013;2:e000411 measure what potassium does to T on its slopes for the same reason).

    Args:
        average: ``(n_leads, n)``, mV, the average beat at the working rate.
        leads: Names, one per row.
        bounds: Of its waves.
    """
    out = {}
    curve = smooth(average, 12)
    onset = BEFORE + round(finite_median(bounds.qrs_on))
    ended = BEFORE + round(finite_median(bounds.qrs_off))
    for k, lead in enumerate(leads):
        if not np.isfinite(bounds.t_peak[k]):
            continue
        peak = BEFORE + int(bounds.t_peak[k])
        row = curve[k] - curve[k, max(0, onset - 5) : max(1, onset - 1)].mean()
        below = np.flatnonzero(row * np.sign(row[peak]) < abs(row[peak]) / 2)
        before, after = below[(below < peak) & (below >= ended)], below[below > peak]
        if before.size and after.size:
            out[lead] = round(float(after[0] - before[-1] - 1) * 1000 / FS, 1)
    return out
