"""The cases that a superlative asks for: the longest QTc, the oldest patients, the newest recordings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.case import Case
from precordia.core.protocols import CaseStore
from precordia.retrieval.grammar import Order
from precordia.retrieval.memory import Memory
from precordia.retrieval.modalities import Ranking
from precordia.retrieval.newest import FIRST, LAST

_SPAN: Final = (-1000.0, 10_000.0)
"""No measurement and no age lies beyond."""
_FINE: Final = 0.5
"""How close two limits are between which it is not halved again: no measurement is finer, and no day."""
_MORE: Final = 4
"""How many times the cases that are needed are read at most, but for ties."""


def first_of(order: Order, store: CaseStore, memory: Memory, allowed: NDArray[np.int64] | None, depth: int) -> Ranking:
    """Ids with scores that fall with the rank, equal values by id; without the cases of which the value is not known.

    Found by halving, for a store answers conditions alone: some twenty, and the cases behind the last of them are read.

    Args:
        order: By what, and which end of it comes first.
        store: Answers conditions.
        memory: Reads cases.
        allowed: The cases that may be among them, ascending; None for all.
        depth: How many are wanted.
    """
    is_time = order.measure == "time"
    outer, inner = (float(FIRST.toordinal()), float(LAST.toordinal())) if is_time else _SPAN
    outer, inner = (outer, inner) if order.highest else (inner, outer)
    found = _beyond(order, outer, store, allowed)
    # All cases lie on this side of the one limit, too few on this side of the other.
    while found.size > _MORE * depth and abs(inner - outer) > _FINE:
        middle = (outer + inner) / 2
        fewer = _beyond(order, middle, store, allowed)
        if fewer.size >= depth:
            outer, found = middle, fewer
        else:
            inner = middle
    cases = [case for case in memory.cases(found.tolist()) if not math.isnan(_value(order, case))]
    return [(case.case_id, 1 / rank) for rank, case in enumerate(ordered(order, cases)[:depth], start=1)]


def ordered(order: Order, cases: Sequence[Case]) -> list[Case]:
    """Cases in an order, equal values by id; those of which the value is not known come last."""

    def place(case: Case) -> tuple[bool, float, int]:
        value = _value(order, case)
        unknown = math.isnan(value)
        return unknown, 0.0 if unknown else -value if order.highest else value, case.case_id

    return sorted(cases, key=place)


def _beyond(order: Order, limit: float, store: CaseStore, allowed: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """The cases at the limit and beyond it, on the side that comes first."""
    said = f"'{date.fromordinal(int(limit)).isoformat()}'" if order.measure == "time" else f"{limit:.3f}"
    ids = store.select(f"{order.measure} {'>=' if order.highest else '<='} {said}")
    return ids if allowed is None else np.intersect1d(ids, allowed)


def _value(order: Order, case: Case) -> float:
    """What a case is ordered by; NaN where that is not known."""
    if order.measure == "time":
        return math.nan if case.time is None else case.time.timestamp()
    number = case.age if order.measure == "age" else getattr(case.measurements, order.measure)
    return math.nan if number is None else float(number)
