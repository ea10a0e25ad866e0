"""Findings from measurements, by published limits for adults.

Sources: heart rate, PR and QRS: Surawicz et al. 2009, AHA/ACCF/HRS recommendations part III (QRS, conduction) and
Kligfield et al. 2007 part I; QTc: Rautaharju et al. 2009, part IV; axis: Surawicz et al. 2009; voltage and hypertrophy:
Hancock et al. 2009, part V; ST level: Thygesen et al. 2018 (fourth universal definition of myocardial infarction).
"""

from __future__ import annotations

from collections.abc import Iterator

from precordia.concepts.territories import territories_of
from precordia.core.findings import Finding, Measurements

BRADYCARDIA_BPM = 60.0
TACHYCARDIA_BPM = 100.0
PR_LONG_MS = 200.0
PR_SHORT_MS = 120.0
P_LONG_MS = 120.0
QRS_WIDE_MS = 120.0
QTC_LONG_MS = 460.0
"""Upper limit for women; 450 ms for men. Measurements carry no sex, hence the limit that is safe for both."""
QTC_SHORT_MS = 390.0
AXIS_NORMAL_DEG = (-30.0, 90.0)
AXIS_EXTREME_DEG = (-180.0, -90.0)
LOW_LIMB_MV = 0.5
LOW_CHEST_MV = 1.0
ST_DEPRESSION_MV = -0.05
ST_ELEVATION_MV = 0.1
ST_ELEVATION_V2_V3_MV = 0.2
LVH_CRITERIA = ("sokolow_lyon_lvh", "cornell_lvh", "cornell_product_lvh")
"""The criteria that Hancock et al. 2009 call the most used; a finding when one of them is met. Others that measurements
carry (Gubner, Peguero-Lo Presti, R in aVL) would each add false positives."""

_LIMB = ("I", "II", "III", "aVR", "aVL", "aVF")
_CHEST = ("V1", "V2", "V3", "V4", "V5", "V6")
_CONTIGUOUS = (
    ("II", "III", "aVF"),
    ("I", "aVL"),
    ("V1", "V2"),
    ("V2", "V3"),
    ("V3", "V4"),
    ("V4", "V5"),
    ("V5", "V6"),
)


def findings_from_measurements(measurements: Measurements) -> list[Finding]:
    """The findings that measurements alone support; a value that is None supports none.

    Rate findings are "bradycardia" and "tachycardia": that a rhythm is of the sinus node cannot be told from the rate.
    """
    return [Finding(concept, territory=territory) for concept, territory in _rules(measurements)]


def _rules(m: Measurements) -> Iterator[tuple[str, str | None]]:
    if m.heart_rate_bpm is not None:
        if m.heart_rate_bpm < BRADYCARDIA_BPM:
            yield "BRADY", None
        elif m.heart_rate_bpm > TACHYCARDIA_BPM:
            yield "TACHY", None
    if m.rhythm_regularity == "irregular":
        yield "IRREG", None
    elif m.rhythm_regularity == "regular":
        yield "REGRH", None
    if m.p_ms is not None and m.p_ms > P_LONG_MS:
        yield "PWIDE", None
    if m.pr_ms is not None:
        if m.pr_ms > PR_LONG_MS:
            yield "LPR", None
        elif m.pr_ms < PR_SHORT_MS:
            yield "SPR", None
    if m.qrs_ms is not None and m.qrs_ms >= QRS_WIDE_MS:
        yield "IVB", None
    if m.qtc_ms is not None:
        if m.qtc_ms >= QTC_LONG_MS:
            yield "LNGQT", None
        elif m.qtc_ms <= QTC_SHORT_MS and m.heart_rate_bpm is not None and m.heart_rate_bpm <= TACHYCARDIA_BPM:
            yield "SQT", None
    if m.axis_deg is not None:
        yield _axis(m.axis_deg), None
    yield from _voltage(m)
    yield from _st(m)


def _axis(axis_deg: float) -> str:
    low, high = AXIS_NORMAL_DEG
    if low <= axis_deg <= high:
        return "NAXIS"
    if axis_deg > high:
        return "RAD"
    return "LAD" if axis_deg >= AXIS_EXTREME_DEG[1] else "EXAX"


def _voltage(m: Measurements) -> Iterator[tuple[str, str | None]]:
    if any(m.criteria.get(name) for name in LVH_CRITERIA):
        yield "VCLVH", None
    if m.criteria.get("sokolow_lyon_rvh"):
        yield "VCRVH", None
    for leads, limit, name, territory in (
        (_LIMB, LOW_LIMB_MV, "low_voltage_limb", "limb leads"),
        (_CHEST, LOW_CHEST_MV, "low_voltage_chest", "chest leads"),
    ):
        heights = [m.r_mv[lead] + m.s_mv[lead] for lead in leads if lead in m.r_mv and lead in m.s_mv]
        low = len(heights) == len(leads) and max(heights) < limit
        if m.criteria.get(name, low):
            yield "LVOLT", territory


def _st(m: Measurements) -> Iterator[tuple[str, str | None]]:
    levels = m.st_j60_mv
    depressed = {lead for lead, level in levels.items() if level <= ST_DEPRESSION_MV}
    elevated = {
        lead
        for lead, level in levels.items()
        if lead != "aVR" and level >= (ST_ELEVATION_V2_V3_MV if lead in ("V2", "V3") else ST_ELEVATION_MV)
    }
    for concept, leads in (("STD_", depressed), ("STE_", elevated)):
        runs = {lead for group in _CONTIGUOUS if len(leads & set(group)) > 1 for lead in leads & set(group)}
        if runs:
            for territory in territories_of(runs):
                yield concept, territory
