"""Second and third degree atrioventricular block: P waves that no QRS follows.

Definitions: Kusumoto et al., ACC/AHA/HRS guideline on bradycardia and cardiac conduction delay, Circulation
2019;140:e382-e482 (2:1 block; high-grade: two or more consecutive P waves not conducted; Mobitz type II: single P waves
lost at a constant PR; third degree: none conducted). Rates of escape rhythms: Chou's Electrocardiography, 6th ed., ch. 19.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from precordia.core.findings import Finding
from precordia.simulation.diagnoses.diagnosis import Diagnosis
from precordia.simulation.diagnoses.ventricular import NO_OTHER_WAY, ventricular_beat
from precordia.simulation.heart import Change, Heart


def _every(patterns: tuple[tuple[int, ...], ...], atrial_bpm: tuple[float, float]) -> Change:
    """P waves of which the first, the second, ... are conducted, by one of the patterns."""

    def change(heart: Heart, rng: np.random.Generator) -> Heart:
        conduction = patterns[int(rng.integers(len(patterns)))]
        atrial = float(rng.uniform(*atrial_bpm))
        rhythm = replace(
            heart.rhythm,
            kind="blocked",
            atrial_bpm=atrial,
            conduction=conduction,
            rate_bpm=atrial / float(np.mean(conduction)),
            respiratory=min(heart.rhythm.respiratory, 0.03),
            slow=0.0,
        )
        return replace(heart, rhythm=rhythm).with_beat(pr_ms=float(rng.uniform(140, 230)))

    return change


def _parted(heart: Heart, rng: np.random.Generator, escape_bpm: tuple[float, float]) -> Heart:
    escape, atrial = float(rng.uniform(*escape_bpm)), float(rng.uniform(62, 108))
    while (
        abs(atrial / escape - round(atrial / escape)) < 0.1
    ):  # by chance in step, it could not be told from 2:1 or 3:1
        atrial = float(rng.uniform(62, 108))
    rhythm = replace(
        heart.rhythm,
        kind="dissociated",
        own="escape",
        rate_bpm=escape,
        atrial_bpm=atrial,
        respiratory=min(heart.rhythm.respiratory, 0.03),
    )
    return replace(heart, rhythm=rhythm)


def complete_block(heart: Heart, rng: np.random.Generator) -> Heart:
    """No P wave conducted; the junction escapes, its QRS as it always was."""
    return _parted(heart, rng, (36, 54))


def complete_block_with_ventricular_escape(heart: Heart, rng: np.random.Generator) -> Heart:
    """No P wave conducted; a ventricle escapes, slowly and wide."""
    wide = ventricular_beat(heart, rng, qrs_ms=float(rng.uniform(132, 180)))
    return _parted(wide, rng, (26, 44))


_ATRIA_PART = frozenset({"av", "ectopy", "WPW", "PACE", "LNGQT", "LNGQT:500"})

BLOCKS = (
    Diagnosis("2AVB", (Finding("2AVB"),), "rhythm", _every(((2,),), (64, 108)), excludes=_ATRIA_PART),
    Diagnosis(
        "MOB2", (Finding("MOB2"),), "rhythm", _every(((1, 2), (1, 1, 2), (1, 2, 1, 1, 2)), (62, 96)),
        excludes=_ATRIA_PART,
    ),
    Diagnosis("HAVB", (Finding("HAVB"),), "rhythm", _every(((3,), (3,), (4,), (3, 2)), (78, 118)), excludes=_ATRIA_PART),
    Diagnosis("3AVB", (Finding("3AVB"),), "rhythm", complete_block, excludes=_ATRIA_PART),
    Diagnosis(
        "3AVB:wide",
        (Finding("3AVB"), Finding("VERHY")),
        "rhythm",
        complete_block_with_ventricular_escape,
        excludes=_ATRIA_PART | NO_OTHER_WAY,
    ),
)  # fmt: skip
