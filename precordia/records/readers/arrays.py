"""Plain arrays: NPY, NPZ and CSV, described by a small JSON beside (see ``sidecar``)."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError
from precordia.core.leads import canonical_lead
from precordia.core.recording import Recording
from precordia.records.channels import mv_per_unit
from precordia.records.limits import MAX_FILE_BYTES, MAX_TEXT_BYTES, MAX_VALUES, read_bytes
from precordia.records.readers.reader import Head, Reader
from precordia.records.readers.sidecar import find_sidecar, read_sidecar, recording_from_array

_NPY: Final = b"\x93NUMPY"
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
            arrays = {
                info.filename.removesuffix(".npy"): _npy(path, _member(path, archive, info))
                for info in _members(path, archive)
            }
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise UnreadableRecordingError(
            f"{path}: not a readable NPZ archive ({str(error)[:80]}); it is damaged"
        ) from None
    name = next(
        (name for name in ("signal", "ecg", "val", "data", "x") if name in arrays),
        next(iter(arrays)) if len(arrays) == 1 else None,
    )
    if name is None:
        raise UnreadableRecordingError(
            f"{path}: none of its arrays is called signal ({', '.join(sorted(arrays))[:80]}); name it so"
        )
    for key in ("fs", "units", "recording_id", "patient_id", "age", "sex", "report"):
        if key in arrays and arrays[key].size == 1:
            facts.setdefault(key, arrays[key].reshape(-1)[0].item())
    if "leads" in arrays:
        facts.setdefault("leads", [str(item) for item in arrays["leads"].reshape(-1)])
    return recording_from_array(path, arrays[name], facts, format="numpy")


def _members(path: Path, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
    if not members or len(members) > 64:
        raise UnreadableRecordingError(f"{path}: holds {len(members)} arrays; one recording is one array called signal")
    return members


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """One member, read in bounds whatever its header declares."""
    with archive.open(info) as file:
        data = file.read(MAX_FILE_BYTES // 8 + 1) if info.file_size <= MAX_FILE_BYTES else b""
        if len(data) > MAX_FILE_BYTES // 8 or not data:
            data += file.read(MAX_FILE_BYTES) if data else b""
        if not data or len(data) > MAX_FILE_BYTES:
            raise UnreadableRecordingError(f"{path}: unpacks to more than {MAX_FILE_BYTES / 2**20:.0f} MiB; refused")
    return data


def _npy(path: Path, data: bytes) -> NDArray[Any]:
    """The array in NPY bytes; its header is read with literals only, and its size checked before anything is allocated."""
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = header(stream)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise UnreadableRecordingError(
            f"{path}: not a readable NPY header ({type(error).__name__}); it is damaged"
        ) from None
    count = int(np.prod([int(side) for side in shape], dtype=object)) if shape else 1
    if dtype.hasobject or not 0 <= count <= MAX_VALUES:
        raise UnreadableRecordingError(
            f"{path}: holds Python objects or more than {MAX_VALUES} values; save plain numbers"
        )
    rest = data[stream.tell() :]
    if dtype.itemsize == 0 or len(rest) < count * dtype.itemsize:
        raise UnreadableRecordingError(
            f"{path}: holds {len(rest)} bytes where {count * dtype.itemsize} are declared; it is truncated"
        )
    array: NDArray[Any] = np.frombuffer(rest, dtype=dtype, count=count).reshape(shape, order="F" if fortran else "C")
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
