"""Which stretches of a long recording an archive keeps beside the whole: those that show its events, and a sample of the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from precordia.core.recording import Recording
from precordia.signals.door import LONG, STRIDE_S, admit, kind_of_channels

if TYPE_CHECKING:
    from precordia.signals.long.reading import LongReading


def kept_stretches(recording: Recording, stride_s: float = STRIDE_S) -> Iterator[Recording]:
    """Stretches of ten seconds, in the order of time, each with its place and the events in it; none of a short recording.

    The longest two of each kind of event, and besides one every ``stride_s``, whatever happens in it.

    Args:
        recording: As the door admitted it; of an outline the whole is read from its file, piece by piece.
        stride_s: From one of the sample to the next, s; 0 for none but events.

    Raises:
        UnusableSignalError: it has no lead.
    """
    if kind_of_channels(recording.leads, recording.spans_s).name != LONG:
        return
    # What finds beats takes a second to import, and most archives have no long recording.
    from precordia.signals.long.outline import in_pieces
    from precordia.signals.long.reading import read_long
    from precordia.signals.long.strips import STRIP_S, strips

    reading = read_long(in_pieces(recording))
    last = recording.spans_s - STRIP_S
    sample = np.arange(0.0, last + 1e-9, stride_s).tolist() if stride_s > 0 else []
    starts: list[float] = []
    for start in [*(strip.start_s for strip in strips(reading)), *sample]:
        if all(abs(start - other) >= STRIP_S / 2 for other in starts):  # of two that share most of it the first
            starts.append(start)
    for start in sorted(starts):
        stretch = admit(reading.signal.strip(start, start + STRIP_S)).recording
        yield replace(stretch, events=_events_in(reading, start, start + STRIP_S))


def _events_in(reading: LongReading, start_s: float, end_s: float) -> tuple[str, ...]:
    """The kinds of events of which some lies in a stretch, in the order of kinds."""
    from precordia.signals.long.strips import NAMES

    inside = (reading.beats.time_s >= start_s) & (reading.beats.time_s < end_s)
    found = {event.kind for event in reading.events if event.start_s < end_s and event.end_s > start_s}
    found |= {kind for kind in ("V", "S") if (reading.beats.kind[inside] == kind).any()}
    return tuple(kind for kind in NAMES if kind in found)
