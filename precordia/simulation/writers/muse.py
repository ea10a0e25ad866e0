"""GE MUSE XML as the export writes it: demographics, measurements, diagnosis statements, eight leads as base64 int16."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path
from xml.sax.saxutils import escape

from precordia.core.recording import Recording
from precordia.simulation.writers.steps import as_steps

STEP_UV = 4.88
_STORED = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
_MEASUREMENTS = (
    ("VentricularRate", "heart_rate_bpm"),
    ("PRInterval", "pr_ms"),
    ("QRSDuration", "qrs_ms"),
    ("QTInterval", "qt_ms"),
    ("QTCorrected", "qtc_ms"),
    ("PAxis", "p_axis_deg"),
    ("RAxis", "axis_deg"),
    ("TAxis", "t_axis_deg"),
)


def write(stem: Path, recording: Recording) -> Path:
    """Write ``<stem>.xml``; III and the augmented leads are not stored, as the format has it."""
    known = dict(zip(recording.leads, as_steps(recording.signal, STEP_UV / 1000.0), strict=True))
    person = {
        "PatientID": recording.patient_id,
        "PatientAge": None if recording.age is None else f"{recording.age:.0f}",
        "AgeUnits": None if recording.age is None else "YEARS",
        "Gender": {"F": "FEMALE", "M": "MALE", None: None}[recording.sex],
    }
    test = {
        "DataType": "RESTING",
        "SiteName": "Phantom hospital",
        "AcquisitionDevice": (recording.device or "").removeprefix("GE ") or None,
        "Status": "CONFIRMED",
        "AcquisitionTime": f"{recording.time:%H:%M:%S}" if recording.time else None,
        "AcquisitionDate": f"{recording.time:%m-%d-%Y}" if recording.time else None,
    }
    measured = {
        tag: f"{recording.vendor_measurements[name]:.0f}"
        for tag, name in _MEASUREMENTS
        if name in recording.vendor_measurements
    }
    said = f"<StmtFlag>ENDSLINE</StmtFlag><StmtText>{escape(recording.report or '')}</StmtText>"
    statement = f"<DiagnosisStatement>{said}</DiagnosisStatement>" if recording.report else ""
    head = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<!DOCTYPE RestingECG SYSTEM "restecg.dtd">',
        "<RestingECG>",
        _block("MuseInfo", {"MuseVersion": "9.0.9.18167"}),
        _block("PatientDemographics", person),
        _block("TestDemographics", test),
        _block("RestingECGMeasurements", measured),
        f"<Diagnosis><Modality>RESTING</Modality>{statement}</Diagnosis>",
    ]
    waveform = {
        "WaveformType": "Rhythm",
        "NumberofLeads": str(len(_STORED)),
        "SampleType": "CONTINUOUS_SAMPLES",
        "SampleBase": f"{recording.fs:g}",
        "SampleExponent": "0",
    }
    leads = "".join(_lead(name, known[name].astype("<i2").tobytes()) for name in _STORED if name in known)
    body = "<Waveform>" + _elements(waveform) + leads + "</Waveform>"
    path = stem.with_suffix(".xml")
    path.write_text("\n".join([*head, body, "</RestingECG>", ""]), encoding="utf-8")
    return path


def _lead(name: str, data: bytes) -> str:
    facts = {
        "LeadByteCountTotal": str(len(data)),
        "LeadTimeOffset": "0",
        "LeadSampleCountTotal": str(len(data) // 2),
        "LeadAmplitudeUnitsPerBit": f"{STEP_UV}",
        "LeadAmplitudeUnits": "MICROVOLTS",
        "LeadHighLimit": "32767",
        "LeadLowLimit": "-32768",
        "LeadID": name,
        "LeadOffsetFirstSample": "0",
        "FirstSampleBaseline": "0",
        "LeadSampleSize": "2",
        "LeadOff": "FALSE",
        "BaselineSway": "FALSE",
        "LeadDataCRC32": str(zlib.crc32(data)),
        "WaveFormData": base64.b64encode(data).decode(),
    }
    return f"<LeadData>{_elements(facts)}</LeadData>"


def _block(name: str, facts: dict[str, str | None] | dict[str, str]) -> str:
    return f"<{name}>{_elements(facts)}</{name}>"


def _elements(facts: dict[str, str | None] | dict[str, str]) -> str:
    return "".join(f"<{key}>{escape(value)}</{key}>" for key, value in facts.items() if value is not None)
