"""The neighbours that frozen vectors give: how many of them share what was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.encoders.encoder import unit_rows
from precordia.eval import bootstrap
from precordia.eval.task import Row
from precordia.eval.tasks.encoder_probe import precision_at
from precordia.eval.tasks.encoder_rows import Split

K: Final = 10


def retrieval_rows(split: Split, vectors: Mapping[str, NDArray[np.float32]], seed: int) -> Iterator[Row]:
    """Neighbours of the test part in the fitting part, with what neighbours drawn at random would share."""
    labels = split.data.superclasses
    relevance = overlap(split.data.codes[split.test], split.data.codes[split.fit])
    for name, v in vectors.items():
        unit = unit_rows(v)
        shares = precision_at(unit[split.test], unit[split.fit], labels[split.test], labels[split.fit], K)
        gains = ndcg_at(unit[split.test] @ unit[split.fit].T, relevance, K)
        for metric, each in ((_PRECISION, shares), (_NDCG, gains)):
            found = bootstrap.mean(each, split.test_patients, seed=seed)
            yield Row(name, metric, found.value, found.low, found.high, found.n)
    n = int(split.test.sum())
    shared = (labels[split.test][:, None, :] & labels[split.fit][None]).any(axis=2)
    yield Row("chance", _PRECISION, float(shared.mean()), n=n)
    expected = relevance.mean(axis=1) * _discounts(K).sum() / _ideal(relevance, K)
    yield Row("chance", _NDCG, float(expected.mean()), n=n)


def overlap(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> NDArray[np.float64]:
    """``(n_first, n_second)``: codes that two ECGs share, of those that either has (Jaccard); zero where neither has any."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    both = a @ b.T
    either = a.sum(1)[:, None] + b.sum(1)[None] - both
    out: NDArray[np.float64] = np.divide(both, either, out=np.zeros_like(both), where=either > 0)
    return out


def ndcg_at(similarity: NDArray[np.float32], relevance: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Normalised discounted cumulative gain of each row's ``k`` most similar columns, ``(n,)``.

    Gains are the relevances as they are, discounts log2(rank + 1), the ideal order is that of all columns (Järvelin and
    Kekäläinen, ACM TOIS 2002;20:422-446). Zero where nothing is relevant.

    Args:
        similarity: ``(n, m)``; ties go to the earlier column.
        relevance: ``(n, m)``, not negative.
        k: How many are looked at.
    """
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    gained = (np.take_along_axis(relevance, nearest, axis=1) * _discounts(nearest.shape[1])).sum(axis=1)
    out: NDArray[np.float64] = gained / _ideal(relevance, k)
    return out


def _ideal(relevance: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    best = -np.sort(-relevance, axis=1)[:, :k]
    gained = (best * _discounts(best.shape[1])).sum(axis=1)
    return np.where(gained > 0, gained, 1.0)


def _discounts(k: int) -> NDArray[np.float64]:
    out: NDArray[np.float64] = 1 / np.log2(np.arange(2, k + 2))
    return out


_PRECISION: Final = "precision@10, shared superclass"
_NDCG: Final = "nDCG@10, overlap of codes"
