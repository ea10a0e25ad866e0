"""How the P wave ends in V1, where the left atrium turns away from the electrode last."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from precordia.measurements.analysis import Bounds
from precordia.measurements.working_rate import BEFORE, FS
from precordia.records.order import finite_median


def p_terminal_mv_ms(average: NDArray[np.float64], leads: Sequence[str], bounds: Bounds) -> float | None:
    """Depth times duration of the P wave's negative part in V1, mV ms; 0 where it has none, None without a P wave or V1.

    The terminal force of Morris et al., Circulation 1964;29:242-252, who multiply the same two (in mm and s: their 0.04 mm s is
    4 mV ms). Against the line between the wave's ends, as the PR segment is lowered by what the atria's repolarisation adds. The
    ends are the medians over leads: those of one small lead are lost in noise.

    Args:
        average: ``(n_leads, n)``, mV, the average beat at the working rate.
        leads: Names, one per row.
        bounds: Of its waves.
    """
    if "V1" not in leads or not np.isfinite(bounds.p_on).any():
        return None
    start, stop = (BEFORE + round(finite_median(at)) for at in (bounds.p_on, bounds.p_off))
    wave = average[list(leads).index("V1"), start : stop + 1]
    wave = wave - np.linspace(wave[0], wave[-1], wave.size)
    deepest = int(wave.argmin())
    if wave[deepest] >= 0:
        return 0.0
    up = np.flatnonzero(wave >= 0)
    at = int(np.searchsorted(up, deepest))
    first = up[at - 1] + 1 if at else 0
    last = up[at] if at < up.size else wave.size
    return float(-wave[deepest] * (last - first) * 1000 / FS)
