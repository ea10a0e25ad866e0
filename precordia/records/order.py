"""Medians, quantiles, straight lines and slopes of short arrays, without what numpy spends on the general case."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def median(values: NDArray[np.floating], axis: int = -1) -> Any:
    """``np.median`` of finite values along one axis: by sorting, three times as fast for the few beats or leads there are."""
    ordered = values.copy()
    ordered.sort(axis=axis)
    n = values.shape[axis]
    if ordered.ndim == 1:
        return ordered[n // 2] if n % 2 else (ordered[n // 2 - 1] + ordered[n // 2]) / 2
    upper = ordered.take(n // 2, axis=axis)
    return upper if n % 2 else (ordered.take(n // 2 - 1, axis=axis) + upper) / 2


def finite_median(values: NDArray[np.float64]) -> float:
    """``np.nanmedian`` of ``(n,)`` of which some are finite."""
    return float(median(values[np.isfinite(values)]))


def quantile(values: NDArray[np.float64], share: float) -> float:
    """``np.quantile`` of ``(n,)`` finite values, at least one: between the two nearest, linearly."""
    ordered = np.sort(values)
    at = share * (ordered.size - 1)
    below = int(at)
    low, high = float(ordered[below]), float(ordered[min(below + 1, ordered.size - 1)])
    part = at - below
    # From the nearer end, as numpy does.
    return high - (high - low) * (1.0 - part) if part >= 0.5 else low + (high - low) * part


def line(first: NDArray[np.float64] | float, last: NDArray[np.float64] | float, n: int) -> NDArray[np.float64]:
    """``np.linspace(first, last, n, axis=-1)`` for numbers, or a row for each of some, and ``n`` of at least 2."""
    start, stop = np.asarray(first, dtype=np.float64), np.asarray(last, dtype=np.float64)
    out: NDArray[np.float64] = np.arange(n, dtype=np.float64) * ((stop - start) / (n - 1))[..., None]
    out += start[..., None]
    out[..., -1] = stop
    return out


def gradient(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """``np.gradient`` along the last axis, of at least 2 samples."""
    out = np.empty(values.shape)
    np.subtract(values[..., 2:], values[..., :-2], out=out[..., 1:-1])
    out[..., 1:-1] /= 2.0
    out[..., 0], out[..., -1] = values[..., 1] - values[..., 0], values[..., -1] - values[..., -2]
    return out
