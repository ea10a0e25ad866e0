"""The level of the ST segment at the J point and 60 ms after it, in each lead."""

from __future__ import annotations

from typing import Final

import numpy as np

from precordia.measurements.analysis import Bounds
from precordia.measurements.raw_beat import RawBeat
from precordia.measurements.working_rate import FS

AFTER_J_S: Final = 0.060
"""J + 60 ms, as exercise and monitoring guidelines read it (Fletcher et al., Circulation 2013;128:873-934)."""

AT_J_S: Final = 0.008
"""The J point itself, where the universal definition of infarction reads elevation (Thygesen et al., Circulation
2018;138:e618-e651): the first 16 ms after the QRS complex, so that its last slope does not count."""

WINDOW_S: Final = 0.008
"""The level is a mean over this long on either side, s."""


def st_level(beat: RawBeat, bounds: Bounds, after_s: float = AFTER_J_S) -> dict[str, float]:
    """Lead to ST level, mV against the PR segment; the J point is the median QRS offset over the leads."""
    at = beat.zero + round((float(np.nanmedian(bounds.qrs_off)) / FS + after_s) * beat.fs)
    width = max(1, round(WINDOW_S * beat.fs))
    out = {}
    for lead, row in zip(beat.leads, beat.signal, strict=True):
        piece = row[max(0, at - width) : at + width + 1]
        if piece.size and np.isfinite(piece).all():
            out[lead] = round(float(piece.mean()), 4)
    return out
