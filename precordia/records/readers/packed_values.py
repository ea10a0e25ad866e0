"""Values that ml4h packs with Zstandard, each array and text an opaque value with attributes that say what it was.

Layout: ``_compress_data_to_hd5`` in ``tensor_writer_partners.py`` of github.com/broadinstitute/ml4h.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from precordia.records.limits import most_inflated


@dataclass(frozen=True)
class Packed:
    """What the attributes say.

    Attributes:
        dtype: NumPy's name of a value's type, or "str".
        n_bytes: Size unpacked.
    """

    dtype: str
    n_bytes: int

    @property
    def kind(self) -> str:
        """NumPy's letter for the type; "U" for text."""
        return "U" if self.dtype == "str" else np.dtype(self.dtype).kind

    @property
    def n_values(self) -> int:
        """How many values it holds."""
        return self.n_bytes if self.dtype == "str" else self.n_bytes // np.dtype(self.dtype).itemsize


def packed_of(thing: Any) -> Packed | None:
    """What an HDF5 value is unpacked, or None for what is not packed."""
    if getattr(thing, "shape", None) != () or thing.dtype.kind != "V" or "uncompressed_length" not in thing.attrs:
        return None
    method, dtype = (_text(thing.attrs.get(key)) for key in ("method", "dtype"))
    return Packed(dtype, int(thing.attrs["uncompressed_length"])) if method == "zstd" else None


def unpacked(thing: Any) -> NDArray[Any]:
    """The values of an HDF5 array, packed or not; a packed text as an array of one.

    Raises:
        ValueError: it does not unpack to what it says.
    """
    packed = packed_of(thing)
    if packed is None:
        return np.asarray(thing)
    import pyarrow as pa

    data = thing[()].tobytes()
    if not 0 <= packed.n_bytes <= most_inflated(len(data)):
        raise ValueError("unpacks beyond all bounds")
    if packed.n_bytes == 0:
        return np.asarray("" if packed.dtype == "str" else np.empty(0, packed.dtype))
    plain = pa.Codec("zstd").decompress(data, packed.n_bytes, asbytes=True)
    return np.asarray(plain.decode("utf-8", "replace")) if packed.dtype == "str" else np.frombuffer(plain, packed.dtype)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
