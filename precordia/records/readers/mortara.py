"""Mortara (Welch Allyn, Hillrom) ELI XML (root ``ECG``): base64 samples in attributes, the typical cycle beside the rhythm.

The maker publishes no specification; the layout is that of real exports, as public readers have it. Checked against ecgdatakit.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError, UnusableSignalError
from precordia.core.recording import MedianBeats, Recording
from precordia.records.channels import one_line, parse_time
from precordia.records.limits import check_fs, check_shape
from precordia.records.people import age_at, parse_sex
from precordia.records.readers.reader import Head, Reader
from precordia.records.readers.statements import report_of, statements
from precordia.records.readers.strips import stack_rows, with_limb_leads
from precordia.records.readers.xml_tree import base64_int16, parse_xml, to_number

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_ITS_OWN: Final = ("ACQUISITION_TIME", "<TYPICAL_CYCLE", "<CHANNEL", "<SUBJECT")
_OF_ROOT: Final = {"VENT_RATE": "heart_rate_bpm", "AVERAGE_RR": "rr_ms"}
_OF_CYCLE: Final = {
    "P_DURATION": "p_ms", "PR_DURATION": "pr_ms", "QRS_DURATION": "qrs_ms", "QT": "qt_ms", "QTC": "qtc_ms",
    "QTF": "qtc_fridericia_ms", "P_AXIS": "p_axis_deg", "QRS_AXIS": "axis_deg", "T_AXIS": "t_axis_deg",
}  # fmt: skip
_FIELDS: Final = {"2": "id", "3": "age", "4": "sex", "16": "born"}
"""``DEMOGRAPHIC_FIELD`` by its ID; labels are in the cart's language."""


def sniff(head: Head) -> int:
    """2 for the root ``ECG`` with one of the elements or attributes of its own."""
    return 2 if head.xml_root == "ECG" and any(mark in head.text for mark in _ITS_OWN) else 0


def read(path: Path) -> Recording:
    """The rhythm, the typical cycle, demographics, statements and measurements.

    Raises:
        UnreadableRecordingError: damaged, or with samples of a kind that is not read.
        UnusableSignalError: there are no channels.
    """
    root = parse_xml(path)
    channels = root.findall("CHANNEL")
    if not channels:
        raise UnusableSignalError(f"{path}: holds no channels; export the ECG with its waveforms")
    rates = {_number(channel, "SAMPLE_FREQ") for channel in channels}
    if len(rates) > 1:
        raise UnreadableRecordingError(f"{path}: its channels have different rates; such files are not read")
    fs = check_fs(path, rates.pop() or 0.0)
    leads, signal = _rows(path, channels, None)
    leads, signal, derived = with_limb_leads(leads, signal)
    offsets = [channel.get("NAME", "") for channel in channels if _number(channel, "OFFSET")]
    cycle = root.find("TYPICAL_CYCLE")
    lines = [_attribute(one, "TEXT") for one in root.findall("AUTOMATIC_INTERPRETATION/STATEMENT")]
    unconfirmed = any(line.upper().startswith("UNCONFIRMED") for line in lines)
    lines = [line for line in lines if not line.upper().startswith("UNCONFIRMED")]
    source = root.find("SOURCE")
    time = _time(_attribute(root, "ACQUISITION_TIME")) or _time(_attribute(root, "ACQUISITION_TIME_XML"))
    notes = [f"offset of {', '.join(offsets)} not applied: its meaning is not published"] if offsets else []
    if unconfirmed:
        notes.append("the report is unconfirmed: it is the cart's own interpretation")
    return Recording(
        signal=signal,
        fs=fs,
        leads=leads,
        recording_id=path.stem,
        time=time,
        device=" ".join(filter(None, (_attribute(source, name) for name in ("MANUFACTURER", "MODEL")))) or None,
        source=str(path),
        format="mortara",
        report=report_of(lines),
        vendor_statements=statements(lines),
        vendor_measurements=_measurements(root, cycle),
        median_beats=_beats(path, cycle, fs),
        metadata={"status": "unconfirmed"} if unconfirmed else {},
        notes=(*notes, *derived),
        **_person(root, time),
    )


