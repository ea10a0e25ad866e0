"""CSV and Parquet files as Arrow tables, and their cells as tidy text."""

from __future__ import annotations

import ast
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from precordia.core.errors import InputError
from precordia.records.channels import one_line
from precordia.records.limits import check_file

MAX_TABLE_BYTES: Final = 4 * 2**30
_NULLS: Final = ["", "nan", "NaN", "NAN", "NA", "N/A", "null", "NULL", "None"]


def load_table(path: Path) -> Any:
    """A ``pyarrow.Table`` with column types inferred; empty cells are null.

    Raises:
        InputError: it is neither CSV nor Parquet, is damaged, or repeats a column name.
    """
    import pyarrow as pa

    check_file(path, MAX_TABLE_BYTES)
    try:
        with path.open("rb") as file:
            magic = file.read(4)
        table = _parquet(path) if magic == b"PAR1" else _csv(path)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, UnicodeError, ValueError) as error:
        raise InputError(
            f"{path}: not readable as a report table ({one_line(str(error))[:160]}); save it as CSV (UTF-8) or Parquet"
        ) from None
    names = [name or f"column_{number}" for number, name in enumerate(table.column_names, start=1)]
    table = table.rename_columns(names)
    if len(set(names)) != len(names):
        raise InputError(f"{path}: column names repeat; give each column a name of its own")
    return table


def _parquet(path: Path) -> Any:
    import pyarrow.parquet as pq

    return pq.read_table(path)


def _csv(path: Path) -> Any:
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
            null_values=_NULLS, strings_can_be_null=True, quoted_strings_can_be_null=True
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
