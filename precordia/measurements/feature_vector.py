"""The measurements of an ECG as one row of numbers, for whatever learns from them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.findings import Measurements
from precordia.core.leads import LEADS

SCALARS: Final = ("heart_rate_bpm", "rr_sd_ms", "p_ms", "pr_ms", "qrs_ms", "qt_ms", "qtc_ms", "n_beats")
ANGLES: Final = ("axis_deg", "p_axis_deg", "t_axis_deg")
AMPLITUDES: Final = ("st_j60_mv", "r_mv", "s_mv", "q_mv", "t_mv")
CRITERIA: Final = (
    "avl_lvh", "cornell_lvh", "gubner_lvh", "low_voltage_chest", "low_voltage_limb", "peguero_lo_presti_lvh",
    "sokolow_lyon_lvh", "sokolow_lyon_rvh",
)  # fmt: skip
_REGULARITY: Final = {"regular": 0.0, "regularly irregular": 0.5, "irregular": 1.0}

MEASURED_FROM: Final = (
    *SCALARS,
    *(name for name in ANGLES for _ in range(2)),
    *(name for name in AMPLITUDES for _ in LEADS),
    "rhythm_regularity",
    "paced",
    *("criteria" for _ in CRITERIA),
)
"""The field of :class:`Measurements` behind each number of the row."""
N_MEASURED: Final = len(MEASURED_FROM)


def numbers_of(m: Measurements) -> NDArray[np.float64]:
    """``(84,)`` in the order of :data:`MEASURED_FROM`: ms, mV, beats a minute; angles as cosine and sine; NaN: not measured."""

    def number(value: float | bool | None) -> float:
        return np.nan if value is None else float(value)

    row = [number(getattr(m, name)) for name in SCALARS]
    for name in ANGLES:
        angle = np.deg2rad(number(getattr(m, name)))
        row += [float(np.cos(angle)), float(np.sin(angle))]
    row += [number(getattr(m, name).get(lead)) for name in AMPLITUDES for lead in LEADS]
    row += [number(_REGULARITY.get(m.rhythm_regularity or "")), float(bool(m.paced))]
    return np.array(row + [float(m.criteria.get(name, False)) for name in CRITERIA], dtype=np.float64)
