"""Widths of QRS complexes beside their duration: from beat to beat, and where no onset can be found.

In a fast ventricular tachycardia QRS and T run into each other; the spatial velocity of the heart's vector (Sano, Yamada,
J Electrocardiol 1982;15:79-84) is high for as long as ventricles are activated slowly all the same.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from precordia.measurements.analysis import Analysis
from precordia.measurements.conditioning import smooth
from precordia.measurements.intervals import interval_ms
from precordia.measurements.working_rate import BEFORE, FS
from precordia.records.order import finite_median, median

FAST: Final = 0.2
"""Share of a cycle's highest velocity that counts as fast."""


def qrs_sd_ms(one: Analysis) -> float | None:
    """Standard deviation over beats of the QRS duration of the family each belongs to, ms: 0 when all beats are of one shape.

    A premature beat adds to it; in fibrillation over an accessory pathway it is large because every beat is another mixture of
    two ways (Klein et al., N Engl J Med 1979;301:1080-1085).
    """
    widths = [interval_ms(b.qrs_on, b.qrs_off) for b in one.bounds]
    counts = [f.members.size for f in one.families]
    known = [(w, n) for w, n in zip(widths, counts, strict=True) if w is not None]
    return float(np.std([w for w, n in known for _ in range(n)])) if known else None


def qrs_active_ms(one: Analysis) -> float | None:
    """Time in one cycle of the commonest beat during which the leads together change fast, ms; None with a single beat.

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
