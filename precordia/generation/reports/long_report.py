"""A report of a long recording: rates, pauses, ectopy, episodes, and precedents of the strips that show them.

Every statement that rests on a moment points at its place in the signal. What such a recording cannot show is not said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from precordia.core.drafts import Citation, Draft, Place, Statement
from precordia.core.findings import Finding, Measurements
from precordia.core.recording import clock
from precordia.core.retrieval import Hit
from precordia.judgement.votes import lineage, quote_of
from precordia.signals.door import admit
from precordia.signals.kind import KINDS
from precordia.signals.long.course import course_of
from precordia.signals.long.reading import LongReading
from precordia.signals.long.rhythm import Event
from precordia.signals.long.strips import CONCEPTS, NAMES, Strip

EPISODES_TOLD: Final = 5
CITED: Final = 3
LOST_TOLD: Final = 0.05
"""Share of a recording without a signal from which it is told."""


@dataclass(frozen=True, eq=False)
class Shown:
    """A strip with its precedents."""

    strip: Strip
    hits: tuple[Hit, ...]


def long_report(reading: LongReading, shown: Sequence[Shown]) -> Draft:
    """The draft.

    Args:
        reading: The recording, read.
        shown: The strips that show its events, with the cases that are most like each.
    """
    kind = KINDS.get("long")
    statements = [_rates(reading), _hours(reading), _paced(reading), *_ectopy(reading, shown)]
    statements += [_episodes(reading, name, shown) for name in ("AF", "VT", "SVT", "pause", "brady", "tachy")]
    said = tuple(s for s in statements if s is not None)
    warnings = [kind.limits, *_assumed(reading), *reading.signal.about.notes]
    if reading.lost_s > LOST_TOLD * reading.signal.duration_s:
        warnings.append(f"{reading.lost_s:.0f} s of {reading.signal.duration_s:.0f} s have no usable signal")
    hits = {hit.case.case_id: hit for one in shown for hit in one.hits}
    rates = reading.rates
    measurements = Measurements(
        heart_rate_bpm=None if rates is None else round(rates[1], 2), n_beats=len(reading.beats)
    )
    reason = None if rates is not None else "no beats were found that follow each other"
    return Draft(
        said,
        abstained=reason is not None,
        reason=reason,
        measurements=measurements,
        hits=tuple(hits.values()),
        warnings=tuple(warnings),
        signal=signal_document(reading),
    )


def signal_document(reading: LongReading) -> dict[str, object]:
    """For JSON: what its kind can and cannot show; length, rates, burden, course, and every event with its place."""
    rates = reading.rates
    return {
        **KINDS.get("long").document(_assumed(reading)),
        "duration_s": reading.signal.duration_s,
        "leads": list(reading.leads),
        "n_beats": len(reading.beats),
        "rates_bpm": None if rates is None else dict(zip(("lowest", "mean", "highest"), rates, strict=True)),
        "hourly": [{"hour": hour, "n_beats": n, "rate_bpm": rate} for hour, n, rate in reading.hourly()],
        "burden": {kind: reading.burden(kind) for kind in ("V", "S")},
        "paced": reading.burden("P"),
        "course": course_of(reading.beats, reading.signal.duration_s).document(),
        "lost_s": reading.lost_s,
        "events": [event_document(event) for event in reading.events],
    }


def _assumed(reading: LongReading) -> tuple[str, ...]:
    """What was assumed of its leads where the archive is asked with its strips."""
    return admit(reading.signal.about).notes


def event_document(event: Event) -> dict[str, object]:
    """For JSON: one event with its place."""
    return {
        "kind": event.kind,
        "name": NAMES[event.kind],
        "start_s": round(event.start_s, 3),
        "end_s": round(event.end_s, 3),
        "n_beats": event.n_beats,
        "rate_bpm": event.rate_bpm,
    }


def place_in_words(event: Event) -> str:
    """From when to when, in hours, minutes and seconds from the beginning."""
    return f"{clock(event.start_s)} to {clock(event.end_s)}"


def _rates(reading: LongReading) -> Statement | None:
    if reading.rates is None:
        return None
    low, mean, high = reading.rates
    hours = reading.signal.duration_s / 3600
    length = f"{hours:.1f} h" if hours >= 1 else f"{60 * hours:.1f} min"
    text = f"{len(reading.beats)} beats in {length}; rate {mean:.0f} bpm on average, {low:.0f} to {high:.0f} bpm over eight beats."
    return Statement(text, measurements=("heart_rate_bpm",), support=1.0)


def _hours(reading: LongReading) -> Statement | None:
    told = [(hour, rate) for hour, _, rate in reading.hourly() if rate is not None]
    if len(told) < 2:
        return None
    text = ", ".join(f"{hour} h {rate:.0f}" for hour, rate in told)
    return Statement(
        f"Mean rate by hour from the beginning (bpm): {text}.", measurements=("heart_rate_bpm",), support=1.0
    )


def _paced(reading: LongReading) -> Statement | None:
    """Of a pacemaker's beats: they start in a ventricle, and are no ectopic ones."""
    n = int((reading.beats.kind == "P").sum())
    if not n:
        return None
    text = f"A pacemaker starts {n} beats ({reading.burden('P'):.1%} of all): among them no ectopic beat is counted."
    return Statement(text, (Finding("PACE"),), measurements=("n_beats",), support=1.0)


