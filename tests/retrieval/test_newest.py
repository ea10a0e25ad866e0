"""The newest recording of an archive, and what is counted from it."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from precordia.retrieval.grammar import read_query
from precordia.retrieval.newest import conditions_of, newest_day


class Dated:
    """Cases by their days; answers ``time >= 'DAY'`` alone."""

    def __init__(self, days: list[date]) -> None:
        self._days = days

    def select(self, where: str) -> NDArray[np.int64]:
        least = date.fromisoformat(where.removeprefix("time >= ").strip("'"))
        return np.array([i for i, day in enumerate(self._days) if day >= least], dtype=np.int64)


def conditions(text: str, days: list[date]) -> str | None:
    store: Any = Dated(days)
    return conditions_of(read_query(text), store)


@given(st.lists(st.dates(date(1900, 1, 1), date(2100, 1, 1)), min_size=1, max_size=5))
def test_the_newest_day_is_found(days: list[date]) -> None:
    store: Any = Dated(days)
    assert newest_day(store) == max(days)


def test_what_is_counted_from_the_newest_recording_is_a_condition() -> None:
    days = [date(2001, 2, 3), date(2020, 5, 4)]
    assert conditions("AF since March", days) == "(time >= '2020-03-01')"
    assert conditions("last winter, women", days) == ("(sex = 'F') and (time >= '2019-12-01' and time < '2020-03-01')")


def test_where_no_recording_has_a_time_nothing_is_recent() -> None:
    assert conditions("in the last 5 years", []) == "(case_id < 0)"


def test_a_year_that_is_named_asks_for_no_newest_recording() -> None:
    assert conditions("before March 2018", []) == "(time < '2018-03-01')"
