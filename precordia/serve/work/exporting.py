"""A cohort as a table."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any, Final

from precordia.core.documents import concepts
from precordia.core.findings import Measurements
from precordia.serve.answers import Answer, Shown
from precordia.serve.work.finding import page_of
from precordia.serve.work.room import Room

ROWS: Final = 2000
"""Rows of one piece."""

CSV: Final = "text/csv; charset=utf-8"
_NUMBERS: Final = tuple(Measurements().scalars())
COLUMNS: Final = (
    "case_id", "recording_id", "patient_key", "recorded_at", "age", "sex", "device", "quality_score",
    "findings", "findings_uncertain", "findings_absent", *_NUMBERS,
)  # fmt: skip


def export(room: Room, where: str | None, text: str | None, reports: bool, cursor: str | None) -> Answer:
    """A piece of the table of the cases that meet a filter and words, newest first, and where the next begins."""
    found, _, following = page_of(room, where, text, cursor, ROWS)
    shown = Shown()
    shown.add(*found)
    buffer = io.StringIO()
    lines = csv.writer(buffer)
    if cursor is None:
        lines.writerow((*COLUMNS, *(("report",) if reports else ())))
    for case in found:
        row: list[Any] = [case.case_id, case.recording_id, case.patient_key, case.time and case.time.isoformat()]
        row += [case.age, case.sex, case.device, case.quality_score]
        row += [" ".join(concepts(case.findings, status)) for status in ("present", "uncertain", "absent")]
        row += case.measurements.scalars().values()
        row += [case.report] if reports else []
        lines.writerow([harmless(cell) for cell in row])
    return replace(shown.answer(buffer.getvalue().encode(), CSV), following=following)


def harmless(cell: Any) -> Any:
    """A cell that no spreadsheet takes for a formula.

    >>> harmless("=1+1"), harmless(-5.0), harmless("Sinus rhythm")
    ("'=1+1", -5.0, 'Sinus rhythm')
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
