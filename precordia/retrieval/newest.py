"""The day of an archive's newest recording, from which words count back: "in the last five years"."""

from __future__ import annotations

from datetime import date
from typing import Final

from precordia.core.protocols import CaseStore
from precordia.retrieval.grammar import Understood
from precordia.retrieval.grammar.condition import must_hold

FIRST: Final = date(1880, 1, 1)
LAST: Final = date(2200, 1, 1)
"""No recording is older than the one, nor younger than the other."""


def conditions_of(understood: Understood, store: CaseStore) -> str | None:
    """What must hold of the cases of an archive; None where nothing must."""
    counted = understood.time is not None and understood.time.year is None
    return must_hold(understood, newest_day(store) if counted else None)


def newest_day(store: CaseStore) -> date | None:
    """The day of the newest recording; None where none has a time. Found by halving, for a store answers conditions alone."""
    low, high = FIRST.toordinal(), LAST.toordinal()
    if not store.select(f"time >= '{FIRST.isoformat()}'").size:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        later = store.select(f"time >= '{date.fromordinal(middle).isoformat()}'").size
        low, high = (middle, high) if later else (low, middle)
    return date.fromordinal(low)
