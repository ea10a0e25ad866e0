"""ST elevation as in acute infarction, for people to consider: the criterion that is met, with its leads and its words.

A finding "ST elevation" is what a report would say of the levels; this is what someone should look at now. It asks for more
than levels, which healthy young men, hypertrophy, old infarctions and wide QRS complexes raise as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from precordia.concepts.st_elevation import elevated_leads, limit_mv, lowered, secondary
from precordia.core.findings import Measurements
from precordia.core.leads import LEADS
from precordia.core.recording import Sex

RECIPROCAL: Final = (
    (frozenset({"II", "III", "aVF"}), ("I", "aVL")),
    (frozenset({"V1", "V2", "V3", "V4"}), ("II", "III", "aVF")),
    (frozenset({"I", "aVL", "V5", "V6"}), ("III", "aVF")),
)
"""Raised leads and those opposite, where infarction depresses ST (Thygesen et al. 2018)."""

ANTERIOR: Final = frozenset({"V1", "V2", "V3", "V4"})
STRAIN: Final = frozenset({"V1", "V2", "V3"})
STRAIN_SHARE: Final = 0.25
"""In left ventricular hypertrophy ST in V1 to V3 is raised by less than this share of the QRS complex (Armstrong et al.,
Am J Cardiol 2012;110:977-983)."""

OCCLUSION_SCORE: Final = 18.2
"""Of the four-variable formula that tells anterior infarction from early repolarisation (Driver et al., J Electrocardiol
2017;50:561-569)."""

ANEURYSM_T_SHARE: Final = 0.36
"""An old anterior infarction's T waves stay below this share of their QRS complexes (Smith, Am J Emerg Med 2005;23:279-287)."""

BENIGN_ST_SHARE: Final = 0.25
"""Early repolarisation raises ST by less than this share of the T wave (Ginzton and Laks, Circulation 1982;65:1004-1009)."""

Q_MV: Final = 0.1
Q_SHARE: Final = 0.25
"""A Q wave of an infarction is this deep, and this share of its R wave."""

SGARBOSSA_MV: Final = 0.1
SGARBOSSA_SHARE: Final = 0.25
"""Smith et al., Ann Emerg Med 2012;60:766-776, after Sgarbossa et al., N Engl J Med 1996;334:481-487."""


@dataclass(frozen=True)
class Criterion:
    """A criterion that is met.

    Attributes:
        concept: Identifier in the vocabulary ("STEMI").
        text: What was measured and which criterion it meets, in a sentence without a full stop.
        leads: Leads that meet it, in their usual order.
        measurements: Names of the fields it rests on.
    """

    concept: str
    text: str
    leads: tuple[str, ...]
    measurements: tuple[str, ...]


def stemi_pattern(m: Measurements, age: float | None = None, sex: Sex | None = None) -> Criterion | None:
    """ST elevation as in acute infarction, or None.

    Elevation by the limits of the fourth universal definition, and a reciprocal depression or a shape that early
    repolarisation, hypertrophy and old infarction do not have. Behind pacing and complexes like those of left bundle branch
    block: the modified Sgarbossa criteria.
    """
    if secondary(m) and _leftward(m):
        return _sgarbossa(m)
    raised = elevated_leads(m, age=age, sex=sex)
    if not raised or (_strained(m) and raised <= STRAIN and _largest_st_share(m, raised) < STRAIN_SHARE):
        return None
    opposite = {lead for leads, across in RECIPROCAL if raised & leads for lead in across} - raised
    reciprocal = lowered(m.st_j60_mv, opposite)
    because = f"with depression in {_listed(reciprocal)}" if reciprocal else _shape(m, raised)
    if because is None:
        return None
    leads = _ordered(raised)
    highest = max(leads, key=lambda lead: m.st_j60_mv[lead])
    words = (
        f"ST elevation in {_listed(leads)}, largest in {highest} ({m.st_j60_mv[highest]:.2f} mV, limit "
        f"{limit_mv(highest, age, sex):.2f} mV), {because}: pattern of ST elevation infarction (fourth universal definition)"
    )
    return Criterion("STEMI", words, leads, ("st_j60_mv", "st_j_mv"))


