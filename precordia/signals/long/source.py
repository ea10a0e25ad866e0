"""A long recording as it lies in its file: read piece by piece, so that a day of twelve leads takes no more memory than a minute.

WFDB records of one segment and continuous EDF files are read from where they lie; every other file is read whole, within the
bounds that all readers keep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import InputError, UnreadableRecordingError
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.records.alone import recognise
from precordia.records.channels import is_other_signal, mv_per_unit, name_channels
from precordia.records.read import read_recording
from precordia.records.readers import edf, wfdb
from precordia.records.readers.edf_layout import layout_of
from precordia.records.readers.wfdb_formats import LINEAR
from precordia.records.readers.wfdb_header import read_header
from precordia.records.readers.wfdb_strip import Strip

Read = Callable[[int, int, "list[int]"], NDArray[np.float32]]

_FRAMES: Final = 12
"""Packed formats end at a byte after every twelve frames, whatever their width."""


@dataclass(frozen=True, eq=False)
class LongSignal:
    """A recording that is read in pieces.

    Attributes:
        about: The recording with one missing sample a lead: all that is known of it but for its samples.
        fs: Hz.
        n_samples: Of each lead.
        streams: Whether it is read from its file as it is needed.
    """

    about: Recording
    fs: float
    n_samples: int
    streams: bool
    _read: Read

    def __repr__(self) -> str:
        return f"LongSignal({len(self.leads)} leads, {self.fs:g} Hz, {self.duration_s:.0f} s)"

    @property
    def leads(self) -> tuple[str, ...]:
        """Names, canonical for standard leads."""
        return self.about.leads

    @property
    def duration_s(self) -> float:
        """Length, s."""
        return self.n_samples / self.fs

    def read(self, start: int, stop: int, rows: Iterable[int] | None = None) -> NDArray[np.float32]:
        """``(n_rows, stop - start)`` float32, mV, missing samples NaN; cut at the recording's ends."""
        chosen = list(range(len(self.leads)) if rows is None else rows)
        return self._read(max(0, start), min(self.n_samples, stop), chosen)

    def strip(self, start_s: float, end_s: float) -> Recording:
        """A stretch as a recording of its own, with its place; what was written of the whole is not said of it."""
        first = round(start_s * self.fs)
        last = first + round((end_s - start_s) * self.fs)  # as many samples wherever it begins
        return replace(
            self.about, signal=self.read(first, last), start_s=first / self.fs, report=None, codes=(),
            vendor_statements=(), vendor_measurements={}, median_beats=None,
        )  # fmt: skip


def long_signal(source: Recording | str | PathLike[str]) -> LongSignal:
    """A recording, or the file of one, to be read in pieces.

    Raises:
        InputError: as :func:`precordia.records.read.read_recording`.
    """
    if isinstance(source, Recording):
        return _in_memory(source)
    return streamed(source) or _in_memory(read_recording(source))


def streamed(source: str | PathLike[str]) -> LongSignal | None:
    """A file that can be read in pieces from where it lies; None for every other.

    Raises:
        InputError: its header cannot be read.
    """
    path = Path(source)
    try:
        format = recognise(path)
    except InputError:
        return None  # for the reader to refuse, in its words
    return _STREAMED[format](path) if format in _STREAMED else None


def _in_memory(recording: Recording) -> LongSignal:
    def read(start: int, stop: int, rows: list[int]) -> NDArray[np.float32]:
        return recording.signal[rows, start:stop]

    about = replace(recording, signal=_missing(recording.n_leads))
    return LongSignal(about, recording.fs, recording.n_samples, False, read)


def _of_wfdb(path: Path) -> LongSignal | None:
    """A record whose leads lie in one signal file at one rate; None where its reader has more to do."""
    header = read_header(wfdb.header_path(path))
    channels, files = header.channels, {channel.file for channel in header.channels}
    plain = len(files) == 1 and not header.segments and header.n_samples
    if not plain or any(c.fmt not in LINEAR or c.fmt == "8" or c.samples_per_frame != 1 or c.skew for c in channels):
        return None
    scales = [mv_per_unit(channel.units) for channel in channels]
    kept = [i for i, scale in enumerate(scales) if scale is not None and not is_other_signal(channels[i].name)]
    if not kept:
        return None
    decode, size_of, mark = LINEAR[channels[0].fmt]
    file, width = header.path.parent / channels[0].file, len(channels)
    if not file.is_file():
        return None  # for the reader to refuse, in its words
    if file.stat().st_size < channels[0].offset + size_of(header.n_samples * width):
        raise UnreadableRecordingError(f"{header.path}: {file.name} holds fewer samples than declared; copy it again")
    gains = np.array([channels[i].gain / (scales[i] or 1.0) for i in kept], np.float32)
    zeros = np.array([channels[i].baseline for i in kept], np.float32)
    offset = channels[0].offset

    def read(start: int, stop: int, rows: list[int]) -> NDArray[np.float32]:
        begin = start - start % _FRAMES
        values = (stop - begin) * width
        with file.open("rb") as stream:
            stream.seek(offset + size_of(begin * width))
            raw = decode(stream.read(size_of(values)), values).reshape(-1, width)
        digital = raw[start - begin :, [kept[row] for row in rows]]
        out = (digital.astype(np.float32) - zeros[rows]) / gains[rows]
        out[digital == mark] = np.nan
        return np.ascontiguousarray(out.T)

    names = tuple(channels[i].name for i in kept)
    about = wfdb.recording_of(path, header, Strip(float(header.fs), names, _missing(len(kept)), ()))
    return LongSignal(about, float(header.fs), int(header.n_samples), True, read)


def _of_edf(path: Path) -> LongSignal | None:
    """A continuous file whose leads have one rate and a unit; None where its reader has more to do."""
    layout = layout_of(path)
    if layout is None:
        return None
    names = [channel.name for channel in layout.leads]
    rate, duration, count = layout.rate, layout.record_s, layout.n_records
    records = np.memmap(path, np.uint8, "r", layout.start, (count, layout.record_bytes))

    def read(start: int, stop: int, rows: list[int]) -> NDArray[np.float32]:
        first, last = start // rate, -(-stop // rate)
        block = records[first:last]
        out = np.empty((len(rows), (last - first) * rate), np.float32)
        for place, row in enumerate(rows):
            out[place] = layout.decode(block, row)
        return out[:, start - first * rate : stop - first * rate]

    about = edf.recording_of(path, layout.head, name_channels(names), _missing(len(names)), rate / duration)
    return LongSignal(about, rate / duration, rate * count, True, read)


def _missing(n_leads: int) -> NDArray[np.float32]:
    return np.full((n_leads, 1), np.nan, np.float32)


_STREAMED: Final[dict[str, Callable[[Path], LongSignal | None]]] = {"wfdb": _of_wfdb, "edf": _of_edf}


def ecg_rows(leads: tuple[str, ...], most: int) -> list[int]:
    """The rows in which beats are looked for: leads that look at the heart from different sides first."""
    liked = ("II", "V5", "V1", "I", "V3", "V2", "V4", "V6", "aVF", "III", "aVL", "aVR")
    named = [leads.index(lead) for lead in liked if lead in leads]
    others = [row for row, lead in enumerate(leads) if lead not in LEADS]
    return (named or others)[:most]
