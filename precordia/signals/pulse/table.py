"""A pulse as a file holds it: a video's frame table, or a text table with columns that are called a pulse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import InputError, UnknownFormatError, UnusableSignalError
from precordia.records.alone import recognise
from precordia.records.limits import check_shape
from precordia.records.readers.edf import Channel
from precordia.records.readers.edf_layout import layout_of
from precordia.records.readers.sample_table import read_columns
from precordia.signals.door import kind_of_channels
from precordia.signals.file_channels import other_kind_of
from precordia.signals.kind import KINDS
from precordia.signals.pulse.analysis import PulseAnalysis, analyse_pulse
from precordia.signals.pulse.frames import FS, is_frame_table, read_frame_table

SLOWEST_HZ = 20.0


@dataclass(frozen=True, eq=False)
class Pulses:
    """Pulses of one heart by one clock.

    Attributes:
        kind: "pulse" or "video".
        names: Of the channels.
        values: ``(n_channels, n)`` float64, more blood upwards.
        fs: Hz.
        start_s: Time of the first sample, s.
        source: The file.
    """

    kind: str
    names: tuple[str, ...]
    values: NDArray[np.float64]
    fs: float
    start_s: float
    source: str

    def analyse(self) -> PulseAnalysis:
        """What is measured."""
        return analyse_pulse(self.values, self.fs, self.names, start_s=self.start_s)

    def best(self) -> tuple[PulseAnalysis, NDArray[np.float64]]:
        """What is measured, and the pulse ``(n,)`` it is measured in.

        Raises:
            UnusableSignalError: none is good enough.
        """
        found = self.analyse()
        if not found.measured:
            raise UnusableSignalError(f"{self.source}: {found.reason}")
        return found, self.values[self.names.index(found.channel)]


def pulses_in(path: Path | str) -> Pulses | None:
    """The pulses of a file that holds nothing but a pulse; None of any other.

    Raises:
        UnreadableRecordingError: it holds a pulse and is damaged.
        UnusableSignalError: it is too short, or tells no rate.
    """
    if is_frame_table(path):
        table = read_frame_table(path)
        names, values = table.pulses()
        return Pulses("video", names, values, FS, float(table.time_s[0]), table.source)
    if other_kind_of(path) is not KINDS.get("pulse"):
        return None
    try:
        if recognise(Path(path)) == "edf":
            return _of_edf(Path(path))
    except UnknownFormatError:
        pass  # a table that names no lead is not taken for an ECG
    try:
        columns = read_columns(Path(path))
    except (InputError, OSError):
        return None  # no text table: for others to read
    kept = [i for i, name in enumerate(columns.names) if _is_pulse(name)]
    fs = columns.facts.get("fs")
    if not isinstance(fs, (int, float)) or fs < SLOWEST_HZ:
        raise UnusableSignalError(
            f"{path}: a pulse of which no rate from {SLOWEST_HZ:g} Hz is known; add a column of times, s"
        )
    names = tuple(columns.names[i] for i in kept)
    return Pulses("pulse", names, np.ascontiguousarray(columns.table[:, kept].T), float(fs), 0.0, str(path))


def _of_edf(path: Path) -> Pulses | None:
    """The pulses of a continuous EDF file, of the first one's rate."""

    def pulses_among(channels: Sequence[Channel]) -> list[int]:
        found = [i for i, channel in enumerate(channels) if channel.samples and _is_pulse(channel.name)]
        return [i for i in found if channels[i].samples == channels[found[0]].samples]

    layout = layout_of(path, pulses_among)
    if layout is None:
        return None
    check_shape(path, len(layout.leads), layout.rate * layout.n_records)
    shape = (layout.n_records, layout.record_bytes)
    records = np.memmap(path, np.uint8, "r", layout.start, shape)
    values = np.stack([layout.decode(records, row).astype(np.float64) for row in range(len(layout.leads))])
    names = tuple(channel.name for channel in layout.leads)
    return Pulses("pulse", names, values, layout.rate / layout.record_s, 0.0, str(path))


def _is_pulse(name: str) -> bool:
    return kind_of_channels([name]).name == "pulse"
