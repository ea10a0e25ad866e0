"""WFDB signal files: bytes to ADC values (https://physionet.org/physiotools/wag/signal-5.htm).

Every function takes what follows the byte offset and gives ``n`` values in file order as int32, with the format's
missing-sample mark left in place. Checked against wfdb-python in the tests.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import MissingExtraError, UnreadableRecordingError

Values = NDArray[np.int32]


def _linear(dtype: str, zero: int = 0) -> Callable[[bytes, int], Values]:
    def decode(data: bytes, n: int) -> Values:
        return np.frombuffer(data, dtype=dtype, count=n).astype(np.int32) - np.int32(zero)

    return decode


def _decode_24(data: bytes, n: int) -> Values:
    octets = np.frombuffer(data, dtype=np.uint8, count=3 * n).reshape(n, 3)
    wide = np.zeros((n, 4), dtype=np.uint8)
    wide[:, 1:] = octets
    return wide.view("<i4").ravel() >> 8


def _decode_212(data: bytes, n: int) -> Values:
    pairs = (n + 1) // 2
    octets = np.zeros(3 * pairs, dtype=np.uint8)
    have = (3 * n + 1) // 2
    octets[:have] = np.frombuffer(data, dtype=np.uint8, count=have)
    triples = octets.reshape(pairs, 3).astype(np.int16)
    out = np.empty((pairs, 2), dtype=np.int16)
    out[:, 0] = triples[:, 0] | (triples[:, 1] & 0x0F) << 8
    out[:, 1] = triples[:, 2] | (triples[:, 1] & 0xF0) << 4
    out <<= 4
    out >>= 4
    return out.ravel()[:n].astype(np.int32)


def _decode_310(data: bytes, n: int) -> Values:
    """Three 10-bit values in two little-endian words: 11 bits above a marker bit, the third in the top fives."""
    words = _words(data, 2 * ((n + 2) // 3), "<u2", size_of_310(n))
    first, second = words[0::2], words[1::2]
    out = np.stack(
        [(first >> 1) & 0x3FF, (second >> 1) & 0x3FF, ((first >> 11) & 0x1F) | ((second >> 11) & 0x1F) << 5], axis=1
    )
    return _sign(out.ravel()[:n], 10)


def _decode_311(data: bytes, n: int) -> Values:
    """Three 10-bit values in one little-endian 32-bit word, the first lowest."""
    words = _words(data, (n + 2) // 3, "<u4", size_of_311(n))
    out = np.stack([words & 0x3FF, (words >> 10) & 0x3FF, (words >> 20) & 0x3FF], axis=1)
    return _sign(out.ravel()[:n], 10)


def size_of_310(n: int) -> int:
    """Bytes that ``n`` values of format 310 take."""
    return 4 * (n // 3) + (0, 2, 4)[n % 3]


def size_of_311(n: int) -> int:
    """Bytes that ``n`` values of format 311 take."""
    return 4 * (n // 3) + (0, 2, 3)[n % 3]


def _words(data: bytes, n: int, dtype: str, have: int) -> NDArray[np.int64]:
    padded = np.zeros(n * np.dtype(dtype).itemsize, dtype=np.uint8)
    padded[:have] = np.frombuffer(data, dtype=np.uint8, count=have)
    return padded.view(dtype).astype(np.int64)


def _sign(values: NDArray[np.int64], bits: int) -> Values:
    return (values - ((values >> (bits - 1)) << bits)).astype(np.int32)


LINEAR: Final[dict[str, tuple[Callable[[bytes, int], Values], Callable[[int], int], int]]] = {
    "8": (_linear("<i1"), lambda n: n, -(2**31)),
    "16": (_linear("<i2"), lambda n: 2 * n, -(2**15)),
    "24": (_decode_24, lambda n: 3 * n, -(2**23)),
    "32": (_linear("<i4"), lambda n: 4 * n, -(2**31)),
    "61": (_linear(">i2"), lambda n: 2 * n, -(2**15)),
    "80": (_linear("<u1", 128), lambda n: n, -(2**7)),
    "160": (_linear("<u2", 2**15), lambda n: 2 * n, -(2**15)),
    "212": (_decode_212, lambda n: (3 * n + 1) // 2, -(2**11)),
    "310": (_decode_310, size_of_310, -(2**9)),
    "311": (_decode_311, size_of_311, -(2**9)),
}
"""Format to (decoder, bytes that n values take, the value that marks a missing sample). Format 8 holds differences."""

FLAC_BITS: Final = {"508": 8, "516": 16, "524": 24}
"""FLAC format to bits a sample; the lowest value marks a missing sample."""

_STREAM_BITS: Final = {"PCM_S8": 8, "PCM_16": 16, "PCM_24": 24}


def decode_flac(data: bytes, fmt: str, n_frames: int, n_channels: int) -> Values:
    """``(n_frames, n_channels)`` values of a FLAC-compressed signal file.

    Raises:
        UnreadableRecordingError: the stream is damaged, or has another number of channels or fewer frames.
        MissingExtraError: soundfile is not installed.
    """
    try:
        import soundfile  # type: ignore[import-untyped]
    except ImportError:
        raise MissingExtraError("soundfile", "formats", "reading WFDB signals compressed as FLAC") from None
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as stream:
            bits = _STREAM_BITS.get(stream.subtype, 99)
            if bits > FLAC_BITS[fmt]:
                raise UnreadableRecordingError(f"a FLAC signal file holds {stream.subtype} samples, not format {fmt}")
            if stream.format != "FLAC" or stream.channels != n_channels or stream.frames < n_frames:
                raise UnreadableRecordingError(
                    f"a FLAC signal file has {stream.channels} channels of {stream.frames} samples "
                    f"where {n_channels} of {n_frames} are declared; header and signal do not belong together"
                )
            frames: Values = stream.read(n_frames, dtype="int32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise UnreadableRecordingError(
            f"a FLAC signal file cannot be decoded ({error.error_string}); it is damaged"
        ) from None
    if frames.shape != (n_frames, n_channels):
        raise UnreadableRecordingError("a FLAC signal file ends early; it is damaged")
    return frames >> (32 - bits)
