"""The strips of ten seconds that show what happened in a long recording, each with its place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from precordia.core.drafts import Draft
from precordia.core.recording import Recording
from precordia.signals.door import admit
from precordia.signals.long.reading import LongReading
from precordia.signals.long.rhythm import Event, EventKind
from precordia.signals.long.source import LongSignal

STRIP_S: Final = 10.0
MOST_DRAWN: Final = 12
"""Strips drawn on a page."""
A_KIND: Final = 2
"""Strips of each kind of event: the longest ones."""

CONCEPTS: Final[dict[str, str]] = {
    "AF": "AFIB",
    "VT": "VT",
    "SVT": "SVTAC",
    "brady": "BRADY",
    "tachy": "TACHY",
    "V": "PVC",
    "S": "PAC",
}
"""Kind of event to the finding of the vocabulary that it would be as a report's."""

NAMES: Final[dict[str, str]] = {
    "AF": "atrial fibrillation",
    "VT": "run of ventricular beats",
    "SVT": "run of supraventricular beats",
    "pause": "pause",
    "brady": "slow rate",
    "tachy": "fast rate",
    "V": "ventricular ectopic beats",
    "S": "supraventricular ectopic beats",
}
"""Kind of event to what people call it."""


@dataclass(frozen=True, eq=False)
class Strip:
    """Ten seconds that show an event.

    Attributes:
        event: What they show.
        start_s: s from the beginning of the recording.
        end_s: s.
        recording: The samples.
    """

    event: Event
    start_s: float
    end_s: float
    recording: Recording

    def __repr__(self) -> str:
        return f"Strip({self.event.kind}, {self.start_s:.1f} to {self.end_s:.1f} s)"


def strips(reading: LongReading, a_kind: int = A_KIND) -> tuple[Strip, ...]:
    """What shows the events of a recording, in the order of kinds, the longest of each kind first.

    Args:
        reading: The recording, read.
        a_kind: Strips of each kind.
    """
    out: list[Strip] = []
    for kind in NAMES:
        events = [*reading.of_kind(kind), *_where_most(reading, kind)]
        events.sort(key=lambda event: (-event.n_beats if kind in ("V", "S") else -event.duration_s, event.start_s))
        out += [strip_of(reading, event) for event in events[:a_kind]]
    return tuple(out)


def strip_of(reading: LongReading, event: Event) -> Strip:
    """Ten seconds around the middle of an event, moved inside the recording."""
    middle, total = (event.start_s + event.end_s) / 2, reading.signal.duration_s
    start = float(np.clip(middle - STRIP_S / 2, 0.0, max(0.0, total - STRIP_S)))
    end = min(start + STRIP_S, total)
    return Strip(event, start, end, admit(reading.signal.strip(start, end)).recording)


def _where_most(reading: LongReading, kind: str) -> Iterable[Event]:
    """For single ectopic beats: the stretches of ten seconds that have most of them, no two overlapping."""
    if kind not in ("V", "S"):
        return
    name: EventKind = "V" if kind == "V" else "S"
    times = reading.beats.time_s[reading.beats.kind == kind]
    counts = np.searchsorted(times, times + STRIP_S) - np.arange(times.size)
    taken: list[float] = []
    for i in np.argsort(-counts, kind="stable"):
        if all(abs(times[i] - other) >= STRIP_S for other in taken):
            taken.append(float(times[i]))
            last = float(times[i + counts[i] - 1])
            yield Event(name, float(times[i]), last, int(counts[i]))
        if len(taken) == A_KIND:
            return


def shown_by(signal: LongSignal, draft: Draft, most: int = MOST_DRAWN) -> list[Recording]:
    """Ten seconds at each place that a draft's statements point at, in the order of time; the first ten where there is none."""
    places = sorted({(place.start_s, place.end_s) for statement in draft.statements for place in statement.places})
    starts = [float(np.clip((a + b - STRIP_S) / 2, 0.0, max(0.0, signal.duration_s - STRIP_S))) for a, b in places]
    return [signal.strip(start, min(start + STRIP_S, signal.duration_s)) for start in starts[:most] or [0.0]]
