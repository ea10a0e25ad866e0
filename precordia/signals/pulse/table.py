"""A pulse as a file holds it: a video's frame table, or a text table with columns that are called a pulse."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import InputError, UnusableSignalError
from precordia.records.readers.sample_table import read_columns
from precordia.signals.door import kind_of_channels
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
    try:
        columns = read_columns(Path(path))
    except (InputError, OSError):
        return None  # no text table: for others to read
    kept = [i for i, name in enumerate(columns.names) if kind_of_channels([name]).name == "pulse"]
    if not kept or len(kept) < len([name for name in columns.names if name]):
        return None
    fs = columns.facts.get("fs")
    if not isinstance(fs, (int, float)) or fs < SLOWEST_HZ:
        raise UnusableSignalError(
            f"{path}: a pulse of which no rate from {SLOWEST_HZ:g} Hz is known; add a column of times, s"
        )
    names = tuple(columns.names[i] for i in kept)
    return Pulses("pulse", names, np.ascontiguousarray(columns.table[:, kept].T), float(fs), 0.0, str(path))
