"""Text tables of samples, a row an instant: CSV with any separator, PhysioBank's and rdsamp's exports, watches' exports.

Layouts are told from the content (see ``sample_layout``); what neither the table nor the lines above it say stands in a JSON
beside (see ``sidecar``), which wins.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError, UnusableSignalError
from precordia.core.recording import Recording
from precordia.records.channels import is_other_signal, mv_per_unit, one_line
from precordia.records.limits import MAX_TEXT_BYTES, MAX_VALUES, read_bytes
from precordia.records.readers.reader import Head, Reader
from precordia.records.readers.sample_layout import (
    JUMPED,
    Layout,
    clock_seconds,
    find_layout,
    missing_rows,
    rate_of,
    resolution_of,
)
from precordia.records.readers.sidecar import is_described, read_sidecar, recording_from_array, to_facts

_NUMBERS: Final = re.compile(r"[\s\d.,;eE+-]+")
"""The beginning of a row longer than what is looked at."""


def sniff(head: Head) -> int:
    """2 for rows of numbers that are said to be an ECG, 1 for rows of numbers of which a rate is known."""
    if not head.is_text or head.xml_root:
        return 0
    layout = find_layout(head.text)
    if layout is not None and layout.is_ecg:
        return 2
    numbers = layout is not None or _NUMBERS.fullmatch(head.text)
    return 1 if numbers and is_described(head.path) else 0


@dataclass(frozen=True, eq=False)
class Columns:
    """A text table's columns, that of times left out.

    Attributes:
        names, units: Of the columns; empty where the file gives none.
        table: ``(n_rows, n_columns)`` float64.
        facts: What is known of them, the rate among it where it is known.
        notes: How it became known, for people.
        beside: What of it stands in a JSON beside.
        missing: ``(n_rows,)`` rows that are missing before each, by the times; None where no times stand in it.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    table: NDArray[np.float64]
    facts: dict[str, Any]
    notes: tuple[str, ...]
    beside: Mapping[str, Any]
    missing: NDArray[np.int64] | None = None


def read_columns(path: Path) -> Columns:
    """What stands in a text table of samples, whatever they are of.

    Raises:
        UnreadableRecordingError: something else than numbers, or lines of different lengths.
    """
    text = _decoded(read_bytes(path, MAX_TEXT_BYTES))
    layout = find_layout(text)
    if layout is None:
        raise UnreadableRecordingError(
            f"{path}: no rows of numbers in it; a recording is one column a lead, a row an instant"
        )
    body = text[layout.start :].rstrip("\r\n ")
    beside = read_sidecar(path)
    facts, notes = {**to_facts(layout.facts), **beside}, []
    table = _numbers(path, body, layout)
    names, units, missing = layout.names, layout.units, None
    if layout.timed:
        if "fs" not in facts and not layout.counted:
            times, resolution = _times(body, layout, table)
            fs, said = rate_of(times, resolution)
            if fs:
                facts["fs"] = fs
                missing = missing_rows(times, fs)
                notes += [f"sampling rate {fs:g} Hz from the column {names[0] if names else 'of times'!r}", *said]
        if not layout.clock:
            table = table[:, 1:]
        names, units = names[1:], units[1:]
    return Columns(names, units, table, facts, tuple(notes), beside, missing)


def read(path: Path) -> Recording:
    """The samples with what the lines above them say.

    Raises:
        UnreadableRecordingError: something else than numbers, or lines of different lengths.
        UnusableSignalError: no column is a voltage, or no rate is known.
    """
    columns = read_columns(path)
    names, units, facts = list(columns.names), list(columns.units), columns.facts
    table, notes = _with_gaps(columns)
    if names:
        scales = [mv_per_unit(unit) for unit in units]
        kept = [
            i
            for i, name in enumerate(names)
            if not is_other_signal(name)
            and (scales[i] is not None or not units[i])
            and (name or np.isfinite(table[:, i]).any())
        ]
        if not kept:
            raise UnusableSignalError(
                f"{path}: no column is a voltage ({', '.join(names)[:80]}); there is no ECG in it"
            )
        others = [name for i, name in enumerate(names) if i not in kept and name]
        if others:
            notes.append(f"left out: {', '.join(others)}")
        table, names = table[:, kept], [names[i] for i in kept]
        if "units" not in columns.beside and any(scales[i] is not None for i in kept):
            common = next(scales[i] for i in kept if scales[i] is not None)
            table = table * np.array([scales[i] or common for i in kept])
            facts["units"] = "mV"
    # Without names, the longer side is time: some write a row a lead.
    signal = table.T if names or table.shape[0] >= table.shape[1] else table
    return recording_from_array(path, signal, facts, format="csv", columns=names or None, notes=notes)


