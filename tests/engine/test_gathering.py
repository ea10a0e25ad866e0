from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from precordia.engine.gathering import Gathering


class Doubling:
    """Doubles lists once it may; what it was given at once stays to be seen."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.may = threading.Event()

    def __call__(self, items: list[list[int]]) -> list[list[int]]:
        self.batches.append([n for item in items for n in item])
        self.may.wait(10)
        if any(0 in item for item in items):
            raise ValueError("a zero")
        return [[2 * n for n in item] for item in items]


@pytest.fixture
def doubling() -> Doubling:
    return Doubling()


def test_what_several_readers_bring_meanwhile_is_done_together(doubling: Doubling) -> None:
    gathered = Gathering(doubling, most=6, wait_s=0.5)
    doubling.may.set()
    with ThreadPoolExecutor(6) as readers:
        results = list(readers.map(gathered, [[n, n] for n in range(1, 7)]))
    assert results == [[2 * n, 2 * n] for n in range(1, 7)]
    assert sorted(n for batch in doubling.batches for n in batch) == sorted([*range(1, 7), *range(1, 7)])
    assert [len(batch) for batch in doubling.batches] == [6, 6]


def test_one_reader_alone_does_not_wait_for_ever_and_a_long_item_goes_alone(doubling: Doubling) -> None:
    gathered = Gathering(doubling, most=2, wait_s=0.01)
    doubling.may.set()
    assert gathered([1]) == [2]
    assert gathered([1, 2, 3]) == [2, 4, 6]


def test_an_error_reaches_all_who_were_done_together_and_nobody_after(doubling: Doubling) -> None:
    gathered = Gathering(doubling, most=2, wait_s=0.5)
    doubling.may.set()
    with ThreadPoolExecutor(2) as readers:
        waiting = [readers.submit(gathered, [n]) for n in (0, 1)]
    assert [str(one.exception()) for one in waiting] == ["a zero", "a zero"]
    assert gathered([3, 4]) == [6, 8]
