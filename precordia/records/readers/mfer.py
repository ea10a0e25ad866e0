"""MFER, Medical waveform Format Encoding Rules (ISO 22077-1; https://www.mfer.org/en/document.htm), of Japanese makers.

A chain of definitions (tag, length, value) that hold until they are given anew, then waveform frames: sequences x channels x
a block of samples. Read: plain samples of all types, definitions a channel, dominant beats apart. Checked against ecgdatakit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError, UnusableSignalError
from precordia.core.recording import MedianBeats, Recording, Sex
from precordia.records.channels import assumed_unit, one_line
from precordia.records.limits import MAX_CHANNELS, check_fs, check_shape, read_bytes
from precordia.records.people import age_at
from precordia.records.readers.reader import Head, Reader
from precordia.records.readers.strips import stack_rows, with_limb_leads

_PREAMBLE: Final = 0x40
_BYTE_ORDER, _BLOCK, _CHANNELS, _SEQUENCES, _WAVEFORM, _LEAD, _DTYPE = 0x01, 0x04, 0x05, 0x06, 0x08, 0x09, 0x0A
_INTERVAL, _SENSITIVITY, _OFFSET, _COMPRESSION, _NULL, _MAKER, _SAMPLES = 0x0B, 0x0C, 0x0D, 0x0E, 0x12, 0x17, 0x1E
_OF_CHANNEL, _GROUP, _END, _PATIENT, _AGE, _SEX, _TIME = 0x3F, 0x67, 0x80, 0x82, 0x83, 0x84, 0x85
_INHERITED: Final = {_BLOCK, _SEQUENCES, _WAVEFORM, _LEAD, _DTYPE, _INTERVAL, _SENSITIVITY, _OFFSET, _NULL}
_DTYPES: Final = {0: "i2", 1: "u2", 2: "i4", 3: "u1", 5: "i1", 6: "u4", 7: "f4", 8: "f8"}
"""Table 5-6; 4 are status bits, 9 is AHA compression."""
_DOMINANT_BEAT: Final = 9
_LEADS: Final = {1: "I", 2: "II", 3: "V1", 4: "V2", 5: "V3", 6: "V4", 7: "V5", 8: "V6", 9: "V7", 11: "V3R", 12: "V4R", 13: "V5R",
                 14: "V6R", 15: "V7R", 16: "X", 17: "Y", 18: "Z", 61: "III", 62: "aVR", 63: "aVL", 64: "aVF", 65: "-aVR", 66: "V8",
                 67: "V9"}  # fmt: skip
"""Table 5-17."""
_SEXES: Final[dict[int, Sex]] = {1: "M", 2: "F"}
_MOST_TAGS: Final = 100_000
_MOST_LAYOUTS: Final = 1000


@dataclass
class _Frame:
    """One block of waveform data with the definitions of each channel in force."""

    channels: list[dict[int, bytes]]
    data: bytes
    big: bool


@dataclass
class _File:
    """What has been read so far."""

    path: Path
    big: bool = True
    n_channels: int = 1
    of_all: dict[int, bytes] = field(default_factory=dict)
    of_channel: dict[int, dict[int, bytes]] = field(default_factory=dict)
    facts: dict[int, bytes] = field(default_factory=dict)
    frames: list[_Frame] = field(default_factory=list)
    layout: list[dict[int, bytes]] | None = None
    layouts: int = 0
    tags: int = 0

    def in_force(self) -> list[dict[int, bytes]]:
        """The definitions of each channel, put together once for all frames that share them."""
        if self.layout is None:
            self.layouts += 1
            if self.layouts > _MOST_LAYOUTS:
                raise UnreadableRecordingError(f"{self.path}: redefines its channels without end; the file is damaged")
            self.layout = [
                {**{k: v for k, v in self.of_all.items() if k != _LEAD or i == 0}, **self.of_channel.get(i, {})}
                for i in range(self.n_channels)
            ]
        return self.layout

    def number(self, raw: bytes, *, signed: bool = False) -> int:
        return int.from_bytes(raw, "big" if self.big else "little", signed=signed)


def sniff(head: Head) -> int:
    """2 for a preamble "MFR ", 1 for a byte order followed by other definitions of the beginning of a file."""
    data = head.data
    if data[:1] == b"\x40" and data[2:6] == b"MFR ":
        return 2
    return (
        1
        if data[:2] == b"\x01\x01"
        and data[2:3] in (b"\0", b"\1")
        and data[3:4] in (b"\2", b"\4", b"\5", b"\6", b"\x08")
        else 0
    )


def read(path: Path) -> Recording:
    """The waveform frames with patient, time and maker.

    Raises:
        UnreadableRecordingError: damaged, or compressed.
        UnusableSignalError: no waveform is a voltage.
    """
    data = read_bytes(path)
    file = _File(path)
    _walk(file, data, None, depth=0)
    rhythm = [frame for frame in file.frames if not _is_beat(file, frame)]
    beats = [frame for frame in file.frames if _is_beat(file, frame)]
    if not rhythm:
        raise UnusableSignalError(f"{path}: holds no rhythm; export the ECG with its waveforms")
    leads, signal, fs, notes = _signal(file, rhythm)
    leads, signal, derived = with_limb_leads(leads, signal)
    median = None
    if beats:
        beat_leads, beat_signal, beat_fs, _ = _signal(file, beats)
        median = MedianBeats(beat_signal, beat_fs, beat_leads)
    time = _moment(file, file.facts.get(_TIME, b""))
    maker = [part.strip() for part in _text(file.facts.get(_MAKER, b"")).split("^")[:2]]
    return Recording(
        signal=signal,
        fs=fs,
        leads=leads,
        recording_id=path.stem,
        patient_id=_text(file.facts.get(_PATIENT, b"")).split("^")[0].strip() or None,
        time=time,
        age=_age(file, time),
        sex=_SEXES.get(file.facts.get(_SEX, b"\0")[0] if file.facts.get(_SEX) else 0),
        device=" ".join(filter(None, maker)) or None,
        source=str(path),
        format="mfer",
        median_beats=median,
        notes=(*notes, *derived),
    )


def _definitions(file: _File, data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Tag, channel (for definitions of one) and value, until the end mark."""
    at, end = 0, len(data)
    while at < end:
        tag = data[at]
        at += 1
        file.tags += 1
        if file.tags > _MOST_TAGS:
            raise UnreadableRecordingError(f"{file.path}: has more definitions than any recording; the file is damaged")
        if tag == 0:
            continue
        if tag == _END:
            return
        channel = 0
        while tag == _OF_CHANNEL and at < end:
            octet = data[at]
            at += 1
            channel = min(channel << 7 | octet & 0x7F, 2**20)
            if octet < 0x80:
                break
        size = data[at] if at < end else 0
        at += 1
        if size == 0x80:  # indefinite: until two zeros, which nothing but the next definitions may precede
            stop = data.find(b"\0\0", at)
            size, following = (stop if stop >= 0 else end) - at, (stop + 2 if stop >= 0 else end)
        else:
            if size > 0x80:
                width = size & 0x7F
                size = int.from_bytes(data[at : at + width], "big") if width <= 4 else 2**40
                at += width
            following = at + size
        if at + size > end:
            raise UnreadableRecordingError(
                f"{file.path}: a definition ends beyond the file; it is truncated or damaged"
            )
        yield tag, channel, data[at : at + size]
        at = following


