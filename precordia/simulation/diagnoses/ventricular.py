"""Beats that a ventricle starts, ventricular tachycardia, and fibrillation over an accessory pathway.

Criteria: Wellens, Heart 2001;86:579-585 (wide, regular, atrioventricular dissociation, axis and concordance);
Brugada et al., Circulation 1991;83:1649-1659; pre-excited fibrillation: Klein et al., N Engl J Med 1979;301:1080-1085
(shortest pre-excited RR of 250 ms or less in those who went on to fibrillate).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from precordia.core.findings import Finding
from precordia.simulation.diagnoses.conduction import preexcitation, secondary_st_t
from precordia.simulation.diagnoses.diagnosis import Diagnosis
from precordia.simulation.heart import Heart, jittered
from precordia.simulation.waves import Vector, Wave, bump, times

NO_OTHER_WAY: Final = frozenset(
    {"conduction", "fascicle", "hypertrophy", "infarction", "repolarisation", "voltage", "atrium"}
)
"""What cannot be read on beats that take a way of their own."""

_EXITS: Final[tuple[tuple[Vector, Vector], ...]] = (
    ((0.4, 0.5, 0.1), (0.9, 0.8, 0.6)),  # right ventricular outflow: like left bundle branch block, axis down
    ((0.5, -0.2, 0.1), (0.9, -0.8, 0.6)),  # right ventricular apex: the same, axis up
    ((0.1, 0.5, -0.4), (-0.6, 0.8, -0.8)),  # left ventricular base: like right bundle branch block, axis down
    ((0.1, -0.3, -0.4), (-0.5, -0.9, -0.7)),  # left ventricle below: axis up and to the right
    ((0.2, 0.1, -0.3), (0.3, -0.9, -0.9)),  # left posterior fascicle
    ((-0.1, -0.2, 0.3), (-0.7, -0.5, 0.8)),  # left apex: negative in all chest leads
)
"""First and main forces by where a ventricle starts its beat: left, down, back."""


def notched(qrs: tuple[Wave, ...], rng: np.random.Generator) -> tuple[Wave, ...]:
    """The QRS with the notches of a spread from muscle to muscle: a slow complex is not a smooth one."""
    reach = max(float(np.linalg.norm(w.vector)) for w in qrs)
    notches = (
        bump(
            f"exit notch{i}",
            float(rng.uniform(0.15, 0.85)),
            float(rng.uniform(0.025, 0.05)),
            tuple(rng.normal(0.0, 0.10 * reach, 3)),
        )
        for i in range(6)
    )
    return (*qrs, *notches)


def ventricular_beat(heart: Heart, rng: np.random.Generator, *, qrs_ms: float) -> Heart:
    """The heart with a QRS that starts in a ventricle: wide, slow at first, its ST-T turned the other way."""
    first, main = _EXITS[int(rng.integers(len(_EXITS)))]
    size = float(rng.uniform(1.3, 2.1))
    x, y, z = main
    qrs = jittered(
        (
            bump("exit start", 0.22, 0.10, times(0.6 * size, first)),
            bump("exit main", 0.47, 0.115, times(0.75 * size, main)),
            bump("exit late", 0.74, 0.09, times(size, (0.5 * x, 0.4 * y, 0.45 * z))),
        ),
        rng,
        0.10,
    )
    return replace(
        heart.with_beat(qrs=qrs, st_t=secondary_st_t(qrs, 0.34), qrs_ms=qrs_ms),
        axis_deg=None,
        qtf_ms=heart.qtf_ms + 40.0,
    )


def ventricular_tachycardia(heart: Heart, rng: np.random.Generator) -> Heart:
    """Monomorphic, 120 to 220 a minute, regular; P waves of a slower sinus node march through, or none are seen."""
    rate = float(rng.uniform(124, 218))
    seen = bool(rng.random() < 0.75)
    wide = ventricular_beat(heart, rng, qrs_ms=float(rng.uniform(134, 190 if rate < 190 else 170)))
    rhythm = replace(
        heart.rhythm,
        kind="dissociated",
        own="ventricular",
        rate_bpm=rate,
        atrial_bpm=float(rng.uniform(62, min(110, 0.75 * rate))) if seen else 0.0,
        respiratory=0.01,
        slow=0.0,
    )
    return replace(wide, rhythm=rhythm)


def preexcited_fibrillation(heart: Heart, rng: np.random.Generator) -> Heart:
    """Fibrillation that reaches the ventricles mostly over an accessory pathway: fast, irregular, each QRS as wide as the
    pathway's share in it; a beat now and then over the AV node alone."""
    partly = preexcitation(heart, rng)
    delta = next(w for w in partly.beat.qrs if w.name == "fixed delta")
    wider = partly.beat.qrs_ms + float(rng.uniform(22, 45))
    # Nearly all of the ventricles from the pathway: the delta wave grows into the whole complex.
    x, y, z = delta.vector
    fully = partly.with_beat(
        qrs=(
            replace(delta, start=0.36, stop=0.36, rise=0.16, fall=0.14, vector=(1.6 * x, 1.6 * y, 1.6 * z)),
            *(w.squeezed(0.30, 0.70).scaled(0.75) for w in heart.beat.qrs if w.name != "septal"),
        ),
        st_t=(*(w.scaled(0.6) for w in heart.beat.st_t), bump("t secondary", 0.66, 0.15, times(-0.55, delta.vector), fall=0.1)),
        qrs_ms=wider,
        p=(),
    )  # fmt: skip
    rhythm = replace(
        heart.rhythm,
        kind="fibrillation",
        rate_bpm=float(rng.uniform(150, 215)),
        irregularity=float(rng.uniform(0.20, 0.30)),
        refractory_s=float(rng.uniform(0.20, 0.25)),
        atrial_bpm=float(rng.uniform(340, 480)),
        atrial_mv=float(rng.uniform(0.02, 0.06)),
        ectopy={"partly preexcited": float(rng.uniform(0.2, 0.35)), "conducted": float(rng.uniform(0.06, 0.14))},
    )
    return replace(
        fully,
        rhythm=rhythm,
        ectopic={
            "partly preexcited": replace(partly.beat, p=()),
            "conducted": replace(heart.beat, p=()),
        },
    )


_ALONE = NO_OTHER_WAY | {"av", "ectopy"}

VENTRICULAR = (
    Diagnosis("VT", (Finding("VT"),), "rhythm", ventricular_tachycardia, excludes=_ALONE),
    Diagnosis(
        "AFIB:WPW", (Finding("AFIB"), Finding("PREEX")), "rhythm", preexcited_fibrillation, excludes=_ALONE
    ),
)  # fmt: skip
