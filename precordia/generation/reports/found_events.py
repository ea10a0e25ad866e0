"""What a search by the events of a long recording, or by a place in it, has found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from precordia.core.documents import hit_document
from precordia.core.recording import clock
from precordia.generation.reports.long_report import Shown, event_document, place_in_words, signal_document
from precordia.signals.kind import KINDS
from precordia.signals.long.reading import LongReading
from precordia.signals.long.sought import Sought
from precordia.signals.long.strips import NAMES


@dataclass(frozen=True, eq=False)
class FoundEvents:
    """The answer.

    Attributes:
        sought: What was asked about.
        k: How many cases of each event, or windows, were asked for.
        where: SQL condition that cases had to meet, or None.
        reading: The whole recording, read; None where a place was asked about.
        events: Strips that show the events, each with the cases most like it; none where a place was asked about.
        windows: Start and end, s, and cosine similarity of the windows most like a place, best first.
    """

    sought: Sought
    k: int
    where: str | None
    reading: LongReading | None = None
    events: tuple[Shown, ...] = ()
    windows: tuple[tuple[float, float, float], ...] = ()

    def document(self, source: str | None) -> dict[str, Any]:
        """For JSON.

        Args:
            source: What the recording is called.
        """
        query = {"recording": source, "event": self.sought.text, "k": self.k, "where": self.where}
        told: dict[str, Any] = {"query": query}
        if self.reading is None:
            told["signal"] = KINDS.get("long").document()
            told["windows"] = [
                {"rank": n, "start_s": a, "end_s": b, "score": s} for n, (a, b, s) in enumerate(self.windows, 1)
            ]
        else:
            told["signal"] = signal_document(self.reading)
            told["events"] = [_event(shown) for shown in self.events]
        return told

    def lines(self) -> list[str]:
        """For reading."""
        out = [f"{n:3d}  {s:.3f}  {clock(a)} to {clock(b)}" for n, (a, b, s) in enumerate(self.windows, 1)]
        for shown in self.events:
            event = shown.strip.event
            out.append(f"{NAMES[event.kind]}, {place_in_words(event)}, {event.n_beats} beats")
            for hit in shown.hits:
                out.append(f"  {hit.rank:3d}  {hit.score:.3f}  {hit.case.title}  {hit.case.report or '(no report)'}")
        return out or ["no event found"]


def _event(shown: Shown) -> dict[str, Any]:
    strip = shown.strip
    place = {"start_s": round(strip.start_s, 3), "end_s": round(strip.end_s, 3)}
    hits = [{**hit_document(hit), **place} for hit in shown.hits]
    return {**event_document(strip.event), "hits": hits}
