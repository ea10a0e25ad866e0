"""Who comes to the hospital: a plausible mixture of diagnoses by age."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from precordia.core.recording import Sex
from precordia.simulation.diagnoses import compatible

Draw = Callable[[np.random.Generator, float, Sex], tuple[str, ...]]
"""Draws names that go together, for somebody of that age and sex."""

URGENT: Final[dict[str, float]] = {
    "ASMI:acute": 2.0, "AMI:acute": 2.0, "ALMI:acute": 2.0, "LMI:acute": 2.0, "IMI:acute": 3.0, "ILMI:acute": 2.0, "PMI:acute": 2.0,
    "2AVB": 3.0, "MOB2": 3.0, "HAVB": 3.0, "3AVB": 4.0, "3AVB:wide": 4.0, "VT": 5.0, "LNGQT:500": 5.0, "AFIB:WPW": 4.0,
    "PFAIL": 5.0, "HYPERK": 4.0, "HYPERK:severe": 2.0, "BRUG": 4.0, "VPACE": 2.0,
}  # fmt: skip
"""Relative frequency of what must not be missed in :func:`draw_urgent`, and ventricular pacing beside it."""

_RHYTHM_ONLY: Final = "rhythm only"

_MAIN: Final[dict[str, float]] = {
    "NORM": 34.0, _RHYTHM_ONLY: 15.0,
    "CLBBB": 3.0, "CRBBB": 3.5, "IRBBB": 4.0, "LAFB": 4.0, "LPFB": 1.0, "WPW": 1.2, "PACE": 2.0,
    "LVH": 4.0, "LVH:strain": 3.5, "RVH": 1.5, "LVOLT": 1.5,
    "ASMI:acute": 1.2, "AMI:acute": 1.2, "ALMI:acute": 1.0, "LMI:acute": 0.8, "IMI:acute": 2.0, "ILMI:acute": 1.0, "PMI:acute": 0.7,
    "ASMI:old": 3.0, "AMI:old": 1.5, "ALMI:old": 1.0, "LMI:old": 0.8, "IMI:old": 4.0, "ILMI:old": 1.2, "PMI:old": 0.5,
    "ISC_": 2.5, "STD_": 1.5, "INVT": 2.5, "LOWT": 2.5, "LNGQT": 2.0,
    "ISCAS": 1.0, "ISCAN": 1.0, "ISCAL": 1.5, "ISCLA": 1.0, "ISCIN": 1.0, "ISCIL": 0.8,
    "LAO/LAE": 1.2, "RAO/RAE": 0.6,
}  # fmt: skip
"""Relative frequency of what is wrong with the beat: near PTB-XL's order, rare ones raised so that none is missing."""

_RHYTHM: Final[dict[str, float]] = {"SR": 66.0, "SBRAD": 8.0, "STACH": 6.0, "SARRH": 5.0, "AFIB": 14.0, "AFLT": 4.0}


def draw_diagnoses(rng: np.random.Generator, age: float, sex: Sex) -> tuple[str, ...]:
    """Names that go together, for somebody of that age and sex."""
    old = float(np.clip((age - 35.0) / 40.0, 0.05, 1.4))
    main = {k: v * (1.0 if k in ("NORM", _RHYTHM_ONLY, "WPW", "IRBBB", "LNGQT") else old) for k, v in _MAIN.items()}
    rhythm = {k: v * (old if k in ("AFIB", "AFLT") else 1.0) for k, v in _RHYTHM.items()}
    first = _draw(rng, main)
    if first == "NORM":
        return ("NORM",)
    names = [] if first == _RHYTHM_ONLY else [first]
    wanted = [_draw(rng, rhythm)]
    single = [
        n for n, chance in (("1AVB", 0.08 * old), ("PVC", 0.09 * old), ("PAC", 0.07 * old)) if rng.random() < chance
    ]
    if first == _RHYTHM_ONLY and wanted == ["SR"] and not single:
        single = [str(rng.choice(["1AVB", "PVC", "PAC"]))]
    wanted += single
    if names and rng.random() < 0.12:
        wanted.append(_draw(rng, {k: v for k, v in main.items() if k not in ("NORM", _RHYTHM_ONLY)}))
    for name in wanted:
        if compatible([*names, name]):
            names.append(name)
    return tuple(names)


def _draw(rng: np.random.Generator, weights: dict[str, float]) -> str:
    names = list(weights)
    share = np.array([weights[n] for n in names])
    return names[int(rng.choice(len(names), p=share / share.sum()))]


def draw_urgent(rng: np.random.Generator, age: float, sex: Sex) -> tuple[str, ...]:
    """Something that must not be missed, beside whatever else that person has that goes with it.

    Kept apart from :func:`draw_diagnoses`, so that a seed that was used before still gives the very same patients.
    """
    names = [_draw(rng, URGENT)]
    for name in draw_diagnoses(rng, age, sex) if rng.random() < 0.3 else ():
        if name != "NORM" and compatible([*names, name]):
            names.append(name)
    return tuple(names)
