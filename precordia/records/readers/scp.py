"""SCP-ECG (EN 1064, ISO 11073-91064), versions 1 and 2: sections found through section 0, all numbers little-endian.

Read: demographics (1), Huffman tables (2), leads (3), QRS locations (4), reference beat (5), rhythm (6), measurements
(7), statements (8). Bimodal compression, which loses samples between beats, is refused. Checked against ecgdatakit.
"""

from __future__ import annotations

import binascii
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError, UnusableSignalError
from precordia.core.recording import MedianBeats, Recording
from precordia.records.channels import one_line, parse_time
from precordia.records.limits import check_fs, check_shape, read_bytes
from precordia.records.people import age_at
from precordia.records.readers.reader import Head, Reader
from precordia.records.readers.scp_signal import (
    SubtractionZone,
    Table,
    add_reference_beat,
    decode,
    integrate,
    read_tables,
)
from precordia.records.readers.statements import report_of, statements
from precordia.records.readers.strips import Strip, join_strips, stack_rows, with_limb_leads

_HEADER: Final = 16
_LEADS: Final = {1: "I", 2: "II", 3: "V1", 4: "V2", 5: "V3", 6: "V4", 7: "V5", 8: "V6", 9: "V7", 10: "V2R", 11: "V3R", 12: "V4R",
                 13: "V5R", 14: "V6R", 15: "V7R", 16: "X", 17: "Y", 18: "Z", 61: "III", 62: "aVR", 63: "aVL", 64: "aVF",
                 65: "-aVR", 66: "V8", 67: "V9"}  # fmt: skip
"""Lead codes of section 3 (EN 1064, table 5)."""
_MAKERS: Final = ("", "Burdick", "Cambridge", "Compumed", "Datamed", "Fukuda", "Hewlett-Packard", "Marquette",
                  "Mortara", "Nihon Kohden", "Okin", "Quinton", "Siemens", "Spacelabs", "Telemed", "Hellige", "ESA-OTE",
                  "Schiller")  # fmt: skip
_AGE_UNITS: Final = {1: "years", 2: "months", 3: "weeks", 4: "days", 5: "hours"}
_UNDEFINED: Final = (0, 999, 29999, 0xFFFF)


