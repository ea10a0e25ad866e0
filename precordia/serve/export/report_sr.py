"""A report as a DICOM structured report (PS3.16 TID 3700, ECG Report), in the study of the ECG.

Measurements carry the codes of PS3.16's context groups 3227 (corrected QT), 3228 (intervals) and 3229 (axes); each statement is
a finding in its own words, and in SNOMED CT besides where it says that something is present and the vocabulary has a code.
"""

from __future__ import annotations

from typing import Any, Final

from precordia.core.drafts import Draft
from precordia.core.errors import UsageError
from precordia.core.recording import Recording
from precordia.judgement.measured import MEASURES
from precordia.serve.export.report_fhir import LOINC, coded_findings, conclusion
from precordia.serve.export.signals import coded, ecg_class, new_object, parts_of_dicom, saved, uid

COMPREHENSIVE_SR: Final = "1.2.840.10008.5.1.4.1.1.88.33"

MDC: Final = {
    "rr_ms": ("2:16168", "RR interval global"),
    "pr_ms": ("2:15872", "PR interval global"),
    "qrs_ms": ("2:16156", "QRS duration global"),
    "qt_ms": ("2:16160", "QT interval global"),
    "qtc_ms": ("2:15880", "QTc global using Bazett formula"),
    "qtc_fridericia_ms": ("2:15892", "QTc global using Fredericia formula"),
    "p_axis_deg": ("2:16128", "P Axis"),
    "axis_deg": ("2:16132", "QRS axis"),
    "t_axis_deg": ("2:16136", "T axis"),
}
"""Measurement to its code in ISO/IEEE 11073-10102 and its name, as the context groups print them."""

_UNITS: Final = {"bpm": ("/min", "per minute"), "ms": ("ms", "millisecond"), "°": ("deg", "degree")}
_NAMES: Final = {
    "ECG Report": ("28010-7", "LN"),
    "EKG study": ("11524-6", "LN"),
    "Observer Type": ("121005", "DCM"),
    "Device": ("121007", "DCM"),
    "Device Observer UID": ("121012", "DCM"),
    "Device Observer Name": ("121013", "DCM"),
    "Procedure reported": ("121058", "DCM"),
    "ECG Global Measurements": ("122158", "DCM"),
    "Finding": ("121071", "DCM"),
    "Summary": ("121111", "DCM"),
}


def report_sr(draft: Draft, recording: Recording) -> bytes:
    """The report as a structured report.

    Raises:
        MissingExtraError: pydicom is not installed.
        UsageError: the ECG has no time; a structured report must have one.
    """
    if recording.time is None:
        raise UsageError("a structured report needs the time of its ECG, and this one has none: ask for format=dicom")
    dicom = parts_of_dicom()
    ds = new_object(recording, COMPREHENSIVE_SR, "SR")
    ds.CompletionFlag, ds.VerificationFlag = "PARTIAL", "UNVERIFIED"
    ds.PreliminaryFlag = "PRELIMINARY"
    ds.PerformedProcedureCodeSequence = []
    ds.ReferencedPerformedProcedureStepSequence = []
    ds.CurrentRequestedProcedureEvidenceSequence = [_evidence(dicom, recording)]
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ConceptNameCodeSequence = [_named(dicom, "ECG Report")]
    ds.ContentTemplateSequence = [_template(dicom)]
    measured = [m for name in LOINC if (m := _measured(dicom, name, draft)) is not None]
    ds.ContentSequence = [
        _item(dicom, "HAS OBS CONTEXT", "Observer Type", "CODE", ConceptCodeSequence=[_named(dicom, "Device")]),
        _item(dicom, "HAS OBS CONTEXT", "Device Observer UID", "UIDREF", UID=str(ds.file_meta.ImplementationClassUID)),
        _item(dicom, "HAS OBS CONTEXT", "Device Observer Name", "TEXT", TextValue="Precordia"),
        _item(dicom, "HAS CONCEPT MOD", "Procedure reported", "CODE", ConceptCodeSequence=[_named(dicom, "EKG study")]),
        *([_container(dicom, "ECG Global Measurements", measured)] if measured else []),
        *_findings(dicom, draft),
        _item(dicom, "CONTAINS", "Summary", "TEXT", TextValue=conclusion(draft)),
    ]
    return saved(ds)


def _findings(dicom: Any, draft: Draft) -> list[Any]:
    found = [(s, f"To consider: {s.text}") for s in draft.consider] + [(s, s.text) for s in draft.statements]
    items = []
    for statement, words in found:
        items.append(_item(dicom, "CONTAINS", "Finding", "TEXT", TextValue=words))
        for code in coded_findings(statement):
            concept = coded(dicom, code["code"], "SCT", code["display"][:64])
            items.append(_item(dicom, "CONTAINS", "Finding", "CODE", ConceptCodeSequence=[concept]))
    return items


def _measured(dicom: Any, name: str, draft: Draft) -> Any:
    value = getattr(draft.measurements, name)
    if value is None:
        return None
    item = dicom.Dataset()
    item.RelationshipType, item.ValueType = "CONTAINS", "NUM"
    code, meaning, scheme = (*MDC[name], "MDC") if name in MDC else (*LOINC[name], "LN")
    item.ConceptNameCodeSequence = [coded(dicom, code, scheme, meaning)]
    quantity = dicom.Dataset()
    quantity.NumericValue = f"{float(value):.1f}"
    unit, words = _UNITS[MEASURES[name].unit]
    quantity.MeasurementUnitsCodeSequence = [coded(dicom, unit, "UCUM", words)]
    item.MeasuredValueSequence = [quantity]
    return item


def _container(dicom: Any, name: str, items: list[Any]) -> Any:
    return _item(dicom, "CONTAINS", name, "CONTAINER", ContinuityOfContent="SEPARATE", ContentSequence=items)


def _item(dicom: Any, relation: str, name: str, kind: str, **values: Any) -> Any:
    item = dicom.Dataset()
    item.RelationshipType, item.ValueType = relation, kind
    item.ConceptNameCodeSequence = [_named(dicom, name)]
    for attribute, value in values.items():
        setattr(item, attribute, value)
    return item


def _named(dicom: Any, name: str) -> Any:
    return coded(dicom, *_NAMES[name], name)


def _template(dicom: Any) -> Any:
    template = dicom.Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", "3700"
    return template


def _evidence(dicom: Any, recording: Recording) -> Any:
    """Which object the report is about: the ECG as :func:`~precordia.serve.export.signals.dicom_of` writes it."""
    kind = ecg_class(recording)
    instance, series, study = dicom.Dataset(), dicom.Dataset(), dicom.Dataset()
    instance.ReferencedSOPClassUID, instance.ReferencedSOPInstanceUID = kind, uid(recording, kind)
    series.SeriesInstanceUID, series.ReferencedSOPSequence = uid(recording, "series ECG"), [instance]
    study.StudyInstanceUID, study.ReferencedSeriesSequence = uid(recording, "study"), [series]
    return study
