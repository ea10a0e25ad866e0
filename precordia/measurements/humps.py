"""Where a rounded wave (P or T) begins and ends: where its limb has lost most of its steepness.

From the extremum outward the slope grows to the steepest point of the limb and falls again; the wave ends where it has
fallen to a share of its largest value (Laguna, Jané and Caminal, Automatic detection of wave boundaries in multilead ECG
signals: validation with the CSE database, Comput Biomed Res 1994;27:45-60). The shares were set on LUDB records 1-50.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from precordia.measurements.order import gradient, line, median


def end_of(curve: NDArray[np.float64], peak: int, stop: int, share: float) -> float:
    """Column at which the wave with its extremum at ``peak`` has died down, at most ``stop``; NaN if it has no limb.

    Args:
        curve: ``(n,)`` one lead, smooth, mV.
        peak: Column of the extremum.
        stop: First column beyond the search.
        share: Of the steepest slope, at which the wave counts as ended.
    """
    stop = min(stop, curve.size)
    if stop - peak < 4:
        return float("nan")
    side = 1.0 if curve[peak] > curve[stop - 2] else -1.0
    fall = -side * gradient(curve[peak - 1 : stop + 1])[1 : stop - peak + 1] if peak else -side * gradient(curve[:stop])
    if fall.max() <= 0:
        return float("nan")
    # The first strong limb: a later, steeper one belongs to the next wave.
    steepest = int((fall >= 0.7 * fall.max()).argmax())
    while steepest + 1 < fall.size and fall[steepest + 1] >= fall[steepest]:
        steepest += 1
    spent = (fall[steepest:] < share * fall[steepest]).nonzero()[0]
    return float(peak + steepest + spent[0]) if spent.size else float(stop)


def start_of(curve: NDArray[np.float64], peak: int, start: int, share: float) -> float:
    """Column at which the wave with its extremum at ``peak`` sets out, not before ``start``; NaN if it has no limb."""
    last = curve.size - 1
    return last - end_of(curve[::-1], last - peak, last - start + 1, share)


def extremum_of(curve: NDArray[np.float64], start: int, stop: int) -> tuple[int, float]:
    """Column and signed height (mV) of the largest departure from the chord between the ends of the window."""
    piece = curve[start:stop]
    edge = max(2, piece.size // 16)
    departure = piece - line(piece[:edge].sum() / edge, piece[-edge:].sum() / edge, piece.size)
    at = int(np.argmax(np.abs(departure)))
    return start + at, float(departure[at])


def gathered(columns: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
    """A boundary by lead, no lead further than ``reach`` from their median: one wave has one time, seen from all sides."""
    finite = columns[np.isfinite(columns)]
    if not finite.size:
        return columns
    middle = float(median(finite))
    return np.clip(columns, middle - reach, middle + reach)
