"""Files of one folder, on the disk or in an archive, and what keeps an entry of a folder from being read at all."""

# os and os.path are several times faster than pathlib, and archives have a million files.
# ruff: noqa: PTH110, PTH112, PTH113, PTH118, PTH123
from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from precordia.core.errors import InputError, UnreadableRecordingError
from precordia.records.alone import read_head
from precordia.records.packages import Package
from precordia.records.places import join_place
from precordia.records.readers.reader import HEAD_BYTES, Head

_HEADER_BYTES: Final = 2**16


@dataclass(frozen=True, order=True)
class Refused:
    """Something that cannot be read at all: a link that leads nowhere or out of the archive, a pipe, a closed folder.

    Attributes:
        path: Where it is.
        reason: Why, one line, with the remedy.
        error: The kind of error.
    """

    path: str
    reason: str
    error: str = "UnreadableRecordingError"


class Shelf(Protocol):
    """Files of one folder, on the disk or in an archive."""

    def path(self, name: str) -> str:
        """Where a file is."""
        ...

    def head(self, name: str) -> Head:
        """A file's beginning.

        Raises:
            UnreadableRecordingError: it cannot be opened, or is empty.
        """
        ...

    def start(self, name: str) -> bytes:
        """A WFDB header, as far as it is looked at; nothing when it cannot be opened."""
        ...

    def leads_out(self, name: str) -> bool:
        """Whether a file that a header names in a folder below is, or stands behind, a link that leaves the archive."""
        ...


@dataclass(frozen=True)
class Folder:
    """A folder on the disk, and the real path of the archive that it belongs to."""

    folder: str
    root: str

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def head(self, name: str) -> Head:
        return read_head(Path(self.path(name)))

    def start(self, name: str) -> bytes:
        try:
            with open(self.path(name), "rb") as file:
                return file.read(_HEADER_BYTES)
        except OSError:
            return b""  # reading the record will say why

    def leads_out(self, name: str) -> bool:
        return "/" in name and not _is_in(self.root, os.path.realpath(self.path(name)))


@dataclass(frozen=True)
class PackedFolder:
    """A folder in an archive."""

    package: Package
    folder: str

    def _member(self, name: str) -> str:
        return f"{self.folder}/{name}" if self.folder else name

    def path(self, name: str) -> str:
        return join_place(self.package.path, self._member(name))

    def head(self, name: str) -> Head:
        member = self._member(name)
        size = self.package.sizes[member]
        if size == 0:
            raise UnreadableRecordingError(f"{self.path(name)}: the file is empty")
        data = self.package.head(member, HEAD_BYTES)
        return Head(Path(self.path(name)), data, len(data) if size is None else size)

    def start(self, name: str) -> bytes:
        try:
            return self.package.head(self._member(name), _HEADER_BYTES)
        except InputError:
            return b""  # reading the record will say why

    def leads_out(self, name: str) -> bool:
        return False  # links in an archive are not there


def problem_of(entry: os.DirEntry[str], root: str) -> Refused | None:
    """Why an entry cannot be read at all, or None."""
    if not entry.name.isascii():
        path = entry.path.encode("utf-8", "backslashreplace").decode("utf-8")
        if path != entry.path:
            return Refused(path, f"{path}: its name is no UTF-8; rename it")
    if entry.is_symlink():
        return _problem_of_link(entry, root)
    return None if entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False) else _special(entry)


def _problem_of_link(entry: os.DirEntry[str], root: str) -> Refused | None:
    target = os.path.realpath(entry.path)
    if not os.path.exists(target):
        return _special(entry)
    if not _is_in(root, target):
        return Refused(
            entry.path,
            f"{entry.path}: a symbolic link that leaves the archive; copy the file, or build from where it is",
        )
    return None if os.path.isfile(target) or os.path.isdir(target) else _special(entry)


def _is_in(root: str, real: str) -> bool:
    return os.path.commonpath((root, real)) == root


def _special(entry: os.DirEntry[str]) -> Refused:
    """What a pipe, socket, device or a link that leads nowhere is refused as."""
    try:
        mode = entry.stat().st_mode
    except OSError:
        return Refused(
            entry.path, f"{entry.path}: a symbolic link to what is not there; restore its target or remove it"
        )
    kinds = {
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return Refused(entry.path, f"{entry.path}: {kinds.get(stat.S_IFMT(mode), 'a special file')}, not a file; remove it")
