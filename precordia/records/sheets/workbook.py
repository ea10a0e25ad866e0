"""XLSX workbooks as Arrow tables: the first sheet that has rows, its first row the column names."""

from __future__ import annotations

import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from precordia.core.errors import InputError, MissingExtraError, reason_of
from precordia.records.sheets.cells import cell_text

MAX_UNPACKED: Final = 2**28
"""Most bytes that a workbook may unpack to; a table of 100,000 reports is 60 MiB. Larger ones belong into CSV."""


def load_workbook(path: Path) -> Any:
    """A ``pyarrow.Table``; a column of one kind keeps it (numbers, dates), a mixed one becomes text.

    Raises:
        InputError: it is no workbook, holds no table, or unpacks to more than is read.
        MissingExtraError: openpyxl is not installed.
    """
    import pyarrow as pa

    rows = _rows(path)
    if not rows:
        raise InputError(f"{path}: the workbook has no rows; save the sheet with the reports first")
    header = ["" if cell is None else str(cell).strip() for cell in rows[0]]
    while header and not header[-1]:
        header.pop()
    columns = [[_plain(row[i] if i < len(row) else None) for row in rows[1:]] for i in range(len(header))]
    return pa.Table.from_arrays([_array(column) for column in columns], names=header)


def _rows(path: Path) -> list[tuple[Any, ...]]:
    try:
        import openpyxl
    except ImportError:
        raise MissingExtraError("openpyxl", "formats", f"{path}: reading an XLSX table") from None
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > MAX_UNPACKED:
                raise InputError(
                    f"{path}: the workbook unpacks to more than {MAX_UNPACKED // 2**20} MiB; save it as CSV"
                )
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except InputError:
        raise
    except Exception as error:  # openpyxl raises whatever a damaged part provokes
        raise InputError(
            f"{path}: not readable as an XLSX workbook ({reason_of(error)}); save it as CSV (UTF-8)"
        ) from None
    try:
        for sheet in book.worksheets:
            rows = [row for row in sheet.iter_rows(values_only=True) if any(cell is not None for cell in row)]
            if len(rows) > 1:
                return rows
    finally:
        book.close()
    return []


def _plain(cell: Any) -> Any:
    if isinstance(cell, str):
        return cell.strip() or None
    return cell if isinstance(cell, bool | int | float | datetime | date) else None if cell is None else str(cell)


def _array(cells: list[Any]) -> Any:
    import pyarrow as pa

    try:
        return pa.array(cells)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([cell_text(cell) for cell in cells])
