"""Hand-made measurements with gradient boosting: what intervals, axes and amplitudes alone say of a label.

Age and sex are left out, since the systems beside do not have them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.eval.metrics.probe import macro_auroc

PER_LEAD: Final = ("st_j60_mv", "r_mv", "s_mv", "q_mv", "t_mv")
"""Fields of ``Measurements`` with a value a lead."""

REGULARITIES: Final = ("regular", "irregular", "regularly irregular")

_TREES: Final = 200
_FEW: Final = 50
"""Trees where there is nothing to choose their number on."""

_SETTINGS: Final = {"learning_rate": 0.05, "max_leaf_nodes": 8, "min_samples_leaf": 10, "l2_regularization": 1.0}


def measured_features(recordings: Sequence[Recording]) -> NDArray[np.float64]:
    """``(n, n_features)``: every numeric measurement, each lead's amplitudes, the kind of rhythm; NaN where not measurable."""
    from precordia.measurements import measure

    rows = []
    for recording in recordings:
        found = measure(recording)
        row = [np.nan if value is None else float(value) for value in found.scalars().values()]
        for field in PER_LEAD:
            values = getattr(found, field)
            row += [float(values.get(lead, np.nan)) for lead in LEADS]
        row += [float(found.rhythm_regularity == kind) for kind in REGULARITIES]
        rows.append(row)
    return np.array(rows, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Boosted:
    """Gradient-boosted trees (scikit-learn's histogram kind; missing values as they are), one model a label.

    Attributes:
        models: One a label; None for a label without both positives and negatives.
        trees: Trees a label that are used.
    """

    models: tuple[Any, ...]
    trees: int

    def scores(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log odds ``(n, n_labels)``."""
        out: NDArray[np.float64] = _staged(self.models, features, self.trees)[self.trees - 1]
        return out


def fit_boosted(features: NDArray[np.float64], labels: NDArray[np.bool_], choose: NDArray[np.bool_] | None) -> Boosted:
    """Trees fitted on all rows, their number chosen by macro AUROC on ``choose`` after fitting on the rest.

    Args:
        features: ``(n, n_features)``, NaN where missing.
        labels: ``(n, n_labels)``.
        choose: ``(n,)`` rows to choose on, or None for a fixed, small number.
    """
    trees = _FEW
    if choose is not None:
        models = _fit(features[~choose], labels[~choose], _TREES)
        stages = _staged(models, features[choose], _TREES)
        trees = int(np.argmax([macro_auroc(labels[choose], stage) for stage in stages])) + 1
    return Boosted(_fit(features, labels, trees), trees)


def _fit(features: NDArray[np.float64], labels: NDArray[np.bool_], trees: int) -> tuple[Any, ...]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return tuple(
        HistGradientBoostingClassifier(max_iter=trees, early_stopping=False, random_state=0, **_SETTINGS).fit(
            features, truth
        )
        if truth.any() and not truth.all()
        else None
        for truth in labels.T
    )


def _staged(models: Sequence[Any], features: NDArray[np.float64], trees: int) -> NDArray[np.float64]:
    """Log odds after each tree, ``(trees, n, n_labels)``."""
    out = np.zeros((trees, len(features), len(models)))
    for column, model in enumerate(models):
        if model is not None:
            for tree, scores in enumerate(model.staged_decision_function(features)):
                out[tree, :, column] = np.ravel(scores)
    return out
