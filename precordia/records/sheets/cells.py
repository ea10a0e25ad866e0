"""The cells of report tables as tidy values: text, times, ages, codes."""

from __future__ import annotations

import ast
import re
import unicodedata
from datetime import date, datetime
from typing import Any

from precordia.records.channels import parse_time
from precordia.records.people import age_at


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
