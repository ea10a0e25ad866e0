"""The order that a superlative asks for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from precordia.core.case import Case
from precordia.core.findings import Measurements
from precordia.retrieval.grammar import Order
from precordia.retrieval.memory import Memory
from precordia.retrieval.ordered import first_of

VALUES = st.lists(st.none() | st.integers(0, 300), min_size=1, max_size=60)


class Valued:
    """Cases by one value each; answers one limit to it."""

    def __init__(self, measure: str, values: Sequence[int | None]) -> None:
        self.measure = measure
        self.cases = [self._case(i, value) for i, value in enumerate(values, start=1)]

    def _case(self, case_id: int, value: int | None) -> Case:
        if value is None or self.measure == "age":
            return Case(case_id, str(case_id), "p", age=value)
        if self.measure == "time":
            return Case(case_id, str(case_id), "p", time=datetime(2000, 1, 1) + timedelta(days=value))
        return Case(case_id, str(case_id), "p", measurements=Measurements(qtc_ms=float(value)))

    def get(self, ids: Sequence[int]) -> list[Case]:
        return [self.cases[i - 1] for i in ids]

    def select(self, where: str) -> NDArray[np.int64]:
        name, operator, limit = where.split()
        assert name == self.measure
        ids = [c.case_id for c in self.cases if self.meets(c, operator, limit)]
        return np.array(ids, dtype=np.int64)

    def meets(self, case: Case, operator: str, limit: str) -> bool:
        value: Any = {"age": case.age, "qtc_ms": case.measurements.qtc_ms, "time": case.time}[self.measure]
        if value is None:
            return False
        at: Any = datetime.fromisoformat(limit.strip("'")) if self.measure == "time" else float(limit)
        return bool(value >= at if operator == ">=" else value <= at)


@given(VALUES, st.sampled_from(["age", "qtc_ms", "time"]), st.booleans(), st.integers(1, 5))
def test_the_first_are_those_of_all_in_order(values: list[int | None], measure: str, highest: bool, depth: int) -> None:
    store: Any = Valued(measure, values)
    allowed = np.array([i for i in range(1, len(values) + 1) if i % 3], dtype=np.int64)
    found = first_of(Order(measure, highest), store, Memory(store), allowed, depth)
    known = [(value, i) for i, value in enumerate(values, start=1) if value is not None and i % 3]
    known.sort(key=lambda pair: (-pair[0] if highest else pair[0], pair[1]))
    assert [i for i, _ in found] == [i for _, i in known[:depth]]
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
