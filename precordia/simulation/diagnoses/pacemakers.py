"""Ventricular pacing without regard to the atria, and a pacemaker that fails in complete block.

Failure to capture, to stimulate: Kusumoto, Goldschlager, N Engl J Med 1996;334:89-97; Mulpuru et al., J Am Coll Cardiol
2017;69:189-210.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from precordia.core.findings import Finding
from precordia.simulation.diagnoses.conduction import ventricular_pacing
from precordia.simulation.diagnoses.diagnosis import Diagnosis
from precordia.simulation.diagnoses.ventricular import NO_OTHER_WAY, notched, ventricular_beat
from precordia.simulation.heart import Heart, Pacemaker


def _paced(heart: Heart, rng: np.random.Generator) -> Heart:
    paced = ventricular_pacing(heart, rng)
    return paced.with_beat(qrs=notched(paced.beat.qrs, rng))


def fixed_rate_pacing(heart: Heart, rng: np.random.Generator) -> Heart:
    """Every beat paced at a set rate; P waves march through or are not seen."""
    paced = _paced(heart, rng)
    rhythm = replace(
        paced.rhythm,
        kind="dissociated",
        own="paced",
        rate_bpm=float(rng.choice([50, 60, 65, 70, 75, 80, 90])),
        atrial_bpm=float(rng.uniform(62, 105)) if rng.random() < 0.6 else 0.0,
        respiratory=min(paced.rhythm.respiratory, 0.02),
    )
    return replace(paced, rhythm=rhythm)


def failing_pacemaker(heart: Heart, rng: np.random.Generator) -> Heart:
    """Stimuli that capture nothing, always or at times, or none where one is due; an escape rhythm keeps the heart beating."""
    paced = _paced(heart, rng)
    failure: Pacemaker = ("no capture", "some capture", "some capture", "no output")[int(rng.integers(4))]
    narrow = bool(rng.random() < 0.4)
    escape = heart if narrow else ventricular_beat(heart, rng, qrs_ms=float(rng.uniform(132, 176)))
    pacing = float(rng.choice([60, 65, 70, 75]))
    rhythm = replace(
        paced.rhythm,
        kind="failing pacemaker",
        failure=failure,
        pacing_bpm=pacing,
        rate_bpm=float(rng.uniform(26, 42)),
        atrial_bpm=float(rng.uniform(62, 100)) if rng.random() < 0.6 else 0.0,
        respiratory=min(paced.rhythm.respiratory, 0.02),
    )
    if failure == "no capture":  # every beat is the heart's own
        return replace(escape, rhythm=rhythm)
    return replace(paced, rhythm=rhythm, ectopic={**paced.ectopic, "escape": escape.beat})


_NO_OTHER_RHYTHM = NO_OTHER_WAY | {"av", "ectopy"}

PACEMAKERS = (
    Diagnosis("VPACE", (Finding("VPACE"),), "rhythm", fixed_rate_pacing, excludes=_NO_OTHER_RHYTHM),
    Diagnosis("PFAIL", (Finding("PACE"), Finding("PFAIL")), "rhythm", failing_pacemaker, excludes=_NO_OTHER_RHYTHM),
)
