"""PTB-XL's annotation of extra beats, read as ECG-QA reads it."""

from __future__ import annotations

import re
from typing import Final

KINDS: Final = {
    "es": "extrasystoles",
    "ves": "ventricular extrasystoles",
    "sves": "supraventricular extrasystoles",
}
_BREAK: Final = re.compile(r"[,();]")
_KIND: Final = re.compile(r"^\d{0,2}(sves|ves|es)\d{0,2}$")


def extra_systoles_of(annotation: str | None) -> frozenset[str]:
    """The kinds of extra systoles that an annotation names.

    A bare number counts extra systoles of no stated origin.

    >>> sorted(extra_systoles_of("VES,SVES1,alles"))
    ['supraventricular extrasystoles', 'ventricular extrasystoles']
    >>> sorted(extra_systoles_of("2ES")), sorted(extra_systoles_of("1,V1"))
    (['extrasystoles'], ['extrasystoles'])
    """
    found: set[str] = set()
    for place, part in enumerate(_BREAK.split((annotation or "").lower())):
        word = re.sub(r"\s+", "", part)
        match = _KIND.match(word)
        if match:
            found.add(KINDS[match[1]])
        elif place == 0 and word[:1].isdigit():
            found.add(KINDS["es"])
    return frozenset(found)
