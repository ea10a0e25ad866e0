"""GE CardioSoft and CASE XML (root ``CardiologyXML``): comma-separated samples, median beats beside the strip.

A resting ECG is in ``StripData``, a list a lead; an exercise test in ``FullDisclosure``, a second of each lead in turn. The
layout is that of the files of UK Biobank (fields 20205 and 6025), as ml4h (broadinstitute/ml4h, ``tensor_writer_ukbb.py``) and
paubrunet97/CardioSoftECGXMLReader read them; others describe the leads as interleaved sample by sample, so that both are known.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError, UnusableSignalError
from precordia.core.recording import MedianBeats, Recording
from precordia.records.channels import mv_per_unit
from precordia.records.limits import check_fs, check_shape
from precordia.records.people import age_at, parse_sex
from precordia.records.readers.reader import Head, Reader
from precordia.records.readers.statements import report_of, statements
from precordia.records.readers.strips import stack_rows, with_limb_leads
from precordia.records.readers.xml_tree import number_of, numbers, parse_xml, text_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_MEASUREMENTS: Final = {
    "VentricularRate": "heart_rate_bpm", "RRInterval": "rr_ms", "PDuration": "p_ms", "PQInterval": "pr_ms", "QRSDuration": "qrs_ms",
    "QTInterval": "qt_ms", "QTCInterval": "qtc_ms", "PAxis": "p_axis_deg", "RAxis": "axis_deg", "TAxis": "t_axis_deg",
}  # fmt: skip
_LINES: Final = ("DiagnosisText", "ConclusionText", "Statement")


def sniff(head: Head) -> int:
    """2 for the root ``CardiologyXML``."""
    return 2 if head.xml_root == "CardiologyXML" else 0


def read(path: Path) -> Recording:
    """The rhythm strip, or the whole of an exercise test, with demographics, interpretation and measurements.

    Raises:
        UnreadableRecordingError: damaged.
        UnusableSignalError: there is no strip.
    """
    root = parse_xml(path)
    strip, whole, median = (root.find(f".//{tag}") for tag in ("StripData", "FullDisclosure", "MedianSamples"))
    if strip is not None and strip.find("WaveformData") is not None:
        leads, signal, fs, notes = _lists(path, strip)
    elif whole is not None:
        leads, signal, fs, notes = _in_turn(path, whole)
    else:
        raise UnusableSignalError(f"{path}: holds no rhythm strip; export the ECG with its waveforms")
    leads, signal, derived = with_limb_leads(leads, signal)
    beats = None
    if median is not None and median.find("WaveformData") is not None:
        beat_leads, beat_signal, beat_fs, _ = _lists(path, median)
        beats = MedianBeats(beat_signal, beat_fs, beat_leads)
    person, time = root.find(".//PatientInfo"), _moment(root.find("ObservationDateTime"))
    age = person.find("Age") if person is not None else None
    born = _moment(person.find("BirthDateTime") if person is not None else None)
    interpretation = root.find("Interpretation")
    lines = [text_of(one) for one in (interpretation.iter() if interpretation is not None else ()) if one.tag in _LINES]
    lines = [line for line in dict.fromkeys(lines) if line.strip("-_ ")]
    measured = root.find(".//RestingECGMeasurements")
    device = text_of(root, ".//DeviceInfo/Desc")
    kind = text_of(root, "ObservationType")
    return Recording(
        signal=signal,
        fs=fs,
        leads=leads,
        recording_id=path.stem,
        patient_id=text_of(person, "PID") or None,
        time=time,
        age=age_at(time, f"{text_of(age)} {age.get('units', '')}" if age is not None else None, born),
        sex=parse_sex(text_of(person, "Gender")),
        device=f"GE {device}" if device else None,
        source=str(path),
        format="cardiosoft",
        report=report_of(lines),
        vendor_statements=statements(lines),
        vendor_measurements={
            name: value for tag, name in _MEASUREMENTS.items() if (value := number_of(measured, tag)) is not None
        },
        median_beats=beats,
        metadata={"observation": kind} if kind else {},
        notes=(*notes, *derived),
    )


def _traits(path: Path, block: Element) -> tuple[float, float, tuple[str, ...]]:
    """Rate, mV a unit, and what was assumed."""
    fs = check_fs(path, number_of(block, "SampleRate") or 0.0)
    element, step = block.find("Resolution"), number_of(block, "Resolution")
    if not step:
        raise UnreadableRecordingError(f"{path}: has no resolution, so its amplitudes are not known; export it again")
    unit = (element.get("units", "") if element is not None else "").lower().replace("perlsb", "")
    scale = mv_per_unit(unit or "uV")
    if scale is None:
        raise UnreadableRecordingError(
            f"{path}: the unit of its resolution is no voltage that is known; export it again"
        )
    return fs, step * scale, () if unit else ("unit not given: uV taken, as CardioSoft writes",)


def _lists(path: Path, block: Element) -> tuple[tuple[str, ...], NDArray[np.float32], float, tuple[str, ...]]:
    fs, scale, notes = _traits(path, block)
    rows: dict[str, NDArray[np.float64]] = {}
    for element in block.findall("WaveformData"):
        name = element.get("lead") or f"channel {len(rows) + 1}"
        values = _samples(element.text or "", f"{path}: lead {name[:20]}")
        if name in rows:
            raise UnreadableRecordingError(f"{path}: lead {name[:20]} stands there twice; the file is damaged")
        rows[name] = values * scale
        check_shape(path, len(rows), max(1, values.size))
    declared = number_of(block, "ChannelSampleCountTotal")
    leads, signal = stack_rows(path, rows)
    if declared and declared > signal.shape[1]:
        raise UnreadableRecordingError(f"{path}: holds {signal.shape[1]} of {declared:.0f} samples; it is truncated")
    return leads, signal, fs, notes


def _samples(text: str, what: str) -> NDArray[np.float64]:
    """Comma-separated samples; a blank between commas is a missing one (before and after the valid part of median beats)."""
    cells = text.strip().rstrip(",").split(",")
    return (
        numbers(" ".join(cell if cell.strip() else "nan" for cell in cells), what)
        if text.strip(" ,\t\r\n")
        else np.zeros(0)
    )


def _in_turn(path: Path, block: Element) -> tuple[tuple[str, ...], NDArray[np.float32], float, tuple[str, ...]]:
    fs, scale, notes = _traits(path, block)
    names = [name.strip() for name in text_of(block, "LeadOrder").split(",") if name.strip()]
    count = int(number_of(block, "NumberOfChannels") or len(names))
    text = ",".join((element.text or "").strip().strip(",") for element in block.findall("FullDisclosureData"))
    values = _samples(text, str(path))
    check_shape(path, count, values.size // max(count, 1))
    if len(names) != count:
        raise UnreadableRecordingError(f"{path}: declares {count} leads but names {len(names)}; the file is damaged")
    each = values[: values.size // count * count].reshape(-1, count).T
    second = round(fs)
    seconds = values.size // (count * second)
    turns = values[: seconds * count * second].reshape(seconds, count, second).swapaxes(0, 1).reshape(count, -1)
    if seconds and _roughness(turns) <= _roughness(each[:, : turns.shape[1]]):
        each = turns
    else:
        notes = (*notes, "leads taken as interleaved sample by sample, which gives the smoother curves")
    leads, signal = stack_rows(path, dict(zip(names, each * scale, strict=True)))
    return leads, signal, fs, notes


def _roughness(rows: NDArray[np.float64]) -> float:
    """Mean change from sample to sample: least where the samples of a lead stand in their order."""
    change = np.abs(np.diff(rows, axis=1))
    return float(np.nanmean(change)) if np.isfinite(change).any() else 0.0


def _moment(element: Element | None) -> datetime | None:
    parts = [number_of(element, part) for part in ("Year", "Month", "Day", "Hour", "Minute", "Second")]
    year, month, day, hour, minute, second = (int(part) if part is not None else 0 for part in parts)
    try:
        return datetime(year, month, day, hour, minute, second) if 1800 <= year <= 2200 else None
    except ValueError:
        return None


READER = Reader("cardiosoft", sniff, read)
