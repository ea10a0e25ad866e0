"""How far QRS complexes differ in width from beat to beat, and how close they come."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from precordia.measurements.analysis import Analysis
from precordia.measurements.intervals import interval_ms
from precordia.measurements.working_rate import FS


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
