"""A folder that files arrive in: each is added once it has finished arriving.

A file has finished when its size and time have stood still for some seconds; carts and PACS write slowly, and not all rename.
What was added is known to the knowledge base itself, so that a watch that is stopped and started again misses nothing and
adds nothing twice.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from precordia.core.errors import BusyError, InputError, StorageError, UsageError

QUIET_S: Final = 5.0
"""How long a file must stand still, s."""

POLL_S: Final = 2.0
"""How often the folder is looked through, s."""

_ARRIVING: Final = (".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload")
"""Ends of names under which programs write what they will rename."""

Signature = tuple[int, int]


@dataclass
class Watch:
    """What has been seen of a folder.

    Attributes:
        folder: The folder.
        quiet_s: How long a file must stand still, s.
        clock: Seconds, from anywhere.
    """

    folder: Path
    quiet_s: float = QUIET_S
    clock: Callable[[], float] = time.monotonic
    _seen: dict[str, tuple[Signature, float]] = field(default_factory=dict)
    _done: dict[str, Signature] = field(default_factory=dict)

    def arrived(self) -> list[Path]:
        """The files that have finished arriving since the last time, with those of the same record beside them."""
        now, there = self.clock(), _files(self.folder)
        self._seen = {
            name: (signature, self._seen[name][1] if self._seen.get(name, (None,))[0] == signature else now)
            for name, signature in there.items()
        }
        self._done = {name: signature for name, signature in self._done.items() if name in there}
        new = [
            name
            for name, (signature, since) in self._seen.items()
            if now - since >= self.quiet_s and self._done.get(name) != signature
        ]
        records = {os.path.splitext(name)[0] for name in new}  # noqa: PTH122
        still = {os.path.splitext(n)[0] for n, (_, since) in self._seen.items() if now - since < self.quiet_s}  # noqa: PTH122
        # A header whose samples are still coming is no record yet.
        wanted = records - still
        return sorted(Path(name) for name in there if os.path.splitext(name)[0] in wanted)  # noqa: PTH122

    def added(self, files: Sequence[Path]) -> None:
        """These need not be looked at again unless they change."""
        for file in files:
            if str(file) in self._seen:
                self._done[str(file)] = self._seen[str(file)][0]


def watch(
    watched: Watch,
    add: Callable[[Sequence[Path]], None],
    *,
    told: Callable[[str], None],
    stop: Callable[[], bool] = lambda: False,
    poll_s: float = POLL_S,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Add what arrives until told to stop.

    Args:
        watched: The folder.
        add: Adds files to the knowledge base.
        told: Is told what could not be done, and will be tried again.
        stop: Whether to stop; asked between two looks.
        poll_s: How often to look, s.
        wait: Waits so many seconds.

    Raises:
        UsageError: the folder is none.
    """
    if not watched.folder.is_dir():
        raise UsageError(f"{watched.folder} is no folder: name one that ECGs arrive in")
    while not stop():
        files = watched.arrived()
        if files:
            try:
                add(files)
                watched.added(files)
            except InputError as error:  # nothing in it that could be an ECG: it is so until it changes
                told(str(error))
                watched.added(files)
            except (BusyError, StorageError) as error:
                told(f"{error}; trying again")
        wait(poll_s)


def _files(folder: Path) -> dict[str, Signature]:
    """Every file below a folder with its size and time, hidden ones and those that are still to be renamed left out."""
    found: dict[str, Signature] = {}
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if name.startswith(".") or name.lower().endswith(_ARRIVING):
                continue
            path = f"{place}/{name}"
            try:
                status = os.stat(path)  # noqa: PTH116
            except FileNotFoundError:  # renamed or removed meanwhile
                continue
            found[path] = (status.st_size, status.st_mtime_ns)
    return found
