"""An uploaded ECG: bytes with a name, read as a file would be, and gone afterwards.

A WFDB record is several files: it is sent as a ZIP archive that holds one record. Files lie, under names of our own making,
in a folder that only this process can read and that is removed before the answer is given. No report table is looked for,
in the upload or elsewhere: one that a stranger sends says nothing about other people's ECGs.
"""

from __future__ import annotations

import re
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

from precordia.core.errors import InputError, UnreadableRecordingError
from precordia.core.recording import Recording

T = TypeVar("T")

MAX_BYTES: Final = 64 * 2**20
"""Largest upload, and largest content of an uploaded archive, bytes: an hour of 12 leads at 500 Hz fits."""

MAX_MEMBERS: Final = 64
"""Most files in an uploaded archive."""

MOST_ECGS: Final = 16
"""Most ECGs of an uploaded archive of several."""

_MAX_ENTRIES: Final = 1000
"""Most entries, folders included, in an archive's directory; beyond, it is not even opened: each costs half a kilobyte."""

_ENTRY: Final = b"PK\x01\x02"
_NAME_LENGTH: Final = 60
_ENCRYPTED: Final = 0x1
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read_upload(name: str, content: bytes) -> Recording:
    """The recording in an upload.

    Args:
        name: What the sender calls the file; only its last part is used.
        content: The file's bytes.

    Raises:
        InputError: empty, too large, not an ECG, or an archive that does not hold exactly one.
    """
    return replace(with_upload(name, content, _read_ecg), source=_named(name))


def read_uploads(name: str, content: bytes) -> list[Recording]:
    """The recordings in an upload that is a ZIP archive of several, in the order of their names; else as :func:`read_upload`."""

    def read_all(files: list[Path]) -> list[Recording]:
        return [replace(_read_ecg(file), source=_named(file.name)) for file in files]

    return _with_files(name, content, read_all, MOST_ECGS)


def _read_ecg(file: Path) -> Recording:
    """The recording in a file, refused where it is no ECG with what it is."""
    from precordia.records.alone import read_alone
    from precordia.signals.door import admit
    from precordia.signals.opening import read_ecg

    recording = read_ecg(file, read_alone)
    admit(recording)
    return recording


def with_upload(name: str, content: bytes, read: Callable[[Path], T]) -> T:
    """What is made of an upload's file while it is there.

    Args:
        name: As :func:`read_upload` takes it.
        content: Likewise.
        read: From the file to what is wanted.

    Raises:
        InputError: as :func:`read_upload`, and what ``read`` raises.
    """
    return _with_files(name, content, lambda files: read(files[0]), 1)


def _with_files(name: str, content: bytes, read: Callable[[list[Path]], T], most: int) -> T:
    name = _named(name)
    if not content:
        raise UnreadableRecordingError(f"{name}: the upload is empty; send the file's bytes as the body")
    if len(content) > MAX_BYTES:
        raise UnreadableRecordingError(f"{name}: larger than {MAX_BYTES // 2**20} MiB; send one ECG")
    from precordia.records.readers.sidecar import alone_in

    with tempfile.TemporaryDirectory(prefix="precordia-") as place, warnings.catch_warnings():
        # A warning of a reader would print what it reads.
        warnings.simplefilter("ignore")
        folder = Path(place)
        try:
            paths = [folder / name]
            if _is_plain_zip(name, content):
                _unzip(name, content, folder)
                _refuse_archives(name, folder)
                paths = _ecgs(name, folder, most)
            else:
                paths[0].write_bytes(content)
                _refuse_archives(name, folder)
            with alone_in(folder):
                return read(paths)
        except InputError as error:
            # The folder is ours alone; the sender knows the file by its name.
            raise type(error)(str(error).replace(f"{place}/", "")) from None


def _named(name: str) -> str:
    return _file_name(name) or "upload"


def _file_name(name: str) -> str:
    """The last part of a path as a name that every file system takes, its extension kept; empty for hidden files."""
    last = PurePosixPath(name.replace("\\", "/")).name
    return "" if last.startswith(".") else re.sub(r"[^\w.-]", "_", last)[-_NAME_LENGTH:].lstrip(".")


def _is_plain_zip(name: str, content: bytes) -> bool:
    """Whether this is an archive of files, and not of arrays (NPZ)."""
    if not content.startswith(b"PK\x03\x04"):
        return False
    if content.count(_ENTRY) > _MAX_ENTRIES:
        raise UnreadableRecordingError(f"{name}: the archive holds too much; send one record")
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            return not any(member.endswith(".npy") for member in archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise UnreadableRecordingError(f"{name}: the archive is damaged; send it again") from None


def _unzip(name: str, content: bytes, folder: Path) -> None:
    """Write an archive's files beside each other into a folder.

    Raises:
        UnreadableRecordingError: it is damaged or encrypted, holds too much, or two files of one name.
    """
    left = MAX_BYTES
    with zipfile.ZipFile(BytesIO(content)) as archive:
        members = [m for m in archive.infolist() if not m.filename.endswith("/") and _file_name(m.filename)]
        if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_BYTES:
            raise UnreadableRecordingError(f"{name}: the archive holds too much; send one record")
        if any(member.flag_bits & _ENCRYPTED for member in members):
            raise UnreadableRecordingError(f"{name}: the archive is encrypted; send it without a password")
        if any(member.compress_type not in _METHODS for member in members):
            raise UnreadableRecordingError(f"{name}: the archive is not compressed as ZIP usually is; make a plain one")
        for member in members:
            try:
                with archive.open(member) as stream:
                    data = stream.read(left + 1)
            except (zipfile.BadZipFile, zlib.error, ValueError, RuntimeError, NotImplementedError, EOFError):
                raise UnreadableRecordingError(f"{name}: the archive is damaged; send it again") from None
            left -= len(data)
            if left < 0:
                raise UnreadableRecordingError(f"{name}: the archive holds more than it says; send one record")
            path = folder / _file_name(member.filename)
            if path.exists():
                raise UnreadableRecordingError(f"{name}: the archive holds two files of one name; send one record")
            path.write_bytes(data)


def _refuse_archives(name: str, folder: Path) -> None:
    """Refuse tar and gzip files, and archives in an archive, before anything in them is looked for."""
    from precordia.records.alone import read_head, sniff
    from precordia.records.scan import PACKED

    for path in sorted(folder.iterdir()):
        if path.stat().st_size and sniff(read_head(path)) == PACKED:
            raise UnreadableRecordingError(
                f"{name}: an archive of another kind, or in an archive; send the ECG itself, or a ZIP archive of its files"
            )


def _ecgs(name: str, folder: Path, most: int) -> list[Path]:
    from precordia.records.scan import scan

    found = sorted(Path(ref.path) for ref in scan(folder))
    if not 1 <= len(found) <= most:
        wanted = "exactly one" if most == 1 else f"1 to {most}"
        raise UnreadableRecordingError(f"{name}: the archive holds {len(found)} ECGs; send {wanted}")
    return found
