"""Which leads are given in training: a watch's, a patch's, a monitor's, and any others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from precordia.core.leads import LEADS
from precordia.signals.leads.independent import determined
from precordia.signals.leads.recipe import Training

MOST = 6
"""Leads that are given at most, before those that follow from them."""


def subsets(n: int, settings: Training, rng: np.random.Generator) -> NDArray[np.bool_]:
    """``(n, 12)`` bool: the given leads of each ECG, with those that follow from them."""
    rest = [lead for lead in LEADS if lead not in settings.favourites]
    weights = np.array([*settings.favoured, *([1.0 / max(len(rest), 1)] * len(rest))])
    singles = [LEADS.index(lead) for lead in (*settings.favourites, *rest)]
    out = np.zeros((n, len(LEADS)), dtype=np.bool_)
    for row in out:
        if rng.random() < settings.single:
            row[rng.choice(singles, p=weights / weights.sum())] = True
        else:
            row[rng.choice(len(LEADS), rng.integers(2, MOST + 1), replace=False)] = True
    return determined(out)
