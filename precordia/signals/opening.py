"""A file of any kind of heart signal, read and told apart; what is no ECG is refused with what it is."""

from __future__ import annotations

from os import PathLike

from precordia.core.errors import UnknownFormatError, UnusableSignalError
from precordia.records.read import read_recording
from precordia.signals.door import Admitted, admit
from precordia.signals.file_channels import other_kind_of


def open_signal(path: str | PathLike[str]) -> Admitted:
    """The recording in a file, with its kind.

    Raises:
        UnusableSignalError: it holds no ECG; says what it holds, and what that can and cannot show.
        InputError: as :func:`precordia.records.read.read_recording`.
    """
    try:
        recording = read_recording(path)
    except (UnusableSignalError, UnknownFormatError) as error:
        kind = other_kind_of(path)
        if kind is None:
            raise
        raise UnusableSignalError(f"{error}. {kind.limits}") from None
    return admit(recording)
