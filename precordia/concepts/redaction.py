"""Reports as other people may see them: what they say of the heart stays, everything else is masked.

Two recognisers stand beside each other. One finds identifiers by their form (:mod:`precordia.records.identifiers`); it knows
what kind each is, and misses a name that nothing announces. The other asks of every word whether the labeller understands it
(:mod:`precordia.concepts.known_words`); it misses only names that are words of cardiology ("Block", "Long"), where the first
helps. What either finds is masked, with what stands between two finds and says nothing.
"""

from __future__ import annotations

import re
from typing import Final

from precordia.concepts.known_words import quantities, unknown_stretches
from precordia.concepts.scanning import Item, scan
from precordia.records.identifiers import Identifier, find_identifiers

_JOINTS: Final = (
    "and|und|u|of|at|der|die|das|den|dem|des|de|del|di|da|du|la|le|el|ten|ter|auf|von|van|vom|zu|zum|am|im|in|"
    r"(?-i:St\.)"
)
_NOTHING: Final = re.compile(rf"(?:[ \t.,:;/'’()&+\[\]*-]|\b(?:{_JOINTS})(?!\w))*", re.IGNORECASE)
_SHORT: Final = re.compile(r"[ ,-]{0,2}")
_ENDS: Final = re.compile(r"\s*(?:[,.;:()\[\]*\n]|$)")
_ORNAMENTS: Final = frozenset('[]"*#_|')
_NAMELIKE: Final = frozenset({"word", "grade", "age", "nature", "change", "normal", "predicate"})
"""Kinds of items that can be a surname: of "Gisela Block" and "Walter Long" the second words are known."""

Mask = tuple[int, int, str]


def redact(report: str) -> str:
    """The report with whatever does not speak of findings masked: ``[name]``, ``[date]``, ..., ``[...]`` where the kind is unknown.

    Args:
        report: A report in English, German or Swedish.

    >>> redact("Zyxwvut, Erika *1.2.1950. Sinus rhythm, no ST elevation. Called Dr. Meier.")
    '[date]. Sinus rhythm, no ST elevation. [name].'
    """
    for start, end, kind in reversed(masks(report)):
        report = f"{report[:start]}[{kind}]{report[end:]}"
    return report


def masks(report: str) -> list[Mask]:
    """Where :func:`redact` masks a report: start, end and kind, in order, without overlap."""
    items = scan(report)
    found = [_within(report, one, items) for one in find_identifiers(report)]
    unknown = [(start, end, "...") for start, end in unknown_stretches(report) if report[start:end] not in _ORNAMENTS]
    merged = _merged(report, [*found, *unknown])
    return _merged(report, [*merged, *_beside(report, items, merged)])


def _within(report: str, one: Identifier, items: list[Item]) -> Mask:
    """An identifier without the beginning of a finding that it runs into: of "Doe, John Right bundle branch block"."""
    cut = (item.start for item in items if item.kind == "concept" and one.start < item.start < one.end < item.end)
    return one.start, len(report[: next(cut, one.end)].rstrip()), one.kind


def _merged(report: str, found: list[Mask]) -> list[Mask]:
    """Masks that touch, or between which nothing is said, as one, of the first kind that is known."""
    out: list[Mask] = []
    for start, end, kind in sorted(found):
        if out and (start <= out[-1][1] or _NOTHING.fullmatch(report, out[-1][1], start)):
            first, last, known = out[-1]
            out[-1] = (first, max(last, end), known if known != "..." else kind)
        else:
            out.append((start, end, kind))
    return out


def _beside(report: str, items: list[Item], found: list[Mask]) -> list[Mask]:
    """Numbers beside what is masked ("Birkenweg 12"), and words after it that can be a surname."""
    starts = {start for start, _, _ in found}
    ends = {end for _, end, _ in found}
    measured = quantities(report)
    out: list[Mask] = []
    for item in items:
        after = next((end for end in range(item.end, item.end + 3) if end in starts), None)
        before = next((start for start in range(item.start, item.start - 3, -1) if start in ends), None)
        follows = after is not None and _SHORT.fullmatch(report, item.end, after) is not None
        beside = before is not None and _SHORT.fullmatch(report, before, item.start) is not None
        number = item.kind == "number" and not any(a <= item.start and item.end <= b for a, b in measured)
        surname = item.kind in _NAMELIKE and beside and report[item.start].isupper() and report[item.start - 1] == " "
        if (number and (beside or follows)) or (surname and (follows or _ENDS.match(report, item.end))):
            out.append((item.start, item.end, "..."))
    return out
