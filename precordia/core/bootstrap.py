"""Percentile bootstrap intervals, clustered by patient.

Patients are drawn with replacement, each with all of their samples, since several ECGs of one patient are not
independent (Field and Welsh, Bootstrapping clustered data, J R Stat Soc B 2007;69:369-390). The same seed gives the same
interval. Means and AUROCs are computed for many draws at once from the number of times each patient was drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 1000
LEVEL = 0.95
CHUNK_CELLS = 4_000_000
KEPT_CELLS = 1_000_000
"""Draws of so many patients' counts are kept: the figures of a table are mostly of the same patients."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval.

    Attributes:
        value: The figure on all samples.
        low, high: The interval's ends.
        n: Number of samples.
        p: For a difference: two-sided p value that it is zero; otherwise None.
    """

    value: float
    low: float
    high: float
    n: int
    p: float | None = None


def mean(
    values: ArrayLike, clusters: Sequence[object] | None = None, *, seed: int = 42, resamples: int = RESAMPLES
) -> Estimate:
    """The mean of per-sample values (accuracies, errors) with its interval.

    Args:
        values: ``(n,)`` finite numbers or booleans.
        clusters: ``(n,)`` the patient of each sample, or None when each sample is its own.
        seed: Of the draws.
        resamples: Number of draws.

    >>> mean([1, 0, 1, 1], ["a", "a", "b", "b"]).value
    0.75
    """
    x = _finite(values)
    return ratio(x, np.ones_like(x), clusters, seed=seed, resamples=resamples)


def rate(
    hits: ArrayLike, clusters: Sequence[object] | None = None, *, seed: int = 42, resamples: int = RESAMPLES
) -> Estimate:
    """The share of samples that hit, with its interval.

    Where all or none hit, resampling says nothing; the interval is then the exact one (Clopper and Pearson, Biometrika
    1934;26:404-413) for as many trials as there are clusters.

    >>> estimate = rate([0] * 100)
    >>> estimate.value, estimate.low, round(estimate.high, 4)
    (0.0, 0.0, 0.0362)
    """
    x = _finite(hits)
    found = mean(x, clusters, seed=seed, resamples=resamples)
    if x.size == 0 or 0 < found.value < 1:
        return found
    room = 1 - ((1 - LEVEL) / 2) ** (1 / _codes(clusters, x.size)[1])
    return Estimate(found.value, max(0.0, found.value - room), min(1.0, found.value + room), found.n)


def ratio(
    numerators: ArrayLike,
    denominators: ArrayLike,
    clusters: Sequence[object] | None = None,
    *,
    seed: int = 42,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Sum of numerators over sum of denominators (precision, recall, micro averages) with its interval.

    Args:
        numerators: ``(n,)`` one a sample: what was right.
        denominators: ``(n,)`` one a sample: what could have been.
        clusters: ``(n,)`` the patient of each sample, or None.
        seed: Of the draws.
        resamples: Number of draws.
    """
    top, bottom = _finite(numerators), _finite(denominators)
    if top.size == 0 or bottom.sum() == 0:
        return Estimate(float("nan"), float("nan"), float("nan"), int(top.size))
    code, n_clusters = _codes(clusters, top.size)
    tops = np.bincount(code, top, n_clusters)
    bottoms = np.bincount(code, bottom, n_clusters)
    draws = []
    for counts in _draws(n_clusters, resamples, seed):
        below = counts @ bottoms
        draws.append(np.divide(counts @ tops, below, out=np.full(below.size, np.nan), where=below != 0))
    return _estimate(float(top.sum() / bottom.sum()), np.concatenate(draws), top.size)


