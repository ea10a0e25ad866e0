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

_WIDESPREAD = 4
"""Lead groups affected from which a change is called widespread."""


def territory_of(leads: Iterable[str]) -> str | None:
    """The territory that a set of leads looks at, in words; None for aVR alone or no lead.

    >>> territory_of(["II", "III", "aVF"]), territory_of(["V1", "V2", "V3"]), territory_of(["I", "aVL", "V5", "V6"])
    ('inferior', 'anteroseptal', 'lateral')
    """
    seen = set(leads)
    hit = {name for name, group in _REGIONS.items() if group & seen}
    if "lateral" in hit:
        hit.discard("high lateral")
    if len(hit) >= _WIDESPREAD or (len(hit) >= _WIDESPREAD - 1 and "inferior" in hit):
        return "widespread"
    if "inferior" in hit:
        rest = hit - {"inferior"}
        if not rest:
            return "inferior"
        return "inferolateral" if rest <= {"lateral", "high lateral"} else "widespread"
    if "septal" in hit:
        if hit <= {"septal", "anterior"}:
            return "septal" if hit == {"septal"} else "anteroseptal"
        return "anterolateral"
    if "anterior" in hit:
        return "anterior" if hit == {"anterior"} else "anterolateral"
    return next(iter(hit), None)


@lru_cache(maxsize=1)
def regional_findings() -> dict[tuple[str, str], str]:
    """General finding and territory to the finding of that territory: ("MI", "inferior") to "IMI"."""
    return {(row["base"], row["territory"]): row["concept"] for row in read_table("regions.tsv")}
