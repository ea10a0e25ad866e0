"""The leads in which a report places a form statement.

ECG-QA reads them from machine-translated reports with patterns made for their phrases; those translations are not part
of PTB-XL. Here the project's own report labeller finds the statement in each clause of the original report, and the
leads and walls that the clause names are its leads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from precordia.concepts import label_report, vocabulary
from precordia.datasets.ecgqa.builder.annotated import leads_of
from precordia.datasets.ecgqa.builder.attributes import WITH_LEADS

WALLS: Final = (
    ("anterolateral", "I aVL V3 V4 V5 V6"), ("anteroseptal", "V1 V2 V3 V4"), ("inferolateral", "I II III aVL aVF V5 V6"),
    ("inferoseptal", "II III aVF V1 V2"), ("high lateral", "I aVL"), ("inferior", "II III aVF"), ("anterior", "V3 V4"),
    ("lateral", "I aVL V5 V6"), ("limb lead", "I II III aVR aVL aVF"), ("peripher", "I II III aVR aVL aVF"),
    ("chest", "V1 V2 V3 V4 V5 V6"), ("precordial", "V1 V2 V3 V4 V5 V6"),
)  # fmt: skip
"""The generator's walls of the heart, and which leads it takes for each; compounds go before their parts."""

_CLAUSE: Final = re.compile(r"[.;\n]+")
_SAME_WALL: Final = re.compile(r"(antero|infero|high|hoch)[\s-]*(lateral|septal)")


def leads_by_code(report: str | None, codes: Iterable[str]) -> dict[str, frozenset[str]]:
    """Leads of those codes that the report places; codes that it does not place are left out.

    >>> leads = leads_by_code("sinus rhythm. t waves are inverted in v4-v6.", ["INVT", "SR"])
    >>> {code: sorted(where) for code, where in leads.items()}
    {'INVT': ['V4', 'V5', 'V6']}
    """
    wanted = [code for code in codes if code in WITH_LEADS]
    found: dict[str, set[str]] = {}
    for clause in _CLAUSE.split(report or "") if wanted else ():
        where = _named(clause)
        if not where:
            continue
        said = {f.concept for f in label_report(clause) if f.status != "absent"}
        said |= {wider for concept in said for wider in vocabulary().ancestors(concept)}
        for code in wanted:
            if code in said:
                found.setdefault(code, set()).update(where)
    return {code: frozenset(leads) for code, leads in found.items()}


def _named(clause: str) -> set[str]:
    text = _SAME_WALL.sub(lambda m: ("high " if m[1] in ("high", "hoch") else m[1]) + m[2], clause.lower())
    leads = set(leads_of(re.sub(r"\b(?!v?\d)\d+", " ", re.sub(r"\balle\w*", " ", text))))
    for wall, names in WALLS:
        if wall in text:
            leads.update(names.split())
            text = text.replace(wall, " ")
    return leads
