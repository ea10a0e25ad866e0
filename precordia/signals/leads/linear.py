"""Leads drawn as weighted sums of the given ones: one covariance answers every question of which leads are given.

The least-squares weights from leads ``g`` to leads ``m`` are ``C[m, g] @ pinv(C[g, g])`` for the covariance ``C`` of all
leads. ``C`` is that of the eight independent leads carried to twelve by the laws between limb leads, so that what follows
exactly (III from I and II) is drawn exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from precordia.signals.leads.independent import EXPANSION

SMALLEST = 1e-9
"""Share of the largest eigenvalue below which a direction is one that the given leads do not have."""


@dataclass(frozen=True, eq=False)
class LinearDrawer:
    """Draws leads by least squares over samples.

    Attributes:
        covariance: ``(8, 8)`` mean product of the independent leads' samples, mV^2.
    """

    covariance: NDArray[np.float64]

    def __repr__(self) -> str:
        return "LinearDrawer()"

    def weights(self, given: NDArray[np.bool_]) -> NDArray[np.float64]:
        """``(8, 12)``: the independent leads from all leads, columns of leads that are not given zero.

        Args:
            given: ``(12,)`` bool.
        """
        rows = EXPANSION[given]
        out = np.zeros((len(self.covariance), len(given)))
        inner = rows @ self.covariance @ rows.T
        out[:, given] = self.covariance @ rows.T @ np.linalg.pinv(inner, rcond=SMALLEST, hermitian=True)
        return out

    def draw(self, signal: NDArray[np.float32], given: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Independent leads ``(n, 8, n_samples)``, mV.

        Args:
            signal: ``(n, 12, n_samples)`` mV, zero where not given.
            given: ``(n, 12)`` bool.
        """
        out = np.empty((len(signal), len(self.covariance), signal.shape[2]), dtype=np.float32)
        patterns, which = np.unique(given, axis=0, return_inverse=True)
        for number, pattern in enumerate(patterns):
            rows = np.flatnonzero(which.ravel() == number)
            out[rows] = self.weights(pattern).astype(np.float32) @ signal[rows]
        return out


def fit_linear(signal: NDArray[np.float32], samples: NDArray[np.bool_]) -> LinearDrawer:
    """The drawer of least squared error over the samples of some ECGs.

    Args:
        signal: ``(n, 12, n_samples)`` mV, all leads there.
        samples: ``(n, n_samples)`` bool, which samples are there.
    """
    back = np.linalg.pinv(EXPANSION)
    total = np.zeros((EXPANSION.shape[1], EXPANSION.shape[1]))
    for ecg, there in zip(signal, samples, strict=True):
        independent = back @ ecg[:, there]
        total += independent @ independent.T
    return LinearDrawer(total / max(int(samples.sum()), 1))
