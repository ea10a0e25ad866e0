"""The ``.info`` that PhysioNet writes beside a ``.mat`` (PhysioBank's export and wfdb2mat): rate, names, gains, bases and units.

::

    Source: record mitdb/100  Start: [10:00:00.000 01/02/2020]
    val has 2 rows (signals) and 3600 columns (samples/signal)
    Duration:     0:10
    Sampling frequency: 360 Hz  Sampling interval: 0.002777777778 sec
    Row	Signal	Gain	Base	Units
    1	MLII	200	1024	mV
    2	V5	200	1024	mV
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError, UnusableSignalError
from precordia.records.channels import is_other_signal, mv_per_unit, one_line, parse_time
from precordia.records.limits import MAX_HEADER_BYTES, read_bytes

_MISSING: Final = -(2**15)
"""The sample that marks a missing value."""


@dataclass(frozen=True)
class Info:
    """What an ``.info`` says.

    Attributes:
        fs: Hz.
        time: Start, or None.
        rows: Name, gain, base and unit of each row of ``val``.
    """

    fs: float
    time: datetime | None
    rows: tuple[tuple[str, float, float, str], ...]


def read_info(path: Path) -> Info | None:
    """The ``.info`` beside a ``.mat``, or None when there is none.

    Raises:
        UnreadableRecordingError: it gives no rate or no rows.
    """
    beside = path.with_suffix(".info")
    if beside == path or not beside.is_file():
        return None
    text = read_bytes(beside, MAX_HEADER_BYTES).decode("utf-8", "replace")
    rate = re.search(r"Sampling frequency:\s*([\d.]+)\s*Hz", text)
    cells = [[cell.strip() for cell in line.split("\t")] for line in text.splitlines()]
    rows = [row for row in cells if len(row) >= 5 and row[0].isdigit()]
    if rate is None or not rows:
        raise UnreadableRecordingError(f"{beside}: gives no sampling frequency or no rows; export the record again")
    start = re.search(r"Start: \[(\d+:\d+:\d+)[.\d]*\s+(\d+/\d+/\d+)\]", text)
    try:
        told = tuple((one_line(name), float(gain), float(base), unit) for _, name, gain, base, unit, *_ in rows)
        return Info(float(rate.group(1)), parse_time(start.group(2), start.group(1)) if start else None, told)
    except ValueError:
        raise UnreadableRecordingError(f"{beside}: a gain or base is no number; export the record again") from None


def calibrated(
    path: Path, val: NDArray[np.generic], info: Info
) -> tuple[list[str], NDArray[np.float64], tuple[str, ...]]:
    """Names and ``(n_leads, n_samples)`` in mV of the rows that are voltages, and a note of the others.

    Raises:
        UnreadableRecordingError: ``val`` has another number of rows than the ``.info``, or a gain is zero.
        UnusableSignalError: no row is a voltage.
    """
    if (
        val.ndim != 2
        or val.dtype.kind not in "fiu"
        or val.shape[0] != len(info.rows)
        or not all(row[1] for row in info.rows)
    ):
        raise UnreadableRecordingError(
            f"{path}: holds values of shape {val.shape}, its .info describes {len(info.rows)} rows; they do not belong together"
        )
    scales = [None if is_other_signal(name) else mv_per_unit(unit) for name, _, _, unit in info.rows]
    kept = [i for i, scale in enumerate(scales) if scale is not None]
    others = [f"{info.rows[i][0]} ({info.rows[i][3]})" for i in range(len(scales)) if i not in kept]
    if not kept:
        raise UnusableSignalError(f"{path}: no row is a voltage ({', '.join(others)[:80]}); there is no ECG in it")
    rows = [
        np.where(val[i] == _MISSING, np.nan, (val[i].astype(np.float64) - info.rows[i][2]) / info.rows[i][1])
        for i in kept
    ]
    signal = np.stack([row * (scales[i] or 1.0) for i, row in zip(kept, rows, strict=True)])
    return [info.rows[i][0] for i in kept], signal, (f"left out: {', '.join(others)}",) if others else ()
