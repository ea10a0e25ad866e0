"""A search by a long recording: its events as questions to the archive, or what in it is like a place of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, Final, Protocol

from precordia.core.documents import hit_document
from precordia.core.errors import UnknownNameError, UsageError
from precordia.core.recording import Recording
from precordia.core.retrieval import HITS
from precordia.generation.reports.long_report import Shown, event_document
from precordia.signals.kind import KINDS
from precordia.signals.long.strips import NAMES

ALL: Final = "all"
"""Every kind of event."""
_RANGE: Final = re.compile(r"(?P<start>[\d:.]+)-(?P<end>[\d:.]+)")


class Archive(Protocol):
    """What is asked; a knowledge base is one."""

    def moments(
        self, recording: Recording | PathLike[str] | str, *, k: int = ..., where: str | None = ...
    ) -> list[Shown]:
        """Events, each with the cases most like it."""

    def alike_within(
        self, recording: Recording | PathLike[str] | str, start_s: float, end_s: float, *, k: int = ...
    ) -> list[tuple[float, float, float]]:
        """Start and end, s, and similarity of the windows most like a place."""


@dataclass(frozen=True)
class EventSearch:
    """What was found.

    Attributes:
        shown: Events with their cases; none where a place was asked for.
        windows: Start and end, s, and similarity of what is like the place.
        document: As JSON.
    """

    shown: Sequence[Shown]
    windows: Sequence[tuple[float, float, float]]
    document: dict[str, Any]


def search_events(
    archive: Archive,
    recording: Recording | PathLike[str] | str,
    event: str = ALL,
    *,
    k: int = HITS,
    where: str | None = None,
    source: str | None = None,
) -> EventSearch:
    """Ask an archive with a long recording.

    Args:
        archive: Which.
        recording: The recording, or its file.
        event: A kind of event, :data:`ALL`, or a place ``START-END`` in seconds or ``h:mm:ss``.
        k: Cases of each event, or windows.
        where: SQL condition that the cases must meet.
        source: What the recording is called in the answer.

    Raises:
        UsageError: it is no long recording, or the place is not in it.
        UnknownNameError: there is no such kind of event.
        FilterError: ``where`` is not valid.
    """
    document: dict[str, Any] = {
        "query": {"recording": source, "event": event, "k": k, "where": where},
        "signal": KINDS.get("long").document(),
    }
    place = _RANGE.fullmatch(event)
    if place is not None:
        found = archive.alike_within(recording, seconds_of(place["start"]), seconds_of(place["end"]), k=k)
        windows = [{"rank": n, "start_s": a, "end_s": b, "score": s} for n, (a, b, s) in enumerate(found, 1)]
        return EventSearch((), found, {**document, "windows": windows})
    if event != ALL and event not in NAMES:
        raise UnknownNameError("event", event, NAMES)
    shown = [one for one in archive.moments(recording, k=k, where=where) if event in (ALL, one.strip.event.kind)]
    return EventSearch(shown, (), {**document, "events": [_document(one) for one in shown]})


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


def _document(shown: Shown) -> dict[str, Any]:
    strip = shown.strip
    hits = [{**hit_document(hit), "start_s": strip.start_s, "end_s": strip.end_s} for hit in shown.hits]
    return {**event_document(strip.event), "hits": hits}