def _walk(file: _File, data: bytes, channel: int | None, depth: int) -> None:
    if depth > 2:
        raise UnreadableRecordingError(f"{file.path}: definitions nested too deep; the file is damaged")
    for tag, own, value in _definitions(file, data):
        if tag == _OF_CHANNEL:
            _walk(file, value, own, depth + 1)
        elif tag == _GROUP:
            _walk(file, value, channel, depth + 1)
        elif tag == _BYTE_ORDER:
            file.big, file.layout = value[:1] != b"\1", None
        elif tag == _CHANNELS:
            file.n_channels, file.of_channel, file.layout = (file.number(value[:4]) if value else 1), {}, None
            if not 1 <= file.n_channels <= MAX_CHANNELS:
                raise UnreadableRecordingError(f"{file.path}: declares {file.n_channels} channels; the file is damaged")
        elif tag == _COMPRESSION and value and file.number(value[:2]):
            raise UnreadableRecordingError(
                f"{file.path}: its samples are compressed (code {value[0]}), which is not read"
            )
        elif tag == _SAMPLES:
            file.frames.append(_Frame(file.in_force(), value, file.big))
        elif tag in _INHERITED:
            place = file.of_all if channel is None else file.of_channel.setdefault(channel, {})
            place[tag], file.layout = value, None
        elif channel is None:
            file.facts.setdefault(tag, value)


def _is_beat(file: _File, frame: _Frame) -> bool:
    return file.number(frame.channels[0].get(_WAVEFORM, b"")[:2]) == _DOMINANT_BEAT