def _rows(
    path: Path, channels: list[Element], units_per_mv: float | None
) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """The samples of channels, mV; each says its own scale unless one is given for all."""
    rows: dict[str, NDArray[np.float64]] = {}
    for channel in channels:
        name = _attribute(channel, "NAME") or f"channel {len(rows) + 1}"
        kind = tuple(channel.get(key, usual).upper() for key, usual in
                     (("BITS", "16"), ("FORMAT", "SIGNED"), ("ENCODING", "BASE64")))  # fmt: skip
        if kind != ("16", "SIGNED", "BASE64"):
            raise UnreadableRecordingError(
                f"{path}: lead {name[:20]} holds samples of kind {' '.join(kind)[:40]}; only 16-bit signed base64 is read"
            )
        units = units_per_mv or _number(channel, "UNITS_PER_MV")
        if not units or units < 0:
            raise UnreadableRecordingError(
                f"{path}: lead {name[:20]} has no units per mV, so its amplitudes are not known; export it again"
            )
        samples = base64_int16(channel.get("DATA") or channel.text or "", f"{path}: lead {name[:20]}")
        declared, fs = _number(channel, "DURATION"), _number(channel, "SAMPLE_FREQ")
        # DURATION counts samples; some exports give milliseconds.
        if declared and declared != samples.size and not (fs and round(samples.size * 1000 / fs) == declared):
            raise UnreadableRecordingError(
                f"{path}: lead {name[:20]} declares {declared:.0f} samples but holds {samples.size}; it is truncated or damaged"
            )
        if name in rows:
            raise UnreadableRecordingError(f"{path}: lead {name[:20]} stands there twice; the file is damaged")
        rows[name] = samples / units
        check_shape(path, len(rows), max(1, samples.size))
    return stack_rows(path, rows)


def _beats(path: Path, cycle: Element | None, fs: float) -> MedianBeats | None:
    channels = cycle.findall("TYPICAL_CYCLE_CHANNEL") if cycle is not None else []
    units = _number(cycle, "UNITS_PER_MV")
    if not channels or not units or units < 0:
        return None
    leads, signal = _rows(path, channels, units)
    return MedianBeats(signal, check_fs(path, _number(cycle, "SAMPLE_FREQ") or fs), leads)


def _person(root: Element, time: datetime | None) -> dict[str, Any]:
    """Patient id, age and sex; names are passed over."""
    fields = {_FIELDS.get(one.get("ID", "")): one for one in root.findall("DEMOGRAPHIC_FIELDS/DEMOGRAPHIC_FIELD")}
    subject, value = root.find("SUBJECT"), {key: _attribute(one, "VALUE") for key, one in fields.items() if key}
    born = parse_time((_attribute(subject, "DOB_XML") or _attribute(subject, "DOB") or value.get("born", ""))[:10])
    stated = f"{_attribute(root, 'AGE')} {_attribute(root, 'AGE_UNITS')}".strip()
    return {
        "patient_id": _attribute(subject, "ID") or value.get("id") or None,
        "age": age_at(time, stated or f"{value.get('age', '')} {_attribute(fields.get('age'), 'UNITS')}", born),
        "sex": parse_sex(_attribute(subject, "GENDER") or value.get("sex", "")),
    }


def _measurements(root: Element, cycle: Element | None) -> dict[str, float]:
    found = {name: _number(root, key) for key, name in _OF_ROOT.items()}
    found.update({name: _number(cycle, key) for key, name in _OF_CYCLE.items()})
    return {name: value for name, value in found.items() if value is not None}


def _time(text: str) -> datetime | None:
    if len(text) == 14 and text.isdigit():
        return parse_time(text[:8], text[8:])
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None


def _attribute(element: Element | None, name: str) -> str:
    return one_line(element.get(name, "")) if element is not None else ""


def _number(element: Element | None, name: str) -> float | None:
    return to_number(_attribute(element, name))


READER = Reader("mortara", sniff, read)
