"""The ECG in a file of any format known, recognised by what is in it, without what lies beside it."""

from __future__ import annotations

from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path

import numpy as np

from precordia.core.errors import (
    PrecordiaError,
    UnknownFormatError,
    UnreadableRecordingError,
    UnusableSignalError,
    reason_of,
)
from precordia.core.given import expect
from precordia.core.recording import Recording
from precordia.records.file_kinds import UNTOLD, kind_of
from precordia.records.limits import check_file, check_fs, check_shape
from precordia.records.places import split_place
from precordia.records.readers import READERS
from precordia.records.readers.reader import HEAD_BYTES, Head, Reader


def read_alone(path: str | PathLike[str], *, format: str | None = None) -> Recording:
    """The ECG in a file, without looking for a report table beside it.

    As :func:`precordia.records.read.read_recording` otherwise.
    """
    expect(path, (str, PathLike), "give the path of an ECG file")
    file, member = split_place(fspath(path))
    place = Path(path)
    reader = READERS.get(format) if format and member is None else READERS.get(recognise(Path(file)))
    try:
        with np.errstate(all="ignore"):  # absurd gains overflow to infinity, which readers mark missing
            recording = _read(reader, Path(file), member)
    except PrecordiaError:
        raise
    except Exception as error:  # whatever a damaged file provokes in a parser is one line about that file
        raise UnreadableRecordingError(
            f"{place}: not readable as {reader.name} ({reason_of(error)}); it is damaged, or written in a way that is not known"
        ) from error
    check_shape(place, recording.n_leads, recording.n_samples)
    check_fs(place, recording.fs)
    if not np.isfinite(recording.signal).any():
        raise UnusableSignalError(f"{place}: every sample is marked missing; there is no signal to use")
    return replace(recording, source=str(place)) if recording.source != str(place) else recording


def _read(reader: Reader, file: Path, member: str | None) -> Recording:
    if member is None and reader.several is not None:
        names = reader.several.names(file)
        if len(names) > 1:
            raise UnreadableRecordingError(
                f"{file}: holds {len(names)} ECGs; name one as {file.name}#NAME (scan lists them)"
            )
        member = names[0] if names else None
    if member is None:
        return reader.read(file)
    if reader.several is None:
        raise UnreadableRecordingError(f"{file}: a file of the format {reader.name} is one ECG; name it without #")
    return reader.several.read(file, member)


def recognise(path: Path) -> str:
    """The name of the reader for a file.

    Raises:
        UnreadableRecordingError: there is no such file, or it cannot be opened.
        UnknownFormatError: no reader recognises it.
    """
    suffix = path.suffix.lower()
    if "\0" in str(path):
        raise UnreadableRecordingError(f"{str(path)[:80]!r}: no file can have this name")
    if path.name and (suffix == ".hea" or _belongs_to_record(path)):
        return "wfdb"
    if path.is_dir():
        raise UnreadableRecordingError(
            f"{path}: a folder, not a recording; name a file in it, or build a knowledge base of it"
        )
    if not path.exists():
        raise UnreadableRecordingError(f"{path}: there is no such file")
    head = read_head(path)
    found = sniff(head)
    if found is None:
        kind = kind_of(head)
        if path.with_suffix(".hea").exists():
            raise UnknownFormatError(
                f"{path}: not a signal of the WFDB record {path.stem} beside it, perhaps its annotations; name the record"
            )
        if kind is not UNTOLD:
            raise UnknownFormatError(f"{path}: {kind}; {kind.remedy}".removesuffix("; "))
        if suffix == ".dat":
            raise UnknownFormatError(
                f"{path}: a signal file without its WFDB header {path.stem}.hea; put it beside the file"
            )
        raise UnknownFormatError(
            f"{path}: no reader recognises it (binary data of an unknown kind); formats read: {', '.join(READERS)}"
        )
    return found


def read_head(path: Path) -> Head:
    """The beginning of a file.

    Raises:
        UnreadableRecordingError: it cannot be opened, or is empty.
    """
    size = check_file(path, limit=2**62)
    try:
        with path.open("rb") as file:
            return Head(path, file.read(HEAD_BYTES), size)
    except OSError as error:
        raise UnreadableRecordingError(f"{path}: {error.strerror or error}; check its permissions") from None


def sniff(head: Head) -> str | None:
    """The name of the reader most certain of a file, or None."""
    scores = [(-READERS.get(name).sniff(head), name) for name in READERS]
    score, name = min(scores)
    return name if score < 0 else None


def _belongs_to_record(path: Path) -> bool:
    """Whether a path is a WFDB record's bare name, or a signal file that the header of the same name mentions."""
    if path.with_name(path.name + ".hea").exists():
        return True
    header = path.with_suffix(".hea")
    if not path.suffix or not header.exists():
        return False
    try:
        with header.open("rb") as file:
            return path.name.encode() in file.read(2**16)
    except OSError:
        return False
