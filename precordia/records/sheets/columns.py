"""CSV, Parquet and XLSX files as Arrow tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from precordia.core.errors import InputError, reason_of
from precordia.records.limits import check_file
from precordia.records.sheets.workbook import load_workbook

MAX_TABLE_BYTES: Final = 4 * 2**30
TABLE_SUFFIXES: Final = (".csv", ".tsv", ".txt", ".parquet", ".xlsx")
_NULLS: Final = ["", "nan", "NaN", "NAN", "NA", "N/A", "null", "NULL", "None"]


def load_table(path: Path) -> Any:
    """A ``pyarrow.Table`` with column types inferred; empty cells are null.

    Raises:
        InputError: it is neither CSV, Parquet nor XLSX, is damaged, or repeats a column name.
        MissingExtraError: it is XLSX and openpyxl is not installed.
    """
    import pyarrow as pa

    check_file(path, MAX_TABLE_BYTES)
    try:
        with path.open("rb") as file:
            magic = file.read(4)
        if magic == b"PK\3\4":
            table = load_workbook(path)
        else:
            table = _parquet(path) if magic == b"PAR1" else _csv(path)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, UnicodeError, ValueError) as error:
        raise InputError(
            f"{path}: not readable as a report table ({reason_of(error)}); save it as CSV (UTF-8), XLSX or Parquet"
        ) from None
    table = table.rename_columns(_names(table.column_names))
    if len(set(table.column_names)) != table.num_columns:
        raise InputError(f"{path}: column names repeat; give each column a name of its own")
    return table


def column_names(path: Path) -> tuple[str, ...]:
    """A table's column names, from its beginning; none when it is no table.

    Raises:
        InputError: it cannot be opened.
        MissingExtraError: it is XLSX and openpyxl is not installed.
    """
    import pyarrow as pa

    check_file(path, MAX_TABLE_BYTES)
    with path.open("rb") as file:
        start = file.read(2**16)
    try:
        if start[:4] == b"PK\3\4":
            return tuple(_names(load_table(path).column_names))
        if start[:4] == b"PAR1":
            import pyarrow.parquet as pq

            return tuple(_names(pq.read_schema(path).names))
        encoding = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        first = next((line for line in start.decode(encoding, errors="replace").splitlines() if line.strip()), "")
    except (pa.ArrowInvalid, OSError, InputError):
        return ()
    delimiter = max(",;\t|", key=first.count)
    if "\0" in first or delimiter not in first:
        return ()
    import csv

    return tuple(_names(cell.strip() for cell in next(csv.reader([first], delimiter=delimiter))))


def as_written(path: Path, columns: Sequence[str]) -> dict[str, list[str | None]]:
    """Columns of a CSV file as the text that stands there, so that "00017" stays apart from "17"; none of other files."""
    with path.open("rb") as file:
        if file.read(4) in (b"PAR1", b"PK\3\4"):
            return {}
    texts = _csv(path, columns)
    return {name: texts.column(name).to_pylist() for name in columns}


def _names(names: Any) -> list[str]:
    return [name or f"column_{number}" for number, name in enumerate(names, start=1)]


def _parquet(path: Path) -> Any:
    import pyarrow.parquet as pq

    return pq.read_table(path)


def _csv(path: Path, as_text: Sequence[str] = ()) -> Any:
    import pyarrow as pa
    from pyarrow import csv

    with path.open("rb") as file:
        sample = file.read(2**16)
    encoding = _encoding(path)
    header = sample.decode(encoding, errors="replace").splitlines()[0] if sample.strip() else ""
    delimiter = max(",;\t|", key=header.count)
    return csv.read_csv(
        path,
        read_options=csv.ReadOptions(encoding=encoding, use_threads=False),
        parse_options=csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            null_values=_NULLS,
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
            column_types=dict.fromkeys(as_text, pa.string()),
            include_columns=list(as_text) or None,
        ),
    )


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16"
        file.seek(0)
        import codecs

        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while chunk := file.read(2**20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"
