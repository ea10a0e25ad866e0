"""Bounds that every reader keeps, so that a hostile or damaged file costs neither memory nor time.

They are checked before anything of the declared size is allocated.
"""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import Final

from precordia.core.errors import UnreadableRecordingError, UnusableSignalError

MAX_FILE_BYTES: Final = 512 * 2**20
"""Largest binary file read. A day of 3-lead Holter at 1 kHz, 16 bit, is 518 MB; a 12-lead resting ECG is 0.1 MB."""

MAX_TEXT_BYTES: Final = 64 * 2**20
"""Largest XML or text file parsed. Resting ECGs as XML are below 1 MB."""

MAX_HEADER_BYTES: Final = 2**20
"""Largest WFDB header, or JSON beside an array."""

MAX_CHANNELS: Final = 256
"""Most channels of a recording; body-surface mapping uses up to 219."""

MAX_VALUES: Final = 64 * 2**20
"""Most samples x channels of a recording (256 MiB as float32): 12 leads at 500 Hz for 3 hours."""

MAX_XML_DEPTH: Final = 100
"""Deepest nesting of XML elements. HL7 aECG, the deepest of the formats read, has 25 levels."""

MAX_XML_ELEMENTS: Final = 200_000
"""Most elements of an XML file. An element costs 200 bytes or more as a tree, so that a small file of empty ones would
take gigabytes; an aECG with every beat annotated in every lead has 20,000."""

INFLATE_FREELY: Final = 16 * 2**20
"""Bytes that compressed data may become whatever their ratio: a flat recording deflates 1,000:1 and is harmless."""

MAX_INFLATE_RATIO: Final = 100
"""Most bytes that a compressed byte may become beyond that. Deflated ECGs reach 10:1."""

MIN_FS: Final = 1.0
MAX_FS: Final = 100_000.0
"""Sampling rates taken seriously, Hz."""


def check_file(path: Path, limit: int = MAX_FILE_BYTES) -> int:
    """The file's size in bytes.

    Raises:
        UnreadableRecordingError: it is not a readable regular file, is empty, or is larger than ``limit``.
    """
    try:
        regular, size = path.is_file(), path.stat().st_size
    except OSError as error:
        raise UnreadableRecordingError(
            f"{path}: {error.strerror or error}; check the path and its permissions"
        ) from None
    if not regular:
        raise UnreadableRecordingError(f"{path}: not a regular file; give a file")
    if size == 0:
        raise UnreadableRecordingError(f"{path}: the file is empty; copy it again from its source")
    if size > limit:
        raise UnreadableRecordingError(
            f"{path}: {size / 2**20:.0f} MiB, more than the {limit / 2**20:.0f} MiB that are read; cut it into shorter recordings"
        )
    return size


def read_bytes(path: Path, limit: int = MAX_FILE_BYTES) -> bytes:
    """The file's bytes, its size checked first.

    Raises:
        UnreadableRecordingError: see :func:`check_file`.
    """
    check_file(path, limit)
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableRecordingError(f"{path}: {error.strerror or error}; check its permissions") from None


def most_inflated(packed: int, limit: int = MAX_FILE_BYTES) -> int:
    """Most bytes that ``packed`` compressed bytes may become, ``limit`` at most."""
    return min(limit, max(INFLATE_FREELY, MAX_INFLATE_RATIO * packed))


def inflate(what: Path | str, data: bytes, *, wbits: int = zlib.MAX_WBITS, limit: int = MAX_FILE_BYTES) -> bytes:
    """Deflated data as plain bytes.

    Args:
        what: Named in messages.
        data: The deflated bytes; what follows their end is ignored.
        wbits: As for ``zlib.decompressobj``.
        limit: Most bytes they may become; also bounded by their own size (see :data:`MAX_INFLATE_RATIO`).

    Raises:
        UnreadableRecordingError: damaged, truncated, or they become more than that.
    """
    limit = most_inflated(len(data), limit)
    inflater = zlib.decompressobj(wbits)
    try:
        plain = inflater.decompress(data, limit)
    except zlib.error:
        raise UnreadableRecordingError(f"{what}: the deflated data cannot be inflated; the file is damaged") from None
    if inflater.unconsumed_tail:
        raise UnreadableRecordingError(
            f"{what}: inflates beyond all bounds ({len(data)} bytes to more than {limit / 2**20:.0f} MiB); refused"
        )
    if not inflater.eof:
        raise UnreadableRecordingError(f"{what}: the deflated data end early; the file is truncated")
    return plain


def check_shape(path: Path | str, n_channels: int, n_samples: int) -> None:
    """Refuse what a file declares when it cannot be a recording.

    Raises:
        UnusableSignalError: there are no channels or no samples.
        UnreadableRecordingError: there are more than anyone records.
    """
    if n_channels < 1:
        raise UnusableSignalError(f"{path}: declares no leads; nothing to read")
    if n_samples < 1:
        raise UnusableSignalError(f"{path}: declares no samples; nothing to read")
    if n_channels > MAX_CHANNELS:
        raise UnreadableRecordingError(
            f"{path}: declares {n_channels} channels (at most {MAX_CHANNELS} are read); the file is damaged"
        )
    if n_channels * n_samples > MAX_VALUES:
        raise UnreadableRecordingError(
            f"{path}: declares {n_channels} channels of {n_samples} samples (at most {MAX_VALUES} values are read); "
            "the file is damaged, or must be cut into shorter recordings"
        )


def check_fs(path: Path | str, fs: float) -> float:
    """The sampling rate, Hz, when it is one.

    Raises:
        UnusableSignalError: it is not a number between ``MIN_FS`` and ``MAX_FS``.
    """
    if math.isnan(fs):
        raise UnusableSignalError(
            f"{path}: its sampling rate is not a number; rates from {MIN_FS:g} to {MAX_FS:g} Hz are read"
        )
    if not MIN_FS <= fs <= MAX_FS:
        raise UnusableSignalError(f"{path}: sampling rate {fs!r} Hz; rates from {MIN_FS:g} to {MAX_FS:g} Hz are read")
    return fs
