"""Knowledge bases of earlier formats brought up to date, one format at a time, when they are opened for the first time.

A migration reads a knowledge base of format N and writes what is different in format N + 1 into a folder beside. When all of
that is on the disk, a journal says so, and each part takes the place of the one of the same name, the manifest last. A kill
before the journal costs the work so far and leaves format N as it was; whoever opens it after a kill behind the journal
goes on with it. A new migration is one file here and one line in ``MIGRATIONS``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Final

from precordia.core.errors import AccessDeniedError, MismatchError, ReadOnlyError
from precordia.core.registry import Registry
from precordia.indexing.addresses import folder_of
from precordia.indexing.durable import make_folder, put_in_place, remove, sync_folder, telling, write_atomically
from precordia.indexing.locks import WRITE_LOCK, locked
from precordia.indexing.manifest import FORMAT, FORMAT_VERSION, MANIFEST, Manifest
from precordia.indexing.seals import sealed

Migration = Callable[[Path, Path], None]
"""Given a knowledge base of one format and an empty folder: writes there what is different in the next."""

MIGRATIONS: Final[Registry[Migration]] = Registry(
    "migration",
    {
        "1": "precordia.indexing.migrations.checksums:add_checksums",
    },
)
"""The format that a migration starts from, to the migration."""

JOURNAL: Final = "migration.json"
BESIDE: Final = "migration"
_CACHE: Final = "cache"


def bring_up_to_date(path: str | PathLike[str], wait_s: float = 30.0) -> bool:
    """Bring a knowledge base of an earlier format to today's, or finish doing so; whether there was anything to do.

    Args:
        path: The knowledge base; where there is none, nothing is done.
        wait_s: How long to wait for another writer, s.

    Raises:
        ReadOnlyError, AccessDeniedError: it must be brought up to date and cannot be written to.
        BusyError: another process is writing.
        DamageError: it cannot be read.
        StorageError: the disk is full or fails; what there was still stands.
    """
    folder = folder_of(path)
    if not _is_due(folder):
        return False
    try:
        with locked(folder, WRITE_LOCK, wait_s, "bringing it up to date"):
            while _is_due(folder):
                _migrate(folder, _format_of(folder))
    except (ReadOnlyError, AccessDeniedError) as error:
        raise type(error)(
            f"knowledge base {folder}: it is of an earlier format, must be brought up to date once, and cannot be written to "
            f"({error}): copy it to a folder that this user may write to, and open the copy"
        ) from error
    return True


def _is_due(folder: Path) -> bool:
    found = _format_of(folder)
    return (folder / JOURNAL).exists() or (found is not None and found < FORMAT_VERSION and str(found) in MIGRATIONS)


def _format_of(folder: Path) -> int | None:
    """The format that the manifest states; None where it states none, which is told when the manifest is loaded."""
    if not Manifest.exists(folder):
        return None
    try:
        with telling(folder / MANIFEST):
            values = json.loads((folder / MANIFEST).read_bytes())
        return (
            values["format_version"] if values["format"] == FORMAT and type(values["format_version"]) is int else None
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _migrate(folder: Path, found: int | None) -> None:
    """One step, or the rest of one."""
    beside = folder / BESIDE
    if not (folder / JOURNAL).exists():
        if found is None:
            raise MismatchError(f"knowledge base {folder}: its manifest has changed meanwhile: open it again")
        remove(beside)
        make_folder(beside)
        MIGRATIONS.get(str(found))(folder, beside)
        sync_folder(beside)
        write_atomically(folder / JOURNAL, sealed({"from": found, "to": found + 1}))
    if beside.is_dir():
        for part in sorted(beside.iterdir(), key=lambda file: (file.name == MANIFEST, file.name)):
            put_in_place(part, folder / part.name)
    for done in (folder / _CACHE, beside, folder / JOURNAL):
        remove(done)
    sync_folder(folder)
