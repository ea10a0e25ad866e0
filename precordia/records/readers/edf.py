"""EDF, EDF+ and BDF (https://www.edfplus.info/specs/): a fixed-width header and records of 16- or 24-bit samples.

The reader is our own, so that it accepts the many headers that bend the specification; it is checked against edfio.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError, UnusableSignalError
from precordia.core.leads import canonical_lead
from precordia.core.recording import Recording, Sex
from precordia.records.channels import mv_per_unit, one_line, parse_age, parse_sex, parse_time
from precordia.records.limits import MAX_VALUES, check_fs, check_shape, read_bytes
from precordia.records.readers.reader import Head, Reader
from precordia.records.readers.statements import report_of, statements
from precordia.records.readers.strips import resample_row, stack_rows, with_limb_leads
from precordia.records.readers.xml_tree import to_number

_FIELDS: Final = (("label", 16), ("transducer", 80), ("units", 8), ("physical_min", 8), ("physical_max", 8), ("digital_min", 8),
                  ("digital_max", 8), ("filters", 80), ("samples", 8), ("reserved", 32))  # fmt: skip
_ANNOTATIONS: Final = ("EDF Annotations", "BDF Annotations")


@dataclass(frozen=True)
class _Channel:
    """One signal of the header."""

    name: str
    scale: float | None
    gain: float
    offset: float
    samples: int
    digital_min: float


def sniff(head: Head) -> int:
    """2 for a version field followed by a plausible header."""
    data = head.data
    edf, bdf = data[:8] == b"0       ", data[:8] == b"\xffBIOSEMI"
    return (
        2
        if (edf or bdf) and re.fullmatch(rb"\d{1,4} *", data[252:256]) and re.fullmatch(rb"\d+ *", data[184:192])
        else 0
    )


def read(path: Path) -> Recording:
    """The leads of an EDF file with its patient, time and annotations.

    Raises:
        UnreadableRecordingError: damaged or truncated, or with gaps (EDF+D).
        UnusableSignalError: no signal is a voltage.
    """
    data = read_bytes(path)
    width = 3 if data[:1] == b"\xff" else 2
    text = data[:256].decode("latin-1")
    if text[192:197] in ("EDF+D", "BDF+D"):
        raise UnreadableRecordingError(f"{path}: a discontinuous EDF+ file (EDF+D) is not read; export it as EDF+C")
    n_records, duration = to_number(text[236:244]), to_number(text[244:252])
    channels = _channels(path, data, int(to_number(text[252:256]) or 0))
    frame = sum(channel.samples for channel in channels)
    start = 256 * (len(channels) + 1)
    if frame < 1 or frame > MAX_VALUES:
        raise UnusableSignalError(f"{path}: declares no samples, or too many; nothing to read")
    held = (len(data) - start) // (frame * width)
    count = int(n_records) if n_records is not None and n_records >= 0 else held
    if count > held:
        raise UnreadableRecordingError(f"{path}: holds {max(held, 0)} of {count} records; it is truncated")
    voltage = [i for i, channel in enumerate(channels) if channel.scale is not None]
    if not voltage:
        raise UnusableSignalError(f"{path}: no signal is a voltage; there is no ECG in it")
    check_shape(path, len(channels), -(-frame * count // len(channels)))
    if not duration or duration <= 0:
        raise UnreadableRecordingError(
            f"{path}: its records last no time, so there is no sampling rate; the file is damaged"
        )
    block = np.frombuffer(data, dtype=np.uint8, count=count * frame * width, offset=start).reshape(count, frame * width)
    leads, signal, fs, notes = _signal(path, channels, voltage, block, width, duration)
    leads, signal, derived = with_limb_leads(leads, signal)
    time = parse_time(f"{_year(text[174:176])}-{text[171:173]}-{text[168:170]}", text[176:184].replace(".", ":"))
    patient, age, sex, device = _people(text[8:88], text[88:168], time, plus=text[192:196] in ("EDF+", "BDF+"))
    lines = _annotations(channels, block, width)
    return Recording(
        signal=signal,
        fs=fs,
        leads=leads,
        recording_id=path.stem,
        patient_id=patient,
        # 1 January 1985, or 2001 in some tools, with no time of day is what anonymisers leave.
        time=None if time in (datetime(1985, 1, 1), datetime(2001, 1, 1)) else time,
        age=age,
        sex=sex,
        device=device,
        source=str(path),
        format="edf",
        report=report_of(lines),
        vendor_statements=statements(lines),
        notes=(*notes, *derived),
    )


def _channels(path: Path, data: bytes, count: int) -> list[_Channel]:
    if count < 1:
        raise UnusableSignalError(f"{path}: declares no signals; nothing to read")
    check_shape(path, count, 1)
    if len(data) < 256 * (count + 1):
        raise UnreadableRecordingError(f"{path}: ends within its header; it is truncated")
    columns: dict[str, list[str]] = {}
    at = 256
    for name, size in _FIELDS:
        columns[name] = [data[at + i * size : at + (i + 1) * size].decode("latin-1").strip() for i in range(count)]
        at += count * size
    out = []
    for i in range(count):
        pmin, pmax, dmin, dmax, samples = (
            to_number(columns[key][i])
            for key in ("physical_min", "physical_max", "digital_min", "digital_max", "samples")
        )
        label = one_line(columns["label"][i])
        if (
            pmin is None
            or pmax is None
            or dmin is None
            or dmax is None
            or samples is None
            or samples < 0
            or samples > MAX_VALUES
        ):
            raise UnreadableRecordingError(
                f"{path}: signal {i + 1} has no readable range or length; the file is damaged"
            )
        annotation = columns["label"][i] in _ANNOTATIONS
        scale = None if annotation or dmax == dmin or pmax == pmin else mv_per_unit(columns["units"][i])
        gain = (pmax - pmin) / (dmax - dmin) if dmax != dmin else 0.0
        out.append(_Channel("" if annotation else label, scale, gain, pmin - gain * dmin, int(samples), dmin))
    return out


def _signal(
    path: Path, channels: list[_Channel], voltage: list[int], block: NDArray[np.uint8], width: int, duration: float
) -> tuple[tuple[str, ...], NDArray[np.float32], float, tuple[str, ...]]:
    leads = [i for i in voltage if canonical_lead(channels[i].name)] or voltage
    rate = max(channels[i].samples for i in leads)
    fs = check_fs(path, rate / duration)
    check_shape(path, len(leads), rate * block.shape[0])
    starts = np.concatenate(([0], np.cumsum([channel.samples for channel in channels]))) * width
    rows: dict[str, NDArray[np.float64]] = {}
    notes: list[str] = []
    others = [channel.name for channel in channels if channel.scale is None and channel.name]
    for i in voltage:
        channel = channels[i]
        if not channel.samples or (channel.samples != rate and i not in leads):
            others.append(channel.name)
            continue
        digital = _integers(block[:, starts[i] : starts[i + 1]], width)
        idle = int(np.argmax(digital[::-1] != channel.digital_min))
        if idle >= fs / 2:
            notes.append(f"{channel.name}: the last {idle / fs:.1f} s stand at the lowest value, perhaps padding")
        row = (digital.astype(np.float64) * channel.gain + channel.offset) * (channel.scale or 1.0)
        if channel.samples != rate:
            row = resample_row(row, rate, channel.samples, rate * block.shape[0])
            notes.append(f"{channel.name} resampled from {channel.samples / duration:g} to {fs:g} Hz")
        name = channel.name if channel.name not in rows else f"{channel.name} {i + 1}"
        rows[name or f"channel {i + 1}"] = row
    if others:
        notes.insert(0, f"left out: {', '.join(others)}")
    names, signal = stack_rows(path, rows)
    return names, signal, fs, tuple(notes)


def _integers(octets: NDArray[np.uint8], width: int) -> NDArray[np.int32]:
    flat = np.ascontiguousarray(octets).reshape(-1)
    if width == 2:
        return flat.view("<i2").astype(np.int32)
    wide = np.zeros((flat.size // 3, 4), dtype=np.uint8)
    wide[:, 1:] = flat.reshape(-1, 3)
    return wide.view("<i4").ravel() >> 8


def _people(
    patient: str, recording: str, time: datetime | None, *, plus: bool
) -> tuple[str | None, float | None, Sex | None, str | None]:
    """Patient id, age, sex and device of the two free fields; names are passed over."""
    words = patient.split()
    code = words[0] if words and words[0] not in ("X", "Anonymous") else None
    if not plus:
        return code, None, None, None
    born = parse_time(words[2]) if len(words) > 2 else None
    age = parse_age((time - born).days // 365.25) if born and time and time >= born else None
    parts = recording.split()
    device = parts[4].replace("_", " ") if len(parts) > 4 and parts[4] != "X" else None
    return code, age, parse_sex(words[1]) if len(words) > 1 else None, device


def _annotations(channels: list[_Channel], block: NDArray[np.uint8], width: int) -> list[str]:
    """Texts of the time-stamped annotation lists (TAL), each once, in order."""
    lines: dict[str, None] = {}
    at = 0
    for channel in channels:
        if not channel.name and channel.scale is None:
            raw = block[:, at * width : (at + channel.samples) * width].tobytes()[: 2**20]
            for stamped in raw.split(b"\0"):
                lines.update(
                    dict.fromkeys(one_line(part.decode("utf-8", "replace")) for part in stamped.split(b"\x14")[1:])
                )
        at += channel.samples
    return [line for line in lines if line]


def _year(text: str) -> str:
    """Four digits from two: 85 to 99 are of the last century (EDF's clipping date)."""
    return (f"19{text}" if int(text) >= 85 else f"20{text}") if text.isdigit() else "0000"


READER = Reader("edf", sniff, read, (".edf", ".bdf"))
