"""Plain arrays: NPY, NPZ and CSV, described by a small JSON beside (see ``sidecar``)."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError
from precordia.core.leads import canonical_lead
from precordia.core.recording import Recording
from precordia.records.channels import mv_per_unit
from precordia.records.limits import MAX_TEXT_BYTES, MAX_VALUES, most_inflated, read_bytes
from precordia.records.readers.reader import Head, Reader
from precordia.records.readers.sidecar import find_sidecar, read_sidecar, recording_from_array

_NPY: Final = b"\x93NUMPY"
_SIGNALS: Final = ("signal", "ecg", "val", "data", "x")
_ROW: Final = re.compile(r"(?=[^\n]*\d)(?:[\s\d.,;eE+\-]|nan|NaN)+$")
_GAP: Final = re.compile(r"(?<=[,;\t])(?=[,;\t\r\n])|(?<=[,;\t])$|^(?=[,;\t])", re.MULTILINE)
_TIME: Final = re.compile(r"^(time|t|sample|index|seconds?|ms)\b", re.IGNORECASE)


def sniff_numpy(head: Head) -> int:
    """2 for NPY; for a zip archive 2 when its first member is an NPY."""
    if head.data[:6] == _NPY:
        return 2
    return 2 if head.data[:4] == b"PK\x03\x04" and b".npy" in head.data[:512] else 0


def sniff_csv(head: Head) -> int:
    """2 for numbers under a header of at least one lead name, 1 for numbers with a JSON beside."""
    if not head.is_text or head.xml_root:
        return 0
    lines = [line for line in head.text.splitlines() if line.strip()]
    if len(lines) < 3 or not _ROW.match(lines[1]):
        return 0
    names = [_split_unit(cell)[0] for cell in _cells(lines[0])]
    if sum(canonical_lead(name) is not None for name in names) >= max(1, len(names) - 2) and not _ROW.match(lines[0]):
        return 2
    return 1 if find_sidecar(head.path) else 0


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
            f"{path}: not a readable NPZ archive ({str(error)[:80]}); it is damaged"
        ) from None
    return recording_from_array(path, array, facts, format="numpy")


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    """One member, inflated only so far as its NPY header declares, whatever the archive's directory says."""
    with archive.open(info) as file:
        start = file.read(min(limit, 4096))
        shape, _, dtype, offset = _npy_header(path, start)
        wanted = offset + _count(path, shape, dtype) * dtype.itemsize
        if wanted > most_inflated(info.compress_size, limit):
            raise UnreadableRecordingError(
                f"{path}: {info.filename[:40]} unpacks to {wanted} bytes, more than are read; refused"
            )
        return start[:wanted] + (file.read(wanted - len(start)) if wanted > len(start) else b"")


