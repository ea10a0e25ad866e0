"""Sentences and numbers as carts print them: statements joined to a report, names of people left out, names of measurements."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from precordia.records.channels import one_line

_PEOPLE: Final = re.compile(
    r"^\W*(re-?confirmed|confirmed|referred|requested|electronically signed|signed|reviewed|edited|overread|ordered|"
    r"over-?read|read|interpreted|attending|technician|test ind)\b.{0,20}\b(by|ication)\b",
    re.IGNORECASE,
)

_EVENTS: Final = 12
"""Most events told in a note; a Holter has thousands."""


def statements(lines: Iterable[str]) -> tuple[str, ...]:
    """The lines that say something about the ECG; those that say who confirmed or ordered it carry names and are left out.

    >>> statements(["Sinus rhythm", "", "Confirmed by Doe, John (12) on 1/1/2020"])
    ('Sinus rhythm',)
    """
    tidy = (one_line(line) for line in lines)
    return tuple(line for line in tidy if line and not _PEOPLE.match(line))


def report_of(lines: Iterable[str]) -> str | None:
    """The statements as one text, a sentence each, or None when there are none; a single one as it stands.

    >>> report_of(["Sinus rhythm", "Normal ECG."]), report_of(["AF with RVR"])
    ('Sinus rhythm. Normal ECG.', 'AF with RVR')
    """
    kept = statements(lines)
    if len(kept) == 1:
        return kept[0]
    sentences = [line if line[-1] in ".!?,;:" else f"{line}." for line in kept]
    return " ".join(sentences) or None


def event_notes(texts: Iterable[str]) -> tuple[str, ...]:
    """What happened while the ECG was recorded ("Recording starts", "Lead off V2"), as one note: it is no report.

    >>> event_notes(["Recording starts", "Button pressed", "Recording starts"]), event_notes([])
    (('events in the file: Recording starts; Button pressed',), ())
    """
    told = statements(dict.fromkeys(texts))
    more = f"; and {len(told) - _EVENTS} more" if len(told) > _EVENTS else ""
    return (f"events in the file: {'; '.join(line[:80] for line in told[:_EVENTS])}{more}",) if told else ()
