"""One function of many items, called from many sides with one item each: what comes together is done together.

A GPU wants hundreds of signals at a time, and a reader has them one shard at a time.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sized
from concurrent.futures import Future
from typing import Final, Generic, TypeVar

X = TypeVar("X", bound=Sized)
Y = TypeVar("Y")

WAIT_S: Final = 0.02
"""How long the first item waits for others, s: a shard takes seconds to read."""


class Gathering(Generic[X, Y]):
    """See the module.

    Args:
        function: Items to the result of each, in their order.
        most: What items may come to together, by their length; a longer one goes alone.
        wait_s: How long the first waits for others, s.
    """

    def __init__(self, function: Callable[[list[X]], list[Y]], most: int, wait_s: float = WAIT_S) -> None:
        self._function, self._most, self._wait_s = function, most, wait_s
        self._waiting: queue.Queue[tuple[X, Future[Y]]] = queue.Queue()
        threading.Thread(target=self._run, name="precordia-gathering", daemon=True).start()

    def __call__(self, item: X) -> Y:
        """The result of one item; what the function raises is raised for all that were done together."""
        result: Future[Y] = Future()
        self._waiting.put((item, result))
        return result.result()

    def _run(self) -> None:
        left: tuple[X, Future[Y]] | None = None
        while True:
            batch, left = self._next(left or self._waiting.get())
            try:
                results = self._function([item for item, _ in batch])
                for (_, result), value in zip(batch, results, strict=True):
                    result.set_result(value)
            except BaseException as error:  # whoever waits must not wait for ever
                for _, result in batch:
                    if not result.done():
                        result.set_exception(error)

    def _next(self, first: tuple[X, Future[Y]]) -> tuple[list[tuple[X, Future[Y]]], tuple[X, Future[Y]] | None]:
        """What is done together, and what came and has no room."""
        batch, weight, until = [first], len(first[0]), time.monotonic() + self._wait_s
        while weight < self._most:
            try:
                item = self._waiting.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if weight + len(item[0]) > self._most:
                return batch, item
            batch.append(item)
            weight += len(item[0])
        return batch, None
