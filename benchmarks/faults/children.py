"""Work in processes that may be killed: forked from one that has loaded everything and started nothing."""

from __future__ import annotations

import importlib
import os
import pickle
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from precordia.indexing import durable


@dataclass(frozen=True)
class Outcome:
    """How a child ended.

    Attributes:
        killed: By a signal.
        value: What its work gave.
        error: The class of what it raised, or nothing.
        said: The error's message.
    """

    killed: bool
    value: Any = None
    error: str = ""
    said: str = ""


def start(work: Callable[[], Any], step: Callable[[int, str, Path], None] | None = None) -> Callable[[], Outcome]:
    """Begin a piece of work in a child; what is returned waits for its end.

    Args:
        work: The work; its value is sent back.
        step: Called with the number of each step that writes, what it does and to which file; may kill or raise.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        os._exit(_run(work, step, write))
    os.close(write)

    def wait() -> Outcome:
        with os.fdopen(read, "rb") as stream:
            content = stream.read()
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status) or not content:
            return Outcome(killed=True)
        outcome: Outcome = pickle.loads(content)
        return outcome

    wait.pid = child  # type: ignore[attr-defined]
    return wait


def run(work: Callable[[], Any], step: Callable[[int, str, Path], None] | None = None) -> Outcome:
    """A piece of work in a child, to its end."""
    return start(work, step)()


def kill(wait: Callable[[], Outcome], after_s: float) -> Outcome:
    """Kill a child after a while, if it has not ended by then."""
    time.sleep(after_s)
    with suppress(ProcessLookupError):
        os.kill(wait.pid, signal.SIGKILL)  # type: ignore[attr-defined]
    return wait()


def kill_at(number: int) -> Callable[[int, str, Path], None]:
    """A step that kills its own process before the write of this number, leaving half a file where it is one."""

    def step(at: int, doing: str, path: Path) -> None:
        if at == number:
            if doing == "write" and path.parent.is_dir():
                path.write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)

    return step


def load_beforehand(work: Callable[[], Any]) -> None:
    """Import here what a piece of work imports, so that no child has to; the work itself is done in one."""

    def modules() -> list[str]:
        work()
        return sorted(sys.modules)

    for name in run(modules).value or ():
        with suppress(ImportError):
            importlib.import_module(name)


def steps_of(work: Callable[[], Any]) -> int:
    """How many steps that write a piece of work takes."""
    seen: list[int] = []

    def counted() -> int:
        work()
        return len(seen)

    outcome = run(counted, lambda at, doing, path: seen.append(at))
    if not isinstance(outcome.value, int):
        raise RuntimeError(f"the work itself failed: {outcome.error} {outcome.said}")
    return outcome.value


def _run(work: Callable[[], Any], step: Callable[[int, str, Path], None] | None, pipe: int) -> int:
    if step is not None:
        counter = iter(range(10**9))
        durable.step = lambda doing, path: step(next(counter), doing, path)
    try:
        outcome = Outcome(False, work())
    except BaseException as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        outcome = Outcome(False, None, type(error).__name__, f"{error} ({Path(last.filename).name}:{last.lineno})")
    with os.fdopen(pipe, "wb") as stream:
        pickle.dump(outcome, stream)
    return 0
