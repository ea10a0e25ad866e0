"""What stands for a recording too long to be held whole: as many stretches of it as its vector is made of, joined.

They are the very windows that an encoder would cut from the whole, so that the outline has the vector of the whole; where one
ends and the next begins nothing is measured (:attr:`~precordia.core.recording.Recording.seams`).
"""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Final

import numpy as np

from precordia.core.errors import UnreadableRecordingError
from precordia.core.recording import STRETCH_S, Recording, clock
from precordia.records.alone import read_alone
from precordia.records.limits import check_fs, check_shape
from precordia.records.tables.beside import with_table_beside
from precordia.signals.long.source import LongSignal, long_signal, streamed

STRETCHES: Final = 12
"""As many as the encoder's windows of one recording."""

MOST_HELD: Final = 2**23
"""Most samples x leads that are held in memory at once, 32 MiB as float32: 23 minutes of twelve leads at 500 Hz, or more than
four hours of two at 250 Hz."""


def read_held(path: str | PathLike[str], *, format: str | None = None) -> Recording:
    """As :func:`precordia.records.alone.read_alone`; of a file in pieces that is too long to be held whole, its outline."""
    signal = streamed(path)
    if signal is None or len(signal.leads) * signal.n_samples <= MOST_HELD:
        return read_alone(path, format=format)
    return outline_of(signal)


def read_held_recording(path: str | PathLike[str]) -> Recording:
    """The same, with what the report table of its archive says of it."""
    return with_table_beside(read_held(path))


def outline_of(signal: LongSignal) -> Recording:
    """:data:`STRETCHES` stretches, evenly from the first to the last, joined.

    Raises:
        InputError: its rate, or its number of leads, is none that anyone records.
    """
    place = signal.about.source
    width = round(STRETCH_S * check_fs(place, signal.fs))
    check_shape(place, len(signal.leads), STRETCHES * width)
    starts = np.linspace(0, signal.n_samples - width, STRETCHES).round().astype(int)
    joined = np.concatenate([signal.read(start, start + width) for start in starts], axis=1)
    note = f"{clock(signal.duration_s)} long: {STRETCHES} stretches of {STRETCH_S:g} s stand for it, joined"
    about = signal.about
    return replace(about, signal=joined, whole_s=signal.duration_s, notes=(*about.notes, note))


def in_pieces(recording: Recording) -> LongSignal:
    """A recording in pieces; of an outline the whole that it stands for, from its file, with all that is known of the outline.

    Raises:
        UnreadableRecordingError: its file is not where it was.
    """
    if recording.whole_s is None:
        return long_signal(recording)
    place = Path(recording.source)
    signal = streamed(place) if place.exists() else None
    if signal is None:
        # Its name alone: who asks a service is not told where files lie.
        raise UnreadableRecordingError(
            f"{place.name}: stretches of it are kept, and the whole is not where it was; put it back"
        )
    missing = np.full((len(signal.leads), 1), np.nan, np.float32)
    return replace(signal, about=replace(recording, signal=missing, leads=signal.leads, whole_s=None))
