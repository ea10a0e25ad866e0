"""ST-T and QT: ischaemia by wall, ST depression, inverted and flat T waves, long QT.

Criteria: Rautaharju et al., AHA/ACCF/HRS recommendations part IV: the ST segment, T and U waves, and the QT interval,
Circulation 2009;119:e241-e250 (QTc from 450 ms in men and 460 ms in women is long; ST depression from 0.05 mV in V2
and V3 and 0.1 mV elsewhere; T inverted from -0.1 mV, deep from -0.5 mV).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from precordia.core.findings import Finding
from precordia.simulation.diagnoses.diagnosis import Diagnosis, Reader
from precordia.simulation.examine import Exam
from precordia.simulation.heart import Heart
from precordia.simulation.waves import Vector, bump, plateau, times


@dataclass(frozen=True)
class IschaemicWall:
    """Where ischaemia shows: the finding, the direction to the wall, the leads that look at it."""

    concept: str
    towards: Vector
    leads: tuple[str, ...]


WALLS = (
    IschaemicWall("ISCAS", (0.0, 0.02, -1.0), ("V1", "V2", "V3", "V4")),
    IschaemicWall("ISCAN", (0.35, 0.05, -0.92), ("V2", "V3", "V4")),
    IschaemicWall("ISCAL", (0.85, 0.10, -0.40), ("I", "V3", "V4", "V5", "V6")),
    IschaemicWall("ISCLA", (0.95, -0.12, 0.10), ("I", "aVL", "V5", "V6")),
    IschaemicWall("ISCIN", (0.0, 0.98, 0.05), ("II", "III", "aVF")),
    IschaemicWall("ISCIL", (0.55, 0.80, 0.15), ("II", "III", "aVF", "V5", "V6")),
)


def _inverted_over(wall: IschaemicWall) -> Diagnosis:
    def change(heart: Heart, rng: np.random.Generator) -> Heart:
        size = float(rng.uniform(0.42, 0.62))
        deep = bump("t ischaemic", 0.67, 0.115, times(-size, wall.towards), fall=0.105)
        return heart.with_beat(st_t=(*heart.beat.st_t, deep))

    def meets(exam: Exam, reader: Reader) -> bool:
        return sum(exam.t_mv[lead] < -0.12 for lead in wall.leads) >= 2

    return Diagnosis(
        wall.concept,
        (Finding(wall.concept), Finding("INVT")),
        "repolarisation",
        change,
        meets,
        lambda h: h.scaled("st_t", 1.15, "t ischaemic"),
        frozenset({"conduction"}),
    )


def st_depression(heart: Heart, rng: np.random.Generator) -> Heart:
    """Horizontal or downsloping depression away from apex and side, elevation in aVR: subendocardial ischaemia."""
    size = float(rng.uniform(1.0, 1.6))
    down = plateau("st depressed", 0.02, 0.42, (-0.115 * size, -0.085 * size, 0.035 * size), rise=0.06, fall=0.14)
    return heart.with_beat(st_t=(*(w.scaled(0.75) for w in heart.beat.st_t if w.name != "st"), down))


def depressed(exam: Exam, reader: Reader) -> bool:
    """Two of II, V4, V5, V6 depressed by 0.1 mV at J+60."""
    return sum(exam.st_mv[lead] <= -0.1 for lead in ("II", "V4", "V5", "V6")) >= 2


def inverted_t(heart: Heart, rng: np.random.Generator) -> Heart:
    """T turned, without ST change: non-specific."""
    turned = tuple(
        replace(w, vector=(-0.7 * w.vector[0], -0.35 * w.vector[1], -0.6 * w.vector[2])) if w.name == "t" else w
        for w in heart.beat.st_t
    )
    return heart.with_beat(st_t=turned)


def is_inverted(exam: Exam, reader: Reader) -> bool:
    """T of -0.1 mV or deeper in two of I, V4, V5, V6."""
    return sum(exam.t_mv[lead] < -0.1 for lead in ("I", "V4", "V5", "V6")) >= 2


def flat_t(heart: Heart, rng: np.random.Generator) -> Heart:
    """T waves lower than a tenth of R."""
    return heart.scaled("st_t", float(rng.uniform(0.14, 0.26)))


def is_flat(exam: Exam, reader: Reader) -> bool:
    """T below a tenth of R and within 0.1 mV in II, V5, V6."""
    return all(abs(exam.t_mv[lead]) < 0.1 * max(exam.r_mv[lead], 0.5) for lead in ("II", "V5", "V6"))


def long_qt(heart: Heart, rng: np.random.Generator) -> Heart:
    """QTc well above 460 ms at 60 to 85 a minute; a broad, or a late T after a long ST."""
    qtf = float(rng.uniform(482, 560))
    late = bool(rng.random() < 0.4)
    st_t = tuple(
        replace(w, start=0.74, stop=0.74, rise=0.11, fall=0.085) if late and w.name == "t" else w
        for w in heart.beat.st_t
        if w.name != "u"
    )
    rhythm = replace(heart.rhythm, rate_bpm=float(np.clip(heart.rhythm.rate_bpm, 60.0, 84.0)))
    return replace(heart.with_beat(st_t=st_t), qtf_ms=qtf, rhythm=rhythm)


def very_long_qt(heart: Heart, rng: np.random.Generator) -> Heart:
    """Bazett's QTc of 510 to 620 ms at 50 to 90 a minute: where torsades de pointes threaten (Drew et al., Circulation
    2010;121:1047-1060: 500 ms)."""
    longer = long_qt(heart, rng)
    rate = float(rng.uniform(50, 90))
    qtf = float(rng.uniform(510, 620)) * (60.0 / rate) ** (1.0 / 6.0)
    return replace(longer, qtf_ms=qtf, rhythm=replace(longer.rhythm, rate_bpm=rate))


REPOLARISATION = (
    *map(_inverted_over, WALLS),
    Diagnosis(
        "ISC_",
        (Finding("ISC_"), Finding("STD_")),
        "repolarisation",
        st_depression,
        depressed,
        lambda h: h.scaled("st_t", 1.15, "st depressed"),
        frozenset({"conduction", "LVOLT"}),
    ),
    Diagnosis(
        "STD_",
        (Finding("STD_"),),
        "repolarisation",
        st_depression,
        depressed,
        lambda h: h.scaled("st_t", 1.15, "st depressed"),
        frozenset({"conduction", "LVOLT"}),
    ),
    Diagnosis(
        "INVT",
        (Finding("INVT"),),
        "repolarisation",
        inverted_t,
        is_inverted,
        lambda h: h.scaled("st_t", 1.15, "t"),
        frozenset({"conduction"}),
    ),
    Diagnosis(
        "LOWT",
        (Finding("LOWT"),),
        "repolarisation",
        flat_t,
        is_flat,
        lambda h: h.scaled("st_t", 0.85),
        frozenset({"conduction"}),
    ),
    Diagnosis(
        "LNGQT",
        (Finding("LNGQT"),),
        "repolarisation",
        long_qt,
        excludes=frozenset({"conduction", "STACH", "AFIB", "AFLT"}),
    ),
    Diagnosis(
        "LNGQT:500",
        (Finding("LNGQT", severity="severe"),),
        "repolarisation",
        very_long_qt,
        excludes=frozenset({"conduction", "STACH", "SBRAD", "AFIB", "AFLT"}),
    ),
)
