"""Electrical axes in the frontal plane: of QRS from net amplitudes, of P and T from net areas.

Leads I and II are solved for from all limb leads present; the axis is that of the vector ``(I, (I + 2 III) / sqrt(3))``,
Einthoven's triangle. Net amplitude is how the QRS axis is read and what carts report (Surawicz et al., Circulation
2009;119:e235-e240); P and T are low and rounded, so that their area stands noise better.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.leads import LIMB_FROM_I_II
from precordia.measurements.voltages import Voltages
from precordia.records.order import finite_median, line

SMALLEST_SHARE: Final = 0.10
"""Net deflection over total deflection below which the deflections cancel and no axis is defined."""


def qrs_axis_deg(volts: Voltages) -> tuple[float, float] | None:
    """Frontal QRS axis in degrees, (-180, 180], and its confidence 0..1; None without two limb leads or a net deflection."""
    leads = [lead for lead in volts.r if lead in LIMB_FROM_I_II]
    down = [max(volts.s[lead], volts.q[lead]) for lead in leads]
    net = np.array([volts.r[lead] for lead in leads]) - np.array(down)
    frontal = _frontal(net[:, None], leads)
    if frontal is None:
        return None
    x, y = float(frontal[0, 0]), float(frontal[1, 0])
    return _angle(x, y, max(volts.r[lead] + d for lead, d in zip(leads, down, strict=True)))


def wave_axis_deg(
    signal: NDArray[np.float64], leads: Sequence[str], start: NDArray[np.float64], stop: NDArray[np.float64]
) -> tuple[float, float] | None:
    """Frontal axis of a P or T wave in degrees, and its confidence, as for the QRS complex.

    Args:
        signal: ``(n_leads, n)``, mV.
        leads: Names, one per row.
        start: Column of the wave's onset in each lead, NaN where absent.
        stop: Column of its offset.
    """
    rows = [k for k, lead in enumerate(leads) if lead in LIMB_FROM_I_II]
    if len(rows) < 2 or not np.isfinite(start[rows]).any() or not np.isfinite(stop[rows]).any():
        return None
    a, b = round(finite_median(start[rows])), round(finite_median(stop[rows]))
    a, b = max(a, 0), min(b, signal.shape[1] - 1)
    if b - a < 2:
        return None
    piece = signal[rows, a : b + 1]
    piece = piece - line(piece[:, 0], piece[:, -1], piece.shape[1])
    frontal = _frontal(piece, [leads[k] for k in rows])
    if frontal is None:
        return None
    x, y = frontal.sum(axis=1)
    return _angle(float(x), float(y), float(np.hypot(*frontal).sum()))


def _frontal(values: NDArray[np.float64], leads: Sequence[str]) -> NDArray[np.float64] | None:
    """``(2, n)``: x to the left and y down, from ``(n_leads, n)``; None unless the leads span the frontal plane."""
    solution = _to_frontal(tuple(leads))
    return None if solution is None else solution @ values


@lru_cache(maxsize=64)
def _to_frontal(leads: tuple[str, ...]) -> NDArray[np.float64] | None:
    """``(2, n_leads)``: the least squares solution for I and II, turned into the frontal plane."""
    basis = np.array([LIMB_FROM_I_II[lead] for lead in leads]).reshape(-1, 2)
    if len(leads) < 2 or np.linalg.matrix_rank(basis) < 2:
        return None
    i, ii = np.linalg.pinv(basis)
    return np.stack([i, (2 * ii - i) / math.sqrt(3)])


def _angle(x: float, y: float, total: float) -> tuple[float, float] | None:
    net = math.hypot(x, y)
    if total <= 0 or net < SMALLEST_SHARE * total:
        return None
    angle = math.degrees(math.atan2(y, x))
    return (180.0 if angle <= -180.0 else angle), min(1.0, 2 * net / total)
