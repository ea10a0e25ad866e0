"""Where a rounded wave (P or T) begins and ends, by the area of a trapezium.

From the steepest point of the wave's limb to a reference point beyond it, the corner of the curve is where a trapezium
between the two has its largest area. It needs no threshold and no derivative beyond the steepest point, and so stands
noise well (Vázquez-Seisdedos et al., New approach for T-wave end detection on electrocardiogram: performance in noisy
conditions, BioMed Eng OnLine 2011;10:77).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def end_of(curve: NDArray[np.float64], peak: int, stop: int) -> float:
    """Column at which the wave with its extremum at ``peak`` has died down, not beyond ``stop``; NaN if it has no limb.

    Args:
        curve: ``(n,)`` one lead, smooth, mV.
        peak: Column of the extremum.
        stop: First column beyond the search.
    """
    if stop - peak < 4:
        return float("nan")
    limb = np.diff(curve[peak:stop])
    sign = np.sign(curve[peak] - np.median(curve[stop - max(3, (stop - peak) // 6) : stop]))
    # The first strong limb: a later, equally steep one belongs to the next wave.
    fall = -sign * limb
    if fall.max() <= 0:
        return float("nan")
    steepest = int(np.flatnonzero(fall >= 0.7 * fall.max())[0])
    while steepest + 1 < fall.size and fall[steepest + 1] >= fall[steepest]:
        steepest += 1
    xm = peak + steepest
    x = np.arange(xm, stop)
    area = sign * (curve[xm] - curve[x]) * (2 * (stop - 1) - x - xm)
    return float(xm + int(np.argmax(area)))


def start_of(curve: NDArray[np.float64], peak: int, start: int) -> float:
    """Column at which the wave with its extremum at ``peak`` sets out, not before ``start``; NaN if it has no limb."""
    n = curve.size
    mirrored = end_of(curve[::-1], n - 1 - peak, n - start)
    return n - 1 - mirrored


def extremum_of(curve: NDArray[np.float64], start: int, stop: int) -> tuple[int, float]:
    """Column and signed height (mV) of the largest departure from the chord between the ends of the window."""
    piece = curve[start:stop]
    edge = max(2, piece.size // 16)
    chord = np.linspace(piece[:edge].mean(), piece[-edge:].mean(), piece.size)
    departure = piece - chord
    at = int(np.argmax(np.abs(departure)))
    return start + at, float(departure[at])
