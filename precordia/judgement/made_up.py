"""Findings that another finding and a number make up: a bundle branch block whose QRS complex is 120 ms wide is complete.

Reports seldom spell them out, so that neither models nor precedents know them well; who asks for one by name is told what the
parts come to.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Final

from precordia.core.findings import Finding, Measurements
from precordia.judgement.measured import Check
from precordia.judgement.standing import Standing
from precordia.judgement.votes import lineage

_SURE: Final = 0.5
"""Confidence below which a number makes up nothing."""


@dataclass(frozen=True)
class Recipe:
    """What makes a finding up.

    Attributes:
        concept: The finding.
        of: The finding that it is a special case of.
        number: What a measurement must be, besides.
    """

    concept: str
    of: str
    number: Check

    def is_met(self, m: Measurements) -> bool:
        """Whether the number is measured, and is what it must be."""
        value = getattr(m, self.number.name)
        sure = m.confidence.get(self.number.name, 1.0) >= _SURE
        return value is not None and sure and self.number.allows(round(float(value)))


def made_up(concept: str, m: Measurements, standing: Callable[[str], Standing]) -> Standing | None:
    """How far a finding is borne out by what makes it up, the likeliest where that is more than one; None where nothing does.

    Args:
        concept: The finding.
        m: Of the ECG.
        standing: How far another finding is borne out.
    """
    met = [r for r in recipes() if concept in lineage(r.concept) and concept not in lineage(r.of) and r.is_met(m)]
    parts = [(standing(recipe.of), recipe) for recipe in met]
    left = [(part, recipe) for part, recipe in parts if not part.ruled_out]
    if not left:
        return None
    (part, recipe), own = max(left, key=lambda pair: pair[0].probability), standing(concept)
    return replace(
        part,
        finding=Finding(concept, part.finding.status),
        vote=max(own.vote, part.vote, key=lambda vote: vote.support),
        measurements=(recipe.number.name,),
        against=own.against,
        made_of=recipe.of,
    )


@cache
def recipes() -> tuple[Recipe, ...]:
    """The table ``made_up.csv``: its header names the sources."""
    text = resources.files("precordia.judgement").joinpath("made_up.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return tuple(
        Recipe(
            row["concept"],
            row["of"],
            Check(
                row["concept"],
                row["measurement"],
                float(row["low"]) if row["low"] else None,
                float(row["high"]) if row["high"] else None,
                decides=True,
            ),
        )
        for row in rows
    )
