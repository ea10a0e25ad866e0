"""The Fréchet distance between measured and drawn stretches of a lead.

Two sets of vectors are taken as Gaussians; the squared distance is ``|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))`` (Dowson and
Landau, J Multivariate Anal 1982;12:450-455; as a score of generators, Heusel et al., NeurIPS 2017). The vectors here are stretches
of one second in mV, projected on the principal components of measured stretches of the same lead. It asks whether drawn leads look
like measured ones as a crowd, not whether each is right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

STRETCH: Final = 100
"""Samples of a stretch: 1 s at 100 Hz."""
COMPONENTS: Final = 16


@dataclass(frozen=True, eq=False)
class Space:
    """The features of one lead.

    Attributes:
        centre: ``(STRETCH,)``.
        axes: ``(STRETCH, COMPONENTS)``.
    """

    centre: NDArray[np.float64]
    axes: NDArray[np.float64]

    def features(self, signal: NDArray[np.float32]) -> NDArray[np.float64]:
        """``(n, n_stretches, COMPONENTS)`` of ``(n, n_samples)``, mV."""
        out: NDArray[np.float64] = (_stretches(signal) - self.centre) @ self.axes
        return out


def space_of(signal: NDArray[np.float32]) -> Space:
    """The space of measured stretches, ``(n, n_samples)`` mV of one lead."""
    rows = _stretches(signal).reshape(-1, STRETCH)
    centre = rows.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(rows - centre, rowvar=False))
    return Space(centre, vectors[:, np.argsort(-values)[:COMPONENTS]])


def frechet(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """The distance (not squared), mV, between two sets of vectors ``(n, dim)``.

    >>> rng = np.random.default_rng(0).normal(size=(500, 3))
    >>> round(frechet(rng, rng), 6), round(frechet(rng, rng + [3.0, 0.0, 0.0]), 6)
    (0.0, 3.0)
    """
    gap = first.mean(axis=0) - second.mean(axis=0)
    a, b = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    values, vectors = np.linalg.eigh(a)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    # The trace of (A B)^(1/2) is that of the symmetric (A^(1/2) B A^(1/2))^(1/2).
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ b @ root), 0)).sum()
    return float(np.sqrt(max(gap @ gap + np.trace(a) + np.trace(b) - 2 * shared, 0.0)))


def _stretches(signal: NDArray[np.float32]) -> NDArray[np.float64]:
    n, length = signal.shape
    count = length // STRETCH
    return signal[:, : count * STRETCH].reshape(n, count, STRETCH).astype(np.float64)
