"""What must not be missed: measured signs of a few findings that kill or disable within hours or days.

Harm is not symmetric: each rule favours sensitivity, says what it measured and what would settle it, and carries what mimics it
and how often it is wrong on real ECGs. A rule is one function on measurements; names, sources, limits and false-alarm rates
stand in ``urgent.csv``. What reports of precedents or finding models say of these findings is for the judgement to add.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final, Literal

from precordia.concepts.st_elevation import elevated_leads, lowered, secondary
from precordia.concepts.stemi import RECIPROCAL, stemi_pattern
from precordia.core.case import Case
from precordia.core.findings import Measurements
from precordia.core.recording import Sex

Grade = Literal["likely", "possible"]

SURE: Final = 0.5
"""A figure measured with less confidence than this decides nothing here."""

CHEST: Final = ("V2", "V3", "V4", "V5")
WIDE_MS: Final = 120.0
T_P_MS: Final = 40.0
"""A P wave that begins so soon after the measured end of T may have cut it short, ms: twice the error of measuring QT."""
WIDESPREAD: Final = 4
"""Early repolarisation seldom raises so many leads by the universal definition's limits."""


@dataclass(frozen=True)
class Concern:
    """Something to consider before all else.

    Attributes:
        concept: The finding, in the vocabulary.
        name: Its name here ("new atrial fibrillation").
        text: One sentence: what was measured, and what would settle it.
        measurements: Names of the fields it rests on.
        grade: "likely" when the pattern is whole, "possible" when a part of it could be something else.
        source: Guideline or criterion.
        limits: What mimics it.
        false_alarms: Share of real ECGs on which it is raised though neither report nor codes state it.
    """

    concept: str
    name: str
    text: str
    measurements: tuple[str, ...]
    grade: Grade
    source: str
    limits: str
    false_alarms: float


@dataclass(frozen=True)
class Listed:
    """A row of the table.

    Attributes:
        concept, name, source: As in :class:`Concern`.
        limits: Operating limits, in words.
        settles: What would settle it.
        mimics: What looks the same.
        false_alarms: As in :class:`Concern`; on PTB-XL, folds 1 to 8.
    """

    concept: str
    name: str
    source: str
    limits: str
    settles: str
    mimics: str
    false_alarms: float


@dataclass(frozen=True)
class _Patient:
    """Whose ECG it is, and those before it."""

    age: float | None
    sex: Sex | None
    earlier: Sequence[Case]


@dataclass(frozen=True)
class _Sign:
    """What a rule saw."""

    grade: Grade
    seen: str
    measurements: tuple[str, ...]


def urgent(
    measurements: Measurements, *, age: float | None = None, sex: Sex | None = None, earlier: Sequence[Case] = ()
) -> tuple[Concern, ...]:
    """What must not be missed on an ECG, by its measurements, in the order of the table; empty where nothing was measured.

    Args:
        measurements: Of the ECG.
        age: Years.
        sex: "F" or "M".
        earlier: The patient's earlier ECGs, in any order; without one, nothing can be called new.
    """
    patient = _Patient(age, sex, earlier)
    out = []
    for row in concerns():
        sign = _RULES[row.concept](measurements, patient)
        if sign:
            text = f"{sign.seen[0].upper()}{sign.seen[1:]}: {row.settles}."
            out.append(
                Concern(
                    row.concept, row.name, text, sign.measurements, sign.grade, row.source, row.mimics, row.false_alarms
                )
            )
    return tuple(out)


@cache
def concerns() -> tuple[Listed, ...]:
    """The table, most pressing first."""
    with Path(__file__).with_name("urgent.csv").open(newline="", encoding="utf-8") as file:
        return tuple(
            Listed(**{**row, "false_alarms": float(row["false_alarms"])})  # type: ignore[arg-type]
            for row in csv.DictReader(file)
        )


def _paced(m: Measurements) -> bool:
    """Whether most QRS complexes are set off by a pacemaker in a ventricle: wide, each after a stimulus.

    A few stimuli "found" at 100 Hz in a tachycardia are corners of its QRS complexes.
    """
    captured, beats = m.n_captured or 0, m.n_beats or 0
    return (bool(m.paced) or 2 * captured > beats) and (m.qrs_ms or 0.0) >= 110.0


def _steady(m: Measurements) -> bool:
    """Whether RR intervals between usual beats are nearly the same."""
    sd = m.rr_sd_ms if m.rr_usual_sd_ms is None else m.rr_usual_sd_ms
    return sd is not None and m.rr_ms is not None and sd <= max(12.0, 0.05 * m.rr_ms)


