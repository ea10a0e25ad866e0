"""Convolutions over time with a third of the multiplications (Toom and Cook; for networks Winograd: Lavin and Gray, Fast
Algorithms for Convolutional Neural Networks, CVPR 2016).

A few neighbouring outputs are the coefficients of a product of two polynomials, one of the kernel and one of the samples. Both are
evaluated at a few points, multiplied there, and the coefficients found from the values: four outputs of a kernel of seven
take 10 products of a sample by a weight instead of 28. At a point the product over all inputs and outputs is a product of
matrices, which takes nearly all the time. Embeddings stay within 1e-6 of what direct convolutions give
(tests/encoders/test_forward.py).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.encoders.arithmetic import Array

_POINTS: Final = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, -0.25, 4.0)
"""Where polynomials are evaluated, besides infinity: small numbers, which lose few digits (Barabasz et al., Error Analysis and
Improving the Accuracy of Winograd Convolution, ACM TOMS 46, 2020). More than these lose too many."""

LONGEST: Final = len(_POINTS)
"""Longest kernel: two of its outputs are found together."""

_OUTPUTS: Final = 4
"""Neighbouring outputs found together, where the points suffice."""


class Convolution:
    """Convolution over time with zeros beyond the ends, and what is added to it.

    Every second output of a kernel is every output of one that is half as long, over pairs of samples.

    Args:
        weight: ``(outputs, inputs, kernel)``, an odd kernel of :data:`LONGEST` at most.
        bias: ``(outputs,)``.
        stride: 1 or 2 samples from one output to the next.
    """

    def __init__(self, weight: Array, bias: Array, stride: int) -> None:
        outputs, inputs, kernel = weight.shape
        taps = weight.transpose(2, 1, 0)
        self._before, self._stride, self._bias = kernel // 2, stride, bias
        if stride == 2:
            nothing = np.zeros_like(taps[:1])
            early = self._before % 2  # so that the first output begins with a pair
            taps = np.concatenate([nothing, taps] if early else [taps, nothing])
            self._before += early
        taps = np.ascontiguousarray(taps).reshape(-1, stride * inputs, outputs)
        reach = len(taps)
        self._together = min(_OUTPUTS, LONGEST + 2 - reach)
        self._found, at, self._seen = _transforms(self._together, reach)
        values = at @ taps.reshape(reach, -1).astype(np.float64)
        self._values = values.astype(np.float32).reshape(len(at), *taps.shape[1:])

    def __call__(self, x: Array) -> Array:
        """``(n, length, inputs)`` to ``(n, length / stride, outputs)``."""
        n, length, inputs = x.shape
        n_points, width, outputs = self._values.shape
        wanted = -(-length // self._stride)
        groups = -(-wanted // self._together)
        steps = groups * self._together
        padded = np.zeros((n, (steps + n_points - self._together) * self._stride, inputs), np.float32)
        padded[:, self._before : self._before + length] = x
        padded = padded.reshape(n, -1, width)
        near = np.empty((n_points, n, groups, width), np.float32)
        for lag in range(n_points):
            near[lag] = padded[:, lag : lag + steps : self._together]
        seen = (self._seen @ near.reshape(n_points, -1)).reshape(n_points, n * groups, width)
        products = np.matmul(seen, self._values)
        products[1] += self._bias  # the value at 1 is part of each output, once
        found = (self._found @ products.reshape(n_points, -1)).reshape(self._together, n, groups, outputs)
        return np.ascontiguousarray(found.transpose(1, 2, 0, 3)).reshape(n, steps, outputs)[:, :wanted]


@lru_cache(maxsize=16)
def _transforms(outputs: int, taps: int) -> tuple[Array, NDArray[np.float64], Array]:
    """From products to outputs, from taps to values, and from samples to values: ``outputs + taps - 1`` points."""
    size = outputs + taps - 1
    points = np.array(_POINTS[: size - 1])
    found, at, seen = np.zeros((outputs, size)), np.zeros((size, taps)), np.zeros((size, size))
    for k, point in enumerate(points):
        others = np.delete(points, k)
        found[:, k] = point ** np.arange(outputs)
        at[k] = point ** np.arange(taps) / np.prod(point - others)
        seen[k, :-1] = np.poly(others)[::-1]
    found[-1, -1] = at[-1, -1] = 1.0
    seen[-1] = np.poly(points)[::-1]
    # Values of the samples of like size at all points.
    scale = np.abs(seen).max(axis=1, keepdims=True)
    return found.astype(np.float32), at * scale, (seen / scale).astype(np.float32)
