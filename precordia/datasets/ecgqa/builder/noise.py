"""Leads named in PTB-XL's free-text annotations of noise and extra beats, read as ECG-QA reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from precordia.core.leads import LEADS

NOISES: Final[Mapping[str, str]] = {
    "baseline_drift": "baseline drift",
    "static_noise": "static noise",
    "burst_noise": "burst noise",
    "electrodes_problems": "electrodes problems",
}
"""PTB-XL's column to ECG-QA's attribute."""

ORDER: Final = ("i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6")
"""The order that ranges follow: "I-V1" is the six limb leads and V1."""

_MISTYPED: Final = (("!", "1"), ("111", "iii"), ("11", "ii"), ("alf", "avf"))
_RANGE: Final = re.compile(r"\s*-+\s*")
_BREAK: Final = re.compile(r"[;,.?()/\s]+|\band\b")


def leads_of(annotation: str | None) -> frozenset[str]:
    """The leads that an annotation names; none where it names a degree only ("mittel") or says nothing.

    A range runs in the order I, II, III, aVR, aVL, aVF, V1 to V6; a bare number is a chest lead; "alles" is every lead.

    >>> sorted(leads_of(" , I-AVR,  "))
    ['I', 'II', 'III', 'aVR']
    >>> sorted(leads_of("v3-4")), len(leads_of("alles")), leads_of(" , mittel,  ")
    (['V3', 'V4'], 12, frozenset())
    """
    if annotation is None:
        return frozenset()
    text = annotation.lower()
    for wrong, right in _MISTYPED:
        text = text.replace(wrong, right)
    found: set[str] = set()
    for word in _BREAK.split(_RANGE.sub("-", text)):
        if "alle" in word:
            return frozenset(LEADS)
        ends = [_lead(part) for part in word.split("-")]
        if len(ends) == 1 and ends[0] in ORDER:
            found.add(ends[0])
        elif len(ends) == 2 and ends[0] in ORDER and ends[1] in ORDER:
            found.update(ORDER[ORDER.index(ends[0]) : ORDER.index(ends[1]) + 1])
    return frozenset(LEADS[ORDER.index(lead)] for lead in found)


def _lead(word: str) -> str:
    return f"v{word}" if word.isdigit() else word
