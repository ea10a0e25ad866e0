"""How SCP-ECG (EN 1064) packs samples: Huffman codes, differences, reference beats taken out."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError

Samples = NDArray[np.int64]


@dataclass(frozen=True)
class Code:
    """One entry of a Huffman table.

    Attributes:
        extra: Bits after the prefix, a two's complement number added to ``value``.
        value: The sample value, or the table to go on with.
        is_switch: Whether the code changes the table.
    """

    extra: int
    value: int
    is_switch: bool


Table = dict[str, Code]
"""Prefix, as a string of "0" and "1", to code."""


def read_tables(body: bytes, what: str) -> list[Table] | None:
    """Section 2: Huffman tables; None for the standard's default table (number 19999).

    Raises:
        UnreadableRecordingError: damaged.
    """
    (count,) = struct.unpack_from("<H", body)
    if count == 19999:
        return None
    tables: list[Table] = []
    at = 2
    for _ in range(count):
        (n_codes,) = struct.unpack_from("<H", body, at)
        at += 2
        table: Table = {}
        for _ in range(n_codes):
            prefix, total, mode, value, stored = struct.unpack_from("<BBBhI", body, at)
            at += 9
            if not 1 <= prefix <= 32 or not prefix <= total <= 64:
                raise UnreadableRecordingError(f"{what}: a Huffman code of impossible length; the file is damaged")
            bits = f"{stored & ((1 << prefix) - 1):0{prefix}b}"[::-1]  # the first bit sent is the lowest stored
            table[bits] = Code(total - prefix, value, mode == 0)
        tables.append(table)
    if not tables or not tables[0]:
        raise UnreadableRecordingError(f"{what}: declares no Huffman code; the file is damaged")
    return tables


def decode(data: bytes, count: int, tables: list[Table] | None, difference: int, what: str) -> Samples:
    """One lead's ``count`` samples from its Huffman-coded differences (0: none, 1: first, 2: second).

    Raises:
        UnreadableRecordingError: the codes end early or are not in the table.
    """
    if count > 8 * len(data):
        raise UnreadableRecordingError(f"{what}: {len(data)} bytes cannot hold {count} samples; the file is damaged")
    bits = bin(int.from_bytes(b"\1" + data, "big"))[3:]
    values = _by_default_table(bits, count, what) if tables is None else _by_tables(bits, count, tables, what)
    return integrate(np.array(values, dtype=np.int64), difference)


def integrate(values: Samples, difference: int) -> Samples:
    """Amplitudes from differences; sums wrap at 16 bits, as encoders' arithmetic does."""
    if difference == 0 or values.size <= difference:
        return values
    if difference == 1:
        out = np.cumsum(values)
    else:
        steps = np.concatenate(([values[0], values[1] - values[0]], values[2:]))
        steps[1:] = np.cumsum(steps[1:])
        out = np.cumsum(steps)
    return out.astype(np.int16).astype(np.int64)


def _ends_early(what: str, n: int, count: int) -> UnreadableRecordingError:
    return UnreadableRecordingError(f"{what}: the samples end after {n} of {count}; the file is damaged")


def _by_default_table(bits: str, count: int, what: str) -> list[int]:
    """The default table: k ones, a zero and a sign bit for +-k up to 8; longer prefixes before 8- and 16-bit values."""
    out: list[int] = []
    at, end = 0, len(bits)
    find = bits.find
    while len(out) < count:
        zero = find("0", at, at + 10)
        ones = zero - at if zero >= 0 else 10
        if ones == 0:
            out.append(0)
            at += 1
        elif ones <= 8:
            at = zero + 2
            if at > end:
                raise _ends_early(what, len(out), count)
            out.append(-ones if bits[at - 1] == "1" else ones)
        else:
            width = 8 if ones == 9 else 16
            at += 10 + width
            if at > end:
                raise _ends_early(what, len(out), count)
            value = int(bits[at - width : at], 2)
            out.append(value - (1 << width) if bits[at - width] == "1" else value)
        if at > end:
            raise _ends_early(what, len(out), count)
    return out


def _by_tables(bits: str, count: int, tables: list[Table], what: str) -> list[int]:
    out: list[int] = []
    table, at, end = tables[0], 0, len(bits)
    longest = [max((len(prefix) for prefix in one), default=0) for one in tables]
    current = 0
    while len(out) < count:
        for length in range(1, longest[current] + 1):
            code = table.get(bits[at : at + length])
            if code is not None:
                break
        else:
            raise UnreadableRecordingError(f"{what}: a code that is in no Huffman table; the file is damaged")
        at += length
        if at > end:
            raise _ends_early(what, len(out), count)
        if code.is_switch:
            if not 1 <= code.value <= len(tables):
                raise UnreadableRecordingError(
                    f"{what}: a switch to a Huffman table that is not there; the file is damaged"
                )
            current = code.value - 1
            table = tables[current]
            continue
        value = code.value
        if code.extra:
            at += code.extra
            if at > end:
                raise _ends_early(what, len(out), count)
            raw = int(bits[at - code.extra : at], 2)
            value += raw - (1 << code.extra) if bits[at - code.extra] == "1" else raw
        out.append(value)
    return out


@dataclass(frozen=True)
class SubtractionZone:
    """Where a reference beat was taken out; samples count from 1."""

    kind: int
    start: int
    fiducial: int
    end: int


def add_reference_beat(
    residual: NDArray[np.float64],
    first_sample: int,
    beat: NDArray[np.float64],
    beat_fiducial: int,
    zones: Sequence[SubtractionZone],
) -> None:
    """Put the reference beat (type 0) back where it was taken out of one lead, in place; both in the same unit."""
    last_sample = first_sample + residual.size - 1
    for zone in zones:
        shift = beat_fiducial - zone.fiducial - 1  # sample s holds the beat's element s + shift
        first = max(zone.start, first_sample, -shift)
        last = min(zone.end, last_sample, beat.size - 1 - shift)
        if zone.kind == 0 and first <= last:
            residual[first - first_sample : last - first_sample + 1] += beat[first + shift : last + shift + 1]
