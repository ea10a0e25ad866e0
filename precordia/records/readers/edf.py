"""EDF, EDF+ and BDF (https://www.edfplus.info/specs/): a fixed-width header and records of 16- or 24-bit samples.

The reader is our own, so that it accepts the many headers that bend the specification; it is checked against edfio. Records of
a discontinuous file (EDF+D) are laid at their times. Annotations tell events, never a report.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError, UnusableSignalError
from precordia.core.leads import canonical_lead
from precordia.core.recording import Recording, Sex
from precordia.records.channels import assumed_unit, is_other_signal, mv_per_unit, one_line, parse_time
from precordia.records.limits import MAX_TEXT_BYTES, MAX_VALUES, check_fs, check_shape, read_bytes
from precordia.records.people import age_at, parse_sex
from precordia.records.readers.reader import Head, Reader
from precordia.records.readers.statements import event_notes
from precordia.records.readers.strips import resample_row, stack_rows, with_limb_leads
from precordia.records.readers.xml_tree import to_number

_FIELDS: Final = (("label", 16), ("transducer", 80), ("units", 8), ("physical_min", 8), ("physical_max", 8), ("digital_min", 8),
                  ("digital_max", 8), ("filters", 80), ("samples", 8), ("reserved", 32))  # fmt: skip
_ANNOTATIONS: Final = ("EDF Annotations", "BDF Annotations")
_SPARSEST: Final = 10
"""Records that fill less than a tenth of their time are pieces, not a recording with gaps."""
_MOST_STAMPS: Final = 500_000
"""Most records whose annotations are read; a day of records of a second is 86,400."""


@dataclass(frozen=True)
class Channel:
    """One signal of the header: ``scale`` is its millivolts per unit, None when it is no voltage; ``stamps`` marks annotations."""

    name: str
    unit: str
    scale: float | None
    gain: float
    offset: float
    samples: int
    digital_min: float
    stamps: bool


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
        UnreadableRecordingError: damaged or truncated.
        UnusableSignalError: no signal is a voltage.
    """
    data = read_bytes(path)
    width = 3 if data[:1] == b"\xff" else 2
    text = data[:256].decode("latin-1")
    n_records, duration = to_number(text[236:244]), to_number(text[244:252])
    channels = channels_of(path, data, int(to_number(text[252:256]) or 0))
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
        units = ", ".join(dict.fromkeys(f"{c.name} ({c.unit or 'no unit'})" for c in channels if c.name))[:80]
        raise UnusableSignalError(
            f"{path}: no signal is a voltage ({units or 'annotations only'}); there is no ECG in it"
        )
    check_shape(path, len(channels), -(-frame * count // len(channels)))
    if not duration or duration <= 0:
        raise UnreadableRecordingError(
            f"{path}: its records last no time, so there is no sampling rate; the file is damaged"
        )
    block = np.frombuffer(data, dtype=np.uint8, count=count * frame * width, offset=start).reshape(count, frame * width)
    leads, signal, fs, notes = _signal(path, channels, voltage, block, width, duration)
    stamps = _stamps(channels, block, width)
    if text[192:197] in ("EDF+D", "BDF+D"):
        signal, gaps = _at_their_times(path, signal, fs, [onset for onset, _ in stamps], count)
        notes = (*notes, *gaps)
    leads, signal, derived = with_limb_leads(leads, signal)
    events = event_notes(line for _, lines in stamps for line in lines)
    return recording_of(path, text, leads, signal, fs, (*notes, *derived, *events))


def recording_of(
    path: Path, head: str, leads: tuple[str, ...], signal: NDArray[np.float32], fs: float, notes: tuple[str, ...] = ()
) -> Recording:
    """Leads with what the file's first 256 characters say of patient and time.

    Args:
        path: The file.
        head: Those characters.
        leads: Names.
        signal: ``(n_leads, n_samples)`` mV.
        fs: Hz.
        notes: What reading did.
    """
    time = parse_time(f"{_year(head[174:176])}-{head[171:173]}-{head[168:170]}", head[176:184].replace(".", ":"))
    patient, age, sex, device = _people(head[8:88], head[88:168], time, plus=head[192:196] in ("EDF+", "BDF+"))
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
        notes=notes,
    )


def channels_of(path: Path, data: bytes, count: int) -> list[Channel]:
    """The signals that a header describes."""
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
        unit = "" if annotation else columns["units"][i]
        scale = None if dmax == dmin or pmax == pmin else mv_per_unit(unit)
        if scale is None and not unit and is_lead(label) and not annotation:
            scale = 1.0  # settled by the amplitudes once they are read
        gain = (pmax - pmin) / (dmax - dmin) if dmax != dmin else 0.0
        out.append(
            Channel("" if annotation else label, unit, scale, gain, pmin - gain * dmin, int(samples), dmin, annotation)
        )
    return out


def is_lead(label: str) -> bool:
    """Whether a label names a lead of an ECG, or an ECG."""
    return canonical_lead(label) is not None or label.upper().startswith(("ECG", "EKG"))


def _signal(
    path: Path, channels: list[Channel], voltage: list[int], block: NDArray[np.uint8], width: int, duration: float
) -> tuple[tuple[str, ...], NDArray[np.float32], float, tuple[str, ...]]:
    ecg = [i for i in voltage if not is_other_signal(channels[i].name)]
    leads = next(
        found
        for found in (
            [i for i in ecg if canonical_lead(channels[i].name)],
            [i for i in ecg if is_lead(channels[i].name)],
            ecg,
            voltage,
        )
        if found
    )
    rate = max(channels[i].samples for i in leads)
    fs = check_fs(path, rate / duration)
    check_shape(path, len(leads), rate * block.shape[0])
    starts = np.concatenate(([0], np.cumsum([channel.samples for channel in channels]))) * width
    rows: dict[str, NDArray[np.float64]] = {}
    notes: list[str] = []
    others = [channel.name for channel in channels if channel.scale is None and channel.name]
    for i in voltage:
        channel = channels[i]
        other = is_other_signal(channel.name) and i not in leads
        if not channel.samples or other or (channel.samples != rate and i not in leads):
            others.append(channel.name)
            continue
        digital = integers_of(block[:, starts[i] : starts[i + 1]], width)
        idle = int(np.argmax(digital[::-1] != channel.digital_min))
        if idle >= fs / 2:
            notes.append(f"{channel.name}: the last {idle / fs:.1f} s stand at the lowest value, perhaps padding")
        row = (digital.astype(np.float64) * channel.gain + channel.offset) * (channel.scale or 1.0)
        if channel.samples != rate:
            row = resample_row(row, rate, channel.samples, rate * block.shape[0])
            notes.append(f"{channel.name} resampled from {channel.samples / duration:g} to {fs:g} Hz")
        name = channel.name if channel.name not in rows else f"{channel.name} {i + 1}"
        rows[name or f"channel {i + 1}"] = row
    without_unit = [name for name in rows if not next((c.unit for c in channels if c.name == name), "mV")]
    if without_unit:
        unit, factor = assumed_unit(rows[name] for name in without_unit)
        rows.update({name: rows[name] * factor for name in without_unit})
        notes.insert(0, f"unit of {', '.join(without_unit)} not given: {unit} taken, after the amplitudes")
    if others:
        notes.insert(0, f"left out: {', '.join(others)}")
    names, signal = stack_rows(path, rows)
    return names, signal, fs, tuple(notes)


def _at_their_times(
    path: Path, signal: NDArray[np.float32], fs: float, onsets: list[float | None], count: int
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """The records of a discontinuous file laid at the times that their annotations give, NaN between, and a note of the gaps."""
    if len(onsets) != count or any(onset is None for onset in onsets):
        raise UnreadableRecordingError(
            f"{path}: a discontinuous EDF+ file whose records do not all give their time; export it as EDF+C"
        )
    width = signal.shape[1] // count
    places = [round((onset - (onsets[0] or 0.0)) * fs) for onset in onsets if onset is not None]
    if any(later - earlier < width for earlier, later in pairwise(places)):
        raise UnreadableRecordingError(f"{path}: the records of this EDF+D file overlap in time; the file is damaged")
    total = places[-1] + width
    if total == signal.shape[1]:
        return signal, ()
    if total > _SPARSEST * signal.shape[1]:
        raise UnreadableRecordingError(
            f"{path}: its records hold {signal.shape[1] / fs:.0f} s of {total / fs:.0f} s; cut it into its pieces"
        )
    check_shape(path, signal.shape[0], total)
    out = np.full((signal.shape[0], total), np.nan, dtype=np.float32)
    for record, place in enumerate(places):
        out[:, place : place + width] = signal[:, record * width : (record + 1) * width]
    gaps = sum(later - earlier > width for earlier, later in pairwise(places))
    return out, (
        f"{gaps} gap{'s' if gaps > 1 else ''} of together {(total - signal.shape[1]) / fs:.2f} s are missing samples",
    )


def integers_of(octets: NDArray[np.uint8], width: int) -> NDArray[np.int32]:
    """Samples of 2 or 3 bytes, the lowest first."""
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
    age = age_at(time, born=born)
    parts = recording.split()
    device = parts[4].replace("_", " ") if len(parts) > 4 and parts[4] != "X" else None
    return code, age, parse_sex(words[1]) if len(words) > 1 else None, device


def _stamps(
    channels: list[Channel], block: NDArray[np.uint8], width: int
) -> list[tuple[float | None, tuple[str, ...]]]:
    """Of each record its time after the start, s, and the texts of its time-stamped annotation lists (TAL)."""
    ends = np.cumsum([channel.samples for channel in channels]) * width
    spans = [
        slice(int(end) - channel.samples * width, int(end))
        for channel, end in zip(channels, ends, strict=True)
        if channel.stamps
    ]
    out: list[tuple[float | None, tuple[str, ...]]] = []
    bytes_each = max(1, sum(span.stop - span.start for span in spans))
    for record in block[: min(_MOST_STAMPS, MAX_TEXT_BYTES // bytes_each)] if spans else block[:0]:
        lists = [part.split(b"\x14") for span in spans for part in record[span].tobytes().split(b"\0") if part]
        onset = to_number(lists[0][0].split(b"\x15")[0].decode("ascii", "replace")) if lists else None
        texts = (one_line(text.decode("utf-8", "replace")) for parts in lists for text in parts[1:])
        out.append((onset, tuple(text for text in texts if text)))
    return out


def _year(text: str) -> str:
    """Four digits from two: 85 to 99 are of the last century (EDF's clipping date)."""
    return (f"19{text}" if int(text) >= 85 else f"20{text}") if text.isdigit() else "0000"


READER = Reader("edf", sniff, read, (".edf", ".bdf"))
