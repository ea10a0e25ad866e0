"""Results as plain dictionaries: the JSON that the command line prints and the service returns.

The keys are a contract; new ones may be added, none is renamed. Case ids are strings: they exceed the whole numbers that
JavaScript holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from precordia.core.case import Case
from precordia.core.drafts import Citation, Draft, Statement
from precordia.core.findings import Finding, Measurements
from precordia.core.recording import Quality, Recording
from precordia.core.retrieval import Hit, Query


def search_document(
    query: Query,
    hits: Sequence[Hit],
    source: str | None = None,
    understood: Mapping[str, Any] | None = None,
    signal: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """``{"query", "understood", "hits"}``; ``understood`` tells what was made of the words: chips, and what was left.

    ``signal`` says what kind of signal was asked with, where it is no resting ECG.
    """
    asked = {
        "recording": source or (query.recording.recording_id if query.recording else None),
        "text": query.text,
        "k": query.k,
        "where": query.where,
        "mode": query.mode,
        "exclude_self": query.exclude_self,
        "exclude_patient": query.exclude_patient,
        "exclude_near_duplicates": query.exclude_near_duplicates,
    }
    read = dict(understood or {"chips": [], "not_understood": []})
    return {"query": asked, "understood": read, **_signal(signal), "hits": [hit_document(hit) for hit in hits]}


def _signal(signal: Mapping[str, Any] | None) -> dict[str, Any]:
    """The key that tells the kind of a signal; none for a resting ECG."""
    return {"signal": dict(signal)} if signal else {}


def hit_document(hit: Hit) -> dict[str, Any]:
    """A hit: its case in short, its score, and why it was found."""
    case = hit.case
    return {
        "rank": hit.rank,
        "case_id": str(case.case_id),
        "recording_id": case.recording_id,
        **window_document(case),
        "patient_key": case.patient_key,
        "score": hit.score,
        "why": asdict(hit.why),
        "report": case.report,
        "findings": concepts(case.findings, "present"),
        "findings_uncertain": concepts(case.findings, "uncertain"),
        "findings_absent": concepts(case.findings, "absent"),
        "measurements": case.measurements.scalars(),
        "metadata": metadata_document(case),
    }


def window_document(case: Case) -> dict[str, Any]:
    """Of a stretch of a long recording where in it it lies, and what was found there; nothing of a whole one."""
    if not case.is_stretch:
        return {}
    return {"window": {"start_s": case.start_s, "end_s": case.end_s, "events": list(case.events)}}


def metadata_document(case: Case) -> dict[str, Any]:
    """Who, when and with what, and the archive's other columns."""
    return {
        **case.metadata,
        "age": case.age,
        "sex": case.sex,
        "time": case.time,
        "device": case.device,
        "quality_score": case.quality_score,
        "fs": case.fs,
        "duration_s": case.duration_s,
        "n_leads": case.n_leads,
        "codes": list(case.codes),
        "source": case.source,
        "format": case.format,
    }


def draft_document(draft: Draft) -> dict[str, Any]:
    """A draft with what must not be missed, its statements, their citations, and the precedents it rests on."""
    return {
        **_signal(draft.signal),
        "text": draft.text,
        "to_consider": [statement_document(statement) for statement in draft.consider],
        "statements": [statement_document(statement) for statement in draft.statements],
        "abstained": draft.abstained,
        "reason": draft.reason,
        "warnings": list(draft.warnings),
        "author": draft.author,
        "details": dict(draft.details),
        "measurements": measurements_document(draft.measurements),
        "hits": [hit_document(hit) for hit in draft.hits],
        "earlier": [hit_document(hit) for hit in draft.earlier],
    }


def statement_document(statement: Statement) -> dict[str, Any]:
    """A statement with what it stands on."""
    return {
        "text": statement.text,
        "citations": [_citation_document(citation) for citation in statement.citations],
        "measurements": list(statement.measurements),
        "support": statement.support,
        "confidence": statement.confidence,
        "warnings": list(statement.warnings),
        "findings": [finding_document(finding) for finding in statement.findings],
        **({"places": [asdict(place) for place in statement.places]} if statement.places else {}),
    }


def _citation_document(citation: Citation) -> dict[str, Any]:
    return {**asdict(citation), "case_id": str(citation.case_id)}


def measurements_document(measurements: Measurements) -> dict[str, Any]:
    """Every field by name with its unit in the name; null where it cannot be measured."""
    return asdict(measurements)


def finding_document(finding: Finding) -> dict[str, Any]:
    """A finding without the place of its words."""
    return {name: value for name, value in asdict(finding).items() if name != "span"}


def recording_document(recording: Recording) -> dict[str, Any]:
    """What a file says, without its samples."""
    beats = recording.median_beats
    return {
        "recording_id": recording.recording_id,
        "patient_id": recording.patient_id,
        "format": recording.format,
        "source": recording.source,
        "leads": list(recording.leads),
        "inferred_leads": list(recording.inferred_leads),
        "fs": recording.fs,
        "n_samples": recording.n_samples,
        "duration_s": recording.spans_s,
        "time": recording.time,
        "age": recording.age,
        "sex": recording.sex,
        "device": recording.device,
        "report": recording.report,
        "vendor_statements": list(recording.vendor_statements),
        "vendor_measurements": dict(recording.vendor_measurements),
        "median_beats": None
        if beats is None
        else {"leads": list(beats.leads), "fs": beats.fs, "shape": beats.signal.shape},
        "codes": list(recording.codes),
        "metadata": dict(recording.metadata),
        "notes": list(recording.notes),
        "content_hash": recording.content_hash,
    }


def quality_document(quality: Quality) -> dict[str, Any]:
    """The score, lead by lead, and what was found."""
    return asdict(quality)


def concepts(findings: Iterable[Finding], status: str) -> list[str]:
    """The concepts with that status, each once, in order."""
    return list(dict.fromkeys(finding.concept for finding in findings if finding.status == status))
