"""Electrical axes in the frontal plane, from the net areas of P, QRS and T."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.leads import LIMB_FROM_I_II

SMALLEST_SHARE: Final = 0.10
"""Net area over total area below which the deflections cancel and no axis is defined."""


def axis_deg(
    signal: NDArray[np.float64], leads: Sequence[str], start: NDArray[np.float64], stop: NDArray[np.float64]
) -> tuple[float, float] | None:
    """Frontal axis in degrees, (-180, 180], and its confidence 0..1; None without two limb leads or a net deflection.

    Leads I and II are solved for from all limb leads present; the axis is that of the vector
    ``(I, (I + 2 III) / sqrt(3))``, Einthoven's triangle.

    Args:
        signal: ``(n_leads, n)``, mV.
        leads: Names, one per row.
        start: Column of the wave's onset in each lead, NaN where absent.
        stop: Column of its offset.
    """
    rows = [k for k, lead in enumerate(leads) if lead in LIMB_FROM_I_II]
    if len(rows) < 2 or not np.isfinite(start[rows]).any():
        return None
    a, b = round(float(np.nanmedian(start[rows]))), round(float(np.nanmedian(stop[rows])))
    a, b = max(a, 0), min(b, signal.shape[1] - 1)
    if b - a < 2:
        return None
    piece = signal[rows, a : b + 1]
    piece = piece - np.linspace(piece[:, 0], piece[:, -1], piece.shape[1], axis=1)
    basis = np.array([LIMB_FROM_I_II[leads[k]] for k in rows])
    if np.linalg.matrix_rank(basis) < 2:
        return None
    i, ii = np.linalg.lstsq(basis, piece, rcond=None)[0]
    x, y = i, (2 * ii - i) / math.sqrt(3)
    net = math.hypot(float(x.sum()), float(y.sum()))
    total = float(np.hypot(x, y).sum())
    if total <= 0 or net < SMALLEST_SHARE * total:
        return None
    angle = math.degrees(math.atan2(float(y.sum()), float(x.sum())))
    return (180.0 if angle <= -180.0 else angle), min(1.0, 2 * net / total)
