"""The header of an NPY file: shape, order and type of what follows.

NumPy's own parser warns on headers that Python 2 wrote, and Python's on stray backslashes; here a header is read, or refused.
Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

_MAX_HEADER: Final = 10_000
"""Longest header, bytes, as in NumPy: parsing takes memory out of proportion."""


@dataclass(frozen=True)
class NpyHeader:
    """What an NPY header says.

    Attributes:
        shape: Sides.
        fortran: Whether the first side runs fastest.
        dtype: Type of a value.
        offset: Bytes before the first value.
    """

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    offset: int

    def values(self, data: bytes) -> NDArray[Any]:
        """The array that begins with the first byte of ``data``."""
        array: NDArray[Any] = np.frombuffer(data, dtype=self.dtype, count=int(np.prod(self.shape, dtype=np.int64)))
        return array.reshape(self.shape, order="F" if self.fortran else "C")


def read_npy_header(stream: IO[bytes]) -> NpyHeader:
    """The header at the beginning of a stream, which is left at the first value.

    Raises:
        ValueError: it is none, or says what no array can be.
    """
    start = stream.read(8)
    if start[:6] != b"\x93NUMPY" or len(start) < 8 or not 1 <= start[6] <= 3:
        raise ValueError("no NPY header of a known version")
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(stream.read(width), "little")
    text = stream.read(min(length, _MAX_HEADER + 1)).decode("utf-8" if start[6] == 3 else "latin1")
    if not 0 < length <= _MAX_HEADER or "\\" in text or "\0" in text:
        raise ValueError("an NPY header that is too long or holds what none does")
    try:  # Python 2 wrote long integers as 12L
        said = ast.literal_eval(re.sub(r"(?<=\d)L(?=\s*[,)])", "", text).strip())
        shape, fortran, descr = said["shape"], said["fortran_order"], said["descr"]
        dtype = np.lib.format.descr_to_dtype(descr)
    except Exception as error:  # a damaged literal raises whatever a tokenizer raises
        raise ValueError(f"an NPY header that is damaged ({type(error).__name__})") from None
    if not isinstance(shape, tuple) or not all(type(side) is int for side in shape) or type(fortran) is not bool:
        raise ValueError("an NPY header whose shape is none")
    return NpyHeader(shape, fortran, dtype, 8 + width + length)
