"""The eight leads that are measured, and the four that follow from them: how drawn leads keep the laws between limb leads."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.leads import CHEST_LEADS, LEADS, LIMB_FROM_I_II, LIMB_LEADS

INDEPENDENT: Final = ("I", "II", *CHEST_LEADS)
"""Leads of which none follows from the others."""


def _expansion() -> NDArray[np.float64]:
    out = np.zeros((len(LEADS), len(INDEPENDENT)))
    for row, lead in enumerate(LEADS):
        if lead in LIMB_LEADS:
            out[row, :2] = LIMB_FROM_I_II[lead]
        else:
            out[row, INDEPENDENT.index(lead)] = 1.0
    return out


EXPANSION: Final[NDArray[np.float64]] = _expansion()
"""``(12, 8)``: all leads from the independent ones."""


def determined(given: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which leads are known exactly where some are given: any two limb leads give all six.

    Args:
        given: ``(12,)`` or ``(n, 12)`` bool, in canonical order.

    >>> determined(np.array([True, False, True] + [False] * 9))[:7].tolist()
    [True, True, True, True, True, True, False]
    """
    out = given.copy()
    limb = given[..., : len(LIMB_LEADS)].sum(axis=-1, keepdims=True) >= 2
    out[..., : len(LIMB_LEADS)] |= limb
    return out


def agreeing(signal: NDArray[np.float32], given: NDArray[np.bool_], drawn: NDArray[np.float32]) -> NDArray[np.float32]:
    """All leads ``(12, n_samples)``, mV: the given ones as they are, the others from independent leads that fit them.

    The drawn independent leads are moved as little as it takes (least squares) to give the given leads. Given leads that
    break Einthoven's law among themselves stay as they are, too.

    Args:
        signal: ``(12, n_samples)`` mV; read where ``given``.
        given: ``(12,)`` bool.
        drawn: ``(8, n_samples)`` mV, in the order of :data:`INDEPENDENT`.
    """
    rows = EXPANSION[given]
    wrong = signal[given].astype(np.float64) - rows @ drawn
    whole = EXPANSION @ (drawn + np.linalg.pinv(rows) @ wrong)
    whole[given] = signal[given]
    return whole.astype(np.float32)
