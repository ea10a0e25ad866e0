"""Plain arrays: NPY and NPZ, described by a small JSON beside (see ``sidecar``)."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError, reason_of
from precordia.core.recording import Recording
from precordia.records.limits import MAX_VALUES, most_inflated, read_bytes
from precordia.records.readers import stacks
from precordia.records.readers.npy_header import NpyHeader, read_npy_header
from precordia.records.readers.reader import Head, Reader, Several
from precordia.records.readers.sidecar import fact_of, read_sidecar, recording_from_array, to_facts

_NPY: Final = b"\x93NUMPY"
_SIGNALS: Final = ("signal", "ecg", "val", "data", "x")


def sniff_numpy(head: Head) -> int:
    """2 for NPY; for a zip archive 2 when its first member is an NPY and it is not called a ZIP."""
    if head.data[:6] == _NPY:
        return 2
    first = head.data[30 : 30 + int.from_bytes(head.data[26:28], "little")]
    return 2 if head.data[:4] == b"PK\x03\x04" and first.endswith(b".npy") and head.path.suffix.lower() != ".zip" else 0


def read_numpy(path: Path) -> Recording:
    """The array of an NPY file, or the one named "signal" (or the only one) of an NPZ, which may also hold fs and leads.

    Raises:
        UnreadableRecordingError: damaged, pickled, or larger than any recording.
    """
    data = read_bytes(path)
    facts = read_sidecar(path)
    if data[:6] == _NPY:
        return recording_from_array(path, _npy(path, data), facts, format="numpy")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {
                info.filename.removesuffix(".npy"): info
                for info in archive.infolist()
                if info.filename.endswith(".npy")
            }
            name = next(
                (name for name in _SIGNALS if name in members), next(iter(members)) if len(members) == 1 else None
            )
            if name is None:
                listing = ", ".join(sorted(members))[:80]
                raise UnreadableRecordingError(
                    f"{path}: none of its arrays is called signal ({listing}); one file is one recording"
                )
            array = _npy(path, _member(path, archive, members[name], MAX_VALUES * 8 + 4096))
            facts = {**_facts(path, archive, members), **facts}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError, RuntimeError) as error:
        raise UnreadableRecordingError(
            f"{path}: not a readable NPZ archive ({reason_of(error)}); it is damaged"
        ) from None
    return recording_from_array(path, array, facts, format="numpy")


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    """One member, inflated only so far as its NPY header declares, whatever the archive's directory says."""
    with archive.open(info) as file:
        start = file.read(min(limit, 4096))
        header = _header(path, start)
        wanted = header.offset + _count(path, header) * header.dtype.itemsize
        if wanted > most_inflated(info.compress_size, limit):
            raise UnreadableRecordingError(
                f"{path}: {info.filename[:40]} unpacks to {wanted} bytes, more than are read; refused"
            )
        return start[:wanted] + (file.read(wanted - len(start)) if wanted > len(start) else b"")


def _facts(path: Path, archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> dict[str, Any]:
    """What small arrays beside the samples say: fs, leads, units, ..."""
    out: dict[str, Any] = {}
    for name, info in members.items():
        key = fact_of(name)
        if key is not None and key not in out:
            value = _npy(path, _member(path, archive, info, 2**20)).reshape(-1)
            if key == "leads":
                out[key] = [str(item) for item in value]
            elif value.size == 1:
                out[key] = value[0].item()
    return to_facts(out)


def _header(path: Path, data: bytes) -> NpyHeader:
    """The header of NPY bytes."""
    try:
        return read_npy_header(io.BytesIO(data))
    except ValueError as error:
        raise UnreadableRecordingError(f"{path}: {error}; it is damaged, copy it again from its source") from None


def _count(path: Path, header: NpyHeader) -> int:
    count = 1
    for side in header.shape:
        count *= side
    if header.dtype.hasobject or header.dtype.itemsize == 0 or not 0 <= count <= MAX_VALUES:
        raise UnreadableRecordingError(
            f"{path}: holds Python objects or more than {MAX_VALUES} values; save plain numbers"
        )
    return count


def _npy(path: Path, data: bytes) -> NDArray[Any]:
    """The array in NPY bytes, its size checked before anything is allocated."""
    header = _header(path, data)
    wanted, there = _count(path, header) * header.dtype.itemsize, len(data) - header.offset
    if there < wanted:
        raise UnreadableRecordingError(f"{path}: holds {there} of {wanted} bytes; it is truncated")
    return header.values(data[header.offset : header.offset + wanted])


NUMPY = Reader("numpy", sniff_numpy, read_numpy, (".npy", ".npz"), Several(stacks.names, stacks.read))