def _signal(file: _File, frames: list[_Frame]) -> tuple[tuple[str, ...], NDArray[np.float32], float, tuple[str, ...]]:
    """The frames of one layout in a row, mV; a frame that begins another layout ends them."""
    path, first = file.path, frames[0]
    alike = [
        frame
        for frame in frames
        if frame.channels is first.channels or (frame.channels, frame.big) == (first.channels, first.big)
    ]
    order = ">" if first.big else "<"
    kinds = [one.get(_DTYPE, b"\0")[:1] for one in first.channels]
    dtypes = [np.dtype(order + _DTYPES.get(kind[0] if kind else 0, "V2")) for kind in kinds]
    if any(kind == b"\x09" for kind in kinds):
        raise UnreadableRecordingError(f"{path}: its samples are AHA-compressed, which is not read; export them plain")
    blocks = [max(file.number(one.get(_BLOCK, b"\1")[:4]), 0) if one.get(_BLOCK) else 1 for one in first.channels]
    width = sum(block * dtype.itemsize for block, dtype in zip(blocks, dtypes, strict=True))
    total = sum(len(frame.data) for frame in alike)
    if not width or min(blocks) < 1 or width > total:
        raise UnreadableRecordingError(
            f"{path}: declares frames of {width} bytes but holds {total}; it is truncated or damaged"
        )
    count = sum(len(frame.data) // width for frame in alike)
    check_shape(path, len(blocks), max(blocks) * count)
    whole = b"".join(frame.data[: len(frame.data) // width * width] for frame in alike)
    octets = np.frombuffer(whole, dtype=np.uint8).reshape(count, width)
    ends = np.cumsum([block * dtype.itemsize for block, dtype in zip(blocks, dtypes, strict=True)])
    rates = [_rate(path, file, one) for one in first.channels]
    rows: dict[str, NDArray[np.float64]] = {}
    others: list[str] = []
    without_unit: list[str] = []
    fs = max((rate for rate, one in zip(rates, first.channels, strict=True) if _scale(file, one) != 0.0), default=0.0)
    for i, one in enumerate(first.channels):
        name, scale = _name(file, one, i), _scale(file, one)
        if scale == 0.0 or rates[i] != fs or dtypes[i].kind == "V":
            others.append(name)
            continue
        raw = (
            np.ascontiguousarray(octets[:, ends[i] - blocks[i] * dtypes[i].itemsize : ends[i]])
            .view(dtypes[i])
            .reshape(-1)
        )
        row = raw.astype(np.float64) + (_typed(one.get(_OFFSET), dtypes[i]) or 0.0)
        null = _typed(one.get(_NULL), dtypes[i])
        if null is not None:
            row[raw == null] = np.nan
        name = name if name not in rows else f"{name} {i + 1}"
        rows[name] = row * (scale or 1.0)
        if scale is None:
            without_unit.append(name)
    notes = [f"left out: {', '.join(others)}"] if others else []
    if not rows:
        raise UnusableSignalError(f"{path}: no channel is a voltage ({', '.join(others)[:80]}); there is no ECG in it")
    if without_unit:
        unit, factor = assumed_unit(rows[name] for name in without_unit)
        rows.update({name: rows[name] * factor for name in without_unit})
        notes.append(f"unit not given: {unit} taken, after the amplitudes")
    if len(alike) < len(frames):
        notes.append(f"left out: {len(frames) - len(alike)} frames of another layout")
    if not any(_INTERVAL in one for one in first.channels):
        notes.append("rate not given: 1000 Hz taken, as the standard says")
    leads, signal = stack_rows(path, rows)
    return leads, signal, check_fs(path, fs), tuple(notes)


def _typed(raw: bytes | None, dtype: np.dtype[np.generic]) -> float | None:
    if not raw or len(raw) < dtype.itemsize or dtype.kind == "V":
        return None
    return float(np.frombuffer(raw[: dtype.itemsize], dtype=dtype)[0])


def _quantity(file: _File, raw: bytes) -> tuple[int, float] | None:
    """Unit code and value of a definition of unit, exponent and mantissa."""
    if len(raw) < 3:
        return None
    exponent = int.from_bytes(raw[1:2], "big", signed=True)
    return raw[0], float(file.number(raw[2:6], signed=True)) * 10.0 ** max(-30, min(30, exponent))


def _scale(file: _File, one: dict[int, bytes]) -> float | None:
    """Millivolt per count; None when no unit is given, 0 when it is no voltage."""
    found = _quantity(file, one.get(_SENSITIVITY, b""))
    return None if found is None else found[1] * 1000 if found[0] == 0 else 0.0


def _rate(path: Path, file: _File, one: dict[int, bytes]) -> float:
    """Hz; 1000 where no interval is given, as the standard says."""
    found = _quantity(file, one.get(_INTERVAL, b""))
    if found is None:
        return 1000.0
    unit, value = found
    if unit not in (0, 1) or value <= 0:
        raise UnreadableRecordingError(f"{path}: its sampling interval is no time; the file is damaged")
    return round(value if unit == 0 else 1 / value, 6)


def _name(file: _File, one: dict[int, bytes], index: int) -> str:
    raw = one.get(_LEAD, b"")
    code = raw[0] if len(raw) == 1 else file.number(raw[:2])
    return _LEADS.get(code, "") or _text(raw[2:]) or f"channel {index + 1}"


def _age(file: _File, time: datetime | None) -> float | None:
    raw = file.facts.get(_AGE, b"")
    born = None
    if len(raw) >= 7:
        try:
            born = datetime(file.number(raw[3:5]), raw[5], raw[6])
        except ValueError:
            born = None
    days = file.number(raw[1:3]) if len(raw) >= 3 else 0
    stated = f"{raw[0]}" if raw and raw[0] else f"{days} days" if days else None
    return age_at(time, stated, born)


def _moment(file: _File, raw: bytes) -> datetime | None:
    if len(raw) < 7:
        return None
    try:
        return datetime(file.number(raw[:2]), *raw[2:7])
    except ValueError:
        return None


def _text(raw: bytes) -> str:
    raw = raw.strip(b"\0 ")
    for encoding in ("utf-8", "shift_jis"):
        try:
            return one_line(raw.decode(encoding))
        except UnicodeDecodeError:
            continue
    return one_line(raw.decode("latin-1"))


READER = Reader("mfer", sniff, read, (".mwf", ".mfer"))
