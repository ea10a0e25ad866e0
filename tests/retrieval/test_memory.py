"""What is kept is what would be read, and no more of it than was said."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from precordia.core.case import Case
from precordia.core.recording import Recording
from precordia.records.standardize import SignalSpec, standardize
from precordia.retrieval.duplicates import SCREEN
from precordia.retrieval.memory import Lately, Memory
from precordia.simulation import simulate

ECG = simulate("SR", seed=4).recording


class Store:
    """Cases 1 to 9, which counts what is read."""

    def __init__(self) -> None:
        self.read: list[int] = []

    def get(self, ids: Sequence[int]) -> list[Case]:
        if not set(ids) <= set(range(1, 10)):
            raise KeyError(ids)
        self.read += ids
        return [Case(i, f"r{i}", f"p{i}") for i in ids]

    def waveform(self, case_id: int, leads: Sequence[str] | None = None) -> Recording:
        self.read.append(-case_id)
        return ECG


def test_a_case_is_read_once_and_stands_in_the_order_asked_for() -> None:
    store = Store()
    memory = Memory(store)  # type: ignore[arg-type]
    assert [case.case_id for case in memory.cases([3, 1])] == [3, 1]
    assert [case.case_id for case in memory.cases([1, 2, 3, 1])] == [1, 2, 3, 1]
    assert store.read == [3, 1, 2]
    with pytest.raises(KeyError):
        memory.cases([1, 77])


def test_a_signal_is_standardized_once_for_each_spec() -> None:
    store = Store()
    memory = Memory(store)  # type: ignore[arg-type]
    for spec in (SCREEN, SignalSpec(), SCREEN):
        found = memory.standardized(5, spec)
        assert np.array_equal(found.signal, standardize(ECG, spec).signal)
    assert store.read == [-5, -5]


def test_what_was_not_used_for_longest_goes_first() -> None:
    kept: Lately[str, int] = Lately(10, weigh=lambda n: n)
    kept.keep("a", 4)
    kept.keep("b", 4)
    assert kept.recall("a") == 4
    kept.keep("c", 4)
    assert [kept.recall(key) for key in "abc"] == [4, None, 4]
    kept.keep("all", 11)
    assert [kept.recall(key) for key in ("a", "c", "all")] == [None, None, None]
