"""What an archive has taught: how near its cases lie to one another, the models of its findings, and what they promise."""

from __future__ import annotations

from dataclasses import dataclass

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
