"""MATLAB level 4 and 5 files as arrays, cells and structs (MathWorks, MAT-File Format, R2023b), read within bounds.

scipy's reader allocates what a damaged file declares and inflates without limit; this one does neither. Checked against
scipy.io.loadmat in the tests.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from precordia.core.errors import UnreadableRecordingError
from precordia.records.limits import MAX_FILE_BYTES, MAX_VALUES, inflate

_V4_TYPES: Final = {0: "f8", 1: "f4", 2: "i4", 3: "i2", 4: "u2", 5: "u1"}
_TYPES: Final = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
    16: "u1",
    17: "u2",
    18: "u4",
}
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _CHAR = 1, 2, 4
_NUMERIC: Final = range(6, 16)
_MAX_DEPTH: Final = 8
_MAX_ELEMENTS: Final = 20_000


def is_level_4(data: bytes) -> bool:
    """Whether bytes begin like a level 4 file with a two-dimensional numeric matrix."""
    if len(data) < 21:
        return False
    kind, rows, columns, imaginary, name_length = struct.unpack_from("<5i", data)
    precision, remainder = divmod(kind, 10)
    return (
        0 <= kind < 100 and remainder == 0 and precision in _V4_TYPES and imaginary == 0
        and 0 <= rows <= MAX_VALUES and 0 <= columns <= MAX_VALUES and 1 < name_length <= 64
        and data[20 : 20 + name_length - 1].replace(b"_", b"a").isalnum()
    )  # fmt: skip


def is_level_5(data: bytes) -> bool:
    """Whether bytes begin like a level 5 (or 7) file."""
    return data[:10] == b"MATLAB 5.0" and data[126:128] in (b"IM", b"MI")


def load(data: bytes) -> dict[str, Any]:
    """Variables by name: arrays, text as ``str``, cells as lists, a struct as a dict (of lists for struct arrays).

    Raises:
        UnreadableRecordingError: damaged, or larger than any recording. The message does not name the file.
    """
    try:
        return _load_4(data) if not is_level_5(data) else _Level5(data).load()
    except (struct.error, IndexError, OverflowError) as error:
        raise UnreadableRecordingError(f"the MATLAB file is damaged or truncated ({type(error).__name__})") from None


def _load_4(data: bytes) -> dict[str, Any]:
    out: dict[str, Any] = {}
    at = 0
    while at + 20 <= len(data) and len(out) < 100:
        if not is_level_4(data[at : at + 96]):
            raise UnreadableRecordingError("the MATLAB file holds something else than plain matrices")
        kind, rows, columns, _, name_length = struct.unpack_from("<5i", data, at)
        dtype = np.dtype("<" + _V4_TYPES[kind // 10])
        name = data[at + 20 : at + 20 + name_length - 1].decode("latin-1")
        at += 20 + name_length
        count = rows * columns
        if count > MAX_VALUES or at + count * dtype.itemsize > len(data):
            raise UnreadableRecordingError(
                f"the MATLAB file holds {len(data) - at} bytes of a {rows} x {columns} matrix; it is truncated"
            )
        out[name] = np.frombuffer(data, dtype=dtype, count=count, offset=at).reshape(rows, columns, order="F")
        at += count * dtype.itemsize
    return out


@dataclass
class _Level5:
    """A level 5 file being read; ``budget`` bytes may still be inflated, ``elements`` counts what was read."""

    data: bytes
    budget: int = MAX_FILE_BYTES
    elements: int = 0

    def load(self) -> dict[str, Any]:
        self.order = "<" if self.data[126:128] == b"IM" else ">"
        out: dict[str, Any] = {}
        at = 128
        while at + 8 <= len(self.data):
            kind, payload, at = self.element(self.data, at)
            if kind == _COMPRESSED:
                plain = inflate("a variable of the MATLAB file", payload, limit=self.budget)
                self.budget -= len(plain)
                kind, payload, _ = self.element(plain, 0)
            if kind == _MATRIX:
                name, value = self.matrix(payload, 0)
                if name and value is not None:
                    out[name] = value
        return out

    def element(self, data: bytes, at: int) -> tuple[int, bytes, int]:
        """Type, payload and the place after it."""
        self.elements += 1
        if self.elements > _MAX_ELEMENTS:
            raise UnreadableRecordingError("the MATLAB file has more parts than any recording")
        kind, size = struct.unpack_from(self.order + "II", data, at)
        if kind >> 16:  # small element: size and up to four bytes of data in the tag itself
            kind, size = kind & 0xFFFF, kind >> 16
            return kind, data[at + 4 : at + 4 + min(size, 4)], at + 8
        end = at + 8 + size
        if end > len(data):
            raise UnreadableRecordingError("the MATLAB file ends within a variable; it is truncated")
        return kind, data[at + 8 : end], end if kind == _COMPRESSED else end + (-size) % 8

    def matrix(self, data: bytes, depth: int) -> tuple[str, Any]:
        """Name and value of a matrix element; None for kinds that are not read (objects, sparse, complex)."""
        if not data or depth > _MAX_DEPTH:
            return "", None
        _, flags, at = self.element(data, 0)
        _, raw_dims, at = self.element(data, at)
        _, raw_name, at = self.element(data, at)
        (flag,) = struct.unpack_from(self.order + "I", flags)
        kind, name = flag & 0xFF, raw_name.decode("latin-1")
        dims = np.frombuffer(raw_dims, dtype=self.order + "i4").tolist()
        count = 1
        for side in dims:
            count *= max(0, side)
        if count > MAX_VALUES or len(dims) > 8:
            raise UnreadableRecordingError("the MATLAB file declares a matrix larger than any recording")
        if kind in _NUMERIC and not flag & 0x0800:
            return name, self.numbers(data, at, dims, count)
        if kind == _CHAR:
            letters = self.numbers(data, at, dims, count)
            rows = ["".join(chr(int(code)) for code in row).rstrip() for row in np.atleast_2d(letters)[:1000]]
            return name, rows[0] if len(rows) == 1 else rows
        if kind == _CELL:
            cells = []
            for _ in range(min(count, _MAX_ELEMENTS)):
                _, payload, at = self.element(data, at)
                cells.append(self.matrix(payload, depth + 1)[1])
            return name, cells
        if kind == _STRUCT:
            return name, self.struct(data, at, count, depth)
        return name, None

    def numbers(self, data: bytes, at: int, dims: list[int], count: int) -> Any:
        kind, payload, _ = self.element(data, at)
        if kind not in _TYPES:
            raise UnreadableRecordingError("the MATLAB file holds numbers of a kind that is not known; it is damaged")
        dtype = np.dtype(self.order + _TYPES[kind])
        if len(payload) < count * dtype.itemsize:
            raise UnreadableRecordingError("the MATLAB file holds fewer numbers than it declares; it is damaged")
        return np.frombuffer(payload, dtype=dtype, count=count).reshape(dims, order="F")

    def struct(self, data: bytes, at: int, count: int, depth: int) -> dict[str, Any]:
        _, raw_width, at = self.element(data, at)
        _, raw_names, at = self.element(data, at)
        (width,) = struct.unpack_from(self.order + "i", raw_width)
        if not 1 <= width <= 256:
            raise UnreadableRecordingError("the MATLAB file has a struct without readable fields; it is damaged")
        names = [raw_names[i : i + width].split(b"\0", 1)[0].decode("latin-1") for i in range(0, len(raw_names), width)]
        out: dict[str, Any] = {name: [] for name in names}
        for _ in range(min(count, _MAX_ELEMENTS)):
            for name in names:
                _, payload, at = self.element(data, at)
                out[name].append(self.matrix(payload, depth + 1)[1])
        return {name: values[0] for name, values in out.items()} if count == 1 else out
