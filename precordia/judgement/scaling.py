"""Raw numbers of an ECG, some of them missing, as inputs of a linear model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_LIMIT: Final = 4.0
"""Inputs count at most as many standard deviations from the mean."""


@dataclass(frozen=True, eq=False)
class Scaling:
    """How raw numbers become inputs of a probe.

    Attributes:
        median: ``(n,)`` stands in for what is missing.
        mean, sd: ``(n + m,)`` of the numbers, and of the ``m`` flags that say what is missing.
        flagged: ``(m,)`` positions whose absence is an input of its own.
    """

    median: NDArray[np.float64]
    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
    flagged: NDArray[np.int64]

    @classmethod
    def of(cls, raw: NDArray[np.float64], least_missing: float = 0.02) -> Scaling:
        """From ``(records, n)`` numbers, NaN where missing."""
        missing = np.isnan(raw)
        median = np.zeros(raw.shape[1])
        known = ~missing.all(axis=0)
        median[known] = np.nanmedian(raw[:, known], axis=0)
        flagged = np.flatnonzero(missing.mean(axis=0) > least_missing)
        filled = np.hstack([np.where(missing, median, raw), missing[:, flagged].astype(float)])
        return cls(median, filled.mean(axis=0), filled.std(axis=0) + 1e-6, flagged)

    def apply(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """``(records, n)`` numbers to ``(records, n + m)`` inputs."""
        missing = np.isnan(raw)
        filled = np.hstack([np.where(missing, self.median, raw), missing[:, self.flagged].astype(float)])
        scaled: NDArray[np.float64] = np.clip((filled - self.mean) / self.sd, -_LIMIT, _LIMIT)
        return scaled
