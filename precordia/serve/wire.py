"""From a process at work to who waits for it: what may be shown before the work is done."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from typing import Any, Final

from precordia.serve.answers import Answer

_LAST_S: Final = 5.0
"""How long the last piece is waited for when the work is done, s: a process that died sends none."""


@dataclass(frozen=True)
class WireEnd:
    """The end that the processes of a pool share."""

    writer: Connection
    lock: Any

    @contextmanager
    def line(self, number: int) -> Iterator[Callable[[Answer], None]]:
        """What sends pieces to who waits at a number; that there are no more is sent at the end."""

        def send(piece: Answer | None) -> None:
            with self.lock:
                self.writer.send((number, piece))

        try:
            yield send
        finally:
            send(None)


class Wire:
    """The end of who waits, with a thread that listens.

    Args:
        spawn: How the processes are made.
    """

    def __init__(self, spawn: SpawnContext) -> None:
        self._reader, writer = spawn.Pipe(duplex=False)
        self.end = WireEnd(writer, spawn.Lock())
        self._numbers = count()
        self._waiting: dict[int, Callable[[Answer | None], Any]] = {}
        self._thread: threading.Thread | None = None

    @asynccontextmanager
    async def line(self, told: Callable[[Answer], None]) -> AsyncIterator[int]:
        """A number to send pieces to; at the end all of them have been told."""
        loop, number, over = asyncio.get_running_loop(), next(self._numbers), asyncio.Event()

        def take(piece: Answer | None) -> None:
            told(piece) if piece is not None else over.set()

        self._waiting[number] = lambda piece: loop.call_soon_threadsafe(take, piece)
        self._listen()
        try:
            yield number
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), _LAST_S)
        finally:
            del self._waiting[number]

    def _listen(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="precordia-wire", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                number, piece = self._reader.recv()
            except (EOFError, OSError):  # the pool is gone
                return
            take = self._waiting.get(number)
            if take is not None:
                take(piece)
