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
    rows = np.flatnonzero(np.isfinite(bounds.t_peak))
    peaks = BEFORE + bounds.t_peak[rows].astype(np.intp)
    onset = BEFORE + round(finite_median(bounds.qrs_on))
    ended = BEFORE + round(finite_median(bounds.qrs_off))
    curve = smooth(average[rows], 12)
    curve -= curve[:, max(0, onset - 5) : max(1, onset - 1)].mean(axis=1, keepdims=True)
    heights = curve[np.arange(rows.size), peaks][:, None]
    low = curve * np.sign(heights) < np.abs(heights) / 2
    at = np.arange(curve.shape[1])
    before, after = low & (at < peaks[:, None]) & (at >= ended), low & (at > peaks[:, None])
    widths = after.argmax(axis=1) - (at.size - 1 - before[:, ::-1].argmax(axis=1)) - 1
    whole = np.flatnonzero(before.any(axis=1) & after.any(axis=1))
    return {leads[rows[k]]: round(float(widths[k]) * 1000 / FS, 1) for k in whole}
