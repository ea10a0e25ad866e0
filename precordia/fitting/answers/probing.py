"""Fits the linear probes of answers: of whole ECGs and of single leads, on labelled ECGs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import InputError
from precordia.core.leads import LEADS
from precordia.datasets.ecgqa.builder.attributes import IN_LEAD_GROUPS, LEAD_GROUPS
from precordia.datasets.ecgqa.builder.facts import Facts
from precordia.fitting.answers.targets import NOISE_TARGETS, PLACED, WHOLE, holds
from precordia.generation.answers.features import N_NOISE, Features
from precordia.generation.answers.fitted import Belief, FittedAnswers, Probes, lead_inputs, whole_inputs
from precordia.judgement.evidence import Evidence
from precordia.judgement.scaling import Scaling
from precordia.measurements.feature_vector import N_MEASURED

FEWEST: Final = 4
"""A target with fewer ECGs has no probe: its prevalence and the vote must do."""
_C: Final = {"finding": 0.005, "disturbance": 0.03}
_C_LEAD: Final = 0.02
"""Inverse strength of the probes' ridge penalty; of disturbances by cross-validation within folds 1-7."""
_ODDS_SD: Final = 2.0
_BLOCKS: Final = {"finding": (0.5, 1.0, 1.0), "disturbance": (0.1, 0.3, 1.0)}
"""What embedding, measurements and disturbances count before the penalty."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """An ECG that is fitted on.

    Attributes:
        facts: Its labels.
        features: Its numbers.
        evidence: Of it; without precedents where it is learned from, with those among the others where it is held back.
    """

    facts: Facts
    features: Features
    evidence: Evidence


def prevalence_of(facts: Sequence[Facts]) -> dict[str, float]:
    """Share of the ECGs for which each target holds, drawn half an ECG from either end; of leads towards the mean lead."""
    out = {}
    for target in WHOLE:
        known = [found for f in facts if (found := holds(target, f)) is not None]
        out[target] = (sum(known) + 0.5) / (len(known) + 2)
    for base in PLACED:
        counts = {where: [holds(f"{base}@{where}", f) for f in facts] for where in (*LEADS, *LEAD_GROUPS)}
        known_at = {where: [v for v in found if v is not None] for where, found in counts.items()}
        mean = (sum(sum(known_at[lead]) for lead in LEADS) + 0.5) / (sum(len(known_at[lead]) for lead in LEADS) + 2)
        for where, values in known_at.items():
            if where in LEADS or base in IN_LEAD_GROUPS:
                out[f"{base}@{where}"] = (sum(values) + 3 * mean) / (len(values) + 3)
    return out


def fit_whole(learn: Sequence[Labelled]) -> Probes:
    """Probes of whole ECGs, of every target that enough of them show."""
    raw = np.stack([whole_inputs(one.features) for one in learn])
    scaling = Scaling.of(raw)
    inputs = scaling.apply(raw)
    dim = learn[0].features.embedding.size
    places = np.concatenate([np.arange(raw.shape[1]), scaling.flagged])
    blocks = np.where(places < dim, 0, np.where(places < dim + N_MEASURED, 1, 2))
    if dim + N_MEASURED + N_NOISE != raw.shape[1]:
        raise InputError("the numbers of an ECG are not those that are fitted on")
    targets, weights, bias = [], [], []
    for target in WHOLE:
        known = [holds(target, one.facts) for one in learn]
        rows = np.array([i for i, v in enumerate(known) if v is not None])
        truth = np.array([bool(known[i]) for i in rows.tolist()])
        if not FEWEST <= int(truth.sum()) <= truth.size - FEWEST:
            continue
        kind = "disturbance" if target in NOISE_TARGETS or target == "any:noise" else "finding"
        scale = np.array(_BLOCKS[kind])[blocks]
        w, b = _logistic_fit(inputs[rows] * scale, truth, _C[kind])
        targets.append(target)
        weights.append(w * scale)
        bias.append(b)
    return Probes(tuple(targets), scaling, np.stack(weights), np.array(bias))


def fit_leads(fitted: FittedAnswers, learn: Sequence[Labelled]) -> Probes:
    """Probes of single leads, which see the log-odds of the whole ECG as it is trusted."""
    beliefs = [Belief(fitted, one.features, one.evidence) for one in learn]
    raw = np.concatenate([lead_inputs(b.features, 0.0) for b in beliefs])
    scaling = Scaling.of(raw)
    odds = raw.shape[1] - 1  # the column of the log-odds for the whole ECG, which differs between targets
    scaling.mean[odds], scaling.sd[odds] = 0.0, _ODDS_SD
    targets, weights, bias = [], [], []
    for base in PLACED:
        raw[:, odds] = np.repeat([b.log_odds(base) for b in beliefs], len(LEADS))
        known = [holds(f"{base}@{lead}", one.facts) for one in learn for lead in LEADS]
        rows = np.array([i for i, v in enumerate(known) if v is not None])
        truth = np.array([bool(known[i]) for i in rows.tolist()])
        if int(truth.sum()) >= FEWEST:
            w, b = _logistic_fit(scaling.apply(raw)[rows], truth, _C_LEAD)
            targets.append(base)
            weights.append(w)
            bias.append(b)
    return Probes(tuple(targets), scaling, np.stack(weights), np.array(bias))


def _logistic_fit(x: NDArray[np.float64], y: NDArray[np.bool_], c: float) -> tuple[NDArray[np.float64], float]:
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = LogisticRegression(C=c, max_iter=400).fit(x, y)
    return model.coef_[0], float(model.intercept_[0])
