"""Infarctions by territory, acute (ST elevation, reciprocal depression) and old (Q waves or lost R).

Criteria: Thygesen et al., Fourth universal definition of myocardial infarction, Circulation 2018;138:e618-e651: ST
elevation at J in two contiguous leads of 0.1 mV, in V2 and V3 of 0.25 mV (men below 40), 0.2 mV (men) or 0.15 mV
(women); Q of 30 ms and 0.1 mV in two leads of a group; QS in V2 and V3; R of 40 ms in V1 and V2 with R/S from 1.
The injury current points at the injured wall, a scar takes away the forces that pointed at it (Wagner et al.,
AHA/ACCF/HRS recommendations part VI, Circulation 2009;119:e262-e270).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from precordia.core.findings import Finding
from precordia.simulation.diagnoses.diagnosis import Diagnosis, Reader
from precordia.simulation.examine import Exam
from precordia.simulation.heart import Heart
from precordia.simulation.waves import Vector, bump, plateau, times


@dataclass(frozen=True)
class Territory:
    """A wall of the left ventricle.

    Attributes:
        concept: The finding.
        towards: Direction from the heart's middle to the wall: left, down, back.
        leads: The leads that look at it.
    """

    concept: str
    towards: Vector
    leads: tuple[str, ...]


TERRITORIES = (
    Territory("ASMI", (-0.02, 0.02, -1.0), ("V1", "V2", "V3")),
    Territory("AMI", (0.30, 0.02, -0.95), ("V2", "V3", "V4")),
    Territory("ALMI", (0.80, -0.18, -0.58), ("V3", "V4", "V5", "V6", "I", "aVL")),
    Territory("LMI", (0.85, -0.48, 0.22), ("I", "aVL", "V5", "V6")),
    Territory("IMI", (-0.15, 0.98, 0.10), ("II", "III", "aVF")),
    Territory("ILMI", (0.52, 0.78, 0.34), ("II", "III", "aVF", "V5", "V6")),
    Territory("PMI", (0.10, 0.18, 0.98), ("V1", "V2", "V3")),
)


def st_elevated(exam: Exam, reader: Reader, leads: tuple[str, ...]) -> int:
    """How many of the leads have a significant ST elevation at J."""
    chest = 0.15 if reader.sex == "F" else (0.25 if reader.age < 40 else 0.20)
    limits = {lead: chest if lead in ("V2", "V3") else 0.10 for lead in leads}
    return sum(exam.j_mv[lead] >= limit and exam.st_mv[lead] >= limit for lead, limit in limits.items())


def q_waves(exam: Exam, leads: tuple[str, ...]) -> int:
    """How many of the leads have a pathological Q."""
    return sum(exam.q_ms[lead] >= 30.0 and exam.q_mv[lead] >= 0.1 for lead in leads)


def _acute(territory: Territory) -> Diagnosis:
    def change(heart: Heart, rng: np.random.Generator) -> Heart:
        size = float(rng.uniform(0.16, 0.34))
        x, y, z = (size * v for v in territory.towards)
        # Seen from the front, a posterior injury depresses ST but leaves T upright.
        t = -0.5 if territory.concept == "PMI" else 0.9
        injury = (
            plateau("st injury", 0.03, float(rng.uniform(0.42, 0.55)), (x, y, z), rise=0.06, fall=0.17),
            bump("t injury", 0.68, 0.16, times(t, (x, y, z)), fall=0.11),
        )
        own = tuple(w.scaled(0.8) for w in heart.beat.st_t)
        return heart.with_beat(st_t=(*own, *injury))

    def meets(exam: Exam, reader: Reader) -> bool:
        if territory.concept == "PMI":
            return sum(exam.st_mv[lead] <= -0.08 for lead in territory.leads) >= 2
        return st_elevated(exam, reader, territory.leads) >= 2

    # Posterior leads are not recorded: a posterior injury is seen as depression in V1 to V3.
    sign = "STD_" if territory.concept == "PMI" else "STE_"
    return Diagnosis(
        f"{territory.concept}:acute",
        (Finding(territory.concept, severity="acute"), Finding(sign)),
        "infarction",
        change,
        meets,
        lambda h: h.scaled("st_t", 1.12, "st injury", "t injury"),
        frozenset({"repolarisation", "hypertrophy", "LVOLT"}),
    )


def _old(territory: Territory) -> Diagnosis:
    def change(heart: Heart, rng: np.random.Generator) -> Heart:
        size = float(rng.uniform(0.45, 0.65))
        x, y, z = (-size * v for v in territory.towards)
        posterior = territory.concept == "PMI"
        scar = bump("fixed scar", 0.42 if posterior else 0.27, 0.11, (x, y, z), fall=0.13)
        own = heart.scaled("qrs", 0.35, "septal") if not posterior else heart
        anterior = territory.concept in ("ASMI", "AMI", "ALMI")
        own = own.scaled("qrs", 0.75, "apical") if anterior else own
        # T points away from the scar for months, then less and less (Chou, ch. 7).
        t = float(rng.uniform(0.0, 0.30))
        away = bump(
            "t scar",
            0.68,
            0.13,
            times(-t, territory.towards),
            fall=0.1,
        )
        return own.with_beat(qrs=(*own.beat.qrs, scar), st_t=(*own.beat.st_t, away))

    def meets(exam: Exam, reader: Reader) -> bool:
        if territory.concept == "PMI":
            return exam.r_mv["V2"] > exam.s_mv["V2"] and exam.r_mv["V1"] > exam.s_mv["V1"] and exam.r_mv["V1"] > 0.25
        return q_waves(exam, territory.leads) >= 2

    def stronger(heart: Heart) -> Heart:
        if territory.concept == "PMI":
            return heart.scaled("qrs", 1.15, "fixed scar").scaled("qrs", 0.9, "lateral")
        return heart.scaled("qrs", 1.15, "fixed scar").scaled("qrs", 0.8, "septal")

    signs = () if territory.concept == "PMI" else (Finding("QWAVE"),)
    return Diagnosis(
        f"{territory.concept}:old",
        (Finding(territory.concept, severity="old"), *signs),
        "infarction",
        change,
        meets,
        stronger,
        frozenset({"hypertrophy", "LVOLT"})
        | (frozenset({"IRBBB", "CRBBB"}) if territory.concept == "PMI" else frozenset()),
    )


INFARCTIONS: tuple[Diagnosis, ...] = (*map(_acute, TERRITORIES), *map(_old, TERRITORIES))
