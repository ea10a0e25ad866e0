"""Long work on a knowledge base as a file each in ``jobs/``: what it is, how far it is, and how it ended.

Whoever works writes, and holds a lock as long as it lives; so a job that was killed, or ended with the machine, is told
from one that goes on, whoever asks and whenever. Nothing of a patient stands in it.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self, TypeVar

from precordia.core.errors import BusyError, PrecordiaError, StorageError
from precordia.indexing.audit import user_of_machine
from precordia.indexing.durable import make_folder, write_atomically
from precordia.indexing.locks import locked

T = TypeVar("T")
Kind = Literal["build", "refit", "check"]
State = Literal["running", "done", "failed", "stopped", "lost"]

KINDS: Final[tuple[Kind, ...]] = ("build", "refit", "check")
JOBS: Final = "jobs"
"""Their folder in a knowledge base."""

KEPT: Final = 50
"""Jobs remembered."""

TELL_S: Final = 0.5
"""How often a job says how far it is, s."""

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
    """An id for a job that is about to begin."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


def jobs(kb: Path) -> list[Job]:
    """The jobs of a knowledge base, the latest first."""
    found = (_read(file) for file in sorted((kb / JOBS).glob("*.json"), reverse=True) if _ID.fullmatch(file.stem))
    return [_as_it_stands(kb, job) for job in found if job is not None]


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

    def __enter__(self) -> Self:
        with suppress(StorageError, BusyError):
            make_folder(self._kb / JOBS)
            _forget_oldest(self._kb / JOBS)
            self._alive.enter_context(locked(self._kb / JOBS, f"{self._job.id}.lock", 0, "this job"))
        self._write()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(error, Exception):
            said = str(error) if isinstance(error, PrecordiaError) else kind.__name__ if kind else ""
            self._job = replace(self._job, state="failed", told=" ".join(said.split()))
        else:
            self._job = replace(self._job, state="done" if error is None else "stopped")
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
            write_atomically(self._kb / JOBS / f"{self._job.id}.json", json.dumps(asdict(self._job)).encode())


def _as_it_stands(kb: Path, job: Job) -> Job:
    if job.state != "running":
        return job
    try:
        with locked(kb / JOBS, f"{job.id}.lock", 0, "a look"):
            # Nobody holds it: whoever worked is gone, unless it has ended in this moment.
            again = _read(kb / JOBS / f"{job.id}.json")
            return replace(job, state="lost") if again is None or again.state == "running" else again
    except (BusyError, StorageError):
        return job


def _read(file: Path) -> Job | None:
    try:
        return Job(**json.loads(file.read_bytes()))
    except (OSError, ValueError, TypeError):  # taken away meanwhile, or none of ours
        return None


def _forget_oldest(folder: Path) -> None:
    for file in sorted(folder.glob("*.json"))[: -(KEPT - 1)]:
        for gone in (file, file.with_suffix(".lock")):
            with suppress(OSError):
                gone.unlink()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
