"""A report as FHIR R4: a bundle of a DiagnosticReport, its Observations, and the ECG as an attachment.

Measurements carry LOINC, findings SNOMED CT where the vocabulary has a code. Only what is said to be present is coded: a
reader of codes alone knows no "possible" and no "no". The report is ``preliminary`` until a clinician has signed it.
"""

from __future__ import annotations

import base64
import uuid
from typing import Any, Final

from precordia.concepts import vocabulary
from precordia.core.drafts import Draft, Statement
from precordia.core.recording import Recording
from precordia.judgement.measured import MEASURES
from precordia.serve.export.report_pdf import NOTICE, report_pdf
from precordia.serve.export.signals import dicom_of

LOINC: Final = {
    "heart_rate_bpm": ("8867-4", "Heart rate"),
    "rr_ms": ("8637-1", "R-R interval by EKG"),
    "pr_ms": ("8625-6", "P-R interval"),
    "qrs_ms": ("8633-0", "QRS duration"),
    "qt_ms": ("8634-8", "Q-T interval"),
    "qtc_ms": ("76635-2", "Q-T interval corrected based on Bazett formula"),
    "qtc_fridericia_ms": ("76634-5", "Q-T interval corrected by Fridericia formula"),
    "p_axis_deg": ("8626-4", "P wave axis"),
    "axis_deg": ("8632-2", "QRS axis"),
    "t_axis_deg": ("8638-9", "T wave axis"),
}
"""Measurement to its code in LOINC and its name.

Each was looked up where others use it: 8625-6, 8633-0, 8634-8, 8626-4 and 8638-9 in HL7 v2 messages of ECG carts (PR INTERVAL,
QRS DURATION, QT INTERVAL, FRONTAL AXIS P, FRONTAL AXIS T), 8632-2 in the rules of the OMOP common data model ("QRS-Axis"),
8637-1, 76634-5 and 76635-2 in FHIR guides of cardiology that name loinc.org as their source, 8867-4 in DICOM PS3.16 (CID 12200),
8601-7 in C-CDA examples of HL7, 11524-6 in a DICOM toolkit's ECG reports. Their check digits are tested.
"""

_UCUM: Final = {"bpm": "/min", "ms": "ms", "°": "deg"}
_STUDY: Final = {"coding": [{"system": "http://loinc.org", "code": "11524-6", "display": "EKG study"}]}
_IMPRESSION: Final = {"coding": [{"system": "http://loinc.org", "code": "8601-7", "display": "EKG impression"}]}
_SPACE: Final = uuid.UUID("c7b0ae8d-5bd0-5b0c-9c9e-0c1f4a6d2e11")


def report_fhir(draft: Draft, recording: Recording) -> dict[str, Any]:
    """The bundle.

    Raises:
        MissingExtraError: pydicom is not installed, which writes the ECG.
    """
    about = _about(recording)
    observations = [
        *(o for name in LOINC if (o := _measured(name, draft, recording, about)) is not None),
        *(_stated(s, about) for s in (*draft.consider, *draft.statements) if s.findings),
    ]
    entries = [(_name(recording, f"observation {i}"), o) for i, o in enumerate(observations)]
    ecg = _name(recording, "ecg")
    coded = [c for s in draft.statements for c in coded_findings(s)]
    report = {
        "resourceType": "DiagnosticReport",
        "status": "preliminary",
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/v2-0074",
                        "code": "EC",
                        "display": "Electrocardiac (e.g., EKG, EEC, Holter)",
                    }
                ]
            }
        ],
        "code": _STUDY,
        **about,
        "identifier": [{"system": "urn:precordia:recording-hash", "value": recording.content_hash}],
        "result": [{"reference": name} for name, _ in entries],
        "media": [{"comment": "the ECG", "link": {"reference": ecg}}],
        "conclusion": conclusion(draft),
        **({"conclusionCode": [{"coding": [code]} for code in coded]} if coded else {}),
        "presentedForm": [_attachment("application/pdf", report_pdf(draft, recording), "ECG report (draft)")],
    }
    media = {
        "resourceType": "Media",
        "status": "completed",
        **({"subject": about["subject"]} if "subject" in about else {}),
        **({"createdDateTime": about["effectiveDateTime"]} if "effectiveDateTime" in about else {}),
        **({"deviceName": recording.device} if recording.device else {}),
        "content": _attachment("application/dicom", dicom_of(recording), "ECG"),
    }
    whole = [(_name(recording, "report"), report), *entries, (ecg, media)]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": name, "resource": resource} for name, resource in whole],
    }


