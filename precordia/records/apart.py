"""Calls into a library that a damaged file can hang or crash, made in a process of its own with a limit on time and memory.

The process is started once and kept; when it does not answer in time, or dies, it is replaced, and the caller gets an error.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import pickle
import select
import struct
import subprocess
import sys
import threading
import time
from typing import IO, Any, Final

MAX_MEMORY: Final = 4 * 2**30
"""Address space of the process, bytes: the largest recording, several times over."""

_START_S: Final = 60.0
_LENGTH: Final = struct.Struct("<Q")
_CODE: Final = "import sys; sys.path[:] = {path!r}; from precordia.records.apart import serve; serve({target!r})"


class NoAnswerError(Exception):
    """The process died or took too long."""


class Apart:
    """A function that runs in a process of its own.

    Args:
        target: The function, as "module:name"; what it takes and gives is pickled.
        timeout_s: How long a call may take, s.
    """

    def __init__(self, target: str, timeout_s: float) -> None:
        self._target, self.timeout_s = target, timeout_s
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        atexit.register(self.close)

    def __call__(self, *arguments: Any) -> Any:
        """What the function returns.

        Raises:
            NoAnswerError: it did not answer in time, or its process died.
            Exception: what the function raises.
        """
        with self._lock:
            try:
                process = self._started()
                _send(process.stdin, arguments)
                good, value = pickle.loads(self._answer(process, self.timeout_s))
            except (OSError, EOFError, TimeoutError, pickle.UnpicklingError) as error:
                self.close()
                raise NoAnswerError(type(error).__name__) from None
        if good:
            return value
        raise value

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None and self._owner == os.getpid():
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._owner != os.getpid() or self._process.poll() is not None:
            self.close()
            code = _CODE.format(path=sys.path, target=self._target)
            self._process = subprocess.Popen(
                [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
            self._owner = os.getpid()
            self._answer(self._process, _START_S)  # the function is imported; its time is no call's
        return self._process

    def _answer(self, process: subprocess.Popen[bytes], timeout_s: float) -> bytes:
        end = time.monotonic() + timeout_s
        (length,) = _LENGTH.unpack(_receive(process.stdout, _LENGTH.size, end))
        return _receive(process.stdout, length, end)


def serve(target: str) -> None:
    """What the process does: answer calls until nobody is there any more."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    module, _, name = target.partition(":")
    function = getattr(importlib.import_module(module), name)
    _send(answers, None)
    while header := requests.read(_LENGTH.size):
        arguments = pickle.loads(requests.read(_LENGTH.unpack(header)[0]))
        try:
            answer = (True, function(*arguments))
        except Exception as error:
            answer = (False, error)
        _send(answers, answer)


def _send(pipe: IO[bytes] | None, value: Any) -> None:
    if pipe is None:
        raise EOFError
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(_LENGTH.pack(len(data)))
    pipe.write(data)
    pipe.flush()


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
