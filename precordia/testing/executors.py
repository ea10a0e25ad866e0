"""What every executor must do, as tests: a test class of an executor inherits :class:`ExecutorContract` and gives ``make``.

The functions that the tests map live here because worker processes must be able to import them.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from precordia.core.errors import PrecordiaError, UnknownNameError, UnusableSignalError
from precordia.core.protocols import Executor

LOADED: list[int] = []
"""One entry for each time that :func:`load` ran in this process."""


def load() -> None:
    LOADED.append(os.getpid())


def square(n: int) -> int:
    return n * n


def slow_when_even(n: int) -> int:
    time.sleep(0.05 if n % 2 == 0 else 0)
    return n


def fail_on_three(n: int) -> int:
    if n == 3:
        raise UnusableSignalError("recording 3: too short")
    return n


def fail_with_choices(n: int) -> int:
    raise UnknownNameError("reader", "x", ["y"])


def die_on_two(n: int) -> int:
    if n == 2:
        os._exit(7)
    return n


def pid_and_loads(_: int) -> tuple[int, int]:
    return os.getpid(), len(LOADED)


def kill_itself(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def threads_allowed(_: int) -> str:
    return os.environ.get("OMP_NUM_THREADS", "")


def closure_over(n: int) -> object:
    return lambda: n


class ExecutorContract:
    """Order, bounds and errors."""

    def make(self, workers: int) -> Executor:
        raise NotImplementedError

    @pytest.mark.parametrize("workers", [1, 2])
    def test_results_come_in_the_order_of_the_shards(self, workers: int) -> None:
        assert list(self.make(workers).map(slow_when_even, range(7))) == list(range(7))

    def test_no_shards_give_no_results(self) -> None:
        assert list(self.make(2).map(square, [])) == []

    @pytest.mark.parametrize("workers", [1, 2])
    def test_an_error_of_the_function_is_raised_as_it_is_and_names_the_shard(self, workers: int) -> None:
        results = self.make(workers).map(fail_on_three, [1, 2, 3, 4])
        assert [next(results), next(results)] == [1, 2]
        with pytest.raises(UnusableSignalError, match="recording 3: too short") as caught:
            next(results)
        assert "shard 3" in "".join(caught.value.__notes__)

    def test_an_error_that_cannot_be_pickled_keeps_its_words(self) -> None:
        with pytest.raises(PrecordiaError, match="unknown reader 'x'"):
            list(self.make(2).map(fail_with_choices, [1]))

    def test_a_dead_worker_is_an_error_that_names_its_shard(self) -> None:
        with pytest.raises(PrecordiaError, match="shard 2 "):
            list(self.make(2).map(die_on_two, [1, 2, 3]))

    @pytest.mark.parametrize("workers", [1, 2])
    def test_shards_are_taken_with_bounded_look_ahead(self, workers: int) -> None:
        taken: list[int] = []

        def source() -> Iterator[int]:
            for n in range(100):
                taken.append(n)
                yield n

        results = self.make(workers).map(square, source())
        assert next(results) == 0
        assert len(taken) <= 1 + 2 * workers
        results.close()  # type: ignore[attr-defined]
