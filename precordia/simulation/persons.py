"""People: a torso and a healthy heart that belong together, and what diseases make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UsageError
from precordia.core.recording import Sex
from precordia.simulation.diagnoses.diagnosis import Diagnosis, Reader
from precordia.simulation.examine import Exam, FittedBeat, examine, fit_beat, frontal_axis
from precordia.simulation.heart import Heart, normal_heart
from precordia.simulation.torso import Torso, new_torso
from precordia.simulation.waves import Wave


@dataclass(frozen=True, eq=False)
class Person:
    """Somebody whose ECG can be taken.

    Attributes:
        age: Years.
        sex: "F" or "M".
        torso: Lead field.
        heart: Healthy, on this torso a normal ECG.
    """

    age: float
    sex: Sex
    torso: Torso
    heart: Heart


@dataclass(frozen=True, eq=False)
class Sitting:
    """A heart on a torso, ready to be recorded.

    Attributes:
        heart: With its diagnoses, and the axis as wanted.
        torso: Lead field.
        own: Its own beat, fitted.
        exam: The clean own beat, measured.
        qt_ms: QT at the mean rate, ms.
    """

    heart: Heart
    torso: Torso
    own: FittedBeat
    exam: Exam
    qt_ms: float


def new_person(rng: np.random.Generator, *, age: float | None = None, sex: Sex | None = None) -> Person:
    """A person with a normal ECG; age and sex are drawn when not given (adults of a hospital, 18 to 95).

    Args:
        rng: Draws the person.
        age: Years.
        sex: "F" or "M".

    Raises:
        UsageError: an age outside 16 to 110 (the model knows adults only).
    """
    drawn_age = float(np.clip(rng.normal(60.0, 17.0), 18.0, 95.0).round())
    drawn_sex: Sex = "M" if rng.random() < 0.52 else "F"
    years, gender = (drawn_age if age is None else float(age)), (drawn_sex if sex is None else sex)
    if not 16.0 <= years <= 110.0:
        raise UsageError(f"age {years:g}: the phantom hospital knows adults of 16 to 110 years; choose one")
    reader = Reader(years, gender)
    for _ in range(200):
        torso = new_torso(rng, attenuation=float(np.clip(rng.normal(1.0, 0.09), 0.72, 1.2)))
        heart = turned_to_axis(normal_heart(rng, years, gender), torso)
        exam = examine(fit_beat(heart.beat, torso), torso)
        if is_normal(exam, reader):
            return Person(years, gender, torso, replace(heart, axis_deg=None))
    raise UsageError(f"no normal ECG found for age {years:g}, sex {gender}; choose another seed")


def is_normal(exam: Exam, reader: Reader) -> bool:
    """Whether a reader would call the clean beat normal (limits: the sources in ``precordia.simulation.diagnoses``)."""
    upright = all(exam.t_mv[lead] >= max(0.08, 0.1 * exam.r_mv[lead]) for lead in ("I", "II", "V3", "V4", "V5", "V6"))
    flat_st = all(abs(exam.st_mv[lead]) < {"V2": 0.26, "V3": 0.26, "V4": 0.16}.get(lead, 0.11) for lead in exam.st_mv)
    flat_j = all(abs(exam.j_mv[lead]) < (0.17 if lead in ("V2", "V3") else 0.095) for lead in exam.j_mv)
    no_q = all(
        exam.q_ms[lead] < 30.0 or exam.q_mv[lead] < 0.1 for lead in ("I", "II", "aVF", "V2", "V3", "V4", "V5", "V6")
    )
    v1 = 0.06 < exam.r_mv["V1"] < 0.9 * exam.s_mv["V1"] and exam.r_end_mv["V1"] < 0.08 and exam.q_mv["V1"] < 0.02
    size = 0.7 < max(exam.peak_to_peak(lead) for lead in ("I", "II", "III")) < 2.2 and exam.peak_to_peak("V3") > 1.1
    progress = exam.r_mv["V4"] > exam.r_mv["V1"] and exam.r_mv["V5"] > exam.s_mv["V5"] and exam.r_mv["V6"] > 0.4
    lvh = exam.sokolow_lyon_mv > 3.3 or exam.cornell_lvh(reader.sex) or exam.r_mv["aVL"] > 1.0
    axis = -25.0 < exam.axis_deg < 88.0 and exam.r_mv["I"] > 0.15 and 0.0 < (exam.p_axis_deg or 0.0) < 80.0
    return upright and flat_st and flat_j and no_q and v1 and size and progress and axis and not lvh


def afflict(
    person: Person,
    diagnoses: Sequence[Diagnosis],
    rng: np.random.Generator,
    today: np.random.Generator | None = None,
) -> Sitting:
    """The person's heart with diagnoses, each as strong as its criterion asks.

    Args:
        person: Whose.
        diagnoses: In the order of ``diagnosis.GROUPS``.
        rng: Draws what lasts: the disease's shape.
        today: Draws what changes from day to day, rhythm and premature beats; ``rng`` when None.

    Raises:
        UsageError: the criteria cannot all be met on this person.
    """
    reader = Reader(person.age, person.sex)
    for _ in range(6):
        heart = person.heart
        for diagnosis in diagnoses:
            passing = diagnosis.group in ("rhythm", "ectopy")
            heart = diagnosis.change(heart, today if passing and today is not None else rng)
        heart = _unprolonged(heart, reader, any(d.name.startswith("LNGQT") for d in diagnoses))
        for _ in range(16):
            heart = turned_to_axis(heart, person.torso)
            own = fit_beat(heart.beat, person.torso)
            qt_ms = qt_of(heart, 60.0 / heart.rhythm.rate_bpm)
            exam = examine(own, person.torso, qt_ms)
            unmet = [d for d in diagnoses if not d.meets(exam, reader)]
            if not unmet:
                return Sitting(heart, person.torso, own, exam, qt_ms)
            for diagnosis in unmet:
                heart = diagnosis.stronger(heart) if diagnosis.stronger else heart
    names = ", ".join(d.name for d in diagnoses)
    raise UsageError(
        f"diagnoses {names}: their criteria cannot all be met on this person; choose another seed or fewer"
    )


def qt_of(heart: Heart, rr_s: float) -> float:
    """QT, ms, at a steady RR interval (Fridericia: the cube root)."""
    return heart.qtf_ms * float(np.cbrt(rr_s))


def turned_to_axis(heart: Heart, torso: Torso) -> Heart:
    """The heart turned about the z axis until its frontal QRS axis is ``axis_deg``; T follows half way.

    Waves named ``fixed`` stay: they are what a diagnosis says of the first or last moments.
    """
    if heart.axis_deg is None:
        return heart
    waves = heart.beat.qrs
    fields = np.array([torso.field_of(w.name)[:2] for w in waves])
    areas = np.array([w.area for w in waves])
    vectors = np.array([w.vector for w in waves])
    free = np.array([not w.name.startswith("fixed") for w in waves])
    total = 0.0
    for _ in range(24):
        i, ii = np.einsum("kls,ks,k->l", fields, vectors, areas)
        error = float(np.mod(heart.axis_deg - frontal_axis(i, ii - i / 2.0) + 180.0, 360.0) - 180.0)
        if abs(error) < 0.3:
            break
        # The leads exaggerate a turn up to twofold, as lead I sees little of the heart: half a step does not overshoot.
        total += 0.5 * error
        vectors[free] = vectors[free] @ _turn(0.5 * error).T
    qrs = tuple(w if not f else _turned(w, total) for w, f in zip(waves, free, strict=True))
    st_t = tuple(_turned(w, 0.4 * total) for w in heart.beat.st_t) if abs(total) < 60.0 else heart.beat.st_t
    return heart.with_beat(qrs=qrs, st_t=st_t)


def _turn(degrees: float) -> NDArray[np.float64]:
    c, s = float(np.cos(np.radians(degrees))), float(np.sin(np.radians(degrees)))
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def _turned(wave: Wave, degrees: float) -> Wave:
    x, y, z = wave.vector
    c, s = float(np.cos(np.radians(degrees))), float(np.sin(np.radians(degrees)))
    return replace(wave, vector=(c * x - s * y, s * x + c * y, z))


def _unprolonged(heart: Heart, reader: Reader, long: bool) -> Heart:
    """Keeps Bazett's QTc within normal limits unless a long QT is asked for; a wide QRS lengthens QT by itself."""
    if long:
        return heart
    limit = (442.0 if reader.sex == "M" else 452.0) + max(0.0, heart.beat.qrs_ms - 100.0)
    rr = 60.0 / heart.rhythm.rate_bpm
    return replace(heart, qtf_ms=min(heart.qtf_ms, limit * rr ** (1.0 / 6.0)))
