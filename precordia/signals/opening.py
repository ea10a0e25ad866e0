"""A file of any kind of heart signal, read and told apart; what is no ECG is refused with what it is."""

from __future__ import annotations

from os import PathLike

from precordia.core.errors import InputError, UnknownFormatError, UnusableSignalError
from precordia.core.recording import Recording
from precordia.records.read import read_recording
from precordia.signals.door import LONG, Admitted, admit, kind_of_channels
from precordia.signals.file_channels import other_kind_of
from precordia.signals.long.source import LongSignal, long_signal, streamed


def open_signal(path: str | PathLike[str]) -> Admitted:
    """The recording in a file, with its kind.

    Raises:
        UnusableSignalError: it holds no ECG; says what it holds, and what that can and cannot show.
        InputError: as :func:`precordia.records.read.read_recording`.
    """
    try:
        recording = read_recording(path)
    except (UnusableSignalError, UnknownFormatError):
        kind = other_kind_of(path)
        if kind is None:
            raise
        told = f"{path}: no ECG; precordia inspect tells what it shows. {kind.limits}"
        raise UnusableSignalError(told) from None
    return admit(recording)


def as_long(source: object) -> LongSignal | None:
    """A recording, or the file of one, to be read in pieces where it is longer than a resting ECG; None where it is not.

    A file that can be streamed is not read for it; one that is no ECG is for :func:`open_signal` to refuse.

    Raises:
        InputError: it cannot be read.
    """
    if isinstance(source, LongSignal):
        return source
    if isinstance(source, Recording):
        signal = long_signal(source)
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
