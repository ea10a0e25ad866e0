"""Reads a query in words: numbers and people are taken out first, and what remains is read by the report labeller."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from typing import Final

from precordia.concepts import label_report
from precordia.core.findings import Finding
from precordia.core.recording import Sex
from precordia.retrieval.grammar.leads import in_order, leads_in
from precordia.retrieval.grammar.numbers import ages_in, bounds_in, named_in
from precordia.retrieval.grammar.understood import Bound, Understood, Wish

LONGEST: Final = 400
"""Characters of a query that are read."""

_PLACES: Final = 30
"""Characters before a finding in which its places are joined by "or"."""

_SEXES: Final[tuple[tuple[str, Sex], ...]] = (
    (r"\b(?:wom[ae]n|females?|lad(?:y|ies)|girls?|frau(?:en)?|weiblich\w*|patientin(?:nen)?)\b", "F"),
    (r"\b(?:m[ae]n|males?|gentlem[ae]n|boys?|m(?:ä|ae)nner\w*|mann|m(?:ä|ae)nnlich\w*)\b", "M"),
)
_YEARS: Final = (
    (re.compile(r"\b(?:since|from|after|seit|ab|nach)\s+((?:19|20)\d\d)\b", re.I), (1, 0)),
    (re.compile(r"\b(?:until|till|before|up to|bis|vor)\s+((?:19|20)\d\d)\b", re.I), (0, 1)),
    (re.compile(r"\b(?:in|during|of|im jahr)\s+((?:19|20)\d\d)\b", re.I), (1, 1)),
)
_AFTER_YEAR: Final = re.compile(r"^(?:after|nach)", re.I)
_BEFORE_YEAR: Final = re.compile(r"^(?:before|vor)", re.I)
_DEVICE: Final = re.compile(
    r"\b(?:recorded (?:on|with)|device|cart|machine|ger(?:ä|ae)t)\s+(?:an?\s+|the\s+)?([\w-]*\d[\w-]*|[A-Z][\w-]+)"
)
_CHANGES: Final = (
    (
        "new",
        re.compile(
            r"\b(?:new(?:ly)?|became|developed|neu(?:e[rs]?|auf\w*)?|since (?:last|the last|the previous)\b[\w ]*)\b",
            re.I,
        ),
    ),
    ("unchanged", re.compile(r"\b(?:unchanged|still|persist\w*|unver(?:ä|ae)ndert\w*)\b", re.I)),
    ("resolved", re.compile(r"\b(?:resolved|no longer|disappeared|gone|nicht mehr)\b", re.I)),
)
_OR: Final = re.compile(r"\b(?:or|oder|either|entweder)\b|/", re.I)
_EXCEPT: Final = re.compile(r"\b(?:excluding|excludes?|except(?: for)?|but not|other than|minus|au(?:ß|ss)er)\b", re.I)
_WITHOUT: Final = re.compile(r"(?<!\w)w/o(?!\w)", re.I)
_NON: Final = re.compile(r"\bnon[- ](?=[a-z]{3})", re.I)
_WORD: Final = re.compile(r"[^\W\d_][\w'-]*|\d+(?:[.,]\d+)?")


@lru_cache(maxsize=4096)
def read_query(text: str) -> Understood:
    """A query in words, read; deterministic, and quick enough for every keystroke.

    Args:
        text: English or German, by findings, numbers, people, years and changes; of any length, of which the first
            :data:`LONGEST` characters count.

    >>> found = read_query("either RBBB or LBBB, QTc over 500, no atrial fibrillation")
    >>> [wish.concept for wish in found.either[0]], [wish.concept for wish in found.excluded], found.bounds
    (['RBBB', 'LBBB'], ['AFIB'], (Bound(measure='qtc_ms', operator='>', value=500.0),))
    """
    text = _WITHOUT.sub("without", " ".join(text[:LONGEST].split()))
    left = _Left(text)
    unread: list[str] = []
    bounds = _bounds(left, bounds_in(text), unread)
    years = _years(left)
    device = _device(left)
    bounds += _bounds(left, ages_in(left.text), unread)
    sex = _sex(left)
    # As the labeller says it, and as long, so that its places stay.
    words = _NON.sub("not ", _EXCEPT.sub(lambda match: "no".ljust(len(match[0])), left.text))
    findings = label_report(words)
    for finding in findings:
        left.take(finding.span)
    left.drop(_EXCEPT.pattern)
    for territory in sorted({f.territory for f in findings if f.territory}):
        left.drop(rf"\b{re.escape(territory)}\b")
    for word in {word for f in findings for word in (f.severity or "").split()}:
        left.drop(rf"\b{re.escape(word)}\b")
    stated = [f for f in findings if f.status != "absent"]
    groups = _groups(stated, words)
    leads = _leads(left)
    change = _change(left) or next((f.comparison for f in findings if f.comparison), None)
    measures = _measures(left)
    left_over = [w for w in _WORD.findall(left.text) if w.lower() not in _said_beside()]
    return Understood(
        text,
        wanted=_wishes([group[0] for group in groups if len(group) == 1]),
        excluded=_wishes([f for f in findings if f.status == "absent"]),
        either=tuple(dict.fromkeys(_wishes(group) for group in groups if len(group) > 1)),
        bounds=tuple(dict.fromkeys(bounds)),
        sex=sex,
        years=years,
        device=device,
        change=change,
        measures=measures,
        leads=leads,
        rest=tuple(dict.fromkeys([*unread, *left_over])),
    )


class _Left:
    """The text with what was understood taken out, blanks in its place."""

    def __init__(self, text: str) -> None:
        self.text = text

    def take(self, span: tuple[int, int]) -> str:
        """Takes out a stretch; its words."""
        first, last = span
        words = self.text[first:last]
        self.text = self.text[:first] + " " * (last - first) + self.text[last:]
        return words

    def drop(self, pattern: str) -> None:
        """Takes out every match."""
        self.text = re.sub(pattern, lambda match: " " * len(match[0]), self.text, flags=re.I)


def _bounds(left: _Left, found: Iterator[tuple[tuple[int, int], tuple[Bound, ...]]], unread: list[str]) -> list[Bound]:
    """The limits, taken out of the text; a stretch without any is not understood."""
    bounds: list[Bound] = []
    for span, limits in found:
        words = left.take(span)
        bounds += limits
        unread += [] if limits else _WORD.findall(words)
    return bounds


def _wishes(findings: list[Finding]) -> tuple[Wish, ...]:
    return tuple(dict.fromkeys(Wish(f.concept, f.territory, f.severity) for f in findings))


def _groups(stated: list[Finding], words: str) -> list[list[Finding]]:
    """Findings that are joined by "or" stand together."""
    groups: list[list[Finding]] = []
    for finding in stated:
        before = groups[-1][-1] if groups else None
        if before is not None and _OR.search(_between(before, finding, words)):
            groups[-1].append(finding)
        else:
            groups.append([finding])
    return groups


def _between(before: Finding, after: Finding, words: str) -> str:
    """The words between two findings; those of one word with two places ("inferior or anterior MI") stand before it."""
    if before.span == after.span:
        return words[max(0, after.span[0] - _PLACES) : after.span[0]]
    return words[before.span[1] : after.span[0]]


def _change(left: _Left) -> str | None:
    for name, pattern in _CHANGES:
        match = pattern.search(left.text)
        if match is not None:
            left.take(match.span())
            return name
    return None


def _sex(left: _Left) -> Sex | None:
    found: list[Sex] = []
    for pattern, sex in _SEXES:
        for match in list(re.finditer(pattern, left.text, re.I)):
            left.take(match.span())
            found.append(sex)
    return found[0] if len(set(found)) == 1 else None


def _years(left: _Left) -> tuple[int | None, int | None]:
    first: int | None = None
    last: int | None = None
    for pattern, (opens, closes) in _YEARS:
        for match in list(pattern.finditer(left.text)):
            year = int(match[1])
            if opens:
                first = year + 1 if _AFTER_YEAR.match(match[0]) else year
            if closes:
                last = year - 1 if _BEFORE_YEAR.match(match[0]) else year
            left.take(match.span())
    return first, last


def _device(left: _Left) -> str | None:
    match = _DEVICE.search(left.text)
    if match is None:
        return None
    left.take(match.span())
    return match[1]


def _leads(left: _Left) -> tuple[str, ...]:
    found = list(leads_in(left.text))
    for span, _ in found:
        left.take(span)
    return in_order(iter(found))


def _measures(left: _Left) -> tuple[str, ...]:
    found = list(named_in(left.text))
    for span, _ in found:
        left.take(span)
    return tuple(name for _, name in found)


@lru_cache(maxsize=1)
def _said_beside() -> frozenset[str]:
    """Words that carry no wish of their own."""
    text = resources.files("precordia.retrieval.grammar").joinpath("beside.txt").read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())
