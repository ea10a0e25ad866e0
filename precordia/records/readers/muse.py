"""GE MUSE XML (root ``RestingECG``): eight stored leads, the other limb leads derived, median beats beside the rhythm.

Checked against ecgdatakit and against the intervals that the files print. Dates are month-day-year, as MUSE writes them.
"""

from __future__ import annotations

import zlib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError, UnusableSignalError
from precordia.core.recording import MedianBeats, Recording
from precordia.records.channels import mv_per_unit, parse_time
from precordia.records.limits import check_fs, check_shape
from precordia.records.people import age_at, parse_sex
from precordia.records.readers.reader import Head, Reader
from precordia.records.readers.statements import report_of, statements
from precordia.records.readers.strips import stack_rows, with_limb_leads
from precordia.records.readers.xml_tree import base64_bytes, number_of, parse_xml, text_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_MEASUREMENTS: Final = {
    "VentricularRate": "heart_rate_bpm", "AtrialRate": "atrial_rate_bpm", "PRInterval": "pr_ms", "QRSDuration": "qrs_ms",
    "QTInterval": "qt_ms", "QTCorrected": "qtc_ms", "QTcFrederica": "qtc_fridericia_ms", "PAxis": "p_axis_deg",
    "RAxis": "axis_deg", "TAxis": "t_axis_deg",
}  # fmt: skip


def sniff(head: Head) -> int:
    """2 for the root ``RestingECG``."""
    return 2 if head.xml_root == "RestingECG" else 0


def read(path: Path) -> Recording:
    """The rhythm strip, its demographics, statements and measurements.

    Raises:
        UnreadableRecordingError: damaged, or with sample counts that do not match.
        UnusableSignalError: there is no rhythm waveform.
    """
    root = parse_xml(path)
    strips = {text_of(waveform, "WaveformType").lower(): waveform for waveform in reversed(root.findall("Waveform"))}
    if "rhythm" not in strips:
        raise UnusableSignalError(f"{path}: holds no rhythm waveform; export the ECG from MUSE with its waveforms")
    leads, signal, fs, notes = _waveform(path, strips["rhythm"])
    leads, signal, derived = with_limb_leads(leads, signal)
    beats = None
    if "median" in strips:
        beat_leads, beat_signal, beat_fs, _ = _waveform(path, strips["median"])
        beat_leads, beat_signal, _ = with_limb_leads(beat_leads, beat_signal)
        beats = MedianBeats(beat_signal, beat_fs, beat_leads)
    person, test = root.find("PatientDemographics"), root.find("TestDemographics")
    status = text_of(test, "Status")
    lines = _lines(root.find("Diagnosis"))
    cart = _lines(root.find("OriginalDiagnosis")) or (lines if status.upper() == "UNCONFIRMED" else [])
    if status.upper() == "UNCONFIRMED":
        notes = (*notes, "the report is unconfirmed: it is the cart's own interpretation")
    measured = root.find("RestingECGMeasurements")
    device = text_of(test, "AcquisitionDevice")
    time = _time(text_of(test, "AcquisitionDate"), text_of(test, "AcquisitionTime"))
    extra = {"status": status, "site": text_of(test, "SiteName"), "location": text_of(test, "LocationName"),
             "priority": text_of(test, "Priority"), "accession_number": text_of(root.find("Order"), "AccessionNumber")}  # fmt: skip
    return Recording(
        signal=signal,
        fs=fs,
        leads=leads,
        recording_id=path.stem,
        patient_id=text_of(person, "PatientID") or None,
        time=time,
        age=age_at(
            time,
            f"{text_of(person, 'PatientAge')} {text_of(person, 'AgeUnits')}",
            _time(text_of(person, "DateofBirth"), ""),
        ),
        sex=parse_sex(text_of(person, "Gender")),
        device=f"GE {device}" if device else None,
        source=str(path),
        format="muse",
        report=report_of(lines),
        vendor_statements=statements(cart),
        vendor_measurements={
            name: value for tag, name in _MEASUREMENTS.items() if (value := number_of(measured, tag)) is not None
        },
        median_beats=beats,
        metadata={key: value for key, value in extra.items() if value},
        notes=(*notes, *derived),
    )


