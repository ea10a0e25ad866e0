"""What of a long recording is asked about: events of a kind, all events, or a place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from precordia.core.errors import UnknownNameError, UsageError
from precordia.signals.long.strips import NAMES

ALL: Final = "all"
"""Every kind of event."""

_RANGE: Final = re.compile(r"(?P<start>[\d:.]+)-(?P<end>[\d:.]+)")


@dataclass(frozen=True)
class Sought:
    """What is asked about.

    Attributes:
        text: As it was written.
        kind: A kind of event; None for every kind, or where a place is asked about.
        place: Start and end, s, or None.
    """

    text: str
    kind: str | None = None
    place: tuple[float, float] | None = None


def sought_of(text: str) -> Sought:
    """What "all", the name of a kind of event, or START-END (s or h:mm:ss) asks about.

    >>> sought_of("AF").kind, sought_of("1:02:03-1:02:13").place
    ('AF', (3723.0, 3733.0))

    Raises:
        UnknownNameError: no kind of event has that name.
        UsageError: a place that is written in no way that is known.
    """
    place = _RANGE.fullmatch(text)
    if place is not None:
        return Sought(text, place=(seconds_of(place["start"]), seconds_of(place["end"])))
    if text == ALL:
        return Sought(text)
    if text not in NAMES:
        raise UnknownNameError("event", text[:40], [ALL, *NAMES])
    return Sought(text, text)


def seconds_of(text: str) -> float:
    """Seconds of a place written as seconds, ``m:ss`` or ``h:mm:ss``.

    >>> seconds_of("12.5"), seconds_of("1:02:03.4")
    (12.5, 3723.4)

    Raises:
        UsageError: it is none of these.
    """
    try:
        parts = [float(part) for part in text.split(":")]
    except ValueError:
        raise UsageError(f"{text!r} is no place in a recording: write seconds or h:mm:ss") from None
    total = 0.0
    for part in parts:
        total = total * 60 + part
    return round(total, 6)
