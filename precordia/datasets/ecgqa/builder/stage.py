"""The stage of an infarction from PTB-XL's two columns, as ECG-QA names it."""

from __future__ import annotations

from typing import Final

EARLY: Final = "early stage of myocardial infarction"
MIDDLE: Final = "middle stage of myocardial infarction"
OLD: Final = "old stage of myocardial infarction"
UNKNOWN: Final = "unknown stage of myocardial infarction"
NONE: Final = "none of myocardial infarction"
STAGES: Final = (EARLY, MIDDLE, OLD)

_STAGE: Final = {
    "Stadium I": EARLY,
    "Stadium I-II": EARLY,
    "Stadium II": MIDDLE,
    "Stadium II-III": MIDDLE,
    "Stadium III": OLD,
    "unknown": UNKNOWN,
}


def stages_of(first: str | None, second: str | None) -> frozenset[str]:
    """The stage; the second column, a later opinion on a further infarction, goes before the first.

    The generator compares the first column with "Staidum III", so that it never reads an old infarction from there. Here
    it is read: the released questions about it are not among those that could be had, so which of the two they follow
    is not known.

    >>> sorted(stages_of("Stadium I", "Stadium III")), stages_of(None, None) == {NONE}
    (['old stage of myocardial infarction'], True)
    """
    if second is None and first is None:
        return frozenset({NONE})
    found = {_STAGE[second]} if second in _STAGE else set()
    if first == "unknown":
        found.add(UNKNOWN)
    elif second is None and first in _STAGE:
        found.add(_STAGE[first])
    return frozenset(found)
