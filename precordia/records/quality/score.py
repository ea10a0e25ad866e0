"""The overall score: the probability that annotators would accept the recording, from a handful of lead facts.

The coefficients (``score.json``) are a logistic regression on the 499 labelled ECGs of the PhysioNet/CinC Challenge 2011,
set a (Silva, Moody and Celi, Improving the quality of ECGs collected using mobile phones, Comput Cardiol 2011;38:273-276),
written by ``precordia train quality --out precordia/records/quality/score.json``.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from precordia.records.quality.leads import LeadFacts, audible_noise

FEATURES = (
    "mean agreement",
    "least agreement",
    "mean flat share",
    "most flat share",
    "mean log noise",
    "mean log peak noise",
    "most log drift",
)
"""What the score rests on, over the leads that the recording has; in the order of the coefficients."""


@dataclass(frozen=True)
class Coefficients:
    """A logistic regression.

    Attributes:
        weights: One a feature.
        intercept: The log odds where all features are zero.
    """

    weights: tuple[float, ...]
    intercept: float


def features(facts: LeadFacts) -> NDArray[np.float64]:
    """``(len(FEATURES),)`` of a recording, each bounded, so that no artefact outweighs all else."""
    agreement = np.clip(facts.agreement, 0, 1)
    noise = np.log(np.clip(facts.noise, 0.01, 1))
    peak = np.log(np.clip(facts.noise_peak, 0.01, 3))
    drift = np.log(np.clip(facts.drift_mv, 0.05, 10))
    return np.array(
        [agreement.mean(), agreement.min(), facts.flat.mean(), facts.flat.max(), noise.mean(), peak.mean(), drift.max()]
    )


def probability(facts: LeadFacts, coefficients: Coefficients | None = None) -> float:
    """Probability, 0 to 1, that annotators would accept the recording."""
    c = coefficients or stored_coefficients()
    odds = float(np.dot(c.weights, features(facts))) + c.intercept
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, odds))))


@cache
def stored_coefficients() -> Coefficients:
    """Those that came with the package."""
    text = resources.files("precordia.records.quality").joinpath("score.json").read_text("utf-8")
    stored = json.loads(text)
    if stored["features"] != list(FEATURES):
        raise ValueError("score.json is for other features; write it again (see the module)")
    return Coefficients(tuple(stored["weights"]), stored["intercept"])


def lead_scores(facts: LeadFacts) -> NDArray[np.float64]:
    """``(n_leads,)`` 0 (no use) to 1 (clean): the worst of what ails each lead."""
    parts = np.stack(
        [
            1 - facts.missing,
            1 - facts.flat,
            1 - np.clip(facts.railed / 0.1, 0, 1),
            np.clip(np.maximum(facts.agreement, facts.likeness) / 0.7, 0, 1),
            1 - np.clip((audible_noise(facts) - 0.1) / 0.5, 0, 1),
        ]
    )
    worst: NDArray[np.float64] = np.clip(parts.min(axis=0), 0, 1)
    return worst
