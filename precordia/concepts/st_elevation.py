"""In which leads the ST segment is raised or lowered, and where its level says nothing.

Limits: Thygesen et al., Fourth universal definition of myocardial infarction, Circulation 2018;138:e618-e651: new elevation
at the J point in two contiguous leads of 1 mm, in V2 and V3 of 2 mm in men from 40 years, 2.5 mm in younger men, 1.5 mm in
women; depression of 0.5 mm in two contiguous leads.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from precordia.core.findings import Measurements
from precordia.core.recording import Sex

CONTIGUOUS: Final = (
    ("II", "III", "aVF"),
    ("I", "aVL"),
    ("V1", "V2"),
    ("V2", "V3"),
    ("V3", "V4"),
    ("V4", "V5"),
    ("V5", "V6"),
)
ELEVATED_MV: Final = 0.1
V2_V3_MEN_MV: Final = 0.2
V2_V3_YOUNG_MEN_MV: Final = 0.25
V2_V3_WOMEN_MV: Final = 0.15
YOUNG_YEARS: Final = 40.0
DEPRESSED_MV: Final = -0.05
QRS_WIDE_MS: Final = 120.0
"""From here on, and behind pacing, repolarisation follows from depolarisation: its level means nothing by itself."""


def secondary(m: Measurements) -> bool:
    """Whether ST and T are moved by the QRS complex before them: pacing, or a complex of 120 ms and more."""
    return bool(m.paced) or (m.qrs_ms is not None and m.qrs_ms >= QRS_WIDE_MS)


def limit_mv(lead: str, age: float | None, sex: Sex | None) -> float:
    """From which level a lead counts as elevated, mV; that of men from 40 years where age or sex are unknown."""
    if lead not in ("V2", "V3"):
        return ELEVATED_MV
    if sex == "F":
        return V2_V3_WOMEN_MV
    return V2_V3_YOUNG_MEN_MV if sex == "M" and age is not None and age < YOUNG_YEARS else V2_V3_MEN_MV


def elevated_leads(m: Measurements, *, age: float | None = None, sex: Sex | None = None) -> frozenset[str]:
    """Contiguous leads elevated at the J point and still 60 ms later; aVR is none of them.

    A level that is gone after 60 ms was the end of the QRS complex. Without levels at the J point those after 60 ms decide.
    """
    return _contiguous(
        {
            lead
            for lead, later in m.st_j60_mv.items()
            if lead != "aVR" and min(later, m.st_j_mv.get(lead, later)) >= limit_mv(lead, age, sex)
        }
    )


def depressed_leads(m: Measurements) -> frozenset[str]:
    """Contiguous leads depressed 60 ms after the J point."""
    return _contiguous({lead for lead, level in m.st_j60_mv.items() if level <= DEPRESSED_MV})


def lowered(levels: Mapping[str, float], leads: Collection[str]) -> tuple[str, ...]:
    """Those of the leads that are depressed, in the order of the levels."""
    return tuple(lead for lead, level in levels.items() if lead in leads and level <= DEPRESSED_MV)


def _contiguous(leads: set[str]) -> frozenset[str]:
    return frozenset(lead for group in CONTIGUOUS if len(leads & set(group)) > 1 for lead in leads & set(group))