def _decoded(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _numbers(path: Path, body: str, layout: Layout) -> NDArray[np.float64]:
    """The cells as numbers, a column of clock times left out; empty cells and dashes are NaN."""
    mark = layout.separator
    if layout.quote and layout.quote in body:
        if mark == "," and layout.decimal_comma:
            body = re.sub(rf"{layout.quote}([-+]?\d*),(\d+){layout.quote}", r"\1.\2", body)
        body = body.replace(layout.quote, "")
    if layout.decimal_comma and mark != ",":
        body = body.replace(",", ".")
    if mark is None:
        body = re.sub(r"(?<!\S)-(?!\S)", "nan", body)
    elif re.search(rf"(?:{mark}|^)[ ]*+-?[ ]*+(?:{mark}|\r?$)", body, flags=re.MULTILINE):
        body = re.sub(
            rf"(?:(?<={mark})[ ]*+-?[ ]*+(?={mark}|\r?$)|^[ ]*+-?[ ]*+(?={mark}))", "nan", body, flags=re.MULTILINE
        )
    columns = range(layout.skip + layout.clock, layout.width)
    try:
        rows = np.loadtxt(io.StringIO(body), delimiter=mark, usecols=list(columns), dtype=np.float64, ndmin=2)
    except ValueError as error:
        where = re.search(r"row (\d+)", str(error))
        line = f" (row {where.group(1)} of the samples)" if where else ""
        raise UnreadableRecordingError(
            f"{path}: something else than numbers, or lines of different lengths, stands among the samples{line}; "
            "it is damaged, or no recording"
        ) from None
    return rows.reshape(-1, len(columns))


def _with_gaps(columns: Columns) -> tuple[NDArray[np.float64], list[str]]:
    """The table with rows of missing samples where its times jump, so that what follows lies at its own time; and its notes."""
    table, missing = columns.table, columns.missing
    gaps = 0 if missing is None else int(missing.sum())
    if missing is None or not gaps or (len(table) + gaps) * table.shape[1] > MAX_VALUES:
        return table, list(columns.notes)
    out = np.full((len(table) + gaps, table.shape[1]), np.nan)
    out[np.arange(len(table)) + np.cumsum(missing)] = table
    kept = [note for note in columns.notes if not note.startswith(JUMPED)]
    return out, [*kept, f"{gaps / columns.facts['fs']:.4g} s are missing by the times: gaps in every lead"]


def _times(body: str, layout: Layout, table: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """The times of the first column, s, whatever unit they are in; and the resolution of their last digit, s."""
    lines = [line for line in body.splitlines() if line.strip()]
    first = [
        one_line(line.split(layout.separator, layout.skip + 1)[layout.skip]).strip("'\"")
        for line in (lines if layout.clock else lines[:20])
    ]
    if layout.clock:
        return clock_seconds(first)
    times, resolution = table[:, 0], resolution_of(first)
    unit = f"{layout.names[0]} {layout.units[0]}".lower()
    if any(word in unit for word in ("ms", "milli")):
        times, resolution = times / 1000, resolution / 1000
    elif layout.units[0].lower() in ("", "ns", "us") and (step := float(np.median(np.diff(times)))) >= 0.5:
        # Stamps without a unit: counts of ms, µs or ns, whichever makes the rate one of an ECG (below 10 kHz).
        divisor = next((d for d in (1e3, 1e6, 1e9) if d / step <= 10_000), 1e9) if step < 1e8 else 1e9
        divisor = {"ns": 1e9, "us": 1e6}.get(layout.units[0].lower(), divisor)
        times, resolution = (times - times[0]) / divisor, resolution / divisor
    return times, resolution


READER = Reader("csv", sniff, read)
