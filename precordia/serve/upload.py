"""An uploaded ECG: bytes with a name, read as a file would be, and gone afterwards.

A WFDB record is several files: it is sent as a ZIP archive that holds one record.
"""

from __future__ import annotations

import tempfile
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Final

from precordia.core.errors import InputError, UnreadableRecordingError
from precordia.core.recording import Recording

MAX_BYTES: Final = 64 * 2**20
"""Largest upload, and largest content of an uploaded archive, bytes: an hour of 12 leads at 500 Hz fits."""

MAX_MEMBERS: Final = 64
"""Most files in an uploaded archive."""


def read_upload(name: str, content: bytes) -> Recording:
    """The recording in an upload.

    Args:
        name: What the sender calls the file; only its last part is used.
        content: The file's bytes.

    Raises:
        InputError: empty, too large, not an ECG, or an archive that does not hold exactly one.
    """
    name = PurePosixPath(name.replace("\\", "/")).name or "upload"
    if not content:
        raise UnreadableRecordingError(f"{name}: the upload is empty; send the file's bytes as the body")
    if len(content) > MAX_BYTES:
        raise UnreadableRecordingError(f"{name}: larger than {MAX_BYTES // 2**20} MiB; send one ECG")
    from precordia.records.read import read_recording

    with tempfile.TemporaryDirectory(prefix="precordia-") as folder:
        try:
            path = (
                _unzip(name, content, Path(folder)) if _is_plain_zip(content) else _store(name, content, Path(folder))
            )
            recording = read_recording(path)
        except InputError as error:
            # The folder is ours alone; the sender knows the file by its name.
            raise type(error)(str(error).replace(f"{folder}/", "")) from None
    return replace(recording, source=name)


def _store(name: str, content: bytes, folder: Path) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def _is_plain_zip(content: bytes) -> bool:
    if not content.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            return not any(name.endswith(".npy") for name in archive.namelist())
    except zipfile.BadZipFile:
        return False


def _unzip(name: str, content: bytes, folder: Path) -> Path:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_BYTES:
            raise UnreadableRecordingError(f"{name}: the archive holds too much; send one record")
        left = MAX_BYTES
        for member in members:
            with archive.open(member) as stream:
                data = stream.read(left + 1)
            left -= len(data)
            if left < 0:
                raise UnreadableRecordingError(f"{name}: the archive holds more than it says; send one record")
            _store(PurePosixPath(member.filename).name or "member", data, folder)
    from precordia.records.scan import scan

    found = scan(folder)
    if len(found) != 1:
        raise UnreadableRecordingError(f"{name}: the archive holds {len(found)} ECGs; send exactly one")
    return Path(found[0].path)
