"""Vectors of archives larger than any that is here, for what depends on size alone: speed, memory, recall of an index."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Draw = Callable[[int], Vectors]
"""How many to that many unit vectors, new ones each time."""

N_CLUSTERS = 4096
SPREAD = 0.7
"""Distance of a vector from its cluster's centre, against that of centres from each other."""

_NEIGHBOURS = 10
_NOISE = 0.02
"""Standard deviation of what is added to each number of a unit vector, lest all lie on the lines between neighbours."""


def clustered(dim: int, rng: np.random.Generator) -> Draw:
    """Gaussian clusters around random centres: what needs no data."""
    centres = rng.normal(size=(N_CLUSTERS, dim)).astype(np.float32)

    def draw(n: int) -> Vectors:
        noise = rng.normal(size=(n, dim)).astype(np.float32)
        return _unit(centres[rng.integers(N_CLUSTERS, size=n)] + np.float32(SPREAD) * noise)

    return draw


def between(real: Vectors, rng: np.random.Generator) -> Draw:
    """Vectors between a real one and one of its ten nearest, with a little noise: as crowded and as curved as the real ones.

    Args:
        real: ``(n, dim)`` unit vectors, at least two.
        rng: Draws them.
    """
    near = np.argsort(-(real @ real.T), axis=1, kind="stable")[:, 1 : 1 + _NEIGHBOURS]

    def draw(n: int) -> Vectors:
        first = rng.integers(len(real), size=n)
        second = near[first, rng.integers(near.shape[1], size=n)]
        share = rng.random((n, 1), dtype=np.float32)
        noise = np.float32(_NOISE) * rng.standard_normal((n, real.shape[1]), dtype=np.float32)
        return _unit(real[first] + share * (real[second] - real[first]) + noise)

    return draw


def _unit(rows: Vectors) -> Vectors:
    out: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return out
