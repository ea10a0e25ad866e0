"""Calls into a library that a damaged file can hang or crash: in a process of its own, with an allowance of time and memory.

Two processes: one that has imported what is needed and opens no file, and its child, which answers calls. What a call may
take is measured in the child's own computing time, so that a loaded machine raises no false alarm; a call that takes more
ends the child, and the next one is forked from the process that is warm.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import pickle
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

MAX_MEMORY: Final = 4 * 2**30
"""Address space of the process, bytes: the largest recording, several times over."""

_START_S: Final = 60.0
_LENGTH: Final = struct.Struct("<Q")
_CODE: Final = (
    "import sys; sys.path[:] = {path!r}; from precordia.records.apart import serve; serve({target!r}, {ahead!r})"
)


class NoAnswerError(Exception):
    """A call came to no end: it took more than it was allowed, or its process died. Says which, for a message."""


@dataclass(frozen=True)
class Allowance:
    """What a call may take.

    Attributes:
        computing_s: Processor time, s.
        memory: Address space beyond what the process has when the call begins, bytes.
        waiting_s: Time by the clock, s: for disks that do not answer.
    """

    computing_s: float
    memory: int = MAX_MEMORY
    waiting_s: float = 120.0


class Apart:
    """A function that runs in a process of its own.

    Args:
        target: The function, as "module:name"; what it takes and gives is pickled.
        ahead: Modules that it imports when it is called: they are imported beforehand where they are installed.
    """

    def __init__(self, target: str, ahead: Sequence[str] = ()) -> None:
        self._target, self._ahead = target, tuple(ahead)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)
        os.register_at_fork(after_in_child=self._leave_to_parent)

    def __call__(self, allowance: Allowance, *arguments: Any) -> Any:
        """What the function returns.

        Raises:
            NoAnswerError: it took more than it was allowed, or its process died.
            Exception: what the function raises.
        """
        with self._lock:
            try:
                process = self._started()
                _send(process.stdin, (allowance, arguments))
                good, value = pickle.loads(_answer(process, allowance.waiting_s + _START_S))
            except (OSError, EOFError, TimeoutError, pickle.UnpicklingError) as error:
                self.close()
                raise NoAnswerError(f"its process ended: {type(error).__name__}") from None
        if good:
            return value
        raise value

    def close(self) -> None:
        """End the processes."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            _close_pipes(process)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            code = _CODE.format(path=sys.path, target=self._target, ahead=self._ahead)
            self._process = subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            _answer(self._process, _START_S)  # all is imported; that time is no call's
        return self._process

    def _leave_to_parent(self) -> None:
        """In a forked child: the processes are the parent's, and so is the lock, which another thread may have held."""
        process, self._process = self._process, None
        self._lock = threading.Lock()
        if process is not None:
            _close_pipes(process)
            process.returncode = 0  # not this process's child: nothing to wait for


def serve(target: str, ahead: Sequence[str]) -> None:
    """What the warm process does: keep a child that answers calls until nobody is there any more."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    for number in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGPROF, signal.SIGALRM))
    for module in ahead:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    module, _, name = target.partition(":")
    function = getattr(importlib.import_module(module), name)
    _send(answers, None)
    while (child := os.fork()) != 0:
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
            return
        try:
            _send(answers, (False, NoAnswerError(_why(status))))
        except OSError:  # nobody is there any more
            return
    _answer_calls(function, answers)
    os._exit(0)


def _why(status: int) -> str:
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number == signal.SIGPROF:
        return "it computed without end"
    return "it waited for the disk without end" if number == signal.SIGALRM else "it crashed"


def _answer_calls(function: Any, answers: IO[bytes]) -> None:
    requests = sys.stdin.buffer
    while header := requests.read(_LENGTH.size):
        allowance, arguments = pickle.loads(requests.read(_LENGTH.unpack(header)[0]))
        _limit_memory(_address_space() + allowance.memory)
        signal.setitimer(signal.ITIMER_REAL, allowance.waiting_s)
        signal.setitimer(signal.ITIMER_PROF, allowance.computing_s)
        try:
            answer = (True, function(*arguments))
        except Exception as error:
            answer = (False, error)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
            _limit_memory(MAX_MEMORY)
        _send(answers, answer)


def _limit_memory(n_bytes: int) -> None:
    """Bound the address space where the system can (Linux)."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (min(n_bytes, MAX_MEMORY), resource.getrlimit(resource.RLIMIT_AS)[1]))


def _address_space() -> int:
    """Bytes of address space in use; as good as all where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return MAX_MEMORY


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _send(pipe: IO[bytes] | None, value: Any) -> None:
    if pipe is None:
        raise EOFError
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(_LENGTH.pack(len(data)))
    pipe.write(data)
    pipe.flush()


def _answer(process: subprocess.Popen[bytes], timeout_s: float) -> bytes:
    end = time.monotonic() + timeout_s
    (length,) = _LENGTH.unpack(_receive(process.stdout, _LENGTH.size, end))
    return _receive(process.stdout, length, end)


def _receive(pipe: IO[bytes] | None, n: int, end: float) -> bytes:
    """Exactly ``n`` bytes, read past the pipe's buffer so that waiting can end."""
    if pipe is None:
        raise EOFError
    parts: list[bytes] = []
    while n:
        if not select.select([pipe.fileno()], [], [], max(0.0, end - time.monotonic()))[0]:
            raise TimeoutError
        part = os.read(pipe.fileno(), min(n, 2**20))
        if not part:
            raise EOFError
        parts.append(part)
        n -= len(part)
    return b"".join(parts)
