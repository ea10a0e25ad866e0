"""A table of paired vectors: a line for each ECG, the ECG's file first, then numbers of the other modality."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import InputError

ECG = "ecg"
FEWEST = 20


@dataclass(frozen=True, eq=False)
class PairedTable:
    """Pairs, one a row.

    Attributes:
        ecgs: Files of the ECGs; a relative one is below the table's folder.
        columns: Names of the numbers.
        values: ``(n, n_columns)`` float64, NaN where a cell is empty.
    """

    ecgs: tuple[Path, ...]
    columns: tuple[str, ...]
    values: NDArray[np.float64]


def read_values(source: Path | str) -> dict[str, float]:
    """Numbers to search with: a CSV file of one line of them, or ``name=number, name=number`` itself.

    >>> read_values("ef_pct=35, lv_mass_g=180")
    {'ef_pct': 35.0, 'lv_mass_g': 180.0}

    Raises:
        InputError: it is neither; says what is wrong.
    """
    place = Path(source)
    try:
        if place.is_file():
            with place.open(encoding="utf-8-sig", newline="") as file:
                rows = list(csv.DictReader(file))
            if len(rows) != 1:
                raise InputError(f"{place}: {len(rows)} lines of numbers; one question is one line below the names")
            cells = {name: cell for name, cell in rows[0].items() if name != ECG and cell}
        else:
            return values_of(str(source))
        return {name: float(cell) for name, cell in cells.items()}
    except (OSError, ValueError, TypeError):
        raise InputError(
            f"{place.name[:80]}: no numbers to search with; give a CSV file of one line, or name=number,name=number"
        ) from None


def values_of(text: str) -> dict[str, float]:
    """Numbers to search with, written as ``name=number, name=number``.

    Raises:
        InputError: they are not.
    """
    pairs = (part.partition("=") for part in text.split(","))
    try:
        return {name.strip(): float(number) for name, _, number in pairs}
    except ValueError:
        raise InputError(f"{text[:80]}: no numbers to search with; write name=number,name=number") from None


def read_pairs(path: Path | str) -> PairedTable:
    """The pairs of a CSV file with a column ``ecg`` and columns of numbers.

    Raises:
        InputError: no such file or column, fewer than :data:`FEWEST` lines, an ECG named twice, or something else than a number.
    """
    place = Path(path)
    try:
        with place.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            names, rows = tuple(reader.fieldnames or ()), list(reader)
    except OSError as error:
        raise InputError(f"{place}: cannot be read ({error.strerror}); give a CSV file of pairs") from error
    columns = tuple(name for name in names if name != ECG)
    if ECG not in names or not columns:
        raise InputError(f"{place}: needs a column {ECG!r} with each ECG's file, and columns of numbers")
    if len(rows) < FEWEST:
        raise InputError(f"{place}: {len(rows)} pairs, {FEWEST} are needed")
    ecgs = [row[ECG] for row in rows]
    if len(set(ecgs)) < len(ecgs):
        raise InputError(f"{place}: an ECG stands on two lines; give one line an ECG")
    values = np.full((len(rows), len(columns)), np.nan)
    for line, row in enumerate(rows):
        for number, column in enumerate(columns):
            cell = (row[column] or "").strip()
            try:
                values[line, number] = float(cell) if cell else np.nan
            except ValueError:
                raise InputError(f"{place}: line {line + 2}, column {column!r}: not a number") from None
    return PairedTable(tuple(place.parent / ecg for ecg in ecgs), columns, values)
