"""Fits the coefficients of the quality score and of the arm electrode test, and tells how well they do on others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from precordia.core.leads import CHEST_LEADS, LEADS
from precordia.core.recording import Recording
from precordia.records.quality import swap
from precordia.records.quality.leads import LeadFacts, lead_facts
from precordia.records.quality.score import FEATURES, Coefficients, features
from precordia.records.quality.units import units_problem
from precordia.records.quality.view import View, view_of

STRENGTH = 0.3
"""Inverse of the ridge penalty on standardized features; between 0.1 and 3 it makes no difference."""

REPEATS, FOLDS = 10, 5


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """What models say of recordings that they were not fitted on.

    Attributes:
        probability: ``(n,)`` mean over the repeats.
        most_flat: ``(n,)`` baseline: 1 less the largest flat share, no fitting.
        agreement: ``(n,)`` baseline: mean agreement of the leads' beats, no fitting.
    """

    probability: NDArray[np.float64]
    most_flat: NDArray[np.float64]
    agreement: NDArray[np.float64]


def facts_of(recording: Recording) -> tuple[View, LeadFacts]:
    """View and lead facts as ``assess`` sees them."""
    rows = [i for i, lead in enumerate(recording.leads) if lead in LEADS]
    view = view_of(recording, rows)
    units, factor = units_problem(view)
    if units is not None:
        view = view.rescaled(factor)
    return view, lead_facts(view, recording.signal[rows], recording.fs)


def design(recordings: Sequence[Recording]) -> NDArray[np.float64]:
    """``(n, n_features)``."""
    return np.stack([features(facts_of(recording)[1]) for recording in recordings])


def fit(x: NDArray[np.float64], y: NDArray[np.bool_]) -> Coefficients:
    """Logistic regression on standardized features, told in the features' own units."""
    from sklearn.linear_model import LogisticRegression

    centre, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > 0, spread, 1)
    model = LogisticRegression(C=STRENGTH, max_iter=2000).fit((x - centre) / spread, y)
    weights = model.coef_[0] / spread
    return Coefficients(tuple(float(w) for w in weights), float(model.intercept_[0] - weights @ centre))


def out_of_fold(x: NDArray[np.float64], y: NDArray[np.bool_], seed: int) -> OutOfFold:
    """Repeated stratified cross-validation."""
    from sklearn.model_selection import StratifiedKFold

    total = np.zeros(len(y))
    for repeat in range(REPEATS):
        splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=seed + repeat)
        for rest, held in splitter.split(x, y):
            c = fit(x[rest], y[rest])
            total[held] += 1 / (1 + np.exp(-np.clip(x[held] @ np.array(c.weights) + c.intercept, -50, 50)))
    return OutOfFold(
        total / REPEATS, 1 - x[:, FEATURES.index("most flat share")], x[:, FEATURES.index("mean agreement")]
    )


def write_score(coefficients: Coefficients, path: Path) -> None:
    """Write ``score.json``."""
    _write(
        path,
        {
            "source": "precordia eval quality --set fit=precordia/records/quality/score.json",
            "features": list(FEATURES),
            "weights": [round(w, 4) for w in coefficients.weights],
            "intercept": round(coefficients.intercept, 4),
        },
    )


def write_swap(recordings: Sequence[Recording], path: Path) -> None:
    """Fit the arm electrode test and write ``swap.json``."""
    beats = [beat for recording in recordings if (beat := swap.median_beat(*facts_of(recording))) is not None]
    _write(
        path,
        {
            "source": "precordia eval quality --set fit-swap=precordia/records/quality/swap.json",
            "leads": ["I", "II"],
            "from": list(CHEST_LEADS),
            "weights": np.round(swap.fit(np.stack(beats)), 4).tolist(),
        },
    )


def _write(path: Path, value: dict[str, object]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
