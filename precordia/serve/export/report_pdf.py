"""A report as PDF: what is said with its evidence, the measurements, and the ECG on paper at true scale."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from precordia.core.display import shown
from precordia.core.drafts import Draft, Statement
from precordia.core.recording import Recording
from precordia.generation.pages.ecg_paper import describe, layout_of
from precordia.judgement.measured import MEASURES
from precordia.serve.export.pdf import LANDSCAPE, Page, pdf_of, wrapped

NOTICE = "A draft for a clinician to check. Not a medical device."
_LEFT, _WIDTH, _BOTTOM = 20.0, 170.0, 280.0
_SPEED, _GAIN, _SECONDS = 25.0, 10.0, 10.0
_PAPER = (18.0, 30.0, 260.0, 160.0)
"""Left, top, width and height of the ECG paper, mm."""
_FINE, _BOLD = (0.98, 0.86, 0.86), (0.93, 0.66, 0.66)


def report_pdf(draft: Draft, recording: Recording) -> bytes:
    """The report of an ECG; the ECG comes last, printed at 100 % a millimetre is a millimetre."""
    pages = [*_words(draft, recording), _tracing(recording)]
    return pdf_of(pages, "ECG report")


def _words(draft: Draft, recording: Recording) -> list[Page]:
    pages: list[Page] = []
    y = _BOTTOM
    for words, size, bold, gap in _lines(draft, recording):
        for line in wrapped(shown(words), _WIDTH, size) or [""]:
            if y + gap > _BOTTOM:
                pages.append(Page())
                y = 20.0
            y += gap
            pages[-1].text(_LEFT, y, line, size, bold)
            gap = size * 0.5
    return pages


def _lines(draft: Draft, recording: Recording) -> Iterator[tuple[str, float, bool, float]]:
    """Words, size in points, whether they are bold, and the way down to them, mm."""
    yield "ECG report", 16, True, 4
    yield NOTICE, 9, False, 6
    for name, value in _about(recording):
        yield f"{name}: {value}", 10, False, 5
    if draft.consider:
        yield "To consider", 12, True, 9
        yield from _said(draft.consider)
    yield "Report", 12, True, 9
    if draft.abstained:
        yield f"Nothing is claimed: {draft.reason}", 10, False, 6
    yield from _said(draft.statements)
    for warning in draft.warnings:
        yield f"Note: {warning}", 9, False, 5
    yield "Measurements", 12, True, 9
    for measure in MEASURES.values():
        value = getattr(draft.measurements, measure.name)
        if value is not None:
            yield f"{measure.label}: {measure.format(float(value))}", 10, False, 5
    yield f"Rests on {len(draft.hits)} precedents of the archive; written by {draft.author}.", 9, False, 8


def _said(statements: tuple[Statement, ...]) -> Iterator[tuple[str, float, bool, float]]:
    for statement in statements:
        yield statement.text, 10, False, 6
        evidence = [f"{len(statement.citations)} precedents"] if statement.citations else []
        evidence += [MEASURES[name].label for name in statement.measurements if name in MEASURES]
        if statement.confidence is not None:
            evidence.append(f"probability {statement.confidence:.0%}")
        if evidence:
            yield f"    {', '.join(evidence)}", 8, False, 4


def _about(recording: Recording) -> Iterator[tuple[str, str]]:
    yield "Recording", recording.recording_id
    if recording.patient_id:
        yield "Patient", recording.patient_id
    if recording.time is not None:
        yield "Recorded", f"{recording.time:%Y-%m-%d %H:%M}"
    if recording.age is not None:
        yield "Age", f"{recording.age:g}"
    if recording.sex is not None:
        yield "Sex", {"F": "female", "M": "male"}[recording.sex]
    if recording.device:
        yield "Device", recording.device


def _tracing(recording: Recording) -> Page:
    page = Page(LANDSCAPE)
    left, top, wide, high = _PAPER
    page.text(left, 18, shown(recording.recording_id), 12, bold=True)
    page.text(left, 24, describe(recording), 9)
    for step, width, colour in ((1.0, 0.08, _FINE), (5.0, 0.15, _BOLD)):
        across = [left + i * step for i in range(int(wide / step) + 1)]
        down = [top + i * step for i in range(int(high / step) + 1)]
        page.lines([[(x, top), (x, top + high)] for x in across], width, colour)
        page.lines([[(left, y), (left + wide, y)] for y in down], width, colour)
    grid = layout_of(recording)
    rows = [*grid, ("II",)] if len(grid[0]) > 1 and "II" in recording.leads else list(grid)
    apart = high / len(rows)
    for r, names in enumerate(rows):
        baseline = top + (r + 0.5) * apart
        for c, lead in enumerate(names):
            _lead(page, recording, lead, c * _SECONDS / len(names), _SECONDS / len(names), baseline)
    return page


def _lead(page: Page, recording: Recording, lead: str, start_s: float, seconds: float, baseline: float) -> None:
    """One lead of one row, from its place in time."""
    x0 = _PAPER[0] + 5 + start_s * _SPEED
    page.text(x0, baseline - 10, shown(lead), 9, bold=True)
    if lead not in recording.leads:
        return
    whole = recording.lead(lead)
    first = round(start_s * recording.fs) if recording.duration_s >= 0.95 * _SECONDS else 0
    samples = whole[first : first + round(seconds * recording.fs)]
    centre = float(np.nanmedian(whole)) if np.isfinite(whole).any() else 0.0
    x = x0 + np.arange(samples.size) / recording.fs * _SPEED
    y = baseline - np.clip(samples - centre, -6, 6) * _GAIN
    there = np.isfinite(y)
    breaks = np.flatnonzero(np.diff(there.astype(np.int8))) + 1
    runs = [
        list(zip(x[piece].tolist(), y[piece].tolist(), strict=True))
        for piece in np.split(np.arange(y.size), breaks)
        if piece.size and there[piece[0]]
    ]
    page.lines(runs, 0.25)
