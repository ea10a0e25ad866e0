"""A file of any kind of heart signal, read and told apart; what is no ECG is refused with what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import InputError, UnknownFormatError, UnusableSignalError
from precordia.core.recording import Recording
from precordia.core.retrieval import Query
from precordia.records.read import read_recording
from precordia.signals.door import LONG, Admitted, admit, kind_of_channels
from precordia.signals.file_channels import other_kind_of
from precordia.signals.long.outline import in_pieces, read_held_recording
from precordia.signals.long.source import LongSignal, long_signal, streamed

Read = Callable[[str | PathLike[str]], Recording]


def open_signal(path: str | PathLike[str], read: Read = read_held_recording) -> Admitted:
    """The recording in a file, with its kind.

    Args:
        path: The file.
        read: Reads it.

    Raises:
        UnusableSignalError: it holds no ECG; says what it holds, and what that can and cannot show.
        InputError: as :func:`precordia.records.read.read_recording`.
    """
    return admit(read_ecg(path, read))


def read_ecg(path: str | PathLike[str], read: Read) -> Recording:
    """The same before it is admitted: as it stands in the file.

    Raises:
        UnusableSignalError: its channels name a signal of another kind; says which, and what that can and cannot show.
        InputError: as :func:`precordia.records.read.read_recording`.
    """
    try:
        return read(path)
    except (UnusableSignalError, UnknownFormatError):
        kind = other_kind_of(path)
        if kind is None:
            raise
        told = f"{path}: no ECG; precordia inspect tells what it shows. {kind.limits}"
        raise UnusableSignalError(told) from None


@dataclass(frozen=True, eq=False)
class Asked:
    """A signal that an archive can be searched with: an ECG, or a pulse in the place where its ECG would lie.

    Attributes:
        recording: The ECG, or None.
        vector: ``(dim,)`` unit vector of a pulse, or None.
        how: How that was made.
        told: One line on what the signal can and cannot show; None for a resting ECG.
        document: The same for JSON.
    """

    recording: Recording | None = None
    vector: NDArray[np.float32] | None = None
    how: str = ""
    told: str | None = None
    document: dict[str, Any] | None = None

    @classmethod
    def of(cls, admitted: Admitted) -> Asked:
        """An ECG."""
        return cls(admitted.recording, told=admitted.told, document=admitted.document)

    def put_into(self, query: Query) -> Query:
        """The query with this signal."""
        return replace(query, recording=self.recording, vector=self.vector, how=self.how)


def open_question(path: str | PathLike[str], encoder_fingerprint: str, read: Read = read_held_recording) -> Asked:
    """The signal in a file, of any kind that an archive can be searched with.

    Args:
        path: The file.
        encoder_fingerprint: Of the archive's encoder, in whose space a pulse's vector must lie.
        read: Reads an ECG.

    Raises:
        UnusableSignalError: it holds neither an ECG nor a pulse that can be measured; says what it holds.
        MismatchError: it holds a pulse, and the pulse encoder was trained for another encoder.
        InputError: as :func:`precordia.records.read.read_recording`.
    """
    try:
        return Asked.of(open_signal(path, read))
    except (UnusableSignalError, UnknownFormatError):
        from precordia.signals.pulse.table import pulses_in

        pulses = pulses_in(Path(path))
        if pulses is None:
            raise
    from precordia.signals.pulse.asking import question_of

    asked = question_of(pulses, encoder_fingerprint)
    return Asked(vector=asked.vector, how=asked.how, told=asked.told, document=asked.document)


def as_long(source: object) -> LongSignal | None:
    """A recording, or the file of one, to be read in pieces where it is longer than a resting ECG; None where it is not.

    A file that can be streamed is not read for it; one that is no ECG is for :func:`open_signal` to refuse.

    Raises:
        InputError: it cannot be read.
    """
    if isinstance(source, LongSignal):
        return source
    if isinstance(source, Recording):
        signal = in_pieces(source)
    elif not isinstance(source, (str, PathLike)):
        return None  # what is neither is for those to refuse who say what they take
    else:
        found = streamed(source)
        if found is None:
            try:
                found = long_signal(read_recording(source))
            except InputError:
                return None
        signal = found
    return signal if kind_of_channels(signal.leads, signal.duration_s).name == LONG else None
