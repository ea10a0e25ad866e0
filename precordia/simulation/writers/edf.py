"""EDF+ (Kemp, Olivan, Clin Neurophysiol 2003;114:1755-1761): one record a second.

Its annotations tell events; there is no place for a report, which stands in the archive's table.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np

from precordia.core.recording import Recording
from precordia.simulation.writers.steps import as_steps

STEP_UV = 2.5
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def write(stem: Path, recording: Recording) -> Path:
    """Write ``<stem>.edf``.

    A record lasts one second, or the whole recording where that is no whole number of seconds. EDF+ knows no age; a
    birth date of the first of January gives it.
    """
    steps = as_steps(recording.signal, STEP_UV / 1000.0)
    per_record = round(recording.fs) if recording.n_samples % round(recording.fs) == 0 else recording.n_samples
    records = recording.n_samples // per_record if per_record else 0
    texts = _annotation_bytes(records, per_record / recording.fs)
    width = len(texts[0]) // 2
    leads = len(recording.leads)
    fields: list[list[str]] = [
        [*(f"ECG {name}" for name in recording.leads), "EDF Annotations"],
        [""] * (leads + 1),
        [*["uV"] * leads, ""],
        [*[f"{-32768 * STEP_UV:g}"] * leads, "-1"],
        [*[f"{32767 * STEP_UV:g}"] * leads, "1"],
        ["-32768"] * (leads + 1),
        ["32767"] * (leads + 1),
        [""] * (leads + 1),
        [*[str(per_record)] * leads, str(width)],
        [""] * (leads + 1),
    ]
    header = _header(recording, records, per_record / recording.fs)
    for column, size in zip(fields, (16, 80, 8, 8, 8, 8, 8, 80, 8, 32), strict=True):
        header += b"".join(value.encode("ascii")[:size].ljust(size) for value in column)
    blocks = steps.reshape(leads, records, per_record).transpose(1, 0, 2).reshape(records, -1).astype("<i2")
    notes = np.frombuffer(b"".join(texts), dtype="<i2").reshape(records, width)
    path = stem.with_suffix(".edf")
    path.write_bytes(header + np.ascontiguousarray(np.hstack([blocks, notes])).tobytes())
    return path


def _header(recording: Recording, records: int, record_s: float) -> bytes:
    born = _birth_date(recording)
    birth = f"{born.day:02d}-{_MONTHS[born.month - 1]}-{born.year}" if born else "X"
    person = f"{_word(recording.patient_id)} {recording.sex or 'X'} {birth} X"
    time = recording.time
    day = f"{time.day:02d}-{_MONTHS[time.month - 1]}-{time.year}" if time else "X"
    start = f"{time:%d.%m.%y%H.%M.%S}" if time else "01.01.8500.00.00"
    about = f"Startdate {day} X X {_word(recording.device)}"
    signals = len(recording.leads) + 1
    parts = [("0", 8), (person, 80), (about, 80), (start, 16), (str(256 * (signals + 1)), 8), ("EDF+C", 44)]
    parts += [(str(records), 8), (f"{record_s:g}", 8), (str(signals), 4)]
    return b"".join(value.encode("ascii")[:size].ljust(size) for value, size in parts)


def _birth_date(recording: Recording) -> date | None:
    """A date that gives the age on the day of the recording, between two birthdays."""
    if recording.time is None or recording.age is None:
        return None
    return recording.time.date() - timedelta(days=round((recording.age + 0.4) * 365.25))


def _annotation_bytes(records: int, record_s: float) -> list[bytes]:
    """Time-stamped annotation lists without texts, one a record, all of one even length."""
    lists = [f"+{i * record_s:g}".encode() + b"\x14\x14\x00" for i in range(records)]
    longest = max((len(one) for one in lists), default=2)
    return [one.ljust(longest + longest % 2, b"\x00") for one in lists]


def _word(text: str | None) -> str:
    return (text or "X").replace(" ", "_")
