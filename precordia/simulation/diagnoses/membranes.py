"""What the cell membrane does to ST and T: hyperkalaemia, and the Brugada type 1 pattern.

Hyperkalaemia: Littmann, Gibbs, Clin Cardiol 2018;41:1034-1040 and Mattu et al., Am J Emerg Med 2000;18:721-729 (T narrow,
tall and symmetric; P flat, PR long; QRS wide; at last a sine wave without P). Brugada type 1: Wilde et al., Circulation
2002;106:2514-2519 and Bayes de Luna et al., J Electrocardiol 2012;45:433-442 (coved: J of 0.2 mV or more in V1 or V2, falling
into an inverted T without an isoelectric line).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from precordia.core.findings import Finding
from precordia.simulation.diagnoses.diagnosis import Diagnosis, Reader
from precordia.simulation.diagnoses.ventricular import NO_OTHER_WAY
from precordia.simulation.examine import Exam
from precordia.simulation.heart import Heart, jittered
from precordia.simulation.waves import bump, plateau, times


def hyperkalaemia(heart: Heart, rng: np.random.Generator) -> Heart:
    """T tall on a narrow base, P low and broad, PR and QRS somewhat longer."""
    severity = float(rng.uniform(0.0, 1.0))
    (x, y, z) = next(w.vector for w in heart.beat.st_t if w.name == "t")
    size = float(rng.uniform(0.72, 1.15)) / float(np.linalg.norm((x, y, z)))
    narrow = float(rng.uniform(0.078, 0.108))
    st_t = (
        bump("t peaked", 0.70, narrow, times(size, (x, y, z)), fall=0.85 * narrow),
        *(w.scaled(0.4) for w in heart.beat.st_t if w.name == "st"),
    )
    faded = heart.scaled("p", 0.75 - 0.5 * severity)
    return faded.with_beat(
        st_t=st_t,
        qrs_ms=min(heart.beat.qrs_ms + 6.0 + 26.0 * severity, 136.0),
        pr_ms=heart.beat.pr_ms + 10.0 + 45.0 * severity,
        p_ms=heart.beat.p_ms + 8.0 * severity,
    )


def peaked(exam: Exam, reader: Reader) -> bool:
    """T of 0.9 mV or more in two of V2 to V5, taller than R there or than 0.5 mV in II."""
    tall = sum(exam.t_mv[lead] >= 0.9 for lead in ("V2", "V3", "V4", "V5"))
    return tall >= 2 and (exam.t_mv["II"] >= 0.5 or any(exam.t_mv[c] > exam.r_mv[c] for c in ("V2", "V3", "V4")))


def severe_hyperkalaemia(heart: Heart, rng: np.random.Generator) -> Heart:
    """No P; a very wide QRS that runs into T: a sine wave."""
    size = float(rng.uniform(0.7, 1.1))
    down = float(rng.uniform(-0.3, 0.8))
    qrs = jittered(
        (
            bump("sine first", 0.32, 0.17, (0.75 * size, down * size, 0.20 * size)),
            bump("sine late", 0.74, 0.15, (-0.45 * size, -0.35 * size, 0.75 * size)),
        ),
        rng,
        0.10,
    )
    st_t = jittered(
        (bump("t sine", 0.46, 0.21, (0.55 * size, 0.35 * size, -0.70 * size), fall=0.19),),
        rng,
        0.12,
    )
    rhythm = replace(
        heart.rhythm, rate_bpm=float(rng.uniform(42, 96)), respiratory=0.008, slow=0.0
    )  # sinoventricular or junctional  # fmt: skip
    return replace(
        heart.with_beat(p=(), qrs=qrs, st_t=st_t, qrs_ms=float(rng.uniform(168, 215))),
        rhythm=rhythm,
        axis_deg=None,
        qtf_ms=heart.qtf_ms + 70.0,
    )


def brugada(heart: Heart, rng: np.random.Generator) -> Heart:
    """Beneath V1 and V2: a high take-off that falls, convex, into an inverted T."""
    size = float(rng.uniform(0.18, 0.34))
    broad = float(rng.uniform(0.20, 0.30))
    deep = float(rng.uniform(1.3, 2.0))
    qrs = (*heart.beat.qrs, bump("r outflow", 0.97, 0.10, (0.0, 0.0, -0.6 * size)))
    st_t = (
        *heart.beat.st_t,
        plateau("st outflow", -0.04, 0.02, (-0.2 * size, 0.0, -size), rise=0.07, fall=broad),
        bump("t outflow", 0.68, 0.13, (0.1 * size, 0.0, deep * size), fall=0.11),
    )
    return heart.with_beat(qrs=qrs, st_t=st_t, qrs_ms=min(heart.beat.qrs_ms + float(rng.uniform(4, 16)), 116.0))


def coved(exam: Exam, reader: Reader) -> bool:
    """In V1 or V2 a J of 0.2 mV, falling from there, before an inverted T."""
    return any(
        exam.j_mv[lead] >= 0.22 and 0.03 < exam.st_mv[lead] < exam.j_mv[lead] and exam.t_mv[lead] <= -0.08
        for lead in ("V1", "V2")
    )


_OTHERS = NO_OTHER_WAY - {"atrium", "repolarisation"}

MEMBRANES = (
    Diagnosis(
        "HYPERK",
        (Finding("HYPERK"),),
        "repolarisation",
        hyperkalaemia,
        peaked,
        lambda h: h.scaled("st_t", 1.12, "t peaked"),
        _OTHERS | {"av", "AFIB", "AFLT", "STACH"},
    ),
    Diagnosis(
        "HYPERK:severe",
        (Finding("HYPERK", severity="severe"),),
        "rhythm",
        severe_hyperkalaemia,
        excludes=NO_OTHER_WAY | {"av", "ectopy"},
    ),
    Diagnosis(
        "BRUG",
        (Finding("BRUG"),),
        "repolarisation",
        brugada,
        coved,
        lambda h: h.scaled("st_t", 1.1, "st outflow").scaled("st_t", 1.14, "t outflow"),
        _OTHERS | {"STACH"},
    ),
)
