"""Files that are there by name and size, and whose bytes are fetched where they are read.

A copy of what lies in an object store need not hold every signal: whoever reads a part of a file first has it filled. What was
filled is known to this process alone, so that no crash leaves a hole that counts as content.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

Fetch = Callable[[int, int], bytes]
"""First byte and the one behind the last to what stands there; FileNotFoundError where the file is no more."""


def dig(path: Path, size: int) -> None:
    """Make a file of a size that takes no room."""
    with path.open("wb") as file:
        file.truncate(size)


def watch(path: Path, fetch: Fetch) -> None:
    """Have a file's holes filled from now on; one that is watched already keeps what it has."""
    _WATCHED.setdefault(path, _Holed(path, fetch))


def forget(path: Path) -> None:
    """It has no holes, or is no more."""
    _WATCHED.pop(path, None)


def fill(path: Path, start: int = 0, stop: int | None = None) -> None:
    """Have the bytes of a file there that are about to be read; nothing is done for one that has no holes.

    Args:
        path: The file.
        start: First byte; a negative one counts from the end.
        stop: The one behind the last; None for the end.

    Raises:
        FileNotFoundError: it is no more where it would be fetched from.
        StorageError: it cannot be fetched.
    """
    holed = _WATCHED.get(path)
    if holed is not None:
        size = path.stat().st_size
        holed.fill(max(0, start + size) if start < 0 else start, size if stop is None else stop)


class _Holed:
    def __init__(self, path: Path, fetch: Fetch) -> None:
        self._path, self._fetch = path, fetch
        self._there: list[tuple[int, int]] = []
        self._lock = threading.Lock()

    def fill(self, start: int, stop: int) -> None:
        with self._lock:
            for first, last in self._missing(start, stop):
                content = self._fetch(first, last)
                with self._path.open("r+b") as file:
                    os.pwrite(file.fileno(), content, first)
                self._note(first, last)

    def _missing(self, start: int, stop: int) -> list[tuple[int, int]]:
        """The holes within a stretch."""
        holes, at = [], start
        for first, last in self._there:
            if last <= at or first >= stop:
                continue
            if first > at:
                holes.append((at, first))
            at = max(at, last)
        return [*holes, (at, stop)] if at < stop else holes

    def _note(self, start: int, stop: int) -> None:
        touching = [one for one in self._there if one[0] <= stop and one[1] >= start]
        apart = [one for one in self._there if one not in touching]
        whole = (min([start, *(one[0] for one in touching)]), max([stop, *(one[1] for one in touching)]))
        self._there = sorted([*apart, whole])


_WATCHED: dict[Path, _Holed] = {}
