"""Long work on a knowledge base as a file each in ``jobs/``: what it is, how far it is, and how it ended.

Whoever works writes, and holds a lock as long as it lives; so a job that was killed, or ended with the machine, is told
from one that goes on, whoever asks and whenever. A file beside it asks it to stop: it ends as by Ctrl-C, with all that it has
finished kept. Nothing of a patient stands in it.
"""

from __future__ import annotations

import re
import secrets
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeVar

from precordia.core.errors import BusyError, PrecordiaError, StorageError, UsageError
from precordia.indexing.audit import user_of_machine
from precordia.indexing.durable import make_folder, write_atomically
from precordia.indexing.locks import locked
from precordia.indexing.seals import sealed, unsealed

T = TypeVar("T")
Kind = Literal["build", "refit", "check"]
State = Literal["running", "done", "failed", "stopped", "lost"]

KINDS: Final[tuple[Kind, ...]] = ("build", "refit", "check")
JOBS: Final = "jobs"
"""Their folder in a knowledge base."""

KEPT: Final = 50
"""Jobs remembered."""

TELL_S: Final = 0.5
"""How often a job says how far it is, and looks whether it is to stop, s."""

STOPPING: Final = "stopping"
"""What a job does that was asked to stop and has not ended yet."""

_ID: Final = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{8}")


@dataclass(frozen=True)
class Job:
    """A job as it was last told.

    Attributes:
        id: Its time and a random number; later ones sort behind.
        kind: What is done.
        by: Who asked for it.
        source: What is built from, or "".
        state: How it stands; "lost" is one that neither runs nor has said how it ended.
        doing: The stage.
        done: Items of the stage that are done.
        total: How many there are, or None where nobody knows.
        unit: What an item is.
        started: When, UTC, ISO 8601.
        updated: When it last said something.
        told: What came of it, or why it failed, one line.
    """

    id: str
    kind: Kind
    by: str
    source: str = ""
    state: State = "running"
    doing: str = ""
    done: int = 0
    total: int | None = None
    unit: str = ""
    started: str = ""
    updated: str = ""
    told: str = ""


def new_id() -> str:
    """An id for a job that is about to begin: its time to the microsecond, which sorts it, and a random rest."""
    now = datetime.now(UTC)
    return f"{now:%Y%m%dT%H%M%S}-{now.microsecond:05x}{secrets.randbelow(16**3):03x}"


def jobs(kb: Path) -> list[Job]:
    """The jobs of a knowledge base, the latest first."""
    found = (_read(file) for file in sorted((kb / JOBS).glob("*.json"), reverse=True) if _ID.fullmatch(file.stem))
    return [_as_it_stands(kb, job) for job in found if job is not None]


def stop(kb: Path, id: str, by: str) -> None:
    """Ask a job to end; it does so within seconds, wherever it runs, and keeps what it has finished.

    Args:
        kb: The knowledge base's folder.
        id: The job's.
        by: Who asks.

    Raises:
        UsageError: no such job runs.
    """
    if not any(job.id == id and job.state == "running" for job in jobs(kb)):
        raise UsageError(f"there is no job {id[:40]!r} that runs")
    write_atomically(_stop_file(kb, id), by.encode())


class Stopped(KeyboardInterrupt):
    """Raised in a job that was asked to stop, wherever it is; whatever an interrupt leaves whole, this leaves whole."""


