"""How broad the T wave is, in each lead of an average beat: tall on a narrow base is the shape of hyperkalaemia."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from precordia.measurements.analysis import Bounds
from precordia.measurements.conditioning import smooth
from precordia.measurements.working_rate import BEFORE, FS
from precordia.records.order import finite_median


def t_widths(average: NDArray[np.float64], leads: Sequence[str], bounds: Bounds) -> dict[str, float]:
    """Lead to the width of the T wave at half its height, ms; a lead without a T wave, or whose T does not fall so far, is absent.

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
