"""What of a report is understood word by word, and what is not.

The labeller reads nearly every word of ECG reports: in 97% of PTB-XL's sentences that state a finding (folds 1-8), each word
is one of its wordings, one of its cues, or one of a closed list of words that reports are held together by
(``data/plain_words.txt``). What is left over is what a report should not hold: names, instructions, addresses. They need not
be known to be told from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Final

from precordia.concepts.lexicon import TOKEN, lexicon, stem
from precordia.concepts.scanning import Item, scan

_FUZZY_LENGTH: Final = 6
"""From this length on the labeller reads a misspelt word as the word it is near to; a name may be near to one, too."""

_NUMBER: Final = r"\d{1,3}(?:[.,]\d{1,2})?"
_NUMBERS: Final = rf"[-+<>]?\s?{_NUMBER}(?:\s?[-–/]\s?{_NUMBER}){{0,2}}"
_UNIT: Final = r"\s?(?:bpm|ms|msec|sec|s|mv|mm|hz|°|degrees?|grad|/\s?min|/\s?minute|beats\sper\sminute)(?!\w)"
_MEASURE: Final = (
    r"(?:rate|(?:herz|kammer|vorhof)?frequenz|hf|hr|p|pr|pq|rr|qrs|qtc?[bf]?|p-?r-?t|axis|achse|lagewinkel|sokolow(?:[-\s]lyon)?|index)"
    r"(?:[-\s]?(?:interval|duration|zeit|dauer|breite|index|axis|axes|winkel))?\s?[:=]?\s?"
)
_QUANTITY: Final = re.compile(
    rf"(?<![\w.,:/])(?:{_MEASURE}{_NUMBERS}(?:{_UNIT})?|{_NUMBERS}{_UNIT}|[1-9]:[1-9](?=\s|-|[.,;]|$))(?!\w)(?![.,:/-]\d)",
    re.IGNORECASE,
)
_LONE: Final = re.compile(r"\d{1,3}(?!\w)")
FOOTER: Final = re.compile(
    r"(?:\b\d\.\d\d\s+)?\bunbest(?:ä|ae)t\w*(?: beri?c?h?t?)?\b|\b\d\.\d\d?(?:\s+u(?:n(?:b(?:es?)?)?)?)?\s*$|"
    r"\bunconfirmed (?:report|analysis)\b|\bedit\s?:",
    re.IGNORECASE,
)
"""What carts print under a report, on the same line; it says that nobody has read it."""

_BLANK: Final = re.compile(r"[\s()'’°–+_-]*")
_MARKS: Final = frozenset(".,;:!?/+&")

Stretch = tuple[int, int]


@dataclass(frozen=True)
class Sentence:
    """A sentence of a report.

    Attributes:
        start, end: Its place, with whatever stands before its first word.
        items: What was found in it.
    """

    start: int
    end: int
    items: tuple[Item, ...]


def sentences(text: str) -> Iterator[Sentence]:
    """The sentences of a report; a line break ends one too."""
    group: list[Item] = []
    start = 0
    for item in scan(text):
        line_end = text.find("\n", group[-1].end if group else start, item.start)
        if line_end >= 0:
            if group:
                yield Sentence(start, line_end, tuple(group))
            start, group = text.rindex("\n", 0, item.start), []
        group.append(item)
        if item.kind == "stop":
            yield Sentence(start, item.end, tuple(group))
            start, group = item.end, []
    if group:
        yield Sentence(start, len(text), tuple(group))


def quantities(text: str, start: int = 0, end: int | None = None) -> list[Stretch]:
    """Where a report gives a measurement: "QRS 92 ms", "rate 72", "2:1"."""
    return [match.span() for match in _QUANTITY.finditer(text, start, len(text) if end is None else end)]


def unknown_stretches(text: str, sentence: Sentence | None = None) -> list[Stretch]:
    """Where a report holds what the labeller does not understand: words, numbers that are no quantities, foreign marks.

    Args:
        text: The report.
        sentence: One of its sentences, from :func:`sentences`; the whole text when None.

    >>> text = "Sinus rhythm, seen by Dr. Meier, QRS 92 ms"
    >>> [text[a:b] for a, b in unknown_stretches(text)]
    ['Dr', 'Meier']
    """
    one = sentence or Sentence(0, len(text), tuple(scan(text)))
    measured = quantities(text, one.start, one.end) + [m.span() for m in FOOTER.finditer(text, one.start, one.end)]
    out: list[Stretch] = []
    at = one.start
    for k, item in enumerate(one.items):
        _add_foreign(text, at, item.start, out)
        at = item.end
        if any(first <= item.start and item.end <= last for first, last in measured):
            continue
        if item.kind == "number":
            if not _is_lone(text, one.items, k):
                out.append((item.start, item.end))
        elif not text[item.start].isalnum() and (k == 0 or text[item.start] not in _MARKS):
            out.append((item.start, item.end))
        else:
            out.extend(_unknown_words(text, item))
    _add_foreign(text, at, one.end, out)
    return sorted(out)


def _add_foreign(text: str, start: int, end: int, out: list[Stretch]) -> None:
    """Characters between two items that are neither blanks nor the marks of prose."""
    if not _BLANK.fullmatch(text, start, end):
        out.extend((i, i + 1) for i in range(start, end) if not _BLANK.fullmatch(text, i, i + 1))


def _is_lone(text: str, items: Sequence[Item], k: int) -> bool:
    """Whether a number is short and stands by itself: "type 1", not a part of a date or a telephone number."""
    if not _LONE.fullmatch(text, items[k].start, items[k].end):
        return False
    for step in (-1, 1):
        near = k + step
        if 0 <= near + step < len(items) and items[near].kind in ("mark", "stop", "link"):
            near += step
        if 0 <= near < len(items) and items[near].kind == "number":
            return False
    return True


def _unknown_words(text: str, item: Item) -> Iterator[Stretch]:
    plain, lex = _plain_words(), lexicon()
    if item.kind == "word" and item.value not in plain:
        yield item.start, item.end
        return
    for match in TOKEN.finditer(text, item.start, item.end):
        word = match.group()
        # Matched as a misspelling: taken for the word by the labeller, but not shown for it.
        if (
            match.lastgroup == "word"
            and len(word) >= _FUZZY_LENGTH
            and not lex.knows(stem(word))
            and stem(word) not in plain
        ):
            yield match.span()


@lru_cache(maxsize=1)
def _plain_words() -> frozenset[str]:
    text = resources.files("precordia.concepts").joinpath("data/plain_words.txt").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return frozenset(stem(word) for line in lines for word in line.split())