def _fibrillates(m: Measurements) -> bool:
    """RR intervals without order and no P wave (Hindricks et al., Eur Heart J 2021;42:373-498)."""
    sd = m.rr_sd_ms if m.rr_usual_sd_ms is None else m.rr_usual_sd_ms
    atria = m.p_ms is not None or m.p_rate_bpm is not None or bool(m.n_spikes)
    return m.rhythm_regularity == "irregular" and not atria and (sd or 0.0) >= 25.0


def _stemi(m: Measurements, patient: _Patient) -> _Sign | None:
    """ST elevation as in acute infarction: likely with depression in the leads opposite, possible by its shape or its extent."""
    if _fast_and_wide(m) or _sine(m):
        return None
    met = stemi_pattern(m, patient.age, patient.sex)
    if met is not None:
        leads = set(met.leads)
        opposite = {lead for raised, across in RECIPROCAL if leads & raised for lead in across} - leads
        reciprocal = not secondary(m) and bool(lowered(m.st_j60_mv, opposite))
        return _Sign("likely" if reciprocal else "possible", met.text, met.measurements)
    extent = () if secondary(m) else elevated_leads(m, age=patient.age, sex=patient.sex)
    if len(extent) < WIDESPREAD:
        return None
    leads_in_order = ", ".join(lead for lead in m.st_j60_mv if lead in extent)
    return _Sign(
        "possible", f"ST elevation in {leads_in_order}, without reciprocal depression", ("st_j60_mv", "st_j_mv")
    )


def _infarction(m: Measurements, patient: _Patient) -> _Sign | None:
    """Posterior injury as the front sees it: ST depression deepest in V1 to V4, T upright (Meyers et al. 2021)."""
    if _paced(m) or (m.qrs_ms or 0.0) >= WIDE_MS or not m.st_j60_mv:
        return None
    st = {lead: min(level, m.st_j_mv.get(lead, level)) for lead, level in m.st_j60_mv.items()}
    low = [lead for lead in ("V1", "V2", "V3", "V4") if st.get(lead, 0.0) <= -0.08]
    upright = max(m.t_mv.get(lead, 0.0) for lead in ("V2", "V3")) > 0.1
    elsewhere = min((st[lead] for lead in ("I", "II", "V5", "V6") if lead in st), default=0.0)
    lasting = sum(m.st_j60_mv[lead] <= -0.04 for lead in low)  # J alone is low where an S wave ends late
    if lasting < 2 or not upright or elsewhere <= -0.05:
        return None
    return _Sign(
        "possible", f"ST depression in {', '.join(low)} with upright T waves", ("st_j60_mv", "st_j_mv", "t_mv")
    )


def _complete_block(m: Measurements, patient: _Patient) -> _Sign | None:
    """P waves and a slow, regular ventricular rhythm, each in its own time."""
    rate = m.heart_rate_bpm
    if rate is None or rate > 66.0 or _paced(m) or m.n_lone_p or not _steady(m):
        return None
    fields = ("av_dissociation", "p_rate_bpm", "heart_rate_bpm")
    if m.av_dissociation and m.p_rate_bpm is not None and m.p_rate_bpm <= 1.1 * rate:
        return _Sign(
            "possible", f"P waves in their own time beside a ventricular rhythm of {rate:.0f} a minute", fields
        )
    if m.av_dissociation and m.p_rate_bpm is not None:
        seen = f"P waves at {m.p_rate_bpm:.0f} a minute march through a ventricular rhythm of {rate:.0f}"
        return _Sign("likely", seen, fields)
    if rate <= 55.0 and m.pr_ms is None:
        seen = f"a slow regular rhythm of {rate:.0f} a minute without a P wave before the QRS complexes"
        return _Sign("possible", seen, ("heart_rate_bpm", "rr_usual_sd_ms", "pr_ms"))
    return None


def _high_degree_block(m: Measurements, patient: _Patient) -> _Sign | None:
    """P waves that nothing answers, in even time with those that are conducted."""
    rate = m.heart_rate_bpm
    if rate is None or _paced(m) or m.n_spikes:
        return None
    if m.n_lone_p:
        waves = "1 P wave is" if m.n_lone_p == 1 else f"{m.n_lone_p} P waves are"
        return _Sign(
            "likely" if m.n_lone_p > 1 else "possible", f"{waves} not followed by a QRS complex", ("n_lone_p",)
        )
    if m.p_rate_bpm is not None and not m.av_dissociation and rate <= 75.0 and m.p_rate_bpm <= 140.0:
        waves_a_beat = m.p_rate_bpm / rate
        if round(waves_a_beat) >= 2 and abs(waves_a_beat - round(waves_a_beat)) <= 0.06 * round(waves_a_beat):
            seen = f"{round(waves_a_beat)} P waves for each QRS complex (atrial rate {m.p_rate_bpm:.0f} a minute)"
            return _Sign("likely", seen, ("p_rate_bpm", "heart_rate_bpm"))
    return None


