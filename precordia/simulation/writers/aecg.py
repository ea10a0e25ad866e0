"""HL7 annotated ECG (ANSI/HL7 V3 ECG R1-2004, FDA): a rhythm series, the subject, measurements and an interpretation."""

from __future__ import annotations

import uuid
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from precordia.core.recording import Recording
from precordia.simulation.writers.steps import as_steps

STEP_UV = 2.5
_MDC = "2.16.840.1.113883.6.24"
_MEASUREMENTS = (
    ("heart_rate_bpm", "MDC_ECG_HEART_RATE", "bpm"),
    ("pr_ms", "MDC_ECG_TIME_PD_PR", "ms"),
    ("qrs_ms", "MDC_ECG_TIME_PD_QRS", "ms"),
    ("qt_ms", "MDC_ECG_TIME_PD_QT", "ms"),
    ("qtc_ms", "MDC_ECG_TIME_PD_QTc", "ms"),
    ("axis_deg", "MDC_ECG_ANGLE_QRS_FRONT", "deg"),
)


def write(stem: Path, recording: Recording) -> Path:
    """Write ``<stem>.xml``."""
    stamp = f"{recording.time:%Y%m%d%H%M%S}" if recording.time else ""
    steps = as_steps(recording.signal, STEP_UV / 1000.0)
    sequences = [
        f'<component><sequence><code code="TIME_ABSOLUTE" codeSystem="2.16.840.1.113883.5.4"/><value xsi:type="GLIST_TS">'
        f'<head value="{stamp}"/><increment value="{1.0 / recording.fs:.9g}" unit="s"/></value></sequence></component>'
    ]
    for name, row in zip(recording.leads, steps, strict=True):
        sequences.append(
            f'<component><sequence><code code="MDC_ECG_LEAD_{name}" codeSystem="{_MDC}"/><value xsi:type="SLIST_PQ">'
            f'<origin value="0" unit="uV"/><scale value="{STEP_UV}" unit="uV"/>'
            f"<digits>{_digits(row)}</digits></value></sequence></component>"
        )
    text = "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            '<AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" type="Observation">',
            f'<id root="{uuid.uuid5(uuid.NAMESPACE_OID, recording.recording_id + recording.content_hash)}"/>',
            '<code code="93000" codeSystem="2.16.840.1.113883.6.12" codeSystemName="CPT-4"/>',
            f'<effectiveTime><center value="{stamp}"/></effectiveTime>' if stamp else "",
            _subject(recording),
            _age(recording),
            '<component><series><code code="RHYTHM" codeSystem="2.16.840.1.113883.5.4"/>',
            f'<effectiveTime><low value="{stamp}"/></effectiveTime>' if stamp else "",
            f"<author><seriesAuthor><manufacturedSeriesDevice><manufacturerModelName>{escape(recording.device or '')}"
            "</manufacturerModelName></manufacturedSeriesDevice></seriesAuthor></author>",
            "<component><sequenceSet>",
            *sequences,
            "</sequenceSet></component>",
            _annotations(recording),
            "</series></component></AnnotatedECG>",
            "",
        ]
    )
    path = stem.with_suffix(".xml")
    path.write_text(text, encoding="utf-8")
    return path


def _digits(row: np.ndarray[tuple[int, ...], np.dtype[np.int16]]) -> str:
    return " ".join(map(str, row.tolist()))


def _subject(recording: Recording) -> str:
    sex = (
        f'<administrativeGenderCode code="{recording.sex}" codeSystem="2.16.840.1.113883.5.1"/>'
        if recording.sex
        else ""
    )
    return (
        "<componentOf><timepointEvent><componentOf><subjectAssignment><subject><trialSubject>"
        f'<id root="2.25.1" extension={quoteattr(recording.patient_id or "")}/>'
        f"<subjectDemographicPerson>{sex}</subjectDemographicPerson>"
        "</trialSubject></subject></subjectAssignment></componentOf></timepointEvent></componentOf>"
    )


def _age(recording: Recording) -> str:
    if recording.age is None:
        return ""
    return (
        '<controlVariable><relatedObservation><code code="21612-7" codeSystem="2.16.840.1.113883.6.1" displayName="Age"/>'
        f'<value xsi:type="PQ" value="{recording.age:g}" unit="a"/></relatedObservation></controlVariable>'
    )


def _annotations(recording: Recording) -> str:
    measured = "".join(
        f'<component><annotation><code code="{code}" codeSystem="{_MDC}"/>'
        f'<value xsi:type="PQ" value="{recording.vendor_measurements[name]:.0f}" unit="{unit}"/></annotation></component>'
        for name, code, unit in _MEASUREMENTS
        if name in recording.vendor_measurements
    )
    said = (
        f'<component><annotation><code code="MDC_ECG_INTERPRETATION" codeSystem="{_MDC}"/><component><annotation>'
        f'<code code="MDC_ECG_INTERPRETATION_STATEMENT" codeSystem="{_MDC}"/>'
        f'<value xsi:type="ST">{escape(recording.report)}</value></annotation></component></annotation></component>'
        if recording.report
        else ""
    )
    return f"<subjectOf><annotationSet>{measured}{said}</annotationSet></subjectOf>" if measured or said else ""
