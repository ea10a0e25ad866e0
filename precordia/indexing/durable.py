"""Writing so that a kill or a power cut leaves the old or the new: every write of a knowledge base goes through here.

A file is written beside its place, synced, renamed into it, and its folder synced. Whatever the system refuses is told as
an error of ours, with the remedy. Tests put faults and kills into :func:`step`, which runs before each thing done.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from precordia.core.errors import (
    AccessDeniedError,
    DiskFullError,
    KnowledgeBaseError,
    ReadOnlyError,
    StorageError,
)

PARTIAL: Final = ".tmp"
"""How a file ends that is not yet in its place; one that is found was left by a crash."""

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_DENIED: Final = (errno.EACCES, errno.EPERM)
_FAILING: Final = (errno.EIO, errno.ENODEV, errno.ENXIO, errno.ESTALE)


def _nothing(doing: str, path: Path) -> None:
    """What happens before a step where nobody injects faults."""


step: Callable[[str, Path], None] = _nothing
"""Called before each ``"write"``, ``"sync"``, ``"rename"`` and ``"remove"``; replaced by tests and by the fault benchmark."""


def write_atomically(file: Path, content: bytes) -> None:
    """Put ``content`` in the place of ``file``, durably."""
    write_synced(file, content)
    sync_folder(file.parent)


def write_synced(file: Path, content: bytes) -> None:
    """As :func:`write_atomically`, for several files of one folder, which is then to be synced once."""
    partial = file.with_name(f"{file.name}.{os.getpid()}{PARTIAL}")
    with telling(file):
        try:
            step("write", partial)
            with partial.open("wb") as stream:
                stream.write(content)
                stream.flush()
                step("sync", partial)
                os.fsync(stream.fileno())
            step("rename", file)
            partial.replace(file)
        except OSError:
            with suppress(OSError):  # the error itself is told; on a full disk, every byte given back counts
                partial.unlink()
            raise


def write_pieces(file: Path, pieces: Iterable[bytes]) -> None:
    """Put a derived file in its place, whole, but not synced: it has checksums, and is made again when they fail."""
    partial = file.with_name(f"{file.name}.{os.getpid()}{PARTIAL}")
    with telling(file):
        try:
            step("write", partial)
            with partial.open("wb") as stream:
                stream.writelines(pieces)
            step("rename", file)
            partial.replace(file)
        except OSError:
            with suppress(OSError):
                partial.unlink()
            raise


def sync_folder(folder: Path) -> None:
    """Make names of files durable."""
    with telling(folder):
        step("sync", folder)
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder with those above it, durably."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    with telling(folder):
        if missing:
            step("write", folder)
        folder.mkdir(parents=True, exist_ok=True)
    for one in missing:
        sync_folder(one.parent)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that it holds; one that is gone is gone."""
    with telling(path):
        step("remove", path)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def put_in_place(path: Path, place: Path) -> None:
    """Give a file or folder another name, in place of what has that name; a kill may leave neither, and ``path``."""
    remove(place)
    with telling(place):
        step("rename", place)
        path.rename(place)
    sync_folder(place.parent)


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Raise what the system refuses as an error of ours; a file that is not there stays a :class:`FileNotFoundError`.

    Args:
        path: What is read or written.

    Raises:
        DiskFullError, ReadOnlyError, AccessDeniedError, StorageError: see :func:`storage_error`.
    """
    try:
        yield
    except FileNotFoundError:
        if path.parent.exists():
            raise
        raise storage_error(OSError(errno.ENOENT, "it has vanished"), path) from None
    except OSError as error:
        raise storage_error(error, path) from None


def is_of_storage(error: OSError) -> bool:
    """Whether the disk is at fault, or the rights to it, rather than what was asked of it."""
    return error.errno in (*_FULL, *_DENIED, *_FAILING, errno.EROFS)


def storage_error(error: OSError, path: Path | str) -> KnowledgeBaseError:
    """What the system refused, as an error that says what to do."""
    number, path = error.errno, error.filename or path
    if number in _FULL:
        return DiskFullError(f"{path}: the disk is full; what was finished is kept: free some space and run it again")
    if number == errno.EROFS:
        return ReadOnlyError(f"{path}: the disk is mounted read-only: mount it for writing, or copy the knowledge base")
    if number in _DENIED:
        return AccessDeniedError(f"{path}: permission denied: let this user read and write the knowledge base's folder")
    reason = error.strerror or type(error).__name__
    return StorageError(
        f"{path}: the disk cannot be used ({reason}): see that it is mounted and sound, then run precordia check"
    )
