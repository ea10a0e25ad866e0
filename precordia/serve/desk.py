"""Where work is done: in this process, or in several that share the index on the disk.

Two desks stand side by side, so that what waits for a language model never keeps a search waiting: ``quick`` for whatever
finds and measures, ``slow`` for what is written. The processes open the knowledge base for reading and map the same files, so
that the index is in memory once.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Protocol

from precordia.language_models import LanguageModelSettings
from precordia.serve.answers import Answer, encoded, refusal
from precordia.serve.wire import Wire, WireEnd
from precordia.serve.work import archive
from precordia.serve.work.room import Room

Work = Callable[..., Answer]
"""A function of :mod:`precordia.serve.work`: the room first, then what was asked."""

Told = Callable[[Answer], None]
"""Takes what may be shown before the work is done; called in the event loop."""

MAX_WAITING: Final = 256
"""Most pieces of work that wait or are done at a time; who comes then is told to come again."""

_AGAIN_S: Final = 0.2

BUSY: Final = Answer(encoded({"error": "too many questions wait already", "remedy": "ask again in a few seconds"}), 503)
LOST: Final = Answer(
    encoded({"error": "the process that worked on this ended", "remedy": "ask again; report it if it happens again"}),
    503,
)


class Desk(Protocol):
    """Does one piece of work after the other."""

    @property
    def ready(self) -> bool:
        """Whether a question would be answered at once."""
        ...

    async def do(self, work: Work, *asked: Any, told: Told | None = None) -> Answer:
        """The answer; an error becomes one. ``told`` is given before what the work tells on its way."""
        ...

    async def warm(self) -> None:
        """Make ready what the first question would wait for."""
        ...

    def close(self) -> None:
        """End what is at work."""
        ...


class OneRoom:
    """Work in a thread of this process, one piece at a time: for tests, and where memory is short."""

    ready = True

    def __init__(self, room: Room) -> None:
        self._room = room
        self._threads = ThreadPoolExecutor(1, "precordia-work")

    async def warm(self) -> None:
        """See :class:`Desk`: the first question does it."""

    async def do(self, work: Work, *asked: Any, told: Told | None = None) -> Answer:
        """See :class:`Desk`."""
        loop = asyncio.get_running_loop()

        def tell(piece: Answer) -> None:
            if told is not None:
                loop.call_soon_threadsafe(told, piece)

        return await asyncio.wrap_future(self._threads.submit(_done, self._room, work, asked, tell))

    def close(self) -> None:
        """See :class:`Desk`."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Processes:
    """Work in processes.

    Args:
        kb: The knowledge base's folder.
        llm: The language model's spec.
        n: How many.
        warming: Work that makes a process ready.
        nice: How far the processes stand back behind others.
        settings: How the language model is called.
    """

    def __init__(
        self,
        kb: Path,
        llm: str,
        n: int,
        warming: Work = archive.warm,
        nice: int = 0,
        settings: LanguageModelSettings | None = None,
    ) -> None:
        self._kb, self._llm, self.n, self._warming, self._nice = kb, llm, n, warming, nice
        self._settings = settings
        self.ready = False
        self._waiting = 0
        self._lock = threading.Lock()
        self._pool = self._start()

    async def do(self, work: Work, *asked: Any, told: Told | None = None) -> Answer:
        """See :class:`Desk`."""
        if self._waiting >= MAX_WAITING:
            return BUSY
        self._waiting += 1
        pool, wire = self._pool, self._wire
        try:
            if told is None:
                return await asyncio.wrap_future(pool.submit(_done_here, work, asked))
            async with wire.line(told) as number:
                return await asyncio.wrap_future(pool.submit(_done_here, work, asked, number))
        except BrokenProcessPool:
            # Killed from outside, most often for memory: those that waited are told, the next find new ones.
            self._replace(pool)
            return LOST
        finally:
            self._waiting -= 1

    async def warm(self) -> None:
        """See :class:`Desk`: again and again until each of the processes has been met."""
        met: set[int] = set()
        while len(met) < self.n:
            answers = await asyncio.gather(*(self.do(_met, self._warming) for _ in range(self.n)))
            if any(answer.status != 200 for answer in answers):
                return  # the first question will say why
            met.update(int(answer.content) for answer in answers)
            await asyncio.sleep(_AGAIN_S)
        self.ready = True

    def close(self) -> None:
        """See :class:`Desk`."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _start(self) -> ProcessPoolExecutor:
        # One core a process: several that all use all cores take turns at each other's expense. Numpy reads this when it is
        # imported, which is before a new process enters.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        # Not forked: threads of torch and pyarrow do not survive it.
        spawn = multiprocessing.get_context("spawn")
        self._wire = Wire(spawn)
        at_hand = (str(self._kb), self._llm, self._settings, self._nice, self._wire.end)
        return ProcessPoolExecutor(self.n, spawn, initializer=_enter, initargs=at_hand)

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._pool is broken:
                self._pool = self._start()


def _met(room: Room, warming: Work) -> Answer:
    """Warm a process; tells which it is."""
    answer = warming(room)
    return replace(answer, content=str(os.getpid()).encode()) if answer.status == 200 else answer


_here: Room | None = None
"""The room of this worker process."""

_end: WireEnd | None = None
"""Where this worker process tells what it has before it is done."""


def _enter(kb: str, llm: str, settings: LanguageModelSettings | None, nice: int, end: WireEnd) -> None:
    """Open the knowledge base in a new process."""
    global _here, _end
    import signal

    # Ctrl-C goes to the whole group: the parent ends its processes itself, and where it was killed, they follow it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()
    os.nice(nice)
    # Torch, where something needs it, has the one thread that the environment says; where nothing does, it takes no memory.
    from precordia.knowledge_base import KnowledgeBase

    _here, _end = Room(KnowledgeBase.open(kb), llm, settings=settings), end


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)


def _done_here(work: Work, asked: tuple[Any, ...], line: int | None = None) -> Answer:
    assert _here is not None
    assert _end is not None
    if line is None:
        return _done(_here, work, asked)
    with _end.line(line) as tell:
        return _done(_here, work, asked, tell)


def _done(room: Room, work: Work, asked: tuple[Any, ...], tell: Told = lambda _: None) -> Answer:
    room.tell = tell
    try:
        return work(room, *asked)
    except Exception as error:
        return refusal(error)