def auroc(
    truth: ArrayLike,
    scores: ArrayLike,
    clusters: Sequence[object] | None = None,
    *,
    seed: int = 42,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Area under the ROC curve with its interval; ties between scores count one half.

    Args:
        truth: ``(n,)`` booleans.
        scores: ``(n,)`` finite, higher means truer.
        clusters: ``(n,)`` the patient of each sample, or None.
        seed: Of the draws.
        resamples: Number of draws.
    """
    t, s = np.asarray(truth, dtype=bool), _finite(scores)
    order = np.argsort(s, kind="stable")
    t, s = t[order], s[order]
    starts = np.flatnonzero(np.r_[True, s[1:] != s[:-1]]) if s.size else np.zeros(0, dtype=np.intp)
    code, n_clusters = _codes(clusters, t.size)
    value = float(_auroc_weighted(t, starts, np.ones((1, t.size)))[0])
    draws = [
        _auroc_weighted(t, starts, counts[:, code[order]]) for counts in _draws(n_clusters, resamples, seed, t.size)
    ]
    return _estimate(value, np.concatenate(draws), t.size)


def macro_auroc(
    truth: ArrayLike,
    scores: ArrayLike,
    clusters: Sequence[object] | None = None,
    *,
    less: ArrayLike | None = None,
    seed: int = 42,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Mean area under the ROC curve over labels with its interval; a label that a draw has on one side only is left out of it.

    Args:
        truth: ``(n, n_labels)`` booleans.
        scores: ``(n, n_labels)`` finite, higher means truer.
        clusters: ``(n,)`` the patient of each sample, or None when each sample is its own.
        less: Scores of another system, to take its mean off on the same draws; the p value is then that they are equal.
        seed: Of the draws.
        resamples: Number of draws.
    """
    t = np.asarray(truth, dtype=bool)
    code, n_clusters = _codes(clusters, len(t))
    every, draws = np.zeros(1), np.zeros(resamples)
    for sign, given in ((1.0, scores), (-1.0, less)):
        if given is None:
            continue
        columns = [_finite(column) for column in np.asarray(given, dtype=np.float64).T]
        every += sign * _mean_over_labels(t, columns, np.ones((1, len(t))))
        parts = [
            _mean_over_labels(t, columns, counts[:, code]) for counts in _draws(n_clusters, resamples, seed, len(t))
        ]
        draws += sign * np.concatenate(parts)
    estimate = _estimate(float(every[0]), draws, len(t))
    return estimate if less is None else _with_p(estimate, draws)


def statistic(
    function: Callable[[NDArray[np.intp]], float],
    n: int,
    clusters: Sequence[object] | None = None,
    *,
    seed: int = 42,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Any statistic with its interval; slower than the others, since it is called once a draw.

    Args:
        function: Row numbers, drawn with repetition, to the figure; NaN where it is not defined.
        n: Number of samples.
        clusters: ``(n,)`` the patient of each sample, or None.
        seed: Of the draws.
        resamples: Number of draws.
    """
    code, n_clusters = _codes(clusters, n)
    order = np.argsort(code, kind="stable")
    draws = [
        function(np.repeat(order, row[code[order]].astype(np.intp)))
        for counts in _draws(n_clusters, resamples, seed)
        for row in counts
    ]
    return _estimate(float(function(np.arange(n))), np.asarray(draws), n)


def of_sums(
    columns: ArrayLike,
    figure: Callable[[NDArray[np.float64]], float],
    clusters: Sequence[object] | None = None,
    *,
    seed: int = 42,
    resamples: int = RESAMPLES,
) -> Estimate:
    """A figure of sums over samples (micro F1, BLEU, a difference of two), with its interval: no sample is looked at twice.

    Args:
        columns: ``(n, k)`` what each sample adds.
        figure: ``(k,)`` sums to the figure; NaN where it is not defined.
        clusters: ``(n,)`` the patient of each sample, or None.
        seed: Of the draws, which are those of :func:`statistic`.
        resamples: Number of draws.
    """
    added = np.asarray(columns, dtype=np.float64)
    code, n_clusters = _codes(clusters, len(added))
    sums = np.zeros((n_clusters, added.shape[1]))
    np.add.at(sums, code, added)
    draws = [figure(summed) for counts in _draws(n_clusters, resamples, seed) for summed in counts @ sums]
    return _estimate(float(figure(added.sum(axis=0))), np.asarray(draws), len(added))


def difference(
    a: ArrayLike,
    b: ArrayLike,
    clusters: Sequence[object] | None = None,
    *,
    seed: int = 42,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Mean of ``a - b`` over paired samples, with its interval and a p value that it is zero.

    The p value is twice the smaller share of draws on either side of zero, at least ``2 / (resamples + 1)``.

    Args:
        a: ``(n,)`` per-sample figures of one system.
        b: ``(n,)`` those of the other on the same samples in the same order.
        clusters: ``(n,)`` the patient of each sample, or None.
        seed: Of the draws.
        resamples: Number of draws.
    """
    gap = _finite(a) - _finite(b)
    code, n_clusters = _codes(clusters, gap.size)
    sums, sizes = np.bincount(code, gap, n_clusters), np.bincount(code, minlength=n_clusters).astype(float)
    draws = np.concatenate([(c @ sums) / (c @ sizes) for c in _draws(n_clusters, resamples, seed)])
    return _with_p(_estimate(float(gap.mean()) if gap.size else float("nan"), draws, gap.size), draws)


def auroc_difference(
    truth: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    clusters: Sequence[object] | None = None,
    *,
    seed: int = 42,
    resamples: int = RESAMPLES,
) -> Estimate:
    """AUROC of ``a`` less AUROC of ``b`` on the same samples, with its interval and a p value that it is zero."""
    t = np.asarray(truth, dtype=bool)
    values, parts = [], []
    for scores in (_finite(a), _finite(b)):
        order = np.argsort(scores, kind="stable")
        s = scores[order]
        starts = np.flatnonzero(np.r_[True, s[1:] != s[:-1]])
        values.append(float(_auroc_weighted(t[order], starts, np.ones((1, t.size)))[0]))
        code, n_clusters = _codes(clusters, t.size)
        parts.append(
            np.concatenate(
                [
                    _auroc_weighted(t[order], starts, c[:, code[order]])
                    for c in _draws(n_clusters, resamples, seed, t.size)
                ]
            )
        )
    draws = parts[0] - parts[1]
    return _with_p(_estimate(values[0] - values[1], draws, t.size), draws)


def _finite(values: ArrayLike) -> NDArray[np.float64]:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or not np.isfinite(x).all():
        bad = int((~np.isfinite(x)).sum())
        raise ValueError(f"one finite figure a sample is needed; got shape {x.shape}, {bad} of them not finite")
    return x


def _codes(clusters: Sequence[object] | None, n: int) -> tuple[NDArray[np.intp], int]:
    if clusters is None:
        return np.arange(n), n
    if len(clusters) != n:
        raise ValueError(f"{len(clusters)} clusters for {n} samples: give one a sample")
    names: dict[object, int] = {}
    code = np.fromiter((names.setdefault(c, len(names)) for c in clusters), dtype=np.intp, count=n)
    return code, len(names)


def _draws(n_clusters: int, resamples: int, seed: int, n_cells: int = 0) -> Iterator[NDArray[np.float64]]:
    """How often each cluster is drawn, ``(some, n_clusters)`` at a time; the same for a seed however it is cut."""
    if n_clusters == 0:
        yield np.zeros((resamples, 0))
        return
    step = max(1, CHUNK_CELLS // max(n_clusters, n_cells))
    if n_clusters * resamples <= KEPT_CELLS:
        kept = _kept_draws(n_clusters, resamples, seed)
        yield from (kept[start : start + step] for start in range(0, resamples, step))
        return
    rng = np.random.default_rng(seed)
    for start in range(0, resamples, step):
        yield _drawn(rng, n_clusters, min(step, resamples - start))


@lru_cache(maxsize=4)
def _kept_draws(n_clusters: int, resamples: int, seed: int) -> NDArray[np.float64]:
    counts = _drawn(np.random.default_rng(seed), n_clusters, resamples)
    counts.flags.writeable = False
    return counts


def _drawn(rng: np.random.Generator, n_clusters: int, resamples: int) -> NDArray[np.float64]:
    return rng.multinomial(n_clusters, np.full(n_clusters, 1 / n_clusters), size=resamples).astype(np.float64)


def _auroc_weighted(
    truth: NDArray[np.bool_], starts: NDArray[np.intp], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """AUROC for each row of weights over samples sorted by score; ``starts`` are the first of each run of ties."""
    if truth.size == 0:
        return np.full(weights.shape[0], np.nan)
    positive = np.add.reduceat(weights * truth, starts, axis=1)
    negative = np.add.reduceat(weights * ~truth, starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative / 2
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    won = (positive * below).sum(axis=1)
    area: NDArray[np.float64] = np.divide(won, pairs, out=np.full(pairs.size, np.nan), where=pairs != 0)
    return area


def _mean_over_labels(
    truth: NDArray[np.bool_], columns: Sequence[NDArray[np.float64]], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """For each row of weights the mean AUROC over the labels that have both sides; NaN when none has."""
    total, counted = np.zeros(len(weights)), np.zeros(len(weights))
    for label, s in zip(truth.T, columns, strict=True):
        order = np.argsort(s, kind="stable")
        starts = np.flatnonzero(np.r_[True, s[order][1:] != s[order][:-1]])
        area = _auroc_weighted(label[order], starts, weights[:, order])
        known = np.isfinite(area)
        total[known] += area[known]
        counted += known
    out: NDArray[np.float64] = np.divide(total, counted, out=np.full(len(total), np.nan), where=counted > 0)
    return out


def _estimate(value: float, draws: NDArray[np.float64], n: int) -> Estimate:
    kept = draws[np.isfinite(draws)]
    if kept.size == 0:
        return Estimate(value, float("nan"), float("nan"), n)
    low, high = np.quantile(kept, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, float(low), float(high), n)


def _with_p(estimate: Estimate, draws: NDArray[np.float64]) -> Estimate:
    kept = draws[np.isfinite(draws)]
    p = 2 * (1 + min(int((kept <= 0).sum()), int((kept >= 0).sum()))) / (kept.size + 1)
    return Estimate(estimate.value, estimate.low, estimate.high, estimate.n, min(1.0, p))
