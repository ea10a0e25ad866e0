"""Shards in processes of this machine.

Each worker is a fresh (spawned) process with a pipe of its own, so that the parent always knows which shard a worker
holds: when one dies, the error names the shard. Workers of a parent that was killed see their pipe close and end.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any, TypeVar

from precordia.core.errors import PrecordiaError, UsageError
from precordia.engine.worker import Failure, dumps, failure_of, serve, single_threaded_environment, torch_threads

T = TypeVar("T")
R = TypeVar("R")


def available_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def start_local(workers: int | None, n_shards: int) -> LocalExecutor:
    """Processes of this machine, no more than there are shards.

    Args:
        workers: Number of processes; None for one a core.
        n_shards: How many shards there will be.
    """
    return LocalExecutor(min(workers or available_cores(), max(n_shards, 1)))


@dataclass(frozen=True)
class LocalExecutor:
    """Maps a function over shards with worker processes, results in the order of the shards.

    The function and ``initialize`` are pickled once a worker, so a callable object may load an encoder on its first
    shard and keep it. With one worker everything runs in this process.

    Attributes:
        workers: Number of processes, or None for one a core.
        initialize: Called once in each worker before its first shard, or None.
        look_ahead: Shards a worker that may be taken from the source ahead of the one whose result is due; bounds
            the results that wait in memory.

    >>> list(LocalExecutor(workers=1).map(abs, [-1, 2, -3]))
    [1, 2, 3]
    """

    workers: int | None = None
    initialize: Callable[[], None] | None = None
    look_ahead: int = 2

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"{self.workers} workers: give at least 1, or None for one a core")
        if self.look_ahead < 1:
            raise UsageError(f"look-ahead of {self.look_ahead} shards: give at least 1")

    def map(self, function: Callable[[T], R], shards: Iterable[T]) -> Iterator[R]:
        """Results in the order of ``shards``, each as soon as it and those before it are done.

        Closing the iterator, or an interrupt, ends the workers. While they run, torch has one thread here, too: several
        that share their cores with workers mostly wait for each other.

        Raises:
            PrecordiaError: a worker died; the message names its shard. Errors that ``function`` raises are raised here
                as they are, with a note that names the shard, where they can be pickled.
        """
        workers = self.workers or available_cores()
        if workers == 1:
            return self._map_here(function, shards)
        return self._map_apart(function, shards, workers)

    def _map_here(self, function: Callable[[T], R], shards: Iterable[T]) -> Iterator[R]:
        if self.initialize is not None:
            self.initialize()
        for shard in shards:
            try:
                result = function(shard)
            except Exception as error:
                error.add_note(f"in shard {shard_name(shard)}")
                raise
            yield result

    def _map_apart(self, function: Callable[[T], R], shards: Iterable[T], workers: int) -> Iterator[R]:
        pool = _Pool(dumps((function, self.initialize), "the function to map"), workers)
        source = enumerate(shards)
        names: dict[int, str] = {}
        waiting: deque[tuple[int, T]] = deque()
        done: dict[int, Any] = {}
        due, taken, exhausted = 0, 0, False
        before = torch_threads(1)
        try:
            while True:
                while not exhausted and taken - due < workers * self.look_ahead:
                    entry = next(source, None)
                    if entry is None:
                        exhausted = True
                        break
                    taken += 1
                    names[entry[0]] = shard_name(entry[1])
                    waiting.append(entry)
                while waiting and pool.has_room:
                    index, shard = waiting.popleft()
                    pool.give(index, names[index], shard)
                if due in done:
                    name, result = names.pop(due), done.pop(due)
                    if isinstance(result, Failure):
                        raise result.error(name)
                    due += 1
                    yield result
                elif due == taken:
                    return
                else:
                    done.update(pool.collect())
        finally:
            pool.end()
            torch_threads(before)


def shard_name(shard: object) -> str:
    """A shard as messages call it: its ``name`` if it has one, else its beginning as text."""
    name = getattr(shard, "name", None)
    text = " ".join((name if isinstance(name, str) else repr(shard)).split())
    return text if len(text) <= 80 else f"{text[:77]}..."


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    index: int | None = None
    name: str = ""


class _Pool:
    """Worker processes, started as shards come, one shard each at a time."""

    def __init__(self, job: bytes, size: int) -> None:
        self._job = job
        self._size = size
        self._workers: list[_Worker] = []

    @property
    def has_room(self) -> bool:
        return len(self._workers) < self._size or any(worker.index is None for worker in self._workers)

    def give(self, index: int, name: str, shard: object) -> None:
        payload = dumps(shard, f"shard {name}")
        worker = next((worker for worker in self._workers if worker.index is None), None) or self._start(payload)
        worker.index, worker.name = index, name
        try:
            worker.pipe.send_bytes(payload)
        except OSError:
            return  # it died; collect() finds its pipe closed and says so

    def collect(self) -> dict[int, Any]:
        """Wait for at least one worker; shard index to result or :class:`Failure`."""
        busy = {worker.pipe: worker for worker in self._workers if worker.index is not None}
        results: dict[int, Any] = {}
        for pipe in wait(list(busy)):
            worker = busy[pipe]  # type: ignore[index]
            try:
                reply = pickle.loads(worker.pipe.recv_bytes())
            except (EOFError, OSError):
                reply = failure_of(self._died(worker))
                worker.pipe.close()
                self._workers.remove(worker)
            assert worker.index is not None
            results[worker.index] = reply
            worker.index = None
        return results

    def end(self) -> None:
        for worker in self._workers:
            worker.pipe.close()
            if worker.index is not None:
                worker.process.terminate()
        for worker in self._workers:
            worker.process.join(5)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.process.close()
        self._workers.clear()

    def _start(self, payload: bytes) -> _Worker:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, self._job), daemon=True)
        with single_threaded_environment(), _script_kept_out(self._job, payload):
            process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def _died(self, worker: _Worker) -> PrecordiaError:
        worker.process.join(5)
        code = worker.process.exitcode
        if code is not None and code < 0:
            how = f"was killed by signal {-code}" + (" (out of memory?)" if code == -9 else "")
        else:
            how = f"ended with exit code {code}"
        return PrecordiaError(
            f"the worker process on shard {worker.name} {how}; look at that shard alone with workers=1"
            + ("" if code != 1 else ", and call from under `if __name__ == '__main__':`")
        )


@contextmanager
def _script_kept_out(*pickles: bytes) -> Iterator[None]:
    """Start processes that do not run the caller's script again, unless what they are given is defined in it.

    A spawned process runs the main script to know its definitions. A script that builds a knowledge base without an
    ``if __name__ == "__main__"`` would start building once more in every worker.
    """
    if any(b"__main__" in pickled for pickled in pickles):
        yield
        return
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script
