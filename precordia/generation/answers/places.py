"""Where in a short ECG something is, in words: its waves, beats that come early and pauses, each with its leads and its seconds."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from precordia.core.drafts import Draft, Place, Statement
from precordia.generation.questions import Question
from precordia.judgement.evidence import Evidence

TOLD: Final = 12
"""Places that are named; the others are counted."""
BEAT_S: Final = (0.10, 0.16)
"""How far before and after its time the place of a beat reaches, s."""

_ASKED: Final = re.compile(
    r"\b(?:where|when|locate|locali[sz]\w*|at (?:what|which) (?:times?|seconds?)|wo|wann)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class _Thing:
    """Something that has places in an ECG.

    Attributes:
        name: What people call it, in the plural.
        words: How it is asked for.
        measurement: What it rests on.
        places: Where it is, in some leads, or in all where none is named.
    """

    name: str
    words: re.Pattern[str]
    measurement: str
    places: Callable[[Evidence, Sequence[str]], list[Place]]


def located(question: Question, evidence: Evidence) -> Draft | None:
    """Where the waves, early beats or pauses are that a question asks for; None where it asks for no such place.

    Args:
        question: Read.
        evidence: Of a short ECG.
    """
    if not _ASKED.search(question.text) or question.asks_leads:
        return None
    wanted = [thing for thing in _THINGS if thing.words.search(question.text)]
    if not wanted:
        return None
    said = [_said(thing, thing.places(evidence, question.leads)) for thing in wanted]
    found = tuple(statement for statement in said if statement is not None)
    reason = None if found else f"no {', '.join(thing.name for thing in wanted)} could be placed in this signal"
    return Draft(found, not found, reason, evidence.measurements)


def _said(thing: _Thing, places: Sequence[Place]) -> Statement | None:
    if not places:
        return None
    leads = f" in {', '.join(places[0].leads)}" if places[0].leads else ""
    times = ", ".join(f"{place.start_s:.2f}-{place.end_s:.2f} s" for place in places[:TOLD])
    more = f" and {len(places) - TOLD} more" if len(places) > TOLD else ""
    name = thing.name if thing.name[1:2] in " R" else thing.name[0].upper() + thing.name[1:]
    return Statement(
        f"{name}{leads}: {times}{more}.", measurements=(thing.measurement,), support=1.0, places=tuple(places)
    )


def _waves(first: str, last: str) -> Callable[[Evidence, Sequence[str]], list[Place]]:
    """The places of a wave between two of its points, in the first of the leads that has it, or over all leads."""

    def places(evidence: Evidence, leads: Sequence[str]) -> list[Place]:
        from precordia.measurements.delineation import delineate

        found = delineate(evidence.recording)
        for lead in [lead for lead in leads if lead in found.leads] if leads else [None]:
            spans = np.stack([found.point(first, lead), found.point(last, lead)], axis=1)
            spans = spans[np.isfinite(spans).all(axis=1)]
            if spans.size:
                return [Place(float(a), float(b), (lead,) if lead else ()) for a, b in spans]
        return []

    return places


def _early(kind: str) -> Callable[[Evidence, Sequence[str]], list[Place]]:
    def places(evidence: Evidence, leads: Sequence[str]) -> list[Place]:
        from precordia.signals.long.reading import read_long

        reading = read_long(evidence.recording.measured)
        times = reading.beats.time_s[reading.beats.kind == kind]
        last = evidence.recording.duration_s
        return [Place(max(0.0, float(t) - BEAT_S[0]), min(last, float(t) + BEAT_S[1]), reading.leads) for t in times]

    return places


def _pauses(evidence: Evidence, leads: Sequence[str]) -> list[Place]:
    from precordia.signals.long.reading import read_long

    reading = read_long(evidence.recording.measured)
    return [Place(event.start_s, event.end_s, reading.leads) for event in reading.of_kind("pause")]


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_EARLY: Final = r"(?:premature|extra|ectopic|early)"
_BEATS: Final = r"(?:beats?|complex(?:es)?)"
_THINGS: Final = (
    _Thing("P waves", _words(r"\bp[ -]?(?:waves?|wellen?|zacken?)\b"), "p_ms", _waves("p_on", "p_off")),
    _Thing("QRS complexes", _words(r"\bqrs\b|\bheart ?beats?\b"), "qrs_ms", _waves("qrs_on", "qrs_off")),
    _Thing("T waves", _words(r"\bt[ -]?(?:waves?|wellen?)\b"), "qt_ms", _waves("t_on", "t_off")),
    _Thing(
        "early beats of another shape",
        _words(rf"\b(?:pvcs?|ves)\b|\bventricular (?:{_EARLY} )?{_BEATS}|\b{_EARLY} (?:ventricular )?{_BEATS}"),
        "n_beats",
        _early("V"),
    ),
    _Thing(
        "early beats of the usual shape",
        _words(
            rf"\b(?:pacs?|sves)\b|\b(?:atrial|supraventricular) {_EARLY}|\b{_EARLY} (?:(?:atrial|supraventricular) )?{_BEATS}"
        ),
        "n_beats",
        _early("S"),
    ),
    _Thing("pauses", _words(r"\bpauses?\b|\bpausen?\b"), "rr_ms", _pauses),
)
