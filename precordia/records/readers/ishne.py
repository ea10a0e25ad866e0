"""ISHNE Holter files (Badilini F: The ISHNE Holter Standard Output File Format, Ann Noninvasive Electrocardiol 1998;3:263-266).

A header of 522 bytes, a block of comments, interleaved 16-bit samples; all numbers little-endian. Checked against ecgdatakit.
"""

from __future__ import annotations

import binascii
import struct
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError
from precordia.core.recording import Recording, Sex
from precordia.records.channels import one_line
from precordia.records.limits import check_fs, check_shape, read_bytes
from precordia.records.people import age_at
from precordia.records.readers.reader import Head, Reader
from precordia.records.readers.strips import stack_rows, with_limb_leads

_MAGIC: Final = b"ISHNE1."
_KNOWN: Final = b"ISHNE1.0"
_HEADER: Final = 522
_MOST_LEADS: Final = 12
_FAULT: Final = -(2**15)
"""The sample that marks a lead fault."""
_LEADS: Final = {2: "X", 3: "Y", 4: "Z", 5: "I", 6: "II", 7: "III", 8: "aVR", 9: "aVL", 10: "aVF", 11: "V1", 12: "V2", 13: "V3",
                 14: "V4", 15: "V5", 16: "V6", 17: "ES", 18: "AS", 19: "AI"}  # fmt: skip
"""Lead codes of table 1; 0 and 1 (unknown, generic bipolar) name no lead."""
_SEXES: Final[dict[int, Sex]] = {1: "M", 2: "F"}


def sniff(head: Head) -> int:
    """2 for the magic word."""
    return 2 if head.data[:7] == _MAGIC else 0


def read(path: Path) -> Recording:
    """The leads of a Holter recording with its patient, start and recorder.

    Raises:
        UnreadableRecordingError: damaged or truncated.
        UnusableSignalError: no samples.
    """
    data = read_bytes(path)
    if len(data) < _HEADER or data[:7] != _MAGIC:
        raise UnreadableRecordingError(f"{path}: ends within its ISHNE header; it is truncated")
    crc, comments, declared = struct.unpack_from("<Hii", data, 8)
    (n_leads,) = struct.unpack_from("<h", data, 156)
    codes, resolutions = struct.unpack_from("<12h", data, 158), struct.unpack_from("<12h", data, 206)
    (rate,) = struct.unpack_from("<h", data, 272)
    start = _HEADER + comments
    if not 1 <= n_leads <= _MOST_LEADS or comments < 0 or start > len(data):
        raise UnreadableRecordingError(
            f"{path}: declares {n_leads} leads and {comments} bytes of comments, which cannot be; the header is damaged"
        )
    if not all(resolutions[:n_leads]) or min(resolutions[:n_leads]) < 0:
        raise UnreadableRecordingError(
            f"{path}: a lead has no resolution, so its amplitudes are not known; export it again"
        )
    fs = check_fs(path, float(rate))
    n_samples = (len(data) - start) // (2 * n_leads)
    check_shape(path, n_leads, n_samples)
    stored = np.frombuffer(data, dtype="<i2", count=n_samples * n_leads, offset=start).reshape(n_samples, n_leads)
    rows: dict[str, NDArray[np.floating]] = {}
    for i in range(n_leads):
        name = _LEADS.get(codes[i], f"channel {i + 1}")
        row = stored[:, i].astype(np.float32) * np.float32(resolutions[i] * 1e-6)
        row[stored[:, i] == _FAULT] = np.nan
        rows[name if name not in rows else f"{name} {i + 1}"] = row
    leads, signal = stack_rows(path, rows)
    leads, signal, derived = with_limb_leads(leads, signal)
    time, born = _moment(data, 138, 150), _moment(data, 132)
    recorder, pacemaker = _text(data, 232, 40), struct.unpack_from("<h", data, 230)[0]
    return Recording(
        signal=signal,
        fs=fs,
        leads=leads,
        recording_id=path.stem,
        patient_id=_text(data, 108, 20) or None,
        time=time,
        age=age_at(time, born=born),
        sex=_SEXES.get(struct.unpack_from("<h", data, 128)[0]),
        # The field says "analog" or "digital" by the standard; most recorders put their model there.
        device=recorder if recorder.lower() not in ("", "analog", "digital", "unknown") else None,
        source=str(path),
        format="ishne",
        metadata={"pacemaker": "yes" if 1 <= pacemaker <= 5 else "no"} if 0 <= pacemaker <= 5 else {},
        notes=(*_notes(data, crc, start, declared, n_samples, n_leads), *derived),
    )


def _notes(data: bytes, crc: int, start: int, declared: int, n_samples: int, n_leads: int) -> tuple[str, ...]:
    notes = [] if data[:8] == _KNOWN else [f"version {_text(data, 5, 3)} is not known; read as 1.0"]
    found = binascii.crc_hqx(data[10:start], 0xFFFF)
    # The standard does not give the checksum's byte order; writers without one put zero.
    if crc and crc not in (found, (found & 0xFF) << 8 | found >> 8):
        notes.append("checksum of the header does not match: it may be damaged")
    # "Size in samples" is taken for one lead by some writers, for all by others.
    if declared > 0 and n_samples not in (declared, declared // n_leads):
        notes.append(f"declares {declared} samples; {n_samples} of each lead are there")
    return tuple(notes)


def _moment(data: bytes, day_at: int, clock_at: int | None = None) -> datetime | None:
    day, month, year = struct.unpack_from("<3h", data, day_at)
    clock = struct.unpack_from("<3h", data, clock_at) if clock_at is not None else (0, 0, 0)
    try:
        return datetime(year, month, day, *clock) if 1800 <= year <= 2200 else None
    except ValueError:
        return None


def _text(data: bytes, at: int, size: int) -> str:
    return one_line(data[at : at + size].split(b"\0", 1)[0].decode("latin-1"))


READER = Reader("ishne", sniff, read, (".ecg", ".ishne"))
