"""Findings from measurements, by published limits for adults.

Sources: heart rate, PR and QRS: Surawicz et al. 2009, AHA/ACCF/HRS recommendations part III (QRS, conduction) and
Kligfield et al. 2007 part I; QTc: Rautaharju et al. 2009, part IV; axis: Surawicz et al. 2009; voltage and hypertrophy:
Hancock et al. 2009, part V; ST level: Thygesen et al. 2018 (fourth universal definition of myocardial infarction), in
``st_elevation.py``; QT behind a wide QRS complex: Bogossian et al. 2014.

What a rule does not say: nothing that rests on a number measured with little confidence; behind pacing nothing of axis,
width, voltage and ST; behind other wide complexes nothing of voltage and ST; no PR interval where P waves are not bound to
the QRS complexes. How often each fires, and is right, on PTB-XL stands in docs/measurements.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from precordia.concepts.st_elevation import QRS_WIDE_MS, depressed_leads, elevated_leads, secondary
from precordia.concepts.territories import territories_of
from precordia.core.findings import Finding, Measurements
from precordia.core.leads import CHEST_LEADS, LIMB_LEADS
from precordia.core.recording import Sex

LEAST_CONFIDENCE = 0.5
"""A number measured with less supports no finding."""

BRADYCARDIA_BPM = 60.0
TACHYCARDIA_BPM = 100.0
PR_LONG_MS = 200.0
PR_SHORT_MS = 120.0
PR_CLEAR = 0.8
"""Confidence of a PR interval from which on its P waves are no fibrillation even where the rhythm is irregular."""
P_LONG_MS = 120.0
QTC_LONG_MS = 460.0
QTC_LONG_MEN_MS = 450.0
"""Upper limit for women, and for men; that of women where the sex is unknown."""
QTC_SHORT_MS = 390.0
AXIS_NORMAL_DEG = (-30.0, 90.0)
AXIS_EXTREME_DEG = (-180.0, -90.0)
LOW_LIMB_MV = 0.5
LOW_CHEST_MV = 1.0
LVH_CRITERIA = ("sokolow_lyon_lvh", "cornell_lvh", "cornell_product_lvh")
"""The criteria that Hancock et al. 2009 call the most used; a finding when one of them is met. Others that measurements
carry (Gubner, Peguero-Lo Presti, R in aVL) would each add false positives."""


def findings_from_measurements(
    measurements: Measurements, *, age: float | None = None, sex: Sex | None = None
) -> list[Finding]:
    """The findings that measurements alone support; a value that is None, or too uncertain, supports none.

    Rate findings are "bradycardia" and "tachycardia": that a rhythm is of the sinus node cannot be told from the rate.

    Args:
        measurements: What was measured.
        age: Years, for the limit of ST elevation; None: unknown.
        sex: For the limits of ST elevation and QTc; None: unknown.
    """
    m = certain(measurements)
    return [Finding(concept, territory=territory) for concept, territory in _rules(m, age, sex)]


def certain(m: Measurements) -> Measurements:
    """The measurements without the numbers whose confidence is known to be below :data:`LEAST_CONFIDENCE`."""
    doubtful = [name for name, value in m.confidence.items() if value < LEAST_CONFIDENCE and hasattr(m, name)]
    unknown: dict[str, Any] = dict.fromkeys(doubtful)
    return replace(m, **unknown) if unknown else m


def _rules(m: Measurements, age: float | None, sex: Sex | None) -> Iterator[tuple[str, str | None]]:
    yield from _rate(m)
    if m.p_ms is not None and m.p_ms > P_LONG_MS:
        yield "PWIDE", None
    if m.pr_ms is not None and _conducted(m):
        if m.pr_ms > PR_LONG_MS:
            yield "LPR", None
        elif m.pr_ms < PR_SHORT_MS:
            yield "SPR", None
    yield from _qt(m, sex)
    if m.paced:
        yield "PACE", None
        return
    if m.qrs_ms is not None and m.qrs_ms >= QRS_WIDE_MS:
        yield "IVB", None
    if m.axis_deg is not None:
        yield _axis(m.axis_deg), None
    yield from _low_voltage(m)
    if not secondary(m):
        yield from _high_voltage(m)
        for concept, leads in (("STD_", depressed_leads(m)), ("STE_", elevated_leads(m, age=age, sex=sex))):
            for territory in territories_of(leads):
                yield concept, territory


def _rate(m: Measurements) -> Iterator[tuple[str, str | None]]:
    if m.heart_rate_bpm is not None:
        if m.heart_rate_bpm < BRADYCARDIA_BPM:
            yield "BRADY", None
        elif m.heart_rate_bpm > TACHYCARDIA_BPM:
            yield "TACHY", None
    if m.rhythm_regularity == "irregular":
        yield "IRREG", None
    elif m.rhythm_regularity == "regular":
        yield "REGRH", None


def _conducted(m: Measurements) -> bool:
    """Whether P waves lead to the QRS complexes: not in dissociation, nor where the complexes are irregular and P waves neither
    repeat at a rate of their own nor stand out clearly before each complex, as in fibrillation."""
    if m.av_dissociation:
        return False
    clear = m.p_rate_bpm is not None or m.confidence.get("pr_ms", 1.0) >= PR_CLEAR
    return m.rhythm_regularity != "irregular" or clear


def _qt(m: Measurements, sex: Sex | None) -> Iterator[tuple[str, str | None]]:
    wide = secondary(m)
    qtc = m.qtc_wide_ms if wide else m.qtc_ms
    if qtc is None:
        return
    if qtc >= (QTC_LONG_MEN_MS if sex == "M" else QTC_LONG_MS):
        yield "LNGQT", None
    elif not wide and qtc <= QTC_SHORT_MS and m.heart_rate_bpm is not None and m.heart_rate_bpm <= TACHYCARDIA_BPM:
        yield "SQT", None


def _axis(axis_deg: float) -> str:
    low, high = AXIS_NORMAL_DEG
    if low <= axis_deg <= high:
        return "NAXIS"
    if axis_deg > high:
        return "RAD"
    return "LAD" if axis_deg >= AXIS_EXTREME_DEG[1] else "EXAX"


def _high_voltage(m: Measurements) -> Iterator[tuple[str, str | None]]:
    if any(m.criteria.get(name) for name in LVH_CRITERIA):
        yield "VCLVH", None
    if m.criteria.get("sokolow_lyon_rvh"):
        yield "VCRVH", None


def _low_voltage(m: Measurements) -> Iterator[tuple[str, str | None]]:
    for leads, limit, name, territory in (
        (LIMB_LEADS, LOW_LIMB_MV, "low_voltage_limb", "limb leads"),
        (CHEST_LEADS, LOW_CHEST_MV, "low_voltage_chest", "chest leads"),
    ):
        heights = [m.r_mv[lead] + m.s_mv[lead] for lead in leads if lead in m.r_mv and lead in m.s_mv]
        low = len(heights) == len(leads) and max(heights) < limit
        if m.criteria.get(name, low):
            yield "LVOLT", territory
