"""Amplitudes of recordings whose leads were scaled one by one, brought back to typical sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LIMB = slice(0, 6)


def typical_amplitudes(
    signal: NDArray[np.float32], leads: NDArray[np.bool_], typical_mv: NDArray[np.float32]
) -> NDArray[np.float32]:
    """A recording whose leads were scaled one by one, at typical amplitudes; see :func:`typical_scales`.

    Args:
        signal: ``(12, n_samples)``, any unit, leads in the standard order.
        leads: ``(12,)`` which are there.
        typical_mv: ``(12,)`` standard deviation of each lead, mV.
    """
    out: NDArray[np.float32] = (signal * typical_scales(signal, leads, typical_mv)[:, None]).astype(np.float32)
    return out


def typical_scales(
    signal: NDArray[np.float32], leads: NDArray[np.bool_], typical_mv: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Factors ``(12,)`` that bring a recording whose leads were scaled one by one to typical amplitudes.

    The ratios between limb leads follow from Einthoven's and Goldberger's laws: they are the scales under which the six
    leads satisfy them best. Chest leads get the typical amplitude of their lead.

    Args:
        signal: ``(12, n_samples)``, any unit, leads in the standard order.
        leads: ``(12,)`` which are there.
        typical_mv: ``(12,)`` standard deviation of each lead, mV.
    """
    sizes = signal.std(axis=1)
    scales = np.where((sizes > 0) & leads, typical_mv / np.maximum(sizes, 1e-12), 0.0)
    if leads[LIMB].all() and (sizes[LIMB] > 0).all():
        units = signal[LIMB] / sizes[LIMB, None]
        gram = units @ units.T / units.shape[1]
        # I - II + III = 0, I + II + 2 aVR = 0, 2 I - II - 2 aVL = 0, 2 II - I - 2 aVF = 0 for scaled leads.
        laws = np.array(
            [[1, -1, 1, 0, 0, 0], [1, 1, 0, 2, 0, 0], [2, -1, 0, 0, -2, 0], [-1, 2, 0, 0, 0, -2]], dtype=float
        )
        residual = sum((law[:, None] * gram * law[None, :] for law in laws), np.zeros((6, 6)))
        ratios = np.linalg.eigh(residual)[1][:, 0]
        ratios *= np.sign(ratios.sum()) or 1.0
        if (ratios > 0).all():
            size = np.exp(np.log(typical_mv[LIMB]).mean() - np.log(ratios).mean())
            scales[LIMB] = ratios * size / sizes[LIMB]
    return scales


def typical_of(sizes: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """``(n_leads,)`` median of each column of ``sizes (n, n_leads)``, mV, NaN where a lead is absent.

    0.15 mV (the median in PTB-XL) where no recording has the lead.
    """
    out = np.full(sizes.shape[1], 0.15, dtype=np.float32)
    for lead, column in enumerate(sizes.T):
        known = column[np.isfinite(column)]
        if known.size:
            out[lead] = max(float(np.median(known)), 1e-3)
    return out
