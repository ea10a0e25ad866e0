"""PTB-XL's annotations, read as ECG-QA reads them: leads with noise, extra beats, the stage of an infarction, the heart axis."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from precordia.core.leads import LEADS

NOISES: Final[Mapping[str, str]] = {
    "baseline_drift": "baseline drift",
    "static_noise": "static noise",
    "burst_noise": "burst noise",
    "electrodes_problems": "electrodes problems",
}
"""PTB-XL's column to ECG-QA's attribute."""

ORDER: Final = ("i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6")
"""The order that ranges follow: "I-V1" is the six limb leads and V1."""

_MISTYPED: Final = (("!", "1"), ("111", "iii"), ("11", "ii"), ("alf", "avf"))
_RANGE: Final = re.compile(r"\s*-+\s*")
_LEAD_BREAK: Final = re.compile(r"[;,.?()/\s]+|\band\b")


def leads_of(annotation: str | None) -> frozenset[str]:
    """The leads that an annotation names; none where it names a degree only ("mittel") or says nothing.

    A range runs in the order I, II, III, aVR, aVL, aVF, V1 to V6; a bare number is a chest lead; "alles" is every lead.

    >>> sorted(leads_of(" , I-AVR,  "))
    ['I', 'II', 'III', 'aVR']
    >>> sorted(leads_of("v3-4")), len(leads_of("alles")), leads_of(" , mittel,  ")
    (['V3', 'V4'], 12, frozenset())
    """
    if annotation is None:
        return frozenset()
    text = annotation.lower()
    for wrong, right in _MISTYPED:
        text = text.replace(wrong, right)
    found: set[str] = set()
    for word in _LEAD_BREAK.split(_RANGE.sub("-", text)):
        if "alle" in word:
            return frozenset(LEADS)
        ends = [_lead(part) for part in word.split("-")]
        if len(ends) == 1 and ends[0] in ORDER:
            found.add(ends[0])
        elif len(ends) == 2 and ends[0] in ORDER and ends[1] in ORDER:
            found.update(ORDER[ORDER.index(ends[0]) : ORDER.index(ends[1]) + 1])
    return frozenset(LEADS[ORDER.index(lead)] for lead in found)


def _lead(word: str) -> str:
    return f"v{word}" if word.isdigit() else word


EXTRA_SYSTOLES: Final = {
    "es": "extrasystoles",
    "ves": "ventricular extrasystoles",
    "sves": "supraventricular extrasystoles",
}
_BEAT_BREAK: Final = re.compile(r"[,();]")
_KIND: Final = re.compile(r"^\d{0,2}(sves|ves|es)\d{0,2}$")


def extra_systoles_of(annotation: str | None) -> frozenset[str]:
    """The kinds of extra systoles that an annotation names.

    A bare number counts extra systoles of no stated origin.

    >>> sorted(extra_systoles_of("VES,SVES1,alles"))
    ['supraventricular extrasystoles', 'ventricular extrasystoles']
    >>> sorted(extra_systoles_of("2ES")), sorted(extra_systoles_of("1,V1"))
    (['extrasystoles'], ['extrasystoles'])
    """
    found: set[str] = set()
    for place, part in enumerate(_BEAT_BREAK.split((annotation or "").lower())):
        word = re.sub(r"\s+", "", part)
        match = _KIND.match(word)
        if match:
            found.add(EXTRA_SYSTOLES[match[1]])
        elif place == 0 and word[:1].isdigit():
            found.add(EXTRA_SYSTOLES["es"])
    return frozenset(found)


EARLY_STAGE: Final = "early stage of myocardial infarction"
MIDDLE_STAGE: Final = "middle stage of myocardial infarction"
OLD_STAGE: Final = "old stage of myocardial infarction"
UNKNOWN_STAGE: Final = "unknown stage of myocardial infarction"
NO_INFARCTION: Final = "none of myocardial infarction"
STAGES: Final = (EARLY_STAGE, MIDDLE_STAGE, OLD_STAGE)

_STAGE: Final = {
    "Stadium I": EARLY_STAGE,
    "Stadium I-II": EARLY_STAGE,
    "Stadium II": MIDDLE_STAGE,
    "Stadium II-III": MIDDLE_STAGE,
    "Stadium III": OLD_STAGE,
    "unknown": UNKNOWN_STAGE,
}


def stages_of(first: str | None, second: str | None) -> frozenset[str]:
    """The stage; the second column, a later opinion on a further infarction, goes before the first.

    The generator compares the first column with "Staidum III", so that it never reads an old infarction from there. Here
    it is read: the released questions about it are not among those that could be had, so which of the two they follow
    is not known.

    >>> sorted(stages_of("Stadium I", "Stadium III")), stages_of(None, None) == {NO_INFARCTION}
    (['old stage of myocardial infarction'], True)
    """
    if second is None and first is None:
        return frozenset({NO_INFARCTION})
    found = {_STAGE[second]} if second in _STAGE else set()
    if first == "unknown":
        found.add(UNKNOWN_STAGE)
    elif second is None and first in _STAGE:
        found.add(_STAGE[first])
    return frozenset(found)


NORMAL_AXIS: Final = "normal heart axis"
LEFT_AXIS: Final = "left axis deviation"
RIGHT_AXIS: Final = "right axis deviation"
EXTREME_AXIS: Final = "extreme axis deviation"
AXES: Final = (LEFT_AXIS, RIGHT_AXIS, EXTREME_AXIS, NORMAL_AXIS)

_ANNOTATED: Final = {"MID": NORMAL_AXIS, "LAD": LEFT_AXIS, "ALAD": LEFT_AXIS, "RAD": RIGHT_AXIS, "ARAD": RIGHT_AXIS}


def axis_of_angle(degrees: float | None) -> str | None:
    """The direction of a frontal QRS axis; the generator's limits: normal -30 to 90, left to -90, right to 180.

    >>> axis_of_angle(-30.0), axis_of_angle(-31.0), axis_of_angle(90.0), axis_of_angle(-90.0) is LEFT_AXIS
    ('normal heart axis', 'left axis deviation', 'right axis deviation', True)
    """
    if degrees is None:
        return None
    if -30 <= degrees < 90:
        return NORMAL_AXIS
    if -90 <= degrees < -30:
        return LEFT_AXIS
    return RIGHT_AXIS if degrees >= 90 else EXTREME_AXIS


def axis_of_annotation(code: str | None) -> str | None:
    """The direction of PTB-XL's ``heart_axis``; None for vertical, horizontal and sagittal types, which have no equal.

    ECG-QA takes the axis from the signal, never from this column.
    """
    return _ANNOTATED.get(code or "")
