"""What is asked of frozen vectors: a linear probe, and the neighbours they have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

_C = (1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 1.0)


@dataclass(frozen=True, eq=False)
class Probe:
    """Logistic regressions, one a label, on features scaled by the fitting part.

    Attributes:
        mean, scale: ``(dim,)`` of the fitting part.
        weights: ``(n_labels, dim)``.
        bias: ``(n_labels,)``.
        c: Inverse strength of the L2 penalty.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    c: float

    def scores(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Log odds ``(n, n_labels)``."""
        out: NDArray[np.float64] = (vectors - self.mean) / self.scale @ self.weights.T + self.bias
        return out


def fit_probe(
    vectors: NDArray[np.float32], labels: NDArray[np.bool_], choose: NDArray[np.bool_] | None, c: float | None = None
) -> Probe:
    """A probe fitted on all rows, its penalty chosen by macro AUROC on ``choose`` after fitting on the rest.

    Args:
        vectors: ``(n, dim)``.
        labels: ``(n, n_labels)``.
        choose: ``(n,)`` rows to choose the penalty on, or None with a given ``c``.
        c: The penalty, when it is not to be chosen.
    """
    if c is None:
        assert choose is not None
        fits = [(macro_auroc(labels[choose], _fit(vectors[~choose], labels[~choose], x).scores(vectors[choose])), -i)
                for i, x in enumerate(_C)]  # fmt: skip
        c = _C[-max(fits)[1]]
    return _fit(vectors, labels, c)


def macro_auroc(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Mean AUROC over the labels that have both positives and negatives; NaN when none has."""
    ranks = rankdata(scores, axis=0)
    positive = labels.sum(axis=0).astype(float)
    negative = len(labels) - positive
    both = (positive > 0) & (negative > 0)
    if not both.any():
        return float("nan")
    won = (ranks * labels).sum(axis=0) - positive * (positive + 1) / 2
    return float((won[both] / (positive[both] * negative[both])).mean())


def precision_at(
    queries: NDArray[np.float32],
    gallery: NDArray[np.float32],
    query_labels: NDArray[np.bool_],
    gallery_labels: NDArray[np.bool_],
    k: int = 10,
) -> NDArray[np.float64]:
    """For each query the share of its ``k`` nearest by cosine that share a label with it, ``(n_queries,)``."""
    nearest = np.argsort(-(queries @ gallery.T), axis=1, kind="stable")[:, :k]
    shared = (query_labels[:, None, :] & gallery_labels[nearest]).any(axis=2)
    out: NDArray[np.float64] = shared.mean(axis=1)
    return out


def reciprocal_ranks(similarity: NDArray[np.float32], groups: Sequence[object]) -> NDArray[np.float64]:
    """For each row the reciprocal rank of the best column of its own group, ``(n,)``; ties count as their mean rank."""
    own = np.array([[a == b for b in groups] for a in groups])
    ranks = rankdata(-similarity, axis=1)
    out: NDArray[np.float64] = 1.0 / np.where(own, ranks, np.inf).min(axis=1)
    return out


def _fit(vectors: NDArray[np.float32], labels: NDArray[np.bool_], c: float) -> Probe:
    from sklearn.linear_model import LogisticRegression

    mean = vectors.mean(axis=0, dtype=np.float64)
    scale = np.maximum(vectors.std(axis=0, dtype=np.float64), 1e-6)
    features = (vectors - mean) / scale
    # With fewer rows than columns, the weights lie in the span of the rows: found there, they are the same and cost a part.
    span = np.linalg.qr(features.T)[0] if len(features) < features.shape[1] else np.eye(features.shape[1])
    features = features @ span
    weights, bias = np.zeros((labels.shape[1], vectors.shape[1])), np.zeros(labels.shape[1])
    for column in range(labels.shape[1]):
        truth = labels[:, column]
        if truth.all() or not truth.any():
            continue
        model: Any = LogisticRegression(C=c, solver="newton-cholesky", max_iter=100).fit(features, truth)
        weights[column], bias[column] = span @ model.coef_[0], model.intercept_[0]
    return Probe(mean, scale, weights, bias, c)
