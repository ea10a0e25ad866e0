"""The signals of WFDB records: files decoded, scaled to mV, brought to one rate, segments joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError, UnusableSignalError
from precordia.core.leads import canonical_lead
from precordia.records.channels import mv_per_unit, to_float32
from precordia.records.limits import MAX_VALUES, check_file, check_fs, check_shape
from precordia.records.readers.strips import resample_row
from precordia.records.readers.wfdb_comments import is_ludb
from precordia.records.readers.wfdb_formats import FLAC_BITS, LINEAR, Values, decode_flac
from precordia.records.readers.wfdb_header import Channel, Header, read_header

_LUDB_COUNTS_PER_MV: Final = 1000.0


@dataclass(frozen=True)
class Strip:
    """Channels at one rate: ``signal (n, n_samples)`` float32 mV."""

    fs: float
    names: tuple[str, ...]
    signal: NDArray[np.float32]
    notes: tuple[str, ...]


def of_ludb(header: Header) -> bool:
    """Whether a header is LUDB's, whose gains are not to be used."""
    return is_ludb(header.comments, [channel.name for channel in header.channels])


def read_strip(header: Header, n_frames: int | None = None, keep: Sequence[str] | None = None) -> Strip:
    """The voltage channels of a single-segment record, the standard leads at one rate.

    Args:
        header: The record's header.
        n_frames: Frames to read; by default what the header or the file's length says.
        keep: Names of the channels wanted, or None for all.
    """
    if not header.channels:
        raise UnusableSignalError(f"{header.path}: declares no leads; nothing to read")
    ludb, notes = of_ludb(header), []
    scales = [mv_per_unit(channel.units) for channel in header.channels]
    others = [f"{c.name} ({c.units})" for c, scale in zip(header.channels, scales, strict=True) if scale is None]
    voltage = [i for i, scale in enumerate(scales) if scale is not None]
    if keep is not None:
        voltage = [i for i in voltage if header.channels[i].name in keep]
    if not voltage:
        raise UnusableSignalError(
            f"{header.path}: no channel is a voltage ({', '.join(others)}); there is no ECG in it"
        )
    rate = _common_rate([header.channels[i] for i in voltage])
    chosen = [
        i for i in voltage if header.channels[i].samples_per_frame == rate or canonical_lead(header.channels[i].name)
    ]
    others += [f"{header.channels[i].name} (another rate)" for i in voltage if i not in chosen]
    if others:
        notes.append(f"left out: {', '.join(others)}")
    if ludb:
        notes.append(
            "LUDB: amplitudes taken as stored values / 1000, since the header scales each lead to 1 mV peak to peak"
        )
    n = header.n_samples if n_frames is None else n_frames
    rows: dict[int, NDArray[np.float32]] = {}
    damaged: list[str] = []
    for file in dict.fromkeys(channel.file for channel in header.channels):
        members = [i for i, channel in enumerate(header.channels) if channel.file == file]
        if any(i in chosen for i in members):
            values, n = _read_file(header, [header.channels[i] for i in members], n)
            # Channel by channel from here on, so that each is one run of memory.
            values = np.ascontiguousarray(values.T)
            _scale(header, members, chosen, values, scales, ludb, rows)
            damaged += _damaged(header, members, values)
    uncalibrated = [header.channels[i].name for i in chosen if not header.channels[i].calibrated and not ludb]
    if damaged:
        notes.append(f"checksum of {', '.join(damaged)} does not match: the samples may be damaged")
    if uncalibrated:
        notes.append(f"no gain in the header for {', '.join(uncalibrated)}: 200 units per mV taken, as WFDB does")
    check_shape(header.path, len(chosen), n * rate)
    for i in chosen:
        spf = header.channels[i].samples_per_frame
        if spf != rate:
            rows[i] = to_float32(resample_row(rows[i].astype(np.float64), rate, spf, n * rate))
            notes.append(f"{header.channels[i].name} resampled from {header.fs * spf:g} to {header.fs * rate:g} Hz")
    fs = check_fs(header.path, header.fs * rate)
    return Strip(fs, tuple(header.channels[i].name for i in chosen), np.stack([rows[i] for i in chosen]), tuple(notes))


