"""What runs inside a worker process, and how errors come back from it."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

from precordia.core.errors import PrecordiaError, UsageError

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""What the numeric libraries read when they are imported."""


@dataclass(frozen=True)
class Failure:
    """An error on its way to the parent.

    Attributes:
        pickled: The error itself, or None where it cannot be pickled.
        kind: Its class's name.
        ours: Whether it is a :class:`PrecordiaError`.
        message: Its words.
        trace: Where it happened, for the note.
    """

    pickled: bytes | None
    kind: str
    ours: bool
    message: str
    trace: str

    def error(self, shard: str) -> Exception:
        """The error to raise in the parent."""
        error: Exception
        if self.pickled is not None:
            error = pickle.loads(self.pickled)
        elif self.ours:
            error = PrecordiaError(self.message)
        else:
            error = PrecordiaError(f"shard {shard}: {self.kind}: {self.message}")
        error.add_note(f"in shard {shard}, in a worker process:\n{self.trace}")
        return error


def failure_of(error: Exception) -> Failure:
    """An error made ready for the pipe."""
    pickled: bytes | None
    try:
        pickled = pickle.dumps(error)
        if str(pickle.loads(pickled)) != str(error):
            pickled = None
    except Exception:  # an error class that does not survive pickling is told by its words instead
        pickled = None
    trace = "".join(traceback.format_exception(error))
    return Failure(pickled, type(error).__name__, isinstance(error, PrecordiaError), str(error), trace)


def dumps(value: object, what: str) -> bytes:
    """Pickled bytes.

    Raises:
        UsageError: it cannot be pickled; ``what`` names it.
    """
    try:
        return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise UsageError(
            f"{what} cannot be sent to a worker process ({error}); "
            "use a function or class of a module, not a lambda, or workers=1"
        ) from error


@contextmanager
def single_threaded_environment() -> Iterator[None]:
    """Processes started inside inherit one numeric thread each, so that workers do not fight for cores."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def torch_threads(n: int | None) -> int | None:
    """Give torch ``n`` threads, where it is loaded; how many it had. None changes nothing."""
    torch = sys.modules.get("torch")
    if torch is None or n is None:
        return None
    before: int = torch.get_num_threads()
    torch.set_num_threads(n)
    return before


def serve(pipe: Connection, job: bytes) -> None:
    """Answer shards from a pipe until it closes.

    Args:
        pipe: Pickled shards in, pickled results or :class:`Failure` out.
        job: Pickled ``(function, initialize)``.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    function = None
    while True:
        try:
            payload = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        try:
            if function is None:
                function, initialize = pickle.loads(job)
                torch_threads(1)  # it may have been imported by the main module before the environment counted
                if initialize is not None:
                    initialize()
            reply = dumps(function(pickle.loads(payload)), "a result")
        except Exception as error:
            reply = pickle.dumps(failure_of(error))
        try:
            pipe.send_bytes(reply)
        except OSError:
            return