def _ectopy(reading: LongReading, shown: Sequence[Shown]) -> list[Statement]:
    out = []
    for kind in ("V", "S"):
        n = int((reading.beats.kind == kind).sum())
        if n:
            text = f"{n} {NAMES[kind]} ({reading.burden(kind):.2%} of all beats)"
            out.append(_stated(reading, kind, text, [one for one in shown if one.strip.event.kind == kind]))
    return out


def _episodes(reading: LongReading, kind: str, shown: Sequence[Shown]) -> Statement | None:
    events = sorted(reading.of_kind(kind), key=lambda event: -event.duration_s)
    if not events:
        return None
    told = ", ".join(
        f"{place_in_words(event)}{_how_fast(event)}"
        for event in sorted(events[:EPISODES_TOLD], key=lambda e: e.start_s)
    )
    share = (
        f", {reading.time_in(kind) / reading.signal.duration_s:.1%} of the time"
        if kind in ("AF", "brady", "tachy")
        else ""
    )
    more = f"; {len(events) - EPISODES_TOLD} shorter ones" if len(events) > EPISODES_TOLD else ""
    name = NAMES[kind][0].upper() + NAMES[kind][1:]
    count = "once" if len(events) == 1 else f"{len(events)} times"
    return _stated(
        reading,
        kind,
        f"{name} {count}{share}: {told}{more}",
        [one for one in shown if one.strip.event.kind == kind],
        events,
    )


def _how_fast(event: Event) -> str:
    if event.kind == "pause":
        return f" ({event.duration_s:.1f} s)"
    return f" ({event.rate_bpm:.0f} bpm)" if event.rate_bpm else ""


def _stated(
    reading: LongReading, kind: str, text: str, shown: Sequence[Shown], events: Sequence[Event] = ()
) -> Statement:
    """A statement with its places, and precedents of its strips that state the same."""
    places = [Place(e.start_s, e.end_s, reading.leads) for e in events[:EPISODES_TOLD]]
    places = places or [Place(one.strip.start_s, one.strip.end_s, reading.leads) for one in shown]
    concept = CONCEPTS.get(kind)
    citations = dict.fromkeys(c for one in shown if concept is not None for c in _cited(one.hits, concept))
    finding = () if concept is None else (Finding(concept),)
    return Statement(f"{text}.", finding, tuple(citations)[:CITED], ("n_beats",), 1.0, places=tuple(places))


def _cited(hits: Sequence[Hit], concept: str) -> list[Citation]:
    out = []
    for hit in hits:
        stated = next((f for f in hit.case.findings if f.status == "present" and concept in lineage(f.concept)), None)
        if stated is not None:
            out.append(Citation(hit.case.case_id, quote_of(hit.case, stated), hit.case.recording_id))
    return out
