"""What an archive has taught: how near its cases lie to one another, the models of its findings, and what they promise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from precordia.judgement.models import FindingModels

DEFAULT_FLOOR = 0.5
"""Similarity of the nearest case below which nothing is claimed, where an archive is too small to tell."""


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What an archive has taught.

    Attributes:
        floor: Similarity that all but 2 % of its own cases reach to another patient's case.
        models: Of its findings; None where it is too small, or has not been fitted: the precedents' vote then decides.
    """

    floor: float = DEFAULT_FLOOR
    models: FindingModels | None = None

    def document(self) -> dict[str, Any]:
        """What was taught, and what is promised, as plain values for people."""
        near = {"similarity_of_near_precedents": round(self.floor, 4)}
        models = self.models
        if models is None:
            return {**near, "models": "none: too few cases, the precedents' vote decides"}
        sampled = models.n_cases < models.n_archive
        of = f"a sample of {models.n_cases} of {models.n_archive}" if sampled else f"all {models.n_cases}"
        rests = f"{of} cases with a report or codes, of {models.n_patients} patients"
        return {
            **near,
            "models": f"of {len(models.concepts)} findings, fitted on {rests}",
            "promise": str(models.promise),
        }
