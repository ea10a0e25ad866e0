"""ZIP, tar and gzip files as folders: what is in them, and the bytes of one member, within bounds.

Nothing is unpacked but the files of the recording that is read. Members that are links, or that name places outside the
archive, are not there.
"""

from __future__ import annotations

import gzip
import os
import tarfile
import tempfile
import zipfile
from abc import ABC, abstractmethod
from collections import defaultdict
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO, Final, cast

from precordia.core.errors import PrecordiaError, UnreadableRecordingError
from precordia.records.channels import one_line
from precordia.records.limits import most_inflated

MAX_MEMBERS: Final = 1_000_000
"""Most files in an archive."""

MAX_TOTAL: Final = 64 * 2**30
"""Most bytes that an archive may say it unpacks to, and that a compressed tar may unpack to."""

_CHUNK: Final = 2**20
_TAR_AT: Final = 257


class Package(ABC):
    """An archive file, open for reading.

    Args:
        path: The file.
        sizes: Name of each member to its size, bytes; None where only reading tells.
    """

    def __init__(self, path: str, sizes: dict[str, int | None]) -> None:
        total = sum(size or 0 for size in sizes.values())
        if len(sizes) > MAX_MEMBERS or total > MAX_TOTAL:
            raise UnreadableRecordingError(
                f"{path}: an archive of {len(sizes)} files and {total / 2**30:.1f} GiB (at most {MAX_MEMBERS} files and "
                f"{MAX_TOTAL / 2**30:.0f} GiB are read); unpack it, and build from the folder"
            )
        self.path = path
        self.sizes = {name: size for name, size in sizes.items() if _is_inside(name)}
        self._folders: dict[str, dict[str, list[str]]] | None = None

    @property
    def folders(self) -> dict[str, dict[str, list[str]]]:
        """Folder to the members in it, by the part of their names before the first dot."""
        if self._folders is None:
            self._folders = defaultdict(lambda: defaultdict(list))
            for name in sorted(self.sizes):
                folder, _, last = name.rpartition("/")
                self._folders[folder][last.partition(".")[0]].append(name)
        return self._folders

    @abstractmethod
    def open(self, name: str) -> IO[bytes]:
        """A member's bytes as a stream."""

    @abstractmethod
    def packed_size(self, name: str) -> int:
        """What a member takes in the archive, bytes."""

    def head(self, name: str, n: int) -> bytes:
        """The first bytes of a member.

        Raises:
            UnreadableRecordingError: the archive is damaged or encrypted.
        """
        try:
            with self.open(name) as stream:
                return stream.read(n)
        except PrecordiaError:
            raise
        except Exception as error:  # whatever a damaged archive provokes
            raise self._damaged(name, error) from None

    def read(self, name: str) -> bytes:
        """All bytes of a member.

        Raises:
            UnreadableRecordingError: the archive is damaged or encrypted, or the member unpacks to more than is read.
        """
        limit = most_inflated(self.packed_size(name))
        try:
            with self.open(name) as stream:
                data = stream.read(limit + 1)
        except PrecordiaError:
            raise
        except Exception as error:  # whatever a damaged archive provokes
            raise self._damaged(name, error) from None
        if len(data) > limit:
            raise UnreadableRecordingError(
                f"{one_line(f'{self.path}#{name}')}: unpacks to more than {limit / 2**20:.0f} MiB; refused: unpack it yourself"
            )
        return data

    def _damaged(self, name: str, error: Exception) -> UnreadableRecordingError:
        why = "encrypted" if isinstance(error, RuntimeError) and "encrypt" in str(error) else type(error).__name__
        place = one_line(f"{self.path}#{name}")
        return UnreadableRecordingError(f"{place}: cannot be unpacked ({why}); unpack the archive yourself")


class _Zip(Package):
    def __init__(self, path: str) -> None:
        self._archive = zipfile.ZipFile(path)
        infos = [info for info in self._archive.infolist() if not info.is_dir() and not _is_link(info)]
        self._infos = {info.filename: info for info in infos}
        super().__init__(path, {name: info.file_size for name, info in self._infos.items()})

    def open(self, name: str) -> IO[bytes]:
        return self._archive.open(self._infos[name])

    def packed_size(self, name: str) -> int:
        return self._infos[name].compress_size


class _Tar(Package):
    def __init__(self, path: str, file: IO[bytes]) -> None:
        self._file = file  # kept open as long as this object
        self._archive = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115
        self._infos = {
            info.name.removeprefix("./"): info for info in self._archive if info.isreg() and not info.issparse()
        }
        super().__init__(path, {name: info.size for name, info in self._infos.items()})

    def open(self, name: str) -> IO[bytes]:
        stream = self._archive.extractfile(self._infos[name])
        if stream is None:
            raise EOFError(name)
        return stream

    def packed_size(self, name: str) -> int:
        return self._infos[name].size

    def __del__(self) -> None:
        self._file.close()


class _Gzip(Package):
    def __init__(self, path: str) -> None:
        name = os.path.basename(path)  # noqa: PTH119
        self._packed = Path(path).stat().st_size
        super().__init__(path, {name[:-3] if name.lower().endswith(".gz") and len(name) > 3 else "content": None})

    def open(self, name: str) -> IO[bytes]:
        return cast(IO[bytes], gzip.open(self.path))

    def packed_size(self, name: str) -> int:
        return self._packed


def open_package(path: str | Path) -> Package:
    """An archive file; kept open for the next call.

    Raises:
        UnreadableRecordingError: it is damaged, or holds more than is read.
    """
    try:
        status = os.stat(path)  # noqa: PTH116
        return _open(str(path), status.st_mtime_ns, status.st_size, os.getpid())
    except PrecordiaError:
        raise
    except Exception as error:  # whatever a damaged archive provokes
        raise UnreadableRecordingError(
            f"{path}: a damaged archive ({type(error).__name__}); copy it again, or unpack it"
        ) from None


@lru_cache(maxsize=4)
def _open(path: str, mtime_ns: int, size: int, process: int) -> Package:
    """A process of its own keeps a file position of its own."""
    with Path(path).open("rb") as file:
        start = file.read(_TAR_AT + 5)
    if start[:2] == b"PK":
        return _Zip(path)
    if start[:2] == b"\x1f\x8b":
        with gzip.open(path) as stream:
            inner = stream.read(_TAR_AT + 5)
        return _Tar(path, _inflated(path, size)) if inner[_TAR_AT:] == b"ustar" else _Gzip(path)
    return _Tar(path, Path(path).open("rb"))


def _inflated(path: str, size: int) -> IO[bytes]:
    """A compressed tar, unpacked into a file without a name, so that its members can be had in any order."""
    limit, done = most_inflated(size, MAX_TOTAL), 0
    with ExitStack() as undo, gzip.open(path) as stream:
        out: IO[bytes] = undo.enter_context(tempfile.TemporaryFile(prefix="precordia-"))
        while chunk := stream.read(_CHUNK):
            done += len(chunk)
            if done > limit:
                raise UnreadableRecordingError(f"{path}: unpacks to more than {limit / 2**20:.0f} MiB; refused")
            out.write(chunk)
        out.seek(0)
        undo.pop_all()  # kept open as long as the package
    return out


def _is_inside(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return (
        bool(parts)
        and ".." not in parts
        and not name.startswith(("/", "\\"))
        and "\0" not in name
        and ":" not in parts[0]
    )


def _is_link(info: zipfile.ZipInfo) -> bool:
    return (info.external_attr >> 28) == 0xA
