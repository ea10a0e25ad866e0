"""Large chambers and small voltages.

Criteria: Hancock et al., AHA/ACCF/HRS recommendations part V: ECG changes associated with cardiac chamber hypertrophy,
Circulation 2009;119:e251-e261.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from precordia.core.findings import Finding
from precordia.core.leads import CHEST_LEADS, LIMB_LEADS
from precordia.simulation.diagnoses.diagnosis import Diagnosis, Reader
from precordia.simulation.examine import Exam
from precordia.simulation.heart import Heart
from precordia.simulation.waves import bump, plateau


def left_ventricular_hypertrophy(heart: Heart, rng: np.random.Generator) -> Heart:
    """Larger forces to the left and back, a slightly longer QRS."""
    grown = tuple(
        replace(w, vector=(w.vector[0] * 1.35, w.vector[1] * 1.05, w.vector[2] * 1.4))
        if w.name in ("apical", "lateral")
        else w
        for w in heart.beat.qrs
    )
    return heart.with_beat(qrs=grown, qrs_ms=min(heart.beat.qrs_ms + float(rng.uniform(2, 10)), 116.0))


def with_strain(heart: Heart, rng: np.random.Generator) -> Heart:
    """The same with ST depression and asymmetric T inversion where R is tall."""
    grown = left_ventricular_hypertrophy(heart, rng)
    strain = float(rng.uniform(0.9, 1.3))
    st_t = (
        plateau("st strain", 0.0, 0.30, (-0.10 * strain, -0.03 * strain, -0.08 * strain), rise=0.08, fall=0.22),
        bump("t strain", 0.66, 0.20, (-0.30 * strain, -0.05 * strain, -0.20 * strain), fall=0.085),
    )
    return grown.with_beat(st_t=st_t)


def sokolow_lyon(exam: Exam, reader: Reader) -> bool:
    """S in V1 plus R in V5 or V6 of 3.5 mV."""
    return exam.sokolow_lyon_mv > 3.6


def strained(exam: Exam, reader: Reader) -> bool:
    """Voltage, with ST depressed and T inverted in V6 and one more lateral lead."""
    lateral = sum(exam.t_mv[lead] < -0.1 and exam.st_mv[lead] < -0.04 for lead in ("I", "aVL", "V5", "V6"))
    return sokolow_lyon(exam, reader) and lateral >= 2 and exam.t_mv["V6"] < -0.1


def right_ventricular_hypertrophy(heart: Heart, rng: np.random.Generator) -> Heart:
    """Forces to the right and front: tall R in V1, deep S in V6, right axis, T inverted in V1 to V3."""
    size = float(rng.uniform(0.9, 1.3))
    reduced = heart.scaled("qrs", 0.65, "lateral").scaled("qrs", 0.8, "apical")
    qrs = (
        *reduced.beat.qrs,
        bump("fixed rvh", 0.52, 0.12, (-0.62 * size, 0.22 * size, -0.80 * size)),
        bump("fixed rvh late", 0.74, 0.10, (-0.55 * size, 0.05 * size, -0.15 * size)),
    )
    t = replace(heart.beat.st_t[0], vector=(0.20, 0.06, 0.24 * size))
    st = plateau("st strain", 0.0, 0.25, (0.02, -0.01, 0.05 * size), rise=0.08, fall=0.2)
    return replace(
        heart.with_beat(qrs=qrs, st_t=(t, st), qrs_ms=min(heart.beat.qrs_ms + 6.0, 112.0)),
        axis_deg=float(rng.uniform(102, 135)),
    )


def tall_r_in_v1(exam: Exam, reader: Reader) -> bool:
    """R in V1 of 0.7 mV and larger than S, axis of 90 degrees or beyond."""
    return (
        exam.r_mv["V1"] >= 0.7 and exam.r_mv["V1"] > exam.s_mv["V1"] and exam.axis_deg > 92.0 and exam.s_mv["V6"] > 0.2
    )


def low_voltage(heart: Heart, rng: np.random.Generator) -> Heart:
    """QRS below 0.5 mV in the limb leads and 1.0 mV in the chest leads (Kligfield et al. 2007)."""
    k = float(rng.uniform(0.42, 0.55))
    return heart.scaled("qrs", k).scaled("st_t", 0.5 + 0.5 * k).scaled("p", 0.7)


def is_low(exam: Exam, reader: Reader) -> bool:
    """Peak to peak below 0.5 mV in every limb lead and 1.0 mV in every chest lead."""
    limb = all(exam.peak_to_peak(lead) < 0.48 for lead in LIMB_LEADS)
    return limb and all(exam.peak_to_peak(lead) < 0.97 for lead in CHEST_LEADS)


def left_atrial_enlargement(heart: Heart, rng: np.random.Generator) -> Heart:
    """P of 120 ms or more, notched in II, its end negative in V1."""
    p = tuple(
        replace(
            w.scaled(1.5),
            start=0.70,
            stop=0.70,
            rise=0.12,
            fall=0.12,
            vector=(1.5 * w.vector[0], 1.3 * w.vector[1], 0.105),
        )
        if w.name == "p left"
        else replace(w, start=0.30, stop=0.30, rise=0.12, fall=0.12)
        for w in heart.beat.p
    )
    return heart.with_beat(p=p, p_ms=float(rng.uniform(124, 142)), pr_ms=max(heart.beat.pr_ms, 164.0))


def right_atrial_enlargement(heart: Heart, rng: np.random.Generator) -> Heart:
    """P of more than 0.25 mV in II, peaked."""
    p = tuple(
        replace(w, vector=(0.04, 0.235, -0.09), rise=0.14, fall=0.14) if w.name == "p right" else w.scaled(0.8)
        for w in heart.beat.p
    )
    return heart.with_beat(p=p)


HYPERTROPHY = (
    Diagnosis(
        "LVH",
        (Finding("LVH"),),
        "hypertrophy",
        left_ventricular_hypertrophy,
        sokolow_lyon,
        lambda h: h.scaled("qrs", 1.08, "apical", "lateral"),
        frozenset({"LVOLT"}),
    ),
    Diagnosis(
        "LVH:strain",
        (Finding("LVH"), Finding("STD_"), Finding("INVT")),
        "hypertrophy",
        with_strain,
        strained,
        lambda h: h.scaled("qrs", 1.08, "apical", "lateral").scaled("st_t", 1.05),
        frozenset({"LVOLT", "repolarisation", "infarction", "CRBBB"}),
    ),
    Diagnosis(
        "RVH",
        (Finding("RVH"),),
        "hypertrophy",
        right_ventricular_hypertrophy,
        tall_r_in_v1,
        lambda h: h.scaled("qrs", 1.12, "fixed rvh"),
        frozenset({"LVOLT", "repolarisation", "infarction", "conduction"}),
    ),
    Diagnosis("LVOLT", (Finding("LVOLT"),), "voltage", low_voltage, is_low, lambda h: h.scaled("qrs", 0.92)),
    Diagnosis("LAO/LAE", (Finding("LAO/LAE"),), "atrium", left_atrial_enlargement),
    Diagnosis("RAO/RAE", (Finding("RAO/RAE"),), "atrium", right_atrial_enlargement),
)
