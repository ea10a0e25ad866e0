"""Schiller SEMA XML (root ``com.xiriuz.sema.xml.schillerEDI.SchillerEDI``): comma-separated samples, averages kept apart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError, UnusableSignalError
from precordia.core.recording import MedianBeats, Recording
from precordia.records.channels import assumed_unit, mv_per_unit, parse_time
from precordia.records.limits import check_fs, check_shape
from precordia.records.people import age_at, parse_sex
from precordia.records.readers.reader import Head, Reader
from precordia.records.readers.statements import report_of, statements
from precordia.records.readers.strips import stack_rows, with_limb_leads
from precordia.records.readers.xml_tree import number_of, numbers, parse_xml, text_of, to_number

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_MEASUREMENTS: Final = {
    "HR": "heart_rate_bpm", "RR": "rr_ms", "P": "p_ms", "PQ": "pr_ms", "QRS": "qrs_ms", "QT": "qt_ms", "QTC": "qtc_ms",
    "AXIS_P": "p_axis_deg", "AXIS_QRS": "axis_deg", "AXIS_T": "t_axis_deg",
}  # fmt: skip


def sniff(head: Head) -> int:
    """2 for SEMA's root element."""
    return 2 if (head.xml_root or "").endswith("schillerEDI.SchillerEDI") else 0


def read(path: Path) -> Recording:
    """The rhythm strip, its demographics, interpretation and measurements.

    Raises:
        UnreadableRecordingError: damaged.
        UnusableSignalError: there is no rhythm waveform.
    """
    root = parse_xml(path)
    blocks = {text_of(block, "type"): block for block in reversed(root.findall("eventdata/event/wavedata"))}
    if "ECG_RHYTHMS" not in blocks:
        raise UnusableSignalError(f"{path}: holds no rhythm waveform; export the ECG with its waveforms")
    leads, signal, fs, notes = _block(path, blocks["ECG_RHYTHMS"])
    leads, signal, derived = with_limb_leads(leads, signal)
    beats = None
    if "ECG_AVERAGES" in blocks:
        beat_leads, beat_signal, beat_fs, _ = _block(path, blocks["ECG_AVERAGES"])
        beats = MedianBeats(beat_signal, beat_fs, beat_leads)
    person, exam = root.find("patdata"), root.find("examdescript")
    time = parse_time(text_of(exam, "startdatetime/date"), text_of(exam, "startdatetime/time")[:6])
    if time and time.year <= 1970:
        time = None  # devices whose clock was never set write the first day of Unix time
    born = parse_time(text_of(person, "birthdate"))
    hardware = exam.find("aquiringdevice/hardware") if exam is not None else None
    lines = [
        text_of(text)
        for event in root.findall("eventdata/event")
        for text in event.findall("textdata")
        if text_of(text, "type") == "INTERPRETATION"
        for text in text.iter("textdata")
        if text.find("type") is None
    ]
    return Recording(
        signal=signal,
        fs=fs,
        leads=leads,
        recording_id=path.stem,
        patient_id=text_of(person, "id") or None,
        time=time,
        age=age_at(time, text_of(person, "age") or None, born),
        sex=parse_sex(text_of(person, "gender")),
        device=" ".join(filter(None, [text_of(hardware, "vendor"), text_of(hardware, "model")])) or None,
        source=str(path),
        format="schiller",
        report=report_of(lines),
        vendor_statements=statements(lines),
        vendor_measurements=_measurements(root),
        median_beats=beats,
        notes=(*notes, *derived),
    )


def _block(path: Path, block: Element) -> tuple[tuple[str, ...], NDArray[np.float32], float, tuple[str, ...]]:
    resolution = block.find("resolution")
    fs = check_fs(path, number_of(resolution, "samplerate/value") or 0.0)
    unit = text_of(resolution, "yres/units")
    scale = mv_per_unit(unit) if unit else 1.0
    step = number_of(resolution, "yres/unitperbit")
    if scale is None or not step:
        without = "the unit is no voltage" if scale is None else "no units a bit"
        raise UnreadableRecordingError(
            f"{path}: has no amplitude scale in volts ({without}), so its amplitudes are not known; export it again"
        )
    rows: dict[str, NDArray[np.float64]] = {}
    for channel in block.findall("channel"):
        name, data = text_of(channel, "name"), channel.find("data")
        if text_of(channel, "datastype") != "COMMASEPARATE":
            raise UnreadableRecordingError(f"{path}: lead {name[:20]} is not comma-separated; such files are not read")
        values = numbers((data.text or "") if data is not None else "", f"{path}: lead {name[:20]}")
        declared = number_of(channel, "samplecount")
        if name in rows or (declared is not None and declared != values.size):
            raise UnreadableRecordingError(
                f"{path}: lead {name[:20]} has another number of samples than declared, or stands there twice"
            )
        rows[name] = values * (step * scale)
        check_shape(path, len(rows), max(1, values.size))
    notes: tuple[str, ...] = ()
    if not unit:
        unit, factor = assumed_unit(rows.values())
        rows = {name: row * factor for name, row in rows.items()}
        notes = (f"unit not given: {unit} taken, after the amplitudes",)
    leads, signal = stack_rows(path, rows)
    return leads, signal, fs, notes


def _measurements(root: Element) -> dict[str, float]:
    out: dict[str, float] = {}
    for one in root.iter("annotation_global"):
        name, value = _MEASUREMENTS.get(text_of(one, "name")), to_number(text_of(one, "value"))
        if name and value is not None:
            out.setdefault(name, value)
    return out


READER = Reader("schiller", sniff, read)
