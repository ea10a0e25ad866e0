"""Walls of the heart: which leads look at them, and which finding a general one becomes in a territory."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from precordia.concepts.terms import read_table

_REGIONS = {
    "inferior": frozenset({"II", "III", "aVF"}),
    "septal": frozenset({"V1", "V2"}),
    "anterior": frozenset({"V3", "V4"}),
    "lateral": frozenset({"V5", "V6"}),
    "high lateral": frozenset({"I", "aVL"}),
}
"""Contiguous lead groups of the fourth universal definition of myocardial infarction (Thygesen et al. 2018)."""

_ALL = 4
"""Inferior, septal, anterior and lateral leads: a change in all of them is called widespread."""


def territories_of(leads: Iterable[str]) -> tuple[str, ...]:
    """The territories that a set of leads looks at, in words; empty for aVR alone or no lead.

    Lead II counts as inferior unless I or aVL stands beside it, where it is one of the left leads.

    >>> territories_of(["II", "III", "aVF"]), territories_of(["V1", "V2", "V3"]), territories_of(["I", "aVL", "V5", "V6"])
    (('inferior',), ('anteroseptal',), ('lateral',))
    >>> territories_of(["III", "aVF", "V1", "V2"])
    ('inferior', 'septal')
    """
    seen = set(leads)
    hit = {name for name, group in _REGIONS.items() if group & seen}
    if seen & _REGIONS["inferior"] == {"II"} and "high lateral" in hit:
        hit.discard("inferior")
    if "lateral" in hit:
        hit.discard("high lateral")
    if len(hit) == _ALL:
        return ("widespread",)
    if "inferior" in hit and hit & {"lateral", "high lateral"} and "septal" not in hit:
        return ("inferolateral",)
    front = _front(hit - {"inferior"})
    return (*(("inferior",) if "inferior" in hit else ()), *((front,) if front else ()))


def _front(hit: set[str]) -> str | None:
    if hit & {"lateral", "high lateral"}:
        return "anterolateral" if hit & {"septal", "anterior"} else next(iter(hit))
    if hit == {"septal", "anterior"}:
        return "anteroseptal"
    return next(iter(hit), None)


def base_of(concept: str) -> tuple[str, str | None]:
    """The general finding and the territory that a finding of one wall stands for: "IMI" is ("MI", "inferior")."""
    return _bases().get(concept, (concept, None))


@lru_cache(maxsize=1)
def _bases() -> dict[str, tuple[str, str | None]]:
    return {concept: key for key, concept in regional_findings().items() if key[0] != "AHYP"}


@lru_cache(maxsize=1)
def regional_findings() -> dict[tuple[str, str], str]:
    """General finding and territory to the finding of that territory: ("MI", "inferior") to "IMI"."""
    return {(row["base"], row["territory"]): row["concept"] for row in read_table("regions.tsv")}
