"""CSV, Parquet and XLSX files as Arrow tables, and their cells as tidy values."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from precordia.core.errors import InputError
from precordia.records.channels import one_line, parse_time
from precordia.records.limits import check_file
from precordia.records.people import age_at

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
            from precordia.records.tables.workbook import load_workbook

            table = load_workbook(path)
        else:
            table = _parquet(path) if magic == b"PAR1" else _csv(path)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, UnicodeError, ValueError) as error:
        raise InputError(
            f"{path}: not readable as a report table ({one_line(str(error))[:160]}); save it as CSV (UTF-8), XLSX or Parquet"
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


def cell_text(value: Any) -> str | None:
    """A cell as text, or None when it is empty: whole floats without ".0", dates in ISO form.

    >>> cell_text(15709.0), cell_text(1.5), cell_text(True), cell_text(None)
    ('15709', '1.5', 'True', None)
    """
    if value is None:
        return None
    if isinstance(value, float):
        if value != value:
            return None
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, datetime | date):
        return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="backslashreplace")
    if isinstance(value, list | tuple):
        return ", ".join(filter(None, map(cell_text, value))) or None
    text = str(value).strip()
    return text or None


def fold(text: str) -> str:
    """Text in lower case without accents, blanks and punctuation: how column names and words are compared.

    >>> fold("Patient_ID"), fold("Männlich"), fold("is male?")
    ('patientid', 'mannlich', 'ismale')
    """
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in plain if c.isalnum())


def time_of(value: Any) -> datetime | None:
    """Date and time in a cell, or None.

    >>> time_of("1951-06-01 08:30"), time_of("1.6.1951"), time_of("1951")
    (datetime.datetime(1951, 6, 1, 8, 30), datetime.datetime(1951, 6, 1, 0, 0), None)
    """
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    text = cell_text(value)
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        day, _, clock = text.partition(" ")
        return parse_time(day, clock)


def age_of(value: Any, recorded: datetime | None = None) -> float | None:
    """Age in years from a cell: an age, or a year or date of birth where it is known when the ECG was recorded.

    999 and the like mean that nobody knows; PTB-XL's 300 hides an age above 89 and becomes 90.

    >>> age_of("61 ans"), age_of(300), age_of(999), age_of("1951"), age_of("1951", datetime(2012, 3, 1))
    (61.0, 90.0, None, None, 61.0)
    >>> age_of(date(1951, 6, 1), datetime(2012, 3, 1)), age_of("1.6.1951", datetime(2012, 3, 1))
    (60.0, 60.0)
    """
    born = time_of(value)
    return age_at(recorded, None if born else cell_text(value), born)


def parse_codes(value: Any, scheme: str) -> tuple[str, ...]:
    """The codes in a cell: a list, "a, b; c", or a dictionary literal of code to likelihood, as PTB-XL writes it.

    >>> parse_codes("{'NORM': 100.0, 'SR': 0.0}", "scp"), parse_codes("164889003;426177001", "snomed")
    (('scp:NORM', 'scp:SR'), ('snomed:164889003', 'snomed:426177001'))
    """
    items: list[Any]
    if isinstance(value, list | tuple | dict):
        items = list(value)
    else:
        text = cell_text(value) or ""
        items = re.split(r"[,;|]", text)
        if text[:1] in "{[" and len(text) < 20_000:
            try:
                parsed = ast.literal_eval(text)
                items = list(parsed) if isinstance(parsed, dict | list | set | tuple) else [parsed]
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                items = re.findall(r"[\w.+/^-]+", text)
    codes = [code for item in items if (code := cell_text(item))]
    return tuple(dict.fromkeys(code if ":" in code else f"{scheme}:{code}" for code in codes))
