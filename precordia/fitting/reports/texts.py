"""Reports without signals as lessons: each with stand-in precedents that agree with it as far as real ones do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from precordia.concepts import vocabulary
from precordia.core.findings import Finding
from precordia.judgement.reconcile import sayable

GRID = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.9, 1.4)
"""Standard deviations of the noise that are tried, against cosines of at most 1."""
_CHUNK = 512


def indicators(reports: Sequence[Sequence[Finding]]) -> NDArray[np.float32]:
    """Findings of each report with all that they imply, ``(n, n_concepts)`` float32, 0 or 1."""
    names = [concept.id for concept in vocabulary() if sayable(concept.id)]
    column = {name: i for i, name in enumerate(names)}
    out = np.zeros((len(reports), len(names)), np.float32)
    for row, findings in enumerate(reports):
        stated = [f.concept for f in findings if f.status != "absent"]
        out[row, [column[c] for c in vocabulary().implied(stated) if c in column]] = 1
    return out


def agreement(query: NDArray[np.float32], others: NDArray[np.float32]) -> float:
    """Mean Jaccard index of a query's findings ``(n,)`` with those of each other ``(m, n)``; 0 where neither has any."""
    both = np.minimum(query, others).sum(1)
    either = np.maximum(query, others).sum(1)
    return float(np.mean(both / np.maximum(either, 1)))


def stand_ins(
    found: NDArray[np.float32], patients: Sequence[str], k: int, *, wanted: float, seed: int
) -> tuple[NDArray[np.int64], float]:
    """For each report ``k`` others of other patients: the nearest by their findings to the report's, disturbed by noise.

    Args:
        found: :func:`indicators`.
        patients: Of each report.
        k: How many.
        wanted: Mean agreement with the first five that real precedents reach; the noise of ``GRID`` that comes nearest
            to it is taken.
        seed: Of the noise.

    Returns:
        Row numbers ``(n, k)``, nearest first, and the mean agreement reached on a sample.
    """
    share = found.mean(0)
    weights = np.sqrt(np.log(1 / np.clip(share, 1 / max(len(found), 2), 1)) + 0.1).astype(np.float32)
    units = found * weights
    units /= np.maximum(np.linalg.norm(units, axis=1, keepdims=True), 1e-6)
    keys = np.unique(np.asarray(patients), return_inverse=True)[1]
    sample = np.random.default_rng([seed, 0]).permutation(len(found))[:400]

    def nearest(rows: NDArray[np.int64], sigma: float, stream: int) -> NDArray[np.int64]:
        rng = np.random.default_rng([seed, stream])
        noise = rng.standard_normal((len(rows), found.shape[1]), dtype=np.float32) * sigma
        scores = (units[rows] + noise) @ units.T
        scores[keys[rows][:, None] == keys[None, :]] = -np.inf
        # Many reports say the same: among equals chance decides, not the order of the table.
        scores += rng.random(scores.shape, dtype=np.float32) * 1e-4
        top = np.argpartition(-scores, k, axis=1)[:, :k]
        return np.take_along_axis(top, np.argsort(-np.take_along_axis(scores, top, 1), axis=1), 1)

    def reached(sigma: float) -> float:
        near = nearest(sample, sigma, 1)
        return float(np.mean([agreement(found[i], found[others[:5]]) for i, others in zip(sample, near, strict=True)]))

    tried = {sigma: reached(sigma) for sigma in GRID}
    sigma = min(GRID, key=lambda s: abs(tried[s] - wanted))
    rows = np.arange(len(found))
    parts = [nearest(rows[i : i + _CHUNK], sigma, 2 + i) for i in range(0, len(rows), _CHUNK)]
    return np.concatenate(parts), tried[sigma]
