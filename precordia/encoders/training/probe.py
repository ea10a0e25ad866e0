"""A linear probe during training: how well the findings of reports can be read from the frozen embedding.

Ridge regression from embeddings of the training part to what ``precordia.concepts`` reads in their reports, scored on the
held-out part by the macro average of the areas under the ROC curves. No diagnosis codes are used, so that watching it
tells nothing of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from precordia.encoders.corpus import Corpus

NAME = "probe_auroc"
"""Column of the curve."""

_MIN_TRAINING, _MIN_HELD_OUT = 10, 5
"""Fewest recordings with, and without, a finding for it to be asked about."""
_PENALTY = 0.1
"""Of ridge regression, as a share of the number of recordings: features are standardized."""


@dataclass(frozen=True, eq=False)
class Probe:
    """What is asked, and of which recordings.

    Attributes:
        training: ``(n,)`` int64, rows of the corpus to fit on.
        held_out: ``(m,)`` int64, rows to score on.
        findings: Concepts asked about.
        training_labels: ``(n, n_findings)`` bool.
        held_out_labels: ``(m, n_findings)`` bool.
    """

    training: NDArray[np.int64]
    held_out: NDArray[np.int64]
    findings: tuple[str, ...]
    training_labels: NDArray[np.bool_]
    held_out_labels: NDArray[np.bool_]

    @classmethod
    def of(cls, corpus: Corpus, most: int, seed: int) -> Probe | None:
        """The probe of a corpus: at most ``most`` recordings of either part, among those with a report.

        None where no finding is frequent enough on both sides.
        """
        order = np.random.default_rng([seed, 2]).permutation(len(corpus))
        told = np.array([bool(text) for text in corpus.texts])
        training = np.sort(order[(told & ~corpus.held_out)[order]][:most])
        held_out = np.sort(order[(told & corpus.held_out)[order]][:most])
        read = lru_cache(maxsize=None)(findings_of)
        found = [[read(corpus.texts[row] or "") for row in rows] for rows in (training, held_out)]
        names = sorted(set().union(*found[0], *found[1]))
        if not names:
            return None
        labels = [np.array([[name in one for name in names] for one in part], dtype=bool) for part in found]
        labels = [part.reshape(-1, len(names)) for part in labels]
        frequent = np.ones(len(names), dtype=bool)
        for part, least in zip(labels, (_MIN_TRAINING, _MIN_HELD_OUT), strict=True):
            frequent &= (part.sum(0) >= least) & ((~part).sum(0) >= least)
        if not frequent.any():
            return None
        chosen = tuple(name for name, keep in zip(names, frequent, strict=True) if keep)
        return cls(training, held_out, chosen, labels[0][:, frequent], labels[1][:, frequent])

    def score(self, training: NDArray[np.float32], held_out: NDArray[np.float32]) -> float:
        """Macro AUROC of a ridge regression fitted on the one part's embeddings and scored on the other's."""
        scores = ridge_scores(training, self.training_labels, held_out)
        return float(np.mean(aurocs(self.held_out_labels, scores)))


def ridge_scores(
    features: NDArray[np.float32], labels: NDArray[np.bool_], others: NDArray[np.float32]
) -> NDArray[np.float64]:
    """``(m, n_labels)``: what a ridge regression on ``features (n, d)`` and ``labels (n, n_labels)`` says of ``others (m, d)``."""
    x = features.astype(np.float64)
    mean, spread = x.mean(0), np.maximum(x.std(0), 1e-6)
    x = (x - mean) / spread
    gram = x.T @ x + _PENALTY * len(x) * np.eye(x.shape[1])
    weights = np.linalg.solve(gram, x.T @ (labels - labels.mean(0)))
    out: NDArray[np.float64] = (others - mean) / spread @ weights
    return out


def aurocs(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Area under the ROC curve of each column, from ranks (Mann & Whitney 1947); ties count half."""
    from scipy.stats import rankdata

    positives = labels.sum(0)
    ranks = rankdata(scores, axis=0)
    over = (ranks * labels).sum(0) - positives * (positives + 1) / 2
    out: NDArray[np.float64] = over / (positives * (len(labels) - positives))
    return out


def findings_of(text: str) -> frozenset[str]:
    """Findings that a report states as present, with their ancestors."""
    from precordia.concepts import label_report, vocabulary

    known = vocabulary()
    present: Sequence[str] = [finding.concept for finding in label_report(text) if finding.status == "present"]
    return frozenset(present).union(*(known.ancestors(concept) for concept in present))
