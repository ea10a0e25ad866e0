"""The heart axis in ECG-QA's four directions, from an angle or from PTB-XL's annotation."""

from __future__ import annotations

from typing import Final

NORMAL: Final = "normal heart axis"
LEFT: Final = "left axis deviation"
RIGHT: Final = "right axis deviation"
EXTREME: Final = "extreme axis deviation"
AXES: Final = (LEFT, RIGHT, EXTREME, NORMAL)

_ANNOTATED: Final = {"MID": NORMAL, "LAD": LEFT, "ALAD": LEFT, "RAD": RIGHT, "ARAD": RIGHT}


def axis_of_angle(degrees: float | None) -> str | None:
    """The direction of a frontal QRS axis; the generator's limits: normal -30 to 90, left to -90, right to 180.

    >>> axis_of_angle(-30.0), axis_of_angle(-31.0), axis_of_angle(90.0), axis_of_angle(-90.0) is LEFT
    ('normal heart axis', 'left axis deviation', 'right axis deviation', True)
    """
    if degrees is None:
        return None
    if -30 <= degrees < 90:
        return NORMAL
    if -90 <= degrees < -30:
        return LEFT
    return RIGHT if degrees >= 90 else EXTREME


def axis_of_annotation(code: str | None) -> str | None:
    """The direction of PTB-XL's ``heart_axis``; None for vertical, horizontal and sagittal types, which have no equal.

    ECG-QA takes the axis from the signal, never from this column.
    """
    return _ANNOTATED.get(code or "")
