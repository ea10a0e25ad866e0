"""Reports, answers and conversations: what may wait for a language model."""

from __future__ import annotations

import hashlib
from typing import Any

from precordia.core.case import patient_key_of
from precordia.core.documents import draft_document
from precordia.core.drafts import Draft
from precordia.core.errors import UsageError
from precordia.core.recording import Recording
from precordia.core.retrieval import PRECEDENTS
from precordia.serve.answers import Answer, Shown, encoded
from precordia.serve.export.report_dicom import report_dicom
from precordia.serve.export.report_fhir import report_fhir
from precordia.serve.export.report_pdf import report_pdf
from precordia.serve.export.report_sr import report_sr
from precordia.serve.work.room import Ecgs, Room
from precordia.serve.work.tracing import shown_of

HTML = "text/html; charset=utf-8"


def report(room: Room, ecgs: Ecgs, k: int = PRECEDENTS, where: str | None = None, form: str = "json") -> Answer:
    """A report of an ECG, in one of :data:`FORMS`; of several, of the last, with what changed on the way."""
    if form not in FORMS:
        raise UsageError(f"unknown format {form[:20]!r} (choices: {', '.join(FORMS)})")
    *earlier, recording = room.recordings(ecgs)
    draft = room.kb.report(recording, k=k, where=where, llm=room.language_model or "none", earlier=earlier)
    shown = _shown_of(room, ecgs, recording)
    _show(shown, draft)
    statements = (*draft.consider, *draft.statements)
    room.reports.keep(recording.content_hash, {statement_id(s.text): s for s in statements})
    room.patients.keep(recording.content_hash, patient_key_of(recording))
    return FORMS[form](room, shown, draft, recording)


def ask(room: Room, question: str, ecgs: Ecgs, k: int = PRECEDENTS, where: str | None = None) -> Answer:
    """The answer to a question about an ECG, or about several."""
    recordings = room.recordings(ecgs)
    draft = room.kb.ask(question, *recordings, k=k, where=where, llm=room.language_model or "none")
    shown = _shown_of(room, ecgs, recordings[-1])
    _show(shown, draft)
    return shown.json({"question": question, **with_ids(draft_document(draft))})


def _shown_of(room: Room, ecgs: Ecgs, recording: Recording) -> Shown:
    shown = shown_of(room, ecgs.last, recording)
    shown.add(*room.kb.cases([int(case) for case in ecgs.earlier]))
    return shown


def with_ids(document: dict[str, Any]) -> dict[str, Any]:
    """A draft's document whose statements have ids: the same words have the same one."""
    for name in ("to_consider", "statements"):
        for statement in document[name]:
            statement["id"] = statement_id(statement["text"])
    return document


def statement_id(text: str) -> str:
    """A statement's id, from its words."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _show(shown: Shown, draft: Draft) -> None:
    shown.add(*(hit.case for hit in (*draft.hits, *draft.earlier)))


def _as_json(room: Room, shown: Shown, draft: Draft, recording: Recording) -> Answer:
    return shown.json({**with_ids(draft_document(draft)), "recording_hash": shown.recording})


def _as_page(room: Room, shown: Shown, draft: Draft, recording: Recording) -> Answer:
    return shown.answer(room.kb.page(draft, recording).encode(), HTML)


def _as_pdf(room: Room, shown: Shown, draft: Draft, recording: Recording) -> Answer:
    return shown.answer(report_pdf(draft, recording), "application/pdf", "ecg-report.pdf")


def _as_fhir(room: Room, shown: Shown, draft: Draft, recording: Recording) -> Answer:
    return shown.answer(encoded(report_fhir(draft, recording)), "application/fhir+json")


def _as_dicom(room: Room, shown: Shown, draft: Draft, recording: Recording) -> Answer:
    return shown.answer(report_dicom(draft, recording), "application/dicom", "ecg-report.dcm")


def _as_structured(room: Room, shown: Shown, draft: Draft, recording: Recording) -> Answer:
    return shown.answer(report_sr(draft, recording), "application/dicom", "ecg-report-sr.dcm")


FORMS = {
    "json": _as_json,
    "html": _as_page,
    "pdf": _as_pdf,
    "fhir": _as_fhir,
    "dicom": _as_dicom,
    "dicom-sr": _as_structured,
}
"""Format of a report to what makes it."""
