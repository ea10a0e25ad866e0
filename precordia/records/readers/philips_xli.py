"""XLI, the compression of Philips Sierra waveforms: LZW with 10-bit codes over second differences split in high and low bytes.

After https://github.com/sixlettervariables/sierra-ecg-tools (MIT), with bounds on what a chunk may grow to. Checked
against the ``sierraecg`` package in the tests.
"""

from __future__ import annotations

import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError

_BITS: Final = 10
_END: Final = (1 << _BITS) - 1


def decode_chunks(data: bytes, n_leads: int, n_samples: int, what: str) -> list[NDArray[np.int64]]:
    """The leads of an XLI block, each ``(n,)`` with n at least ``n_samples``, as stored (limb leads still as residuals).

    Args:
        data: What the base64 stood for.
        n_leads: Chunks to decode.
        n_samples: Samples that the file declares for each.
        what: Named in messages.

    Raises:
        UnreadableRecordingError: a chunk is damaged, or decodes to another length than declared.
    """
    out: list[NDArray[np.int64]] = []
    at = 0
    for lead in range(n_leads):
        if at + 8 > len(data):
            raise UnreadableRecordingError(f"{what}: holds {lead} of {n_leads} compressed leads; it is truncated")
        size, _, first = struct.unpack_from("<ihh", data, at)
        at += 8
        if size < 0 or at + size > len(data):
            raise UnreadableRecordingError(f"{what}: compressed lead {lead + 1} ends beyond the file; it is truncated")
        # Encoders pad a chunk by at most some samples; anything longer is not the signal that the file declares.
        octets = _lzw(data[at : at + size], 2 * n_samples + 64, f"{what}: compressed lead {lead + 1}")
        at += size
        if len(octets) // 2 < n_samples:
            raise UnreadableRecordingError(
                f"{what}: compressed lead {lead + 1} holds {len(octets) // 2} of {n_samples} samples; it is damaged"
            )
        out.append(_undo_differences(octets, first))
    return out


def _lzw(data: bytes, limit: int, what: str) -> bytes:
    """The bytes of one LZW chunk.

    Raises:
        UnreadableRecordingError: an undefined code, or more than ``limit`` bytes.
    """
    words = [bytes([value]) for value in range(256)]
    out = bytearray()
    previous = b""
    bits = held = 0
    for octet in data:
        held = (held << 8 | octet) & 0xFFFFFF
        bits += 8
        if bits < _BITS:
            continue
        bits -= _BITS
        code = held >> bits & _END
        if code == _END:
            break
        if code < len(words):
            word = words[code]
        elif previous and code == len(words):
            word = previous + previous[:1]
        else:
            raise UnreadableRecordingError(f"{what} uses a code that is not defined; it is damaged")
        if previous and len(words) < _END:
            words.append(previous + word[:1])
        previous = word
        out += word
        if len(out) > limit:
            raise UnreadableRecordingError(f"{what} grows beyond the declared length; it is damaged")
    return bytes(out)


def _undo_differences(octets: bytes, first: int) -> NDArray[np.int64]:
    """Amplitudes from second differences: ``x[n] = 2 x[n-1] - x[n-2] - d[n-1]`` with ``d[1] = first``, ``d[n] = stored - 64``."""
    half = (len(octets) + 1) // 2
    padded = np.frombuffer(octets + b"\0" * (2 * half - len(octets)), dtype=np.uint8)
    stored = (padded[:half].astype(np.uint16) << 8 | padded[half:]).astype(np.int16).astype(np.int64)
    if half < 3:
        return stored
    bends = np.concatenate(([first], stored[2:-1] - 64))
    steps = np.concatenate(([stored[1] - stored[0]], stored[1] - stored[0] - np.cumsum(bends)))
    out: NDArray[np.int64] = stored[0] + np.concatenate(([0], np.cumsum(steps)))
    return out