def _about(recording: Recording) -> dict[str, Any]:
    """Whose ECG it is, and of when."""
    found: dict[str, Any] = {}
    if recording.patient_id:
        found["subject"] = {"identifier": {"value": recording.patient_id}}
    if recording.time is not None:
        # FHIR wants a time zone with a time of day; most carts know none: then the day alone is told.
        zoned = recording.time.tzinfo is not None
        found["effectiveDateTime"] = (
            recording.time.isoformat(timespec="seconds") if zoned else f"{recording.time:%Y-%m-%d}"
        )
    return found


def _measured(name: str, draft: Draft, recording: Recording, about: dict[str, Any]) -> dict[str, Any] | None:
    value = getattr(draft.measurements, name)
    if value is None:
        return None
    measure, (code, display) = MEASURES[name], LOINC[name]
    unit = _UCUM[measure.unit]
    low, high = measure.low, measure.high_for(recording.sex)
    bounds = {side: _quantity(bound, unit) for side, bound in (("low", low), ("high", high)) if bound is not None}
    return {
        "resourceType": "Observation",
        "status": "preliminary",
        "code": {"coding": [{"system": "http://loinc.org", "code": code, "display": display}], "text": measure.label},
        **about,
        "valueQuantity": _quantity(float(value), unit),
        **({"referenceRange": [bounds]} if bounds else {}),
    }


def _stated(statement: Statement, about: dict[str, Any]) -> dict[str, Any]:
    coding = coded_findings(statement)
    value = {"text": statement.text, **({"coding": coding} if coding else {})}
    told = [f"{len(statement.citations)} precedents of the archive"] if statement.citations else []
    told += [f"probability {statement.confidence:.2f}"] if statement.confidence is not None else []
    return {
        "resourceType": "Observation",
        "status": "preliminary",
        "code": _IMPRESSION,
        **about,
        "valueCodeableConcept": value,
        **({"note": [{"text": "; ".join((*told, *statement.warnings))}]} if told or statement.warnings else {}),
    }


def coded_findings(statement: Statement) -> list[dict[str, str]]:
    """SNOMED CT's codes of what a statement says is present."""
    known = vocabulary()
    found = {}
    for finding in statement.findings:
        if finding.status == "present" and finding.comparison != "resolved" and finding.concept in known:
            for code in known.codes(finding.concept, "snomed")[:1]:
                found[code] = known.concept(finding.concept).name
    return [{"system": "http://snomed.info/sct", "code": code, "display": name} for code, name in found.items()]


def conclusion(draft: Draft) -> str:
    """All that is said, in one text, with what it is not."""
    said = draft.text or f"Nothing is claimed: {draft.reason}"
    consider = "".join(f" To consider: {s.text}" for s in draft.consider)
    return f"{said}{consider} ({NOTICE})"


def _quantity(value: float, unit: str) -> dict[str, Any]:
    return {"value": round(value, 1), "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}


def _attachment(kind: str, content: bytes, title: str) -> dict[str, Any]:
    return {"contentType": kind, "data": base64.b64encode(content).decode(), "size": len(content), "title": title}


def _name(recording: Recording, what: str) -> str:
    return f"urn:uuid:{uuid.uuid5(_SPACE, f'{recording.content_hash}|{recording.recording_id}|{what}')}"