def _waveform(path: Path, waveform: Element) -> tuple[tuple[str, ...], NDArray[np.float32], float, tuple[str, ...]]:
    base, exponent = number_of(waveform, "SampleBase"), number_of(waveform, "SampleExponent") or 0.0
    fs = check_fs(path, (base or 0.0) * 10.0 ** max(-12.0, min(12.0, exponent)))
    rows: dict[str, NDArray[np.float64]] = {}
    damaged: list[str] = []
    without_unit: list[str] = []
    for lead in waveform.findall("LeadData"):
        name = text_of(lead, "LeadID") or f"channel {len(rows) + 1}"
        if name in rows:
            raise UnreadableRecordingError(f"{path}: lead {name} stands there twice; the file is damaged")
        unit = text_of(lead, "LeadAmplitudeUnits")
        if not unit:
            without_unit.append(name)
        scale, step = mv_per_unit(unit or "uV"), number_of(lead, "LeadAmplitudeUnitsPerBit")
        if scale is None or not step:
            without = "the unit is no voltage" if scale is None else "no units a bit"
            raise UnreadableRecordingError(
                f"{path}: lead {name} has no scale in volts ({without}), so its "
                "amplitudes are not known; export it from MUSE again"
            )
        if (number_of(lead, "LeadSampleSize") or 2) != 2:
            raise UnreadableRecordingError(f"{path}: lead {name} is not of 16-bit samples; such files are not read")
        element = lead.find("WaveFormData")
        data = base64_bytes((element.text or "") if element is not None else "", f"{path}: lead {name}")
        declared = number_of(lead, "LeadSampleCountTotal")
        if len(data) % 2 or (declared is not None and declared != len(data) // 2):
            raise UnreadableRecordingError(
                f"{path}: lead {name} declares {declared or 0:.0f} samples but holds {len(data) / 2:g}; it is truncated or damaged"
            )
        checksum = number_of(lead, "LeadDataCRC32")
        if checksum and zlib.crc32(data) != int(checksum):
            damaged.append(name)
        raw = np.frombuffer(data, dtype="<i2")
        rows[name] = np.where(raw == -(2**15), np.nan, raw * (step * scale))
        check_shape(path, len(rows), max(1, raw.size))
    leads, signal = stack_rows(path, rows)
    notes = [f"checksum of {', '.join(damaged)} does not match: the samples may be damaged"] if damaged else []
    if without_unit:
        notes.append(f"unit of {', '.join(without_unit)} not given: uV taken, as MUSE writes")
    return leads, signal, fs, tuple(notes)


def _lines(diagnosis: Element | None) -> list[str]:
    """Statements put together from their pieces: a line ends where MUSE says ``ENDSLINE``."""
    lines, line = [], ""
    for piece in diagnosis.findall("DiagnosisStatement") if diagnosis is not None else []:
        text = text_of(piece, "StmtText")
        line += text if not line or text.startswith((",", ".", ";")) else f" {text}"
        # A printed line that ends with a comma goes on in the next.
        if not line.endswith(",") and any(text_of(flag) == "ENDSLINE" for flag in piece.findall("StmtFlag")):
            lines.append(line)
            line = ""
    return [*lines, line] if line else lines


def _time(date: str, clock: str) -> datetime | None:
    parts = date.split("-")
    if len(parts) == 3 and len(parts[2]) == 4:
        month, day = (parts[0], parts[1]) if parts[0].isdigit() and int(parts[0]) <= 12 else (parts[1], parts[0])
        return parse_time(f"{parts[2]}-{month}-{day}", clock)
    return parse_time(date, clock)


READER = Reader("muse", sniff, read)