def _fast_and_wide(m: Measurements) -> bool:
    """A rhythm of 115 a minute or more whose leads change fast for 120 ms of each cycle, or whose QRS is as wide."""
    rate, active = m.heart_rate_bpm or 0.0, m.qrs_active_ms or 0.0
    return rate >= 115.0 and active >= 120.0 and ((m.qrs_ms or 0.0) >= WIDE_MS or active >= 150.0 or rate >= 150.0)


def _ventricular_tachycardia(m: Measurements, patient: _Patient) -> _Sign | None:
    """A fast, regular rhythm whose QRS complexes are wide."""
    rate, active = m.heart_rate_bpm, m.qrs_active_ms
    if rate is None or active is None or not _fast_and_wide(m) or not _steady(m) or _paced(m):
        return None
    own_p = m.p_rate_bpm is not None and m.p_rate_bpm < 0.9 * rate
    sinus = (m.p_ms or 0.0) >= 84.0 and m.confidence.get("pr_ms", 0.0) >= SURE and rate < 140.0
    axis = m.axis_deg is not None and not -60.0 <= m.axis_deg <= 100.0
    seen = f"a regular rhythm of {rate:.0f} a minute with wide QRS complexes ({active:.0f} ms of fast change in each)"
    fields = ("heart_rate_bpm", "qrs_active_ms", "rr_usual_sd_ms")
    if own_p or m.av_dissociation:
        return _Sign("likely", f"{seen} and slower P waves of their own", (*fields, "p_rate_bpm"))
    if axis and not sinus:
        return _Sign("likely", f"{seen} and an axis of {m.axis_deg:.0f} degrees", (*fields, "axis_deg"))
    return None if sinus else _Sign("possible", seen, fields)


def _preexcited(m: Measurements, patient: _Patient) -> _Sign | None:
    """Irregular, fast, and every QRS complex of another width."""
    rate, sd = m.heart_rate_bpm, m.rr_usual_sd_ms if m.rr_usual_sd_ms is not None else m.rr_sd_ms
    if rate is None or rate < 115.0 or (sd or 0.0) < 25.0 or m.rhythm_regularity != "irregular" or _paced(m):
        return None
    varied = (m.qrs_sd_ms or 0.0) >= 8.0
    fast = rate >= 140.0 and (varied or (m.qrs_active_ms or 0.0) >= 95.0)
    wide = (m.qrs_ms or 0.0) >= 110.0 or fast
    if m.rr_min_ms is None or m.rr_min_ms > 330.0 or not wide:
        return None
    seen = (
        f"an irregular rhythm of {rate:.0f} a minute with wide or varying QRS complexes and RR intervals "
        f"down to {m.rr_min_ms:.0f} ms"
    )
    return _Sign("likely" if varied else "possible", seen, ("heart_rate_bpm", "rr_min_ms", "qrs_ms", "qrs_sd_ms"))


def _p_cuts_t(m: Measurements) -> bool:
    """Whether a long PR interval brings the next P wave into T, whose end is then measured too early."""
    if m.rr_ms is None or m.pr_ms is None or m.qt_ms is None:
        return False
    return m.pr_ms > 200.0 and m.rr_ms - m.pr_ms - m.qt_ms <= T_P_MS


def _long_qt(m: Measurements, patient: _Patient) -> _Sign | None:
    """QTc of 500 ms, as near as it can be measured; behind a wide QRS what is left when its width is taken off."""
    wide = m.qrs_ms is not None and m.qrs_ms >= WIDE_MS
    name = "qtc_wide_ms" if wide else "qtc_ms"
    value = m.qtc_wide_ms if wide else m.qtc_ms
    if value is None or m.confidence.get("qtc_ms", 0.0) < SURE:
        return None
    if 440.0 <= value < 490.0 and _p_cuts_t(m):
        seen = f"the next P wave begins where T is measured to end, so that QTc is at least {value:.0f} ms"
        return _Sign("possible", seen, (name, "qt_ms", "pr_ms", "heart_rate_bpm"))
    if value < 490.0:
        return None
    return _Sign("likely" if value >= 500.0 else "possible", f"QTc {value:.0f} ms", (name, "qt_ms", "heart_rate_bpm"))