class Recorder:
    """Keeps a job's file while it runs; where nothing can be written there, the job runs all the same.

    Args:
        kb: The knowledge base's folder.
        kind: What is done.
        source: What is built from.
        by: Who asked for it; by default this machine's user.
        id: The job's, where somebody waits for it already.
    """

    def __init__(self, kb: Path, kind: Kind, source: str = "", by: str | None = None, id: str | None = None) -> None:
        self._kb = kb
        self._job = Job(id or new_id(), kind, by or user_of_machine(), source, started=_now())
        self._told_at = 0.0
        self._alive = ExitStack()
        self._ears = _Ears(_stop_file(kb, self._job.id))

    def __enter__(self) -> Self:
        with suppress(StorageError, BusyError):
            make_folder(self._kb / JOBS)
            _forget_oldest(self._kb / JOBS)
            self._alive.enter_context(locked(self._kb / JOBS, f"{self._job.id}.lock", 0, "this job"))
        self._write()
        self._ears.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._ears.close()
        if isinstance(error, Exception):
            said = str(error) if isinstance(error, PrecordiaError) else kind.__name__ if kind else ""
            self._job = replace(self._job, state="failed", told=" ".join(said.split()))
        else:
            self._job = replace(self._job, state="done" if error is None else "stopped")
            if isinstance(error, Stopped):
                self._job = replace(self._job, told=str(error))
        self._write()
        self._alive.close()

    def stage(self, doing: str) -> None:
        """What is done from now on, without anybody knowing how long it takes."""
        self._job = replace(self._job, doing=doing, done=0, total=None, unit="")
        self._write()

    def progress(self, items: Iterable[T], total: int | None, label: str, unit: str = "ECG") -> Iterator[T]:
        """See :class:`~precordia.core.progress.Progress`."""
        self._job = replace(self._job, doing=label, done=0, total=total, unit=unit)
        self._write()
        for item in items:
            yield item
            self._job = replace(self._job, done=self._job.done + 1)
            if time.monotonic() - self._told_at >= TELL_S:
                self._write()
        self._write()

    def tell(self, told: str) -> None:
        """What came of it."""
        self._job = replace(self._job, told=told)

    def _write(self) -> None:
        self._told_at = time.monotonic()
        self._job = replace(self._job, updated=_now())
        with suppress(StorageError):
            write_atomically(self._kb / JOBS / f"{self._job.id}.json", sealed(asdict(self._job)))


class _Ears:
    """Raises :class:`Stopped` in the main thread once a file is there.

    By a signal, since nothing else reaches work that is deep in a library; not by Ctrl-C's, which a program that was started
    in the background does not hear. A job in another thread is left alone: the signal would end somebody else's work.

    Args:
        file: Who asks stands in it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="precordia-stop", daemon=True)
        self._before: Any = None

    def open(self) -> None:
        """Listen from now on."""
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGUSR1, self._raise)
            self._thread.start()

    def close(self) -> None:
        """Listen no more: the work is done, and nothing is left to stop."""
        self._over.set()
        if self._before is not None:
            self._thread.join()
            signal.signal(signal.SIGUSR1, self._before)

    def _listen(self) -> None:
        while not self._over.wait(TELL_S):
            if self._file.exists():
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
                return

    def _raise(self, *_: Any) -> None:
        if not self._over.is_set():
            raise Stopped(f"stopped by {self._file.read_text(encoding='utf-8')}")


def _stop_file(kb: Path, id: str) -> Path:
    return kb / JOBS / f"{id}.stop"


def _as_it_stands(kb: Path, job: Job) -> Job:
    if job.state != "running":
        return job
    try:
        with locked(kb / JOBS, f"{job.id}.lock", 0, "a look"):
            # Nobody holds it: whoever worked is gone, unless it has ended in this moment.
            again = _read(kb / JOBS / f"{job.id}.json")
            return replace(job, state="lost") if again is None or again.state == "running" else again
    except (BusyError, StorageError):
        return replace(job, doing=STOPPING, total=None) if _stop_file(kb, job.id).exists() else job


def _read(file: Path) -> Job | None:
    try:
        return Job(**unsealed(file.read_bytes()))
    except (OSError, ValueError, TypeError):  # taken away meanwhile, damaged, or none of ours
        return None


def _forget_oldest(folder: Path) -> None:
    for file in sorted(folder.glob("*.json"))[: -(KEPT - 1)]:
        for gone in (file, file.with_suffix(".lock"), file.with_suffix(".stop")):
            with suppress(OSError):
                gone.unlink()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
