"""What a ranking of cases is worth, one figure a query.

All take rankings that were cut at some depth, and the relevance of every case that might have been ranked, so that the
best possible ranking is known.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


def shared_share(first: Bools, second: Bools) -> Floats:
    """``(n_first, n_second)``: findings in common, of those that either has (Jaccard); zero where neither has any.

    Args:
        first: ``(n_first, n_findings)`` which findings each has.
        second: ``(n_second, n_findings)`` likewise.
    """
    a, b = first.astype(np.float64), second.astype(np.float64)
    both = a @ b.T
    either = a.sum(axis=1)[:, None] + b.sum(axis=1)[None] - both
    out: Floats = np.divide(both, either, out=np.zeros_like(both), where=either > 0)
    return out


def precision_at(ranked: Floats, k: int) -> Floats:
    """Share of the first ``k`` that are relevant at all, ``(n,)``; a ranking shorter than ``k`` has misses at its end.

    Args:
        ranked: ``(n, depth)`` relevance of what was ranked, best first; zero or less counts as not relevant.
        k: How many are looked at.
    """
    out: Floats = (ranked[:, :k] > 0).sum(axis=1) / k
    return out


def ndcg_at(ranked: Floats, possible: Floats, k: int) -> Floats:
    """Normalised discounted cumulative gain, ``(n,)``; NaN where nothing is relevant.

    Gains are the relevances as they are, discounts log2(rank + 1); the ideal order is that of all that might have been
    ranked (Järvelin and Kekäläinen, ACM TOIS 2002;20:422-446).

    Args:
        ranked: ``(n, depth)`` relevance of what was ranked, best first, not negative.
        possible: ``(n, n_cases)`` relevance of every case; zero where it may not be ranked.
        k: How many are looked at.
    """
    gained = (ranked[:, :k] * discounts(min(k, ranked.shape[1]))).sum(axis=1)
    return _over(gained, ideal_gain(possible, k))


def ideal_gain(possible: Floats, k: int) -> Floats:
    """Discounted cumulative gain of the best ranking, ``(n,)``."""
    best = -np.sort(-possible, axis=1)[:, :k]
    out: Floats = (best * discounts(best.shape[1])).sum(axis=1)
    return out


def recall_at(found: Bools, n_relevant: NDArray[np.int64], k: int) -> Floats:
    """Relevant cases among the first ``k``, of those that ``k`` places can hold at most, ``(n,)``; NaN without any.

    Args:
        found: ``(n, depth)`` whether each ranked case is relevant.
        n_relevant: ``(n,)`` relevant cases that there are.
        k: How many are looked at.
    """
    return _over(found[:, :k].sum(axis=1).astype(np.float64), np.minimum(n_relevant, k).astype(np.float64))


def chance_precision(possible: Floats, n_possible: NDArray[np.int64]) -> Floats:
    """What a random order is expected to reach at any ``k``, ``(n,)``."""
    return _over((possible > 0).sum(axis=1).astype(np.float64), n_possible.astype(np.float64))


def chance_ndcg(possible: Floats, n_possible: NDArray[np.int64], k: int) -> Floats:
    """What a random order is expected to reach, ``(n,)``: each place holds the mean relevance."""
    mean = _over(possible.sum(axis=1), n_possible.astype(np.float64))
    return _over(mean * discounts(k).sum(), ideal_gain(possible, k))


def chance_recall(n_relevant: NDArray[np.int64], n_possible: NDArray[np.int64], k: int) -> Floats:
    """What a random order is expected to reach, ``(n,)``."""
    expected = k * _over(n_relevant.astype(np.float64), n_possible.astype(np.float64))
    return _over(expected, np.minimum(n_relevant, k).astype(np.float64))


def discounts(k: int) -> Floats:
    """``(k,)``: 1 / log2(rank + 1)."""
    out: Floats = 1 / np.log2(np.arange(2, k + 2))
    return out


def _over(top: Floats, bottom: Floats) -> Floats:
    out: Floats = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)
    return out
