"""Erasing a patient."""

from __future__ import annotations

from precordia.core.errors import UsageError
from precordia.serve.answers import Answer, Shown
from precordia.serve.work.room import Room


def erase(room: Room, patient: str, by: str) -> Answer:
    """Erase a patient; how many recordings went."""
    n = room.kb.erase(patient=patient, by=by)
    room.forget()
    return Shown().json({"erased": n})


def number_of(case: str | None) -> int | None:
    """A case's id from its text, whether it is still there or not.

    Raises:
        UsageError: it is none.
    """
    if case is None:
        return None
    if not (case.isascii() and case.isdigit() and len(case) < 20):
        raise UsageError("case is no id")
    return int(case)