@dataclass
class _File:
    """What has been read so far."""

    path: Path
    data: bytes
    bodies: dict[int, bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    tables: list[Table] | None = None
    packed: bool = False
    ranges: list[tuple[int, int]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    subtracted: bool = False
    beat_ms: int = 0
    beat_fiducial: int = 0
    zones: list[SubtractionZone] = field(default_factory=list)


def sniff(head: Head) -> int:
    """2 for a section 0 that describes itself at byte 7."""
    data = head.data
    if len(data) < 32:
        return 0
    section, length = struct.unpack_from("<HI", data, 8)
    own, _, index = struct.unpack_from("<HII", data, 22)
    named = data[16:22] == b"SCPECG"
    fits = section == 0 and own == 0 and index == 7 and 26 <= length <= head.size
    return 2 if fits else 1 if named else 0


def read(path: Path) -> Recording:
    """The rhythm of an SCP-ECG file with its patient, statements and measurements.

    Raises:
        UnreadableRecordingError: damaged, or compressed in a way that is not read.
        UnusableSignalError: no leads.
    """
    file = _File(path, read_bytes(path))
    try:
        _find_sections(file)
        person = _person(file.bodies.get(1, b""))
        _define_leads(file)
        beats, beat_fs = _reference_beats(file)
        strips = _rhythm(file, beats, beat_fs)
        lines = _statements(file.bodies.get(8, b""))
        measured = _measurements(file.bodies.get(7, b""))
    except struct.error:
        raise UnreadableRecordingError(
            f"{path}: a section ends before what it declares; the file is truncated or damaged"
        ) from None
    if not strips:
        raise UnusableSignalError(f"{path}: declares no leads; nothing to read")
    leads, signal, fs, notes = join_strips(path, strips, "leads")
    leads, signal, derived = with_limb_leads(leads, signal)
    median = None
    if beats:
        beat_leads, beat_signal = stack_rows(path, {name: row / 1000 for name, row in beats.items()}, "reference beats")
        beat_leads, beat_signal, _ = with_limb_leads(beat_leads, beat_signal)
        median = MedianBeats(beat_signal, beat_fs, beat_leads)
    return Recording(
        signal=signal,
        fs=fs,
        leads=leads,
        recording_id=path.stem,
        source=str(path),
        format="scp",
        report=report_of(lines),
        vendor_statements=statements(lines),
        vendor_measurements=measured,
        median_beats=median,
        notes=(*file.notes, *notes, *derived),
        **person,
    )


def _find_sections(file: _File) -> None:
    data, path = file.data, file.path
    crc, size = struct.unpack_from("<HI", data)
    if size > len(data):
        raise UnreadableRecordingError(f"{path}: holds {len(data)} of {size} bytes; it is truncated")
    data = file.data = data[:size]
    bad = ["file"] if binascii.crc_hqx(data[2:], 0xFFFF) != crc else []
    (length,) = struct.unpack_from("<I", data, 10)
    for at in range(6 + _HEADER, min(6 + length, len(data)) - 9, 10):
        number, length, index = struct.unpack_from("<HII", data, at)
        if not 1 <= number <= 11 or length <= _HEADER:
            continue
        start = index - 1
        if start < 0 or start + length > len(data) or number in file.bodies:
            raise UnreadableRecordingError(
                f"{path}: section {number} lies outside the file or stands there twice; the file is damaged"
            )
        section_crc, own = struct.unpack_from("<HH", data, start)
        if own != number:
            raise UnreadableRecordingError(f"{path}: section {number} is not where section 0 says; the file is damaged")
        if binascii.crc_hqx(data[start + 2 : start + length], 0xFFFF) != section_crc:
            bad.append(f"section {number}")
        file.bodies[number] = data[start + _HEADER : start + length]
    if bad:
        file.notes.append(f"checksum of {', '.join(bad)} does not match: the file may be damaged")


def _person(body: bytes) -> dict[str, Any]:
    """Section 1: fields of ``Recording``. Names are passed over."""
    tags: dict[int, bytes] = {}
    at = 0
    while at + 3 <= len(body) and body[at] != 255:
        tag, length = struct.unpack_from("<BH", body, at)
        tags.setdefault(tag, body[at + 3 : at + 3 + length])
        at += 3 + length
    born = _date(tags.get(5, b""))
    clock = tags.get(26, b"")
    time = parse_time(
        _date(tags.get(25, b"")) or "", ":".join(f"{part:02d}" for part in clock[:3]) if len(clock) >= 3 else ""
    )
    stated = None
    if len(tags.get(4, b"")) >= 3:
        value, unit = struct.unpack_from("<HB", tags[4])
        stated = f"{value} {_AGE_UNITS.get(unit, 'years')}" if value else None
    age = age_at(time, stated, parse_time(born or ""))
    extra = {
        "indication": _text(tags.get(13, b"")),
        "comment": _text(tags.get(30, b"")),
        "institution": _text(tags.get(16, b"")),
    }
    return {
        "patient_id": _text(tags.get(2, b"")) or None,
        "time": time,
        "age": age,
        "sex": {1: "M", 2: "F"}.get(tags.get(8, b"\0")[0] if tags.get(8) else 0),
        "device": _device(tags.get(14, b"")),
        "metadata": {key: value for key, value in extra.items() if value},
    }


def _device(value: bytes) -> str | None:
    if len(value) < 14:
        return None
    strings = value[36:].split(b"\0")
    maker = _text(strings[4]) if len(strings) > 4 else ""
    if not maker and value[7] < len(_MAKERS):
        maker = _MAKERS[value[7]]
    return " ".join(filter(None, [maker, _text(value[8:14])])) or None


def _date(raw: bytes) -> str | None:
    if len(raw) < 4:
        return None
    year, month, day = struct.unpack_from("<HBB", raw)
    return f"{year:04d}-{month:02d}-{day:02d}"


def _text(raw: bytes) -> str:
    raw = raw.split(b"\0", 1)[0]
    try:
        return one_line(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return one_line(raw.decode("latin-1"))


def _define_leads(file: _File) -> None:
    """Sections 2, 3 and 4."""
    if 3 not in file.bodies or 6 not in file.bodies:
        raise UnusableSignalError(
            f"{file.path}: has no lead definition or no rhythm (sections 3 and 6); there is no ECG in it"
        )
    body = file.bodies[3]
    count, flags = struct.unpack_from("<BB", body)
    for i in range(count):
        start, end, code = struct.unpack_from("<IIB", body, 2 + 9 * i)
        if start == 0:  # the standard counts from 1; these writers mean the first `end` samples, or one more
            start, end = 1, end + (_samples_held(file, i) == end + 1)
        if end < start:
            raise UnreadableRecordingError(
                f"{file.path}: lead {i + 1} has an impossible sample range; the file is damaged"
            )
        file.ranges.append((start, end))
        file.names.append(_LEADS.get(code, f"lead {code}"))
    check_shape(file.path, count, max((end for _, end in file.ranges), default=0))
    if len(set(file.names)) != count:
        raise UnreadableRecordingError(f"{file.path}: a lead stands there twice; the file is damaged")
    file.subtracted = bool(flags & 1)
    if 2 in file.bodies:
        file.packed = True
        file.tables = read_tables(file.bodies[2], str(file.path))
    if 4 in file.bodies:
        body = file.bodies[4]
        file.beat_ms, file.beat_fiducial, n_zones = struct.unpack_from("<HHH", body)
        if file.subtracted:
            file.zones = [SubtractionZone(*struct.unpack_from("<HIII", body, 6 + 14 * i)) for i in range(n_zones)]


def _samples_held(file: _File, lead: int) -> int | None:
    """Samples of a lead in section 6, where they are not compressed."""
    if 2 in file.bodies:
        return None
    (size,) = struct.unpack_from("<H", file.bodies[6], 6 + 2 * lead)
    return int(size) // 2


def _leads_of(file: _File, section: int, counts: list[int] | None) -> tuple[list[NDArray[np.float64]], float]:
    """The rows of section 5 or 6, µV, and the sampling rate."""
    body, path = file.bodies[section], file.path
    nanovolt, interval_us, difference, bimodal = struct.unpack_from("<HHBB", body)
    if difference > 2 or not nanovolt or not interval_us:
        raise UnreadableRecordingError(
            f"{path}: section {section} has no scale, rate or known encoding; the file is damaged"
        )
    if section == 6 and bimodal and file.subtracted:
        raise UnreadableRecordingError(
            f"{path}: its rhythm is compressed bimodally, which loses samples; export it losslessly"
        )
    fs = check_fs(path, round(1e6 / interval_us, 6))
    if counts is None and file.packed:
        counts = [round(file.beat_ms * 1000 / interval_us)] * len(file.names)
    sizes = struct.unpack_from(f"<{len(file.names)}H", body, 6)
    at = 6 + 2 * len(file.names)
    rows = []
    for i, size in enumerate(sizes):
        chunk, what = body[at : at + size], f"{path}: lead {file.names[i]}"
        at += size
        if len(chunk) < size:
            raise UnreadableRecordingError(f"{what}: its samples end beyond section {section}; the file is truncated")
        if file.packed and counts is not None:
            values = decode(chunk, counts[i], file.tables, difference, what)
        else:
            n = counts[i] if counts is not None else size // 2
            if 2 * n > size:
                raise UnreadableRecordingError(f"{what}: holds {size // 2} of {n} samples; the file is damaged")
            values = integrate(np.frombuffer(chunk, dtype="<i2", count=n).astype(np.int64), difference)
        rows.append(values * (nanovolt / 1000.0))
    return rows, fs


def _reference_beats(file: _File) -> tuple[dict[str, NDArray[np.float64]], float]:
    """Section 5 as rows in µV; empty when there is none, or its length is not given."""
    if 5 not in file.bodies or (file.packed and not file.beat_ms):
        return {}, 0.0
    rows, fs = _leads_of(file, 5, None)
    if not rows or not rows[0].size:
        return {}, 0.0
    return dict(zip(file.names, rows, strict=True)), fs


def _rhythm(file: _File, beats: dict[str, NDArray[np.float64]], beat_fs: float) -> list[Strip]:
    """Section 6 as strips in mV: the leads of each sample range."""
    rows, fs = _leads_of(file, 6, [end - start + 1 for start, end in file.ranges])
    if file.subtracted and (not beats or beat_fs != fs or not file.zones):
        raise UnreadableRecordingError(
            f"{file.path}: its reference beat was taken out of the rhythm but is not in the file; damaged"
        )
    strips: dict[tuple[int, int], dict[str, NDArray[np.float64]]] = {}
    for name, row, (start, end) in zip(file.names, rows, file.ranges, strict=True):
        if file.subtracted:
            add_reference_beat(row, start, beats[name], file.beat_fiducial, file.zones)
        strips.setdefault((start, end), {})[name] = row / 1000
    return [Strip(leads, fs, start / fs) for (start, _), leads in strips.items()]


def _statements(body: bytes) -> list[str]:
    """Section 8: textual statements."""
    lines: list[str] = []
    if len(body) < 9:
        return lines
    at = 9
    for _ in range(body[8]):
        _, size = struct.unpack_from("<BH", body, at)
        lines.append(" ".join(filter(None, (_text(part) for part in body[at + 3 : at + 3 + size].split(b"\0")))))
        at += 3 + size
    return lines


def _measurements(body: bytes) -> dict[str, float]:
    """Section 7: RR, and the intervals and axes of the first measurement block."""
    out: dict[str, float] = {}
    if len(body) < 6:
        return out
    n_blocks, n_spikes, rr = struct.unpack_from("<BBH", body)

    def put(name: str, value: float, *parts: int) -> None:
        if not any(part in _UNDEFINED for part in parts):
            out[name] = float(value)

    put("rr_ms", rr, rr)
    if n_blocks:
        p_on, p_off, qrs_on, qrs_off, t_off, p_axis, axis, t_axis = struct.unpack_from("<5H3h", body, 6)
        put("p_ms", p_off - p_on, p_on, p_off)
        put("pr_ms", qrs_on - p_on, p_on, qrs_on)
        put("qrs_ms", qrs_off - qrs_on, qrs_on, qrs_off)
        put("qt_ms", t_off - qrs_on, qrs_on, t_off)
        for name, value in (("p_axis_deg", p_axis), ("axis_deg", axis), ("t_axis_deg", t_axis)):
            if abs(value) <= 180:
                out[name] = float(value)
    at = 6 + 16 * n_blocks + 10 * n_spikes
    if at + 2 <= len(body):
        (n_qrs,) = struct.unpack_from("<H", body, at)
        at += 2 + n_qrs
        if at + 6 <= len(body):
            rate, atrial, qtc = struct.unpack_from("<HHH", body, at)
            put("heart_rate_bpm", rate, rate)
            put("atrial_rate_bpm", atrial, atrial)
            put("qtc_ms", qtc, qtc)
    return out


READER = Reader("scp", sniff, read, (".scp",))