def _facts(path: Path, archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> dict[str, Any]:
    """What small arrays beside the samples say: fs, leads, units, ..."""
    out: dict[str, Any] = {}
    for key in ("fs", "units", "recording_id", "patient_id", "age", "sex", "report", "leads"):
        if key in members:
            value = _npy(path, _member(path, archive, members[key], 2**20)).reshape(-1)
            if key == "leads":
                out[key] = [str(item) for item in value]
            elif value.size == 1:
                out[key] = value[0].item()
    return out


def _npy_header(path: Path, data: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Shape, Fortran order, type and the place of the first value; literals only are evaluated."""
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = header(stream)
    except Exception as error:  # numpy parses the header as Python: a damaged one raises whatever a tokenizer raises
        raise UnreadableRecordingError(
            f"{path}: not a readable NPY header ({type(error).__name__}); it is damaged"
        ) from None
    return shape, fortran, dtype, stream.tell()


def _count(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    count = 1
    for side in shape:
        count *= int(side)
    if dtype.hasobject or dtype.itemsize == 0 or not 0 <= count <= MAX_VALUES:
        raise UnreadableRecordingError(
            f"{path}: holds Python objects or more than {MAX_VALUES} values; save plain numbers"
        )
    return count


def _npy(path: Path, data: bytes) -> NDArray[Any]:
    """The array in NPY bytes, its size checked before anything is allocated."""
    shape, fortran, dtype, offset = _npy_header(path, data)
    count = _count(path, shape, dtype)
    if len(data) - offset < count * dtype.itemsize:
        raise UnreadableRecordingError(
            f"{path}: holds {len(data) - offset} of {count * dtype.itemsize} bytes; it is truncated"
        )
    array: NDArray[Any] = np.frombuffer(data, dtype=dtype, count=count, offset=offset).reshape(
        shape, order="F" if fortran else "C"
    )
    return array


def read_csv(path: Path) -> Recording:
    """A table of samples, one column a lead, named in its first line; a time column gives the rate when no JSON does.

    Raises:
        UnreadableRecordingError: something else than numbers, or lines of different lengths.
    """
    text = read_bytes(path, MAX_TEXT_BYTES).decode("utf-8-sig", errors="replace")
    facts = read_sidecar(path)
    head, _, body = text.lstrip().partition("\n")
    columns: list[str] | None = None
    if _ROW.match(head):
        body = text
    else:
        columns = _cells(head)
    table = _table(path, body)
    if columns is not None and table.shape[1] != len(columns):
        raise UnreadableRecordingError(
            f"{path}: has {len(columns)} column names but {table.shape[1]} columns; it is damaged"
        )
    notes: list[str] = []
    if columns and _TIME.match(columns[0]) and table.shape[0] > 1:
        fs = _rate_of(columns[0], table[:, 0])
        if fs and "fs" not in facts:
            facts["fs"] = fs
            notes.append(f"sampling rate {fs:g} Hz from the column {columns[0]!r}")
        table, columns = table[:, 1:], columns[1:]
    if columns:
        split = [_split_unit(column) for column in columns]
        units = {unit for _, unit in split if unit}
        columns = [name for name, _ in split]
        if len(units) == 1:
            facts.setdefault("units", units.pop())
    return recording_from_array(
        path, table.T if table.shape[0] >= table.shape[1] else table, facts, format="csv", columns=columns, notes=notes
    )


def _cells(line: str) -> list[str]:
    delimiter = max(",;\t", key=line.count)
    cells = line.split(delimiter) if delimiter in line else line.split()
    return [cell.strip().strip('"') for cell in cells]


def _split_unit(column: str) -> tuple[str, str | None]:
    """ "V1 (mV)", "V1 [uV]", "V1_mV": name and unit."""
    match = re.match(r"^(.*?)[\s_]*[(\[]?\s*([µμumn]?V)\s*[)\]]?$", column)
    if match and match.group(1) and mv_per_unit(match.group(2)) is not None and column != match.group(2):
        return match.group(1).strip(), match.group(2)
    return column, None


def _table(path: Path, body: str) -> NDArray[np.float64]:
    first = next((line for line in body.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    width = len(first.split(delimiter)) if delimiter in first else len(first.split())
    if not first:
        raise UnreadableRecordingError(f"{path}: has no lines of samples; it is truncated")
    if width > 256:
        raise UnreadableRecordingError(f"{path}: has {width} columns; one column is one lead, so this is no recording")
    if delimiter == ";" and "," in body:
        body = body.replace(",", ".")
    if delimiter in first and _GAP.search(body):
        body = _GAP.sub("nan", body)
    try:
        rows = np.loadtxt(
            io.StringIO(body), delimiter=delimiter if delimiter in first else None, dtype=np.float64, ndmin=2
        )
    except ValueError:
        raise UnreadableRecordingError(
            f"{path}: something else than numbers, or lines of different lengths; it is damaged"
        ) from None
    return rows.reshape(-1, width)


def _rate_of(name: str, times: NDArray[np.float64]) -> float | None:
    step = float(np.median(np.diff(times)))
    if not step > 0 or name.lower().startswith(("sample", "index")):
        return None
    return round((1000 if "ms" in name.lower() or "milli" in name.lower() else 1) / step, 6)


NUMPY = Reader("numpy", sniff_numpy, read_numpy, (".npy", ".npz"))
CSV = Reader("csv", sniff_csv, read_csv)
