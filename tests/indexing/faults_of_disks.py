"""Kills and failing disks, at any step that writes: what the tests of durability share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from precordia.indexing import durable


class Killed(BaseException):
    """The process is gone: nothing that follows may write."""


@contextmanager
def _steps(act: Callable[[int, str, Path], None]) -> Iterator[list[str]]:
    seen: list[str] = []

    def step(doing: str, path: Path) -> None:
        seen.append(doing)
        act(len(seen) - 1, doing, path)

    before, durable.step = durable.step, step
    try:
        yield seen
    finally:
        durable.step = before


@contextmanager
def killed_at(at: int) -> Iterator[None]:
    """Nothing is written any more from the step of this number on."""

    def act(number: int, doing: str, path: Path) -> None:
        if number >= at:
            raise Killed

    with _steps(act):
        yield


@contextmanager
def failing_at(at: int, number: int) -> Iterator[None]:
    """The system refuses every step from this one on."""

    def act(step: int, doing: str, path: Path) -> None:
        if step >= at:
            raise OSError(number, os.strerror(number), str(path))

    with _steps(act):
        yield


def every_step(work: Callable[[Path], object], kb: Path, scratch: Path) -> range:
    """The numbers of the steps that a piece of work takes on a copy of a knowledge base."""
    copy = shutil.copytree(kb, scratch)
    with _steps(lambda number, doing, path: None) as seen:
        work(copy)
    shutil.rmtree(copy)
    return range(len(seen))
