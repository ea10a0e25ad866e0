"""How a measurement moved from one ECG to another, in words."""

from __future__ import annotations

from typing import Literal

from precordia.judgement.measured import MEASURES, TOLERANCE

Move = Literal["unchanged", "increased", "decreased"]


def move_of(name: str, before: float, after: float) -> Move:
    """Whether a measurement changed by more than it varies from one recording to the next.

    >>> move_of("axis_deg", 175.0, -175.0)
    'unchanged'
    """
    change = after - before
    if name == "axis_deg":
        change = (change + 180) % 360 - 180
    if abs(change) <= TOLERANCE.get(name, 0.05 * abs(before)):
        return "unchanged"
    return "increased" if change > 0 else "decreased"


def change_in_words(name: str, before: float, after: float) -> str:
    """The move with both values.

    >>> change_in_words("pr_ms", 160.0, 212.0)
    'PR interval increased: 160 ms, then 212 ms'
    """
    measure = MEASURES[name]
    return f"{measure.label} {move_of(name, before, after)}: {measure.format(before)}, then {measure.format(after)}"
