"""Disks that fail: full, read-only, denied or broken at every write; and a real one that is full."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, Final

from benchmarks.faults.archive import PATIENT, build_archive, everything, needles_left, open_indexes, write_archive
from benchmarks.faults.children import run, steps_of
from benchmarks.faults.kills import compare
from benchmarks.faults.tally import Tally
from precordia.indexing.integrity import check
from precordia.indexing.store import DeltaCaseStore

TOLD: Final = {
    errno.ENOSPC: "DiskFullError",
    errno.EROFS: "ReadOnlyError",
    errno.EIO: "StorageError",
    errno.EACCES: "AccessDeniedError",
}
"""What the system says, and the error that must come of it."""


def failing_disks(room: Path, every: bool) -> Tally:
    """From each write of a build, an erasure and an index on, the disk refuses; then it is mended and the work done again.

    Args:
        room: A folder to work in.
        every: Each fault at each write, else the faults in turn.
    """
    tally = Tally("full, read-only, broken or denied disk at every write")
    archive, base, empty = room / "archive", room / "base", room / "empty"
    write_archive(archive, 0, 12)
    empty.mkdir()
    expected = run(lambda: (build_archive(archive, base), everything(base))[1]).value
    erased = run(lambda: everything(_after(_erase, shutil.copytree(base, room / "erased")))).value
    works: list[tuple[str, Path, Callable[[Path], Any], Any]] = [
        ("build", empty, lambda kb: build_archive(archive, kb), expected),
        ("erase", base, _erase, erased),
        ("index", base, _index_anew, expected),
    ]
    turn = count()
    for name, start, work, wanted in works:
        steps = steps_of(lambda start=start, work=work: work(shutil.copytree(start, room / "count")))
        shutil.rmtree(room / "count")
        for at in range(steps):
            for number in TOLD if every else (list(TOLD)[next(turn) % len(TOLD)],):
                _fail(tally, room, start, work, wanted, f"{name}, write {at}", at, number)
    return tally


def _fail(
    tally: Tally, room: Path, start: Path, work: Callable[[Path], Any], wanted: Any, where: str, at: int, number: int
) -> None:
    def step(step_number: int, doing: str, path: Path) -> None:
        if step_number >= at:
            raise OSError(number, os.strerror(number), str(path))

    kb, where = shutil.copytree(start, room / "kb"), f"{where}, {errno.errorcode[number]}"
    outcome = run(lambda: work(kb), step)
    tally.counts["faults"] += 1
    if not outcome.error:
        tally.counts["done in memory"] += 1
    elif outcome.error == TOLD[number] or (
        outcome.error == "UnfinishedErasureError" and "not finished" in outcome.said
    ):
        tally.counts["told"] += 1
    else:
        tally.wrong.append(f"{where}: {outcome.error} {outcome.said}")
    after = run(lambda: (work(kb), everything(kb), check(kb).problems)[1:])
    if after.error or after.killed or after.value[1]:
        tally.wrong.append(f"{where}: afterwards {after.error} {after.said}")
    else:
        compare(wanted, after.value[0], tally, where)
    if where.startswith("erase") and needles_left(kb):
        tally.wrong.append(f"{where}: bytes left")
    shutil.rmtree(kb)


def full_disk(room: Path) -> Tally:
    """A file system of its own, too small for the archive; then it is made larger. Needs the right to mount."""
    tally = Tally("a real full disk (tmpfs)")
    archive, disk = room / "archive", room / "disk"
    write_archive(archive, 0, 24)
    disk.mkdir()
    whole = run(lambda: (build_archive(archive, room / "whole"), everything(room / "whole"))[1]).value
    for size in range(48, 480, 24):
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", disk], capture_output=True, check=False
        )
        if mounted.returncode:
            tally.counts["skipped: may not mount"] += 1
            return tally
        try:
            outcome = run(lambda: (build_archive(archive, disk / "kb"), open_indexes(disk / "kb")))
            tally.counts[outcome.error or "fitted, or searched from memory"] += 1
            if outcome.killed or outcome.error not in ("", "DiskFullError"):
                tally.wrong.append(f"{size} kB: {outcome.error or 'killed'} {outcome.said}")
            subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
            after = run(lambda: (build_archive(archive, disk / "kb"), everything(disk / "kb"))[1])
            if after.error or after.killed:
                tally.wrong.append(f"{size} kB, made larger: {after.error} {after.said}")
            else:
                compare(whole, after.value, tally, f"{size} kB, made larger")
        finally:
            subprocess.run(["umount", disk], check=True)
    return tally


def _index_anew(kb: Path) -> Any:
    shutil.rmtree(kb / "cache", ignore_errors=True)
    return open_indexes(kb)


def _erase(kb: Path) -> Any:
    return DeltaCaseStore(kb).erase(PATIENT)


def _after(work: Callable[[Path], Any], kb: Path) -> Path:
    work(kb)
    return kb