def _failing_pacemaker(m: Measurements, patient: _Patient) -> _Sign | None:
    """Stimuli that nothing answers, or a pause although a pacemaker is at work."""
    if not m.n_spikes or m.n_spikes < 2:
        return None
    lost = m.n_spikes - (m.n_captured or 0)
    if lost >= 2:
        seen = f"{lost} of {m.n_spikes} pacing stimuli are not followed by a QRS complex"
        return _Sign("likely", seen, ("n_spikes", "n_captured"))
    if m.rr_max_ms is not None and m.rr_max_ms >= 1450.0:
        seen = f"a pause of {m.rr_max_ms / 1000:.1f} s although a pacemaker is at work"
        return _Sign("possible", seen, ("rr_max_ms", "n_spikes"))
    return None


def _sine(m: Measurements) -> bool:
    """A QRS complex so wide that it has no end: beside it nothing of ST can be read, and what looks like P is a part of it."""
    slow = (m.heart_rate_bpm or 999.0) < 115.0 and not _paced(m)
    return slow and ((m.qrs_active_ms or 0.0) >= 230.0 or ((m.qrs_ms or 0.0) >= 185.0 and m.p_ms is None))


def _hyperkalaemia(m: Measurements, patient: _Patient) -> _Sign | None:
    """T waves tall on a narrow base; or a QRS complex so wide that it runs into T, without P."""
    if _paced(m):
        return None
    peaked = [lead for lead in CHEST if m.t_mv.get(lead, 0.0) >= 0.6 and m.t_width_ms.get(lead, 999.0) <= 84.0]
    steep = [lead for lead in peaked if m.t_mv[lead] / m.t_width_ms[lead] >= 0.0105]
    if len(steep) >= 2:
        tall = max(steep, key=lambda lead: m.t_mv[lead])
        seen = f"T waves of {m.t_mv[tall]:.1f} mV only {m.t_width_ms[tall]:.0f} ms wide at half their height in {tall}"
        return _Sign("likely", seen, ("t_mv", "t_width_ms"))
    if _sine(m):
        seen = (
            f"QRS complexes that run into their T waves ({m.qrs_active_ms or 0.0:.0f} ms of fast change in each cycle)"
        )
        return _Sign("possible", seen, ("qrs_ms", "qrs_active_ms", "p_ms"))
    return None


def _brugada(m: Measurements, patient: _Patient) -> _Sign | None:
    """In V1 or V2 an elevated J point from which ST falls into an inverted T."""
    if _paced(m) or (m.qrs_ms or 0.0) >= 130.0:
        return None
    for lead in ("V1", "V2"):
        j, later, t = m.st_j_mv.get(lead), m.st_j80_mv.get(lead), m.t_mv.get(lead)
        if j is not None and later is not None and t is not None and j >= 0.18 and j > later and t <= -0.05:
            seen = f"J point of {j:.2f} mV in {lead}, falling into an inverted T wave"
            return _Sign("likely" if j >= 0.2 else "possible", seen, ("st_j_mv", "st_j80_mv", "t_mv"))
    return None


def _new_fibrillation(m: Measurements, patient: _Patient) -> _Sign | None:
    """Fibrillation now, and none in any earlier ECG."""
    if not patient.earlier or not _fibrillates(m) or any(_fibrillated(case) for case in patient.earlier):
        return None
    last = max(patient.earlier, key=lambda case: case.time or datetime.min)
    when = f" of {last.time:%Y-%m-%d}" if last.time else ""
    seen = f"irregular RR intervals without P waves, unlike the earlier ECG{when}"
    sinus = last.measurements.p_ms is not None
    return _Sign("likely" if sinus else "possible", seen, ("rr_usual_sd_ms", "rhythm_regularity", "p_ms"))


def _fibrillated(case: Case) -> bool:
    said = any(f.concept in _FIBRILLATION and f.status != "absent" for f in case.findings)
    return said or _fibrillates(case.measurements)


_FIBRILLATION: Final = frozenset({"AFIB", "RAF", "SAF", "CAF", "PAF", "AFAFL"})

_RULES: Final[Mapping[str, Callable[[Measurements, _Patient], _Sign | None]]] = {
    "VT": _ventricular_tachycardia,
    "STEMI": _stemi,
    "ACMI": _infarction,
    "3AVB": _complete_block,
    "HAVB": _high_degree_block,
    "PFAIL": _failing_pacemaker,
    "PREEX": _preexcited,
    "HYPERK": _hyperkalaemia,
    "LNGQT": _long_qt,
    "BRUG": _brugada,
    "AFIB": _new_fibrillation,
}
