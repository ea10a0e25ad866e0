"""Leads named in words; "I" is more often a person."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from precordia.core.leads import LEADS

_RANGE: Final = re.compile(r"\b(V[1-6])\s*(?:-|–|to|through|bis)\s*V?([1-6])\b", re.I)
_OF_A_BLOCK: Final = "".join(rf"(?<!{word} )" for word in ("obitz", "ype", "yp", "rade", "rad", "egree", "lock"))
"""What a numeral behind these says of a block: "Mobitz II"."""
_LEAD: Final = re.compile(rf"{_OF_A_BLOCK}\b(aVR|aVL|aVF|V[1-6]|III|II)\b")
_FIRST: Final = re.compile(
    r"\b(?:leads?|ableitung(?:en)?)\s+(I)\b|(?:\b(?:aV[RLF]|V[1-6]|II|III)\s*(?:,|and|or|und|oder|/)\s*)(I)\b"
    r"|\b(I)(?=\s*(?:,|and|or|und|oder|/)\s*(?:lead\s+)?(?:aV[RLF]|V[1-6]|II)\b)|^\W*(I)\W*$"
)


def leads_in(text: str) -> Iterator[tuple[tuple[int, int], tuple[str, ...]]]:
    """Stretches of a text that name leads, with the leads.

    >>> [leads for _, leads in leads_in("T waves in V2-V4, lead I and II; I am sure")]
    [('V2', 'V3', 'V4'), ('II',), ('I',)]
    """
    taken: list[tuple[int, int]] = []
    for match in _RANGE.finditer(text):
        first, last = sorted((int(match[1][1]), int(match[2])))
        taken.append(match.span())
        yield match.span(), tuple(f"V{k}" for k in range(first, last + 1))
    for match in _LEAD.finditer(text):
        if not any(first <= match.start() < last for first, last in taken):
            yield match.span(), (match[1],)
    for match in _FIRST.finditer(text):
        group = next(k for k, word in enumerate(match.groups(), start=1) if word)
        yield match.span(group), ("I",)


def in_order(found: Iterator[tuple[tuple[int, int], tuple[str, ...]]]) -> tuple[str, ...]:
    """The leads of all stretches, in their usual order."""
    named = {lead for _, leads in found for lead in leads}
    return tuple(lead for lead in LEADS if lead in named)
