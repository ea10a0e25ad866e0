"""How a text file lays out its samples: separator, decimal mark, header, units, and the lines of facts before them."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.leads import canonical_lead
from precordia.records.channels import is_other_signal, mv_per_unit
from precordia.records.readers.sidecar import fact_of

_LOOKED_AT: Final = 2**16
_MOST_LINES: Final = 200
"""Header lines of exports are a dozen; samples begin long before this many."""
_LONGEST_NAME: Final = 100
_SEPARATORS: Final = ("\t", ";", ",", None)
_NUMBER: Final = re.compile(r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?|nan|NaN|NAN|-|")
_CLOCK: Final = re.compile(
    r"\[?\s*(?:(\d{4}-\d\d-\d\d)[T ])?(?:(\d+):)?(\d{1,2}):(\d\d(?:[.,]\d+)?)(?:[ ]\d\d/\d\d/\d{4})?\s*\]?"
)
_TIME: Final = re.compile(
    r"^(elapsed|time|timestamp|t|zeit|temps|tiempo|tempo|tid|date|sample|samples|index|n|nr|seconds?|secs?|s|ms)\b",
    re.IGNORECASE,
)
_COUNTER: Final = re.compile(r"^(sample|samples|index|n|nr)\b", re.IGNORECASE)
_UNIT: Final = re.compile(
    r"[\[(]?\s*(h*h:mm:ss\S*|s|sec|seconds|ms|msec|us|adu|nu|n/u|a\.?u\.?|%|mmhg|bpm|ohm|)\s*[\])]?", re.IGNORECASE
)


@dataclass(frozen=True)
class Layout:
    """How a text file holds its samples.

    Attributes:
        separator: Between cells; None for white space.
        decimal_comma: Whether numbers are written "0,005".
        quote: The mark around cells, or "".
        start: Where the first row of samples begins, characters.
        width: Cells a row.
        skip: Cells before the time or the first lead that are no samples (a column that repeats the rate).
        names: Of the columns after those; empty when the file gives none.
        units: Of the columns, "" where none is given.
        facts: What the lines before say, name to value.
        clock: Whether the first column holds times of day or dates.
    """

    separator: str | None
    decimal_comma: bool
    quote: str
    start: int
    width: int
    skip: int
    names: tuple[str, ...]
    units: tuple[str, ...]
    facts: Mapping[str, str]
    clock: bool

    @property
    def timed(self) -> bool:
        """Whether the first column is a time or a count of samples."""
        return self.clock or bool(self.names and _TIME.match(self.names[0]))

    @property
    def counted(self) -> bool:
        """Whether that column counts samples, so that it tells no rate."""
        return bool(self.names and not self.clock and _COUNTER.match(self.names[0]))

    @property
    def leads(self) -> tuple[str, ...]:
        """The columns that are ECG leads beyond doubt: by their names, by a voltage for a unit, or as "ecg" beside a time."""
        alone = self.timed and len(self.names) == 2
        return tuple(
            name
            for name, unit in zip(self.names, self.units, strict=True)
            if canonical_lead(name)
            or (mv_per_unit(unit) is not None and not is_other_signal(name))
            or (alone and name.strip().lower() in ("ecg", "ekg"))
        )

    @property
    def is_ecg(self) -> bool:
        """Whether the columns, or the lines before them, say that these numbers are an ECG."""
        if self.names:
            others = len(self.names) - len(self.leads) - self.timed
            return bool(self.leads) and (self.timed or others <= len(self.leads))
        told = {fact_of(name) for name in self.facts}
        return "fs" in told and bool(told & {"units", "leads"})


def find_layout(text: str) -> Layout | None:
    """The layout of a file from its beginning, or None when no rows of numbers begin there.

    >>> layout = find_layout("I;II\\n0,1;0,2\\n0,3;0,4\\n")
    >>> layout.separator, layout.decimal_comma, layout.names, layout.start
    (';', True, ('I', 'II'), 5)
    """
    end = _LOOKED_AT
    for _ in range(3):  # a row a lead makes lines longer than that
        end = max(_LOOKED_AT, text.find("\n", end) + 1) if text.count("\n", 0, end) < 3 else end
    lines = text[:end].splitlines(keepends=True)
    if len(text) > end and not lines[-1].endswith("\n"):
        lines = lines[:-1]  # cut in the middle
    single = None
    for separator in _SEPARATORS:
        if separator is not None and sum(separator in line for line in lines[-3:]) < 2:
            continue
        layout = _with_separator(lines[:_MOST_LINES], separator)
        if layout is not None and layout.width > 1:
            return layout
        single = single or layout
    return single


def _with_separator(lines: Sequence[str], separator: str | None) -> Layout | None:
    quote = next((mark for mark in "'\"" if any(line.count(mark) >= 2 for line in lines[:20])), "")
    rows: list[list[str]] = []
    for line in lines:
        rows.append(_cells(line, separator, quote))
        if len(rows) >= 3 and _begins_samples(rows[-3:]):
            break
    first = next((i for i in range(max(0, len(rows) - 3), len(rows)) if _begins_samples(rows[i : i + 3])), None)
    if first is None:
        return None
    width = len(rows[first])
    rows += [_cells(line, separator, quote) for line in lines[len(rows) : len(rows) + 20]]
    before = [(line, row) for line, row in zip(lines, rows[:first], strict=False) if line.strip()]
    names, units, rest = _header(before, width, separator)
    facts = _facts(rest, quote)
    samples = [row for row in rows[first : first + 20] if len(row) == width]
    skip = 1 if len(names) > 2 and fact_of(names[0]) == "fs" else 0
    if skip:
        facts["fs"], names, units = samples[0][0], names[1:], units[1:]
    clock = bool(_CLOCK.fullmatch(samples[0][skip]))
    numbers = [cell for row in samples for cell in row[skip + clock :]]
    return Layout(
        separator,
        any("," in cell for cell in numbers) and not any("." in cell for cell in numbers),
        quote,
        sum(map(len, lines[:first])),
        width,
        skip,
        names,
        units,
        facts,
        clock,
    )


def _cells(line: str, separator: str | None, quote: str) -> list[str]:
    line = line.strip("\r\n \ufeff") if separator != "\t" else line.strip("\r\n\ufeff")
    if separator is None:
        cells = re.findall(rf"{quote}[^{quote}]*{quote}|\S+", line) if quote else line.split()
    elif quote and quote in line:
        try:
            cells = next(csv.reader([line], delimiter=separator, quotechar=quote, skipinitialspace=True), [])
        except csv.Error:
            cells = line.split(separator)
    else:
        cells = line.split(separator)
    return [cell.strip().strip(quote or None).strip() for cell in cells]


def _begins_samples(rows: Sequence[Sequence[str]]) -> bool:
    """Whether two or three rows are numbers of one width, but for a time in the first column."""
    return len(rows) >= 2 and all(len(row) == len(rows[0]) and _is_sample_row(row) for row in rows)


def _is_sample_row(row: Sequence[str]) -> bool:
    values = row[1:] if row and _CLOCK.fullmatch(row[0]) else row
    return any(re.search(r"\d", cell) for cell in values) and all(_NUMBER.fullmatch(cell) for cell in values)


def _header(
    before: Sequence[tuple[str, list[str]]], width: int, separator: str | None
) -> tuple[tuple[str, ...], tuple[str, ...], list[str]]:
    """Names, units and the lines above them."""
    rows = [row for _, row in before]
    if separator is None:  # "Elapsed time  MLII": the first name has blanks
        rows = [
            [" ".join(row[: len(row) - width + 1]), *row[len(row) - width + 1 :]] if len(row) > width > 1 else row
            for row in rows
        ]
    end, units = len(rows), [""] * width
    if end >= 2 and len(rows[-1]) == len(rows[-2]) == width and _are_units(rows[-1]):
        units, end = [_bare(cell) for cell in rows[-1]], end - 1
    named = (
        end >= 1
        and len(rows[end - 1]) == width
        and not any(re.fullmatch(r"[-+\d.,]+", cell) for cell in rows[end - 1] if cell)
    )
    if width == 1 and named and re.search(r"[,;:=\t]", before[end - 1][0]):
        named = False  # a line of facts, not the name of the only column
    names = list(rows[end - 1]) if named else []
    if named:
        end -= 1
        for i, name in enumerate(names):
            names[i], own = split_unit(name)
            units[i] = units[i] or own
    return tuple(names), tuple(units if named else ()), [line for line, _ in before[:end]]


def _are_units(row: Sequence[str]) -> bool:
    return all(mv_per_unit(_bare(cell)) is not None or _UNIT.fullmatch(cell) for cell in row) and any(row)


def _bare(cell: str) -> str:
    return cell.strip(" ()[]")


def split_unit(column: str) -> tuple[str, str]:
    """Name and unit of a column.

    >>> split_unit("V1 (mV)"), split_unit("V1_uV"), split_unit("Time [s]"), split_unit("aVR")
    (('V1', 'mV'), ('V1', 'uV'), ('Time', 's'), ('aVR', ''))
    """
    if len(column) > _LONGEST_NAME:
        return column, ""
    match = re.fullmatch(r"(.+?)\s*[(\[]\s*([^()\[\]]{1,12})\s*[)\]]", column)
    if match:
        return match.group(1).strip(), match.group(2).strip()
    match = re.fullmatch(r"(.+?)[\s_]+([µμumn]V)", column)
    return (match.group(1), match.group(2)) if match else (column, "")


def _facts(lines: Sequence[str], quote: str) -> dict[str, str]:
    """What lines such as "Sampling rate;500 Hz", "Unit: mV" and "# fs = 500" say."""
    out: dict[str, str] = {}
    for line in lines:
        plain = line.strip().lstrip("#%/ ")
        match = re.match(r"([^;,:=\t]{1,40})\s*[;,:=\t]\s*(.+)$", plain)
        if match:
            value = match.group(2).strip().strip(";,\t").strip(quote or '"').strip()
            out.setdefault(match.group(1).strip(" \"'"), value)
    return out


SHORTEST_GAP: Final = 3.0
"""Steps that a gap takes at least: stamps that are only late make up for it in the next one."""
JUMPED: Final = "the times jump"
"""How the note begins that says so."""


def rate_of(times: NDArray[np.float64], resolution: float) -> tuple[float | None, tuple[str, ...]]:
    """The sampling rate, Hz, that a column of times tells, and a note when they jump.

    Times are printed with few digits (0.003, 0.006, 0.008 at 360 Hz), so that the rate comes from the whole span where they
    are even, and is taken as the whole number that it cannot be told from.

    Args:
        times: s.
        resolution: Of the last digit printed, s.

    >>> rate_of(np.round(np.arange(720) / 360, 3), 0.001)[0]
    360.0
    """
    steps = np.diff(times)
    if not steps.size or not np.isfinite(steps).all():
        return None, ()
    span = float(times[-1] - times[0])
    step = span / steps.size
    jumps = np.abs(steps - np.median(steps)) > 2 * resolution + 0.5 * abs(float(np.median(steps)))
    notes: tuple[str, ...] = ()
    if jumps.any():
        step = float(np.mean(steps[~jumps])) if not jumps.all() else 0.0
        span = step * steps.size
        notes = (f"{JUMPED} in {np.count_nonzero(jumps)} places: samples may be missing there",)
    if not step > 0:
        return None, ()
    fs, doubt = 1 / step, (resolution / span + 1e-9) / step
    nearest = round(fs)
    return (float(nearest) if nearest >= 1 and abs(fs - nearest) <= doubt else round(fs, 6)), notes


def missing_rows(times: NDArray[np.float64], fs: float) -> NDArray[np.int64]:
    """``(n,)`` how many rows a table lacks before each of its rows; 0 throughout where times go back, which tells of no gap.

    Args:
        times: s.
        fs: The rate that they tell, Hz.

    >>> missing_rows(np.array([0.0, 0.1, 0.2, 1.2, 1.3]), 10.0).tolist()
    [0, 0, 0, 9, 0]
    """
    steps = np.diff(times, prepend=times[0] - 1 / fs)
    if not (steps > 0).all():
        return np.zeros(times.size, np.int64)
    return np.where(steps * fs > SHORTEST_GAP, np.rint(steps * fs) - 1, 0).astype(np.int64)


def clock_seconds(cells: Sequence[str]) -> tuple[NDArray[np.float64], float]:
    """Times of day, of whatever date, as seconds, midnight passed; and the resolution of their last digit, s."""
    out = np.full(len(cells), np.nan)
    digits = 0
    for i, cell in enumerate(cells):
        match = _CLOCK.fullmatch(cell)
        if match:
            date, hours, minutes, seconds = match.groups()
            days = datetime.fromisoformat(date).toordinal() if date else 0
            seconds = seconds.replace(",", ".")
            out[i] = ((days * 24 + int(hours or 0)) * 60 + int(minutes)) * 60 + float(seconds)
            digits = max(digits, len(seconds.partition(".")[2]))
    out += 86400.0 * np.concatenate(([0], np.cumsum(np.diff(out) < -43200)))
    return out, 10.0**-digits


def resolution_of(cells: Sequence[Any]) -> float:
    """The size of the last digit in which numbers are printed."""
    digits = max((len(str(cell).replace(",", ".").partition(".")[2]) for cell in cells), default=0)
    return 10.0 ** -min(digits, 9)
