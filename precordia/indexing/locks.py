"""One writer at a time: file locks that a dead process lets go of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from precordia.core.errors import BusyError
from precordia.indexing.bucket import bucket_behind
from precordia.indexing.durable import storage_error

WRITE_LOCK: Final = "write.lock"
"""Held by the process that adds to or erases from a knowledge base."""

CACHE_LOCK: Final = "cache.lock"
"""Held for the moment in which a derived file is put in its place, or taken away."""


@contextmanager
def locked(folder: Path, name: str, wait_s: float, doing: str) -> Iterator[None]:
    """Hold a lock of a knowledge base; of one in an object store, on all machines, except for what is derived.

    Args:
        folder: The knowledge base.
        name: The lock.
        wait_s: How long to wait for another process, s; negative waits for ever.
        doing: What it is wanted for, for the message.

    Raises:
        BusyError: another process held it for longer than ``wait_s``.
        StorageError: the folder cannot be written to.
    """
    from filelock import FileLock, Timeout

    bucket = bucket_behind(folder)
    if bucket is not None and name != CACHE_LOCK:
        with bucket.held(wait_s, doing):
            yield
        return
    lock = FileLock(folder / name)
    try:
        lock.acquire(timeout=wait_s)
    except Timeout:
        raise BusyError(
            f"knowledge base {folder}: another process is writing to it; {doing} waited {wait_s:g} s: "
            "try again when it has finished, or wait longer"
        ) from None
    except OSError as error:
        raise storage_error(error, folder / name) from None
    try:
        yield
    finally:
        lock.release()
