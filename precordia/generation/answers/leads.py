"""Answers about single leads: ST level, T and Q waves, amplitudes, as they are measured there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from precordia.core.drafts import Statement
from precordia.core.findings import Finding, Measurements
from precordia.core.leads import LEADS
from precordia.generation.questions import Question

INVERTED_T_MV, Q_MV = 0.1, 0.1
"""Depth from which a T wave counts as inverted (Rautaharju et al., AHA/ACCF/HRS part IV, Circulation 2009;119:e241), and a Q
wave as one (fourth universal definition of myocardial infarction, Thygesen et al. 2018)."""
ST_LEVEL_MV: Final = {lead: 0.2 if lead in ("V2", "V3") else 0.1 for lead in LEADS}
"""ST elevation that counts (Wagner et al., AHA/ACCF/HRS part VI, Circulation 2009;119:e262; the value for men over 40)."""
ST_DEPRESSION_MV: Final = 0.05
"""ST depression that counts (ibid.)."""
_WAVES: Final = (
    ("ST level (J+60 ms)", "st_j60_mv", r"\bst\b"),
    ("T amplitude", "t_mv", r"\bt\b"),
    ("Q depth", "q_mv", r"\bq\b"),
    ("R amplitude", "r_mv", r"\br\b"),
    ("S depth", "s_mv", r"\bs\b"),
)
"""Name, field and word of what is measured lead by lead."""
_AMOUNT: Final = re.compile(
    r"\b(?:how (?:much|deep|high|tall|big|large)|levels?|amplitudes?|heights?|depths?|voltages?|millivolts?|mv"
    r"|wie (?:hoch|tief|gro(?:ß|ss)))\b",
    re.I,
)
_UPRIGHT: Final = re.compile(r"\b(?:upright|positive|aufrecht|positiv)\b", re.I)
_UPRIGHT_IN: Final = ("I", "II", "V3", "V4", "V5", "V6")
"""Leads in which the T wave of adults is upright (Rautaharju et al., ibid.)."""
_T_WAVE: Final = re.compile(r"\bt[\s-]*(?:waves?|welle\w*)", re.I)


_GROUPS: Final = tuple(
    (re.compile(pattern, re.I), leads)
    for pattern, leads in (
        (r"\binferior leads\b|\binferioren ableitungen\b", ("II", "III", "aVF")),
        (r"\blateral leads\b|\blateralen ableitungen\b", ("I", "aVL", "V5", "V6")),
        (r"\b(?:anterior|septal|anteroseptal) leads\b|\banterioren ableitungen\b", ("V1", "V2", "V3", "V4")),
        (r"\bbrustwand-?ableitungen\b", ("V1", "V2", "V3", "V4", "V5", "V6")),
    )
)


@dataclass(frozen=True)
class _Sign:
    """A finding that lies in leads.

    Attributes:
        concepts: The findings that it is asked for as.
        name: For people.
        source: The measurement.
        side: 1 where it is a height, -1 a depth below zero.
        least_mv: Lead to the size from which it counts, mV.
        counts_from: What is said of that size, beside the name.
    """

    concepts: frozenset[str]
    name: str
    source: str
    side: int
    least_mv: Mapping[str, float]
    counts_from: str = ""

    def leads(self, m: Measurements, size_mv: float | None) -> list[str]:
        """Where it is measured, in the size that counts, or in the one that is asked for."""
        sizes = {lead: self.side * value for lead, value in getattr(m, self.source).items()}
        return [x for x, least in self.least_mv.items() if sizes.get(x, 0.0) >= (size_mv or least)]

    def called(self, size_mv: float | None) -> str:
        """Its name, with the size."""
        return f"{self.name}{self.counts_from if size_mv is None else f' of {size_mv:g} mV or more'}"


_SIGNS: Final = (
    _Sign(
        frozenset(("INVT", "NT_", "TAB_")),
        "T-wave inversion",
        "t_mv",
        -1,
        {lead: INVERTED_T_MV for lead in LEADS if lead != "aVR"},
    ),
    _Sign(frozenset(("QWAVE",)), "Q waves", "q_mv", 1, dict.fromkeys(LEADS, Q_MV), " of 0.1 mV or more"),
    _Sign(frozenset(("STE_",)), "ST elevation", "st_j60_mv", 1, ST_LEVEL_MV),
    _Sign(frozenset(("STD_",)), "ST depression", "st_j60_mv", -1, dict.fromkeys(LEADS, ST_DEPRESSION_MV)),
)


def leads_with(question: Question, measurements: Measurements) -> list[Statement]:
    """The leads with ST elevation or depression, inverted T waves or Q waves, where it is asked which."""
    return signs_in(question.concepts, LEADS, measurements, size_mv=question.size_mv)


def signs_in(
    concepts: Sequence[str],
    leads: Sequence[str],
    measurements: Measurements,
    *,
    asked: bool = False,
    size_mv: float | None = None,
) -> list[Statement]:
    """Of findings that lie in leads, those of some leads that show them, as they are measured there.

    Args:
        concepts: The findings; what is not measured lead by lead is passed over.
        leads: Where to look.
        measurements: Of the ECG.
        asked: It is asked whether they are there: with "yes" or "no" before them.
        size_mv: The height or depth that is asked for, mV; None takes those that count.
    """
    statements = []
    for sign in _SIGNS:
        concept = next((concept for concept in concepts if concept in sign.concepts), None)
        if concept is None or not getattr(measurements, sign.source):
            continue
        there = [lead for lead in sign.leads(measurements, size_mv) if lead in leads]
        where = "" if len(leads) == len(LEADS) else f" in {', '.join(leads)}"
        name = sign.called(size_mv)
        text = f"{name} in {', '.join(there)}" if there else f"no {name}{where}"
        # A wave that is smaller than asked for may be there.
        found = () if size_mv is not None and not there else (Finding(concept, "present" if there else "absent"),)
        lead_in = ("Yes: " if there else "No: ") if asked else ""
        text = f"{lead_in}{text}" if asked else text[0].upper() + text[1:]
        statements.append(Statement(f"{text}.", found, measurements=(sign.source,), support=1.0))
    return statements


def in_leads(question: Question, measurements: Measurements) -> list[Statement]:
    """What is measured in the leads that a question names: an amount, a T wave's direction, or whether a finding lies there."""
    leads = question.leads or next((group for pattern, group in _GROUPS if pattern.search(question.text)), ())
    upright = question.kind == "verify" and _UPRIGHT.search(question.text) and _T_WAVE.search(question.text)
    if upright and not leads:
        leads = _UPRIGHT_IN
    if question.size_mv is not None and not leads:
        leads = LEADS
    if not leads:
        return []
    if question.kind != "verify" and _AMOUNT.search(question.text):
        return list(_amounts(question.text, leads, measurements))
    if upright:
        known = {lead: measurements.t_mv[lead] for lead in leads if lead in measurements.t_mv}
        holds = bool(known) and all(value > 0 for value in known.values())
        return [_amount("Yes: " if holds else "No: ", "T amplitude", "t_mv", known)] if known else []
    if question.kind != "verify":
        return []
    return signs_in(question.concepts, leads, measurements, asked=True, size_mv=question.size_mv)


def _amounts(text: str, leads: Sequence[str], measurements: Measurements) -> Iterator[Statement]:
    for label, source, word in _WAVES:
        known = {lead: getattr(measurements, source)[lead] for lead in leads if lead in getattr(measurements, source)}
        if known and re.search(word, text, re.I):
            yield _amount("", label, source, known)


def _amount(lead_in: str, label: str, source: str, values: Mapping[str, float]) -> Statement:
    told = ", ".join(f"{value + 0.0:.2f} mV in {lead}" for lead, value in values.items())
    return Statement(f"{lead_in}{label} {told}.", measurements=(source,), support=1.0)