def _common_rate(channels: Sequence[Channel]) -> int:
    leads = [channel.samples_per_frame for channel in channels if canonical_lead(channel.name)]
    return max(leads or [channel.samples_per_frame for channel in channels])


def _read_file(header: Header, channels: Sequence[Channel], n_frames: int) -> tuple[Values, int]:
    """``(n_frames, values a frame)`` of one signal file, and the number of frames."""
    first = channels[0]
    width = sum(channel.samples_per_frame for channel in channels)
    path = header.path.parent / first.file
    if any(channel.fmt != first.fmt for channel in channels):
        raise UnreadableRecordingError(f"{header.path}: gives several formats for {first.file}; the header is damaged")
    if first.fmt not in LINEAR and first.fmt not in FLAC_BITS:
        raise UnreadableRecordingError(
            f"{header.path}: WFDB format {first.fmt} is not read; convert it with xform to format 16"
        )
    if min(channel.samples_per_frame for channel in channels) < 1 or width > MAX_VALUES:
        raise UnreadableRecordingError(f"{header.path}: an impossible number of samples a frame; the header is damaged")
    if not path.exists():
        raise UnreadableRecordingError(
            f"{header.path}: its signal file {first.file} is missing; put it beside the header"
        )
    size = check_file(path)
    if n_frames:
        check_shape(header.path, len(channels), -(-n_frames * width // len(channels)))
    if first.fmt in FLAC_BITS:
        return _read_flac(header, channels, n_frames, path)
    decode, size_of, _ = LINEAR[first.fmt]
    available = _frames_in(size - first.offset, width, size_of)
    n_frames = n_frames or available
    check_shape(header.path, len(channels), -(-n_frames * width // len(channels)))
    if n_frames > available:
        raise UnreadableRecordingError(
            f"{header.path}: {first.file} holds {max(available, 0)} of {n_frames} samples; it is truncated, copy it again"
        )
    with path.open("rb") as file:
        file.seek(first.offset)
        data = file.read(size_of(n_frames * width))
    return decode(data, n_frames * width).reshape(n_frames, width), n_frames


def _read_flac(header: Header, channels: Sequence[Channel], n_frames: int, path: Path) -> tuple[Values, int]:
    rates = {channel.samples_per_frame for channel in channels}
    if len(rates) != 1 or not n_frames:
        raise UnreadableRecordingError(
            f"{header.path}: a FLAC signal file needs one rate and a declared length; the header is damaged"
        )
    spf, count = rates.pop(), len(channels)
    try:
        frames = decode_flac(path.read_bytes(), channels[0].fmt, n_frames * spf, count)
    except UnreadableRecordingError as error:
        raise UnreadableRecordingError(f"{path}: {error}") from None
    return frames.reshape(n_frames, spf, count).transpose(0, 2, 1).reshape(n_frames, spf * count), n_frames


def _frames_in(n_bytes: int, width: int, size_of: object) -> int:
    """Whole frames of ``width`` values in ``n_bytes``."""
    assert callable(size_of)
    per_12 = int(size_of(12 * width))
    estimate = max(0, n_bytes * 12 // per_12)
    while estimate and int(size_of(estimate * width)) > n_bytes:
        estimate -= 1
    while int(size_of((estimate + 1) * width)) <= n_bytes:
        estimate += 1
    return estimate


def _scale(
    header: Header,
    members: Sequence[int],
    chosen: Sequence[int],
    values: Values,
    scales: Sequence[float | None],
    ludb: bool,
    rows: dict[int, NDArray[np.float32]],
) -> None:
    """Put the chosen channels of one file, ``(values a frame, n_frames)``, into ``rows``, mV, missing samples NaN."""
    fmt = header.channels[members[0]].fmt
    mark = LINEAR[fmt][2] if fmt in LINEAR else -(2 ** (FLAC_BITS[fmt] - 1))
    column = 0
    for i in members:
        channel = header.channels[i]
        spf = channel.samples_per_frame
        if i in chosen:
            raw: NDArray[np.integer] = values[column] if spf == 1 else values[column : column + spf].T.reshape(-1)
            missing = raw == mark
            if fmt == "8":
                raw = np.cumsum(raw, dtype=np.int64) + channel.init
            gain, zero = (_LUDB_COUNTS_PER_MV, 0) if ludb else (channel.gain, channel.baseline)
            row = to_float32((raw.astype(np.float64) - zero) / gain * (scales[i] or 1.0))
            if missing.any():
                row[missing] = np.nan
            rows[i] = _unskewed(row, channel.skew * spf)
        column += spf


def _damaged(header: Header, members: Sequence[int], values: Values) -> list[str]:
    """Channels whose samples do not sum to the header's 16-bit checksum. Zero is what writers without one put there."""
    out, column = [], 0
    whole = bool(header.n_samples) and header.n_samples == values.shape[1] and header.channels[members[0]].fmt != "8"
    for i in members:
        channel, start = header.channels[i], column
        column += channel.samples_per_frame
        if whole and channel.checksum and int(values[start:column].sum(dtype=np.int64)) & 0xFFFF != channel.checksum:
            out.append(channel.name)
    return out


def _unskewed(row: NDArray[np.float32], skew: int) -> NDArray[np.float32]:
    if skew <= 0:
        return row
    out = np.full_like(row, np.nan)
    if skew < row.size:
        out[:-skew] = row[skew:]
    return out


def read_segments(header: Header) -> Strip:
    """A multi-segment record as one strip; channels absent from a segment, and gaps between segments, are NaN."""
    folder, strips = header.path.parent, []
    total = sum(length for _, length in header.segments)
    check_shape(header.path, header.n_channels, total)
    if len(header.segments) > 100_000:
        raise UnreadableRecordingError(
            f"{header.path}: declares {len(header.segments)} segments; the header is damaged"
        )
    names: dict[str, None] = {}
    start, fs = 0, 0.0
    for name, length in header.segments:
        if name != "~":
            part = read_header(folder / f"{name}.hea")
            if part.segments:
                raise UnreadableRecordingError(
                    f"{header.path}: segment {name} has segments itself; nesting is not read"
                )
            if length == 0:  # the layout segment of a variable-layout record only names the channels
                names.update(dict.fromkeys(channel.name for channel in part.channels if mv_per_unit(channel.units)))
            elif any(mv_per_unit(channel.units) for channel in part.channels):
                strip = read_strip(part, length)
                if fs and strip.fs != fs:
                    raise UnreadableRecordingError(
                        f"{header.path}: its segments have different rates; read them one by one"
                    )
                fs = strip.fs
                strips.append((start, strip))
                names.update(dict.fromkeys(strip.names))
        start += length
    if not strips:
        raise UnusableSignalError(f"{header.path}: none of its segments holds a voltage; there is no ECG in it")
    factor = round(fs / header.fs)
    present = {name for _, strip in strips for name in strip.names}
    order = {name: row for row, name in enumerate(name for name in names if name in present)}
    check_shape(header.path, len(order), total * factor)
    signal = np.full((len(order), total * factor), np.nan, dtype=np.float32)
    for begin, strip in strips:
        for name, row in zip(strip.names, strip.signal, strict=True):
            signal[order[name], begin * factor : begin * factor + row.size] = row
    notes = dict.fromkeys(note for _, strip in strips for note in strip.notes)
    return Strip(fs, tuple(order), signal, (f"joined from {len(strips)} segments", *notes))
