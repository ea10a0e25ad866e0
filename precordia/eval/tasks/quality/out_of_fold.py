"""How well the quality score does on recordings that it was not fitted on, beside facts that need no fitting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from precordia.fitting.quality import fit
from precordia.records.quality.score import FEATURES

REPEATS, FOLDS = 10, 5


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """What models say of recordings that they were not fitted on.

    Attributes:
        probability: ``(n,)`` mean over the repeats.
        most_flat: ``(n,)`` baseline: 1 less the largest flat share, no fitting.
        agreement: ``(n,)`` baseline: mean agreement of the leads' beats, no fitting.
    """

    probability: NDArray[np.float64]
    most_flat: NDArray[np.float64]
    agreement: NDArray[np.float64]


def out_of_fold(x: NDArray[np.float64], y: NDArray[np.bool_], seed: int) -> OutOfFold:
    """Repeated stratified cross-validation."""
    from sklearn.model_selection import StratifiedKFold

    total = np.zeros(len(y))
    for repeat in range(REPEATS):
        splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=seed + repeat)
        for rest, held in splitter.split(x, y):
            c = fit(x[rest], y[rest])
            total[held] += 1 / (1 + np.exp(-np.clip(x[held] @ np.array(c.weights) + c.intercept, -50, 50)))
    return OutOfFold(
        total / REPEATS, 1 - x[:, FEATURES.index("most flat share")], x[:, FEATURES.index("mean agreement")]
    )