def _leftward(m: Measurements) -> bool:
    """Whether a wide complex ends to the left, as in left bundle branch block and pacing of the right ventricle: V1 goes down.

    One that ends to the right (right bundle branch block) moves ST only in V1 to V3, and there downwards.
    """
    return bool(m.paced) or max(m.s_mv.get("V1", 0.0), m.q_mv.get("V1", 0.0)) > m.r_mv.get("V1", 0.0)


def _sgarbossa(m: Measurements) -> Criterion | None:
    met: dict[str, list[str]] = {}
    for lead, level in m.st_j60_mv.items():
        level = _nearer_zero(level, m.st_j_mv.get(lead, level))
        up, down = m.r_mv.get(lead, 0.0), max(m.s_mv.get(lead, 0.0), m.q_mv.get(lead, 0.0))
        if level >= SGARBOSSA_MV and lead != "aVR":
            if up > down:
                met.setdefault("elevation along the QRS complex", []).append(lead)
            elif level >= SGARBOSSA_SHARE * down:
                met.setdefault("elevation of a quarter of the S wave or more", []).append(lead)
        elif level <= -SGARBOSSA_MV and lead in STRAIN and down > up:
            met.setdefault("depression along the QRS complex", []).append(lead)
    if not met:
        return None
    words = " and ".join(f"{name} in {_listed(leads)}" for name, leads in met.items())
    leads = _ordered(lead for each in met.values() for lead in each)
    text = f"ST {words}: infarction behind a wide complex (modified Sgarbossa criteria)"
    return Criterion("STEMI", text, leads, ("st_j60_mv", "st_j_mv", "r_mv", "s_mv", "qrs_ms"))


def _nearer_zero(first: float, second: float) -> float:
    """Of the level at the J point and after 60 ms the one that says less; 0 where they point apart."""
    return 0.0 if first * second <= 0 else min(first, second, key=abs)


def _shape(m: Measurements, raised: frozenset[str]) -> str | None:
    """Why an elevation without reciprocal depression is no harmless one, or None."""
    if raised & {"V2", "V3"}:
        score = _occlusion_score(m)
        if score is None or score < OCCLUSION_SCORE or _largest_t_share(m, raised & ANTERIOR) <= ANEURYSM_T_SHARE:
            return None
        if _strained(m) and _largest_st_share(m, raised) < STRAIN_SHARE:
            return None
        return f"score of anterior occlusion {score:.1f} (limit {OCCLUSION_SCORE})"
    q_waves = [lead for lead in _ordered(raised) if m.q_mv.get(lead, 0.0) >= max(Q_MV, Q_SHARE * m.r_mv.get(lead, 0.0))]
    if q_waves:
        return f"with Q waves in {_listed(q_waves)}"
    if all(m.st_j_mv.get(lead, m.st_j60_mv[lead]) >= BENIGN_ST_SHARE * m.t_mv.get(lead, 0.0) for lead in raised):
        return "high against the T wave"
    return None


def _occlusion_score(m: Measurements) -> float | None:
    """0.052 QTc - 0.151 QRS in V2 - 0.268 R in V4 + 1.062 ST after 60 ms in V3 (ms; mm)."""
    if m.qtc_ms is None or not {"V2", "V3", "V4"} <= m.st_j60_mv.keys() & m.r_mv.keys():
        return None
    qrs_v2 = m.r_mv["V2"] + m.s_mv.get("V2", 0.0)
    return 0.052 * m.qtc_ms - 1.51 * qrs_v2 - 2.68 * m.r_mv["V4"] + 10.62 * m.st_j60_mv["V3"]


def _strained(m: Measurements) -> bool:
    return any(m.criteria.get(name) for name in ("sokolow_lyon_lvh", "cornell_lvh", "cornell_product_lvh"))


def _height(m: Measurements, lead: str) -> float:
    return max(0.05, m.r_mv.get(lead, 0.0) + max(m.s_mv.get(lead, 0.0), m.q_mv.get(lead, 0.0)))


def _largest_st_share(m: Measurements, leads: Collection[str]) -> float:
    return max(m.st_j60_mv[lead] / _height(m, lead) for lead in leads)


def _largest_t_share(m: Measurements, leads: Collection[str]) -> float:
    return max(m.t_mv.get(lead, 0.0) / _height(m, lead) for lead in leads)


def _ordered(leads: Iterable[str]) -> tuple[str, ...]:
    seen = set(leads)
    return tuple(lead for lead in LEADS if lead in seen)


def _listed(leads: Collection[str]) -> str:
    return ", ".join(leads)
