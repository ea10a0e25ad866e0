"""Decisions on the statements of a report."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from precordia.core.errors import BusyError, UsageError
from precordia.indexing.reviews import DECISIONS, Review, Reviews
from precordia.serve.answers import Answer, Shown
from precordia.serve.work.room import Room
from precordia.serve.work.writing import statement_id

MAX_TEXT = 2000


@dataclass(frozen=True)
class Decided:
    """Decisions as they were sent: statement ids with a decision and perhaps words."""

    case: str | None
    recording_hash: str | None
    statements: tuple[tuple[str, str, str], ...]
    signed: bool
    author: str


def review(room: Room, decided: Decided) -> Answer:
    """Keep decisions.

    Raises:
        UsageError: a statement that was not shown, or a decision that is none.
    """
    shown = Shown()
    case_id, patient = 0, ""
    if decided.case is not None:
        case_id = room.case_id(decided.case)
        (case,) = room.kb.cases([case_id])
        shown.add(case)
        content, patient = case.content_hash, case.patient_key
    elif decided.recording_hash:
        content, patient = decided.recording_hash, room.patients.get(decided.recording_hash, "")
    else:
        raise UsageError("name the case or the recording_hash of the report that is reviewed")
    statements = _statements(room, content, case_id)
    reviews = []
    for name, decision, text in decided.statements:
        if name not in statements:
            raise UsageError("a statement is not of this ECG's report: ask for the report again, and review that")
        if decision not in DECISIONS or (decision == "edit") != bool(text.strip()) or len(text) > MAX_TEXT:
            raise UsageError("a decision is accept, strike, or edit with the words in its place")
        said = statements[name]
        concepts = tuple(f"{f.status} {f.concept}" for f in said.findings)
        reviews.append(
            Review(
                name,
                said.text,
                concepts,
                decision,
                text.strip(),
                decided.author,
                decided.signed,
                content,
                case_id,
                patient,
            )
        )
    if not reviews and not decided.signed:
        raise UsageError("there is nothing decided")
    kept = Reviews(room.kb.path).add(reviews)
    shown.recording = content
    if decided.signed and case_id:
        with suppress(BusyError):  # the build that is writing does it at its end
            room.kb.adopt_reviews()
    return shown.json({"items": [one.document() for one in kept], "next": None, "total": len(kept)})


def reviews(room: Room, case: str | None, recording_hash: str | None) -> Answer:
    """The decisions on a case's or an ECG's report, oldest first."""
    shown = Shown(recording=recording_hash or "")
    case_id = None if case is None else room.case_id(case)
    if case_id is not None:
        shown.add(*room.kb.cases([case_id]))
    found = Reviews(room.kb.path).all(case_id, recording_hash)
    return shown.json({"items": [one.document() for one in found], "next": None, "total": len(found)})


def _statements(room: Room, content: str, case_id: int) -> dict[str, Any]:
    """The statements of an ECG's report by id: as they were shown here, else written again."""
    if content in room.reports:
        return dict(room.reports[content])
    if not case_id:
        return {}
    recording = room.kb.recording(case_id)
    draft = room.kb.report(recording, llm=room.language_model or "none")
    found = {statement_id(s.text): s for s in (*draft.consider, *draft.statements)}
    room.reports.keep(content, found)
    return found
