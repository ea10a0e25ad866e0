"""WFDB headers, read tolerantly (https://physionet.org/physiotools/wag/header-5.htm).

Tolerated beyond the specification: the date before the time on the record line (CinC 2020 and 2021), blank lines and
comments anywhere, a gain of zero, units in any spelling, a path before the names of record and files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from precordia.core.errors import UnreadableRecordingError
from precordia.records.channels import parse_time
from precordia.records.limits import MAX_HEADER_BYTES, check_fs, read_bytes

DEFAULT_GAIN: Final = 200.0
"""ADC units per physical unit where the header gives none (WFDB's DEFGAIN)."""

DEFAULT_FS: Final = 250.0
"""Hz, where the header gives none (WFDB's DEFFREQ)."""

_RECORD: Final = re.compile(r"^([-\w.+ ]*?(?:/[-\w.+ ]+?)*?)(?:/(\d+))?\s+(\d+)(?:\s+(.*))?$")
_RATE: Final = re.compile(r"^([-+.\deE]+)(?:/.*)?$")
_SIGNAL: Final = re.compile(
    r"^(?P<file>\S+)\s+(?P<fmt>\d+)(?:x(?P<spf>\d+))?(?::(?P<skew>\d+))?(?:\+(?P<offset>\d+))?"
    r"(?:\s+(?P<gain>[-+]?[\d.]+(?:[eE][-+]?\d+)?)(?:\((?P<baseline>[-+]?\d+)\))?(?:/(?P<units>\S+))?"
    r"(?:\s+(?P<res>\d+)(?:\s+(?P<zero>[-+]?\d+)(?:\s+(?P<init>[-+]?\d+)(?:\s+(?P<checksum>[-+]?\d+)"
    r"(?:\s+(?P<block>\d+)(?:\s+(?P<name>.*))?)?)?)?)?)?)?\s*$"
)
_SEGMENT: Final = re.compile(r"^(\S+)\s+(\d+)\s*$")
_CLOCK: Final = re.compile(r"^\d{1,2}:\d{1,2}(:\d{1,2}(\.\d+)?)?$")
_DAY: Final = re.compile(r"^\d{1,4}[-/.]\w{1,3}[-/.]\d{2,4}$")


@dataclass(frozen=True)
class Channel:
    """One signal line.

    Attributes:
        file: Signal file, a plain name in the header's folder, or "~" for none.
        fmt: Storage format ("16", "212", ...).
        samples_per_frame: Samples a frame.
        skew: Samples by which the channel lags.
        offset: Bytes before the first sample.
        gain: ADC units per physical unit.
        baseline: ADC value of 0 physical units.
        units: Physical unit.
        init: First ADC value; needed by difference formats.
        name: Description.
        checksum: Sum of the samples modulo 65,536, or None.
        calibrated: False when the header gives no gain.
    """

    file: str
    fmt: str
    samples_per_frame: int
    skew: int
    offset: int
    gain: float
    baseline: int
    units: str
    init: int
    name: str
    checksum: int | None
    calibrated: bool


@dataclass(frozen=True)
class Header:
    """A WFDB header.

    Attributes:
        path: The ``.hea`` file.
        fs: Frames a second.
        n_samples: Frames, or 0 when not given.
        n_channels: As declared.
        channels: Signal lines; empty for a multi-segment record.
        segments: Segment names with their lengths in frames; empty for an ordinary record.
        time: Start, or None.
        comments: Comment lines without "#".
    """

    path: Path
    fs: float
    n_samples: int
    n_channels: int
    channels: tuple[Channel, ...]
    segments: tuple[tuple[str, int], ...]
    time: datetime | None
    comments: tuple[str, ...]


def read_header(path: Path) -> Header:
    """The header in a ``.hea`` file.

    Raises:
        UnreadableRecordingError: it is not a WFDB header, contradicts itself, or names files outside its folder.
        UnusableSignalError: the sampling rate is none.
    """
    raw = read_bytes(path, MAX_HEADER_BYTES)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return _header_of(path, text)


@lru_cache(maxsize=1)  # who asks how long a record is reads it next
def _header_of(path: Path, text: str) -> Header:
    lines, comments = [], []
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("#"):
            comments.append(line[1:].strip())
        elif line:
            # A comment may follow on the same line only where no description can stand; descriptions keep their "#".
            lines.append(line)
    if not lines or not (record := _RECORD.match(lines[0][:1000])):
        raise UnreadableRecordingError(
            f"{path}: not a WFDB header: its first line is not 'name signals rate samples'; put the header's own text there"
        )
    n_channels = _count(path, record.group(3), "channels")
    n_segments = _count(path, record.group(2) or "0", "segments")
    rest = (record.group(4) or "").split()
    fs = check_fs(path, _rate(path, rest[0])) if rest else DEFAULT_FS
    n_samples = _count(path, rest[1], "samples") if len(rest) > 1 and rest[1].isdigit() else 0
    stamps = rest[1:]
    day = next((token for token in stamps if _DAY.match(token)), "")
    clock = next((token for token in stamps if _CLOCK.match(token)), "")
    body = lines[1:]
    if record.group(2) is not None:
        segments = _segments(path, body, n_segments)
        return Header(path, fs, n_samples, n_channels, (), segments, parse_time(day, clock), tuple(comments))
    if len(body) < n_channels:
        raise UnreadableRecordingError(
            f"{path}: declares {n_channels} channels but describes {len(body)}; the header is truncated"
        )
    channels = tuple(_channel(path, line) for line in body[:n_channels])
    return Header(path, fs, n_samples, n_channels, channels, (), parse_time(day, clock), tuple(comments))


def _count(path: Path, text: str, what: str) -> int:
    if len(text) > 18:
        raise UnreadableRecordingError(f"{path}: declares an impossible number of {what}; the header is damaged")
    return int(text)


def _rate(path: Path, text: str) -> float:
    match = _RATE.match(text)
    try:
        return float(match.group(1)) if match else float("nan")
    except ValueError:
        return float("nan")


def _segments(path: Path, body: list[str], n_segments: int) -> tuple[tuple[str, int], ...]:
    if len(body) < n_segments or n_segments < 1:
        raise UnreadableRecordingError(
            f"{path}: declares {n_segments} segments but names {len(body)}; the header is damaged"
        )
    segments = []
    for line in body[:n_segments]:
        match = _SEGMENT.match(line)
        if not match:
            raise UnreadableRecordingError(f"{path}: a segment line is not 'name samples'; the header is damaged")
        name = match.group(1)
        segments.append((name if name == "~" else _plain_name(path, name), _count(path, match.group(2), "samples")))
    return tuple(segments)


def _channel(path: Path, line: str) -> Channel:
    match = _SIGNAL.match(line)
    if not match:
        raise UnreadableRecordingError(f"{path}: a signal line is not in WFDB's grammar; the header is damaged")
    part = match.groupdict()
    zero = _int(part["zero"], 0)
    gain = float(part["gain"] or 0)
    calibrated = gain != 0.0 and abs(gain) < 1e30
    return Channel(
        file=part["file"] if part["file"] == "~" else _plain_name(path, part["file"]),
        fmt=part["fmt"],
        samples_per_frame=_count(path, part["spf"] or "1", "samples a frame"),
        skew=_count(path, part["skew"] or "0", "skewed samples"),
        offset=_count(path, part["offset"] or "0", "bytes before the signal"),
        gain=gain if calibrated else DEFAULT_GAIN,
        baseline=_int(part["baseline"], zero),
        units=part["units"] or "mV",
        init=_int(part["init"], zero),
        name=(part["name"] or "").strip(),
        checksum=_int(part["checksum"], 0) & 0xFFFF if part["checksum"] else None,
        calibrated=calibrated,
    )


def _int(text: str | None, default: int) -> int:
    value = int(text[:24]) if text else default
    return max(-(2**53), min(2**53, value))


def _plain_name(path: Path, name: str) -> str:
    """The name of a file in the header's own folder.

    Archives write paths from their root ("ge/00001_m.dat" in PTB-XL+): the file lies beside the header all the same. What
    leads elsewhere is refused.
    """
    parts = name.split("/")
    if not all(parts) or {"-", ".", ".."} & set(parts) or "\\" in name or name.startswith("~") or "\x00" in name:
        raise UnreadableRecordingError(
            f"{path}: names a file outside its own folder; keep header and signals together and name them without a path"
        )
    return parts[-1]
