"""Kills of everything that writes: nothing lost, nothing doubled, no byte left of who was erased."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from benchmarks.faults.archive import (
    PATIENT,
    Everything,
    build_archive,
    everything,
    needles_left,
    open_indexes,
    write_archive,
)
from benchmarks.faults.children import kill, kill_at, run, start, steps_of
from benchmarks.faults.tally import Tally
from precordia.indexing.integrity import check
from precordia.indexing.manifest import Manifest
from precordia.indexing.store import DeltaCaseStore
from precordia.judgement import models
from precordia.judgement.scaling import Scaling

T = TypeVar("T")


def compare(expected: Everything, found: Everything, tally: Tally, at: str) -> None:
    """Note what is lost, doubled or another."""
    if lost := set(expected.cases) - set(found.cases):
        tally.wrong.append(f"{at}: {len(lost)} lost")
    if len(found.stored) != len(set(found.stored)) or set(found.cases) - set(expected.cases):
        tally.wrong.append(f"{at}: doubled")
    if found != expected and not tally.wrong:
        different = [name for name in expected.__dict__ if getattr(found, name) != getattr(expected, name)]
        tally.wrong.append(f"{at}: other {', '.join(different)}")


def killed_builds(room: Path, n: int, chance: random.Random, add: bool) -> Tally:
    """Builds into nothing, or into what holds half of the archive already; killed again and again, then let finish."""
    tally = Tally("kills of add" if add else "kills of build")
    archive, half, base = room / "archive", room / "half", room / "base"
    write_archive(archive, 0, 16)
    write_archive(half, 0, 7)
    if add:
        # The same files, so that the second build meets what the first has read.
        shutil.copytree(archive, room / "whole")
        for file in sorted(archive.iterdir()):
            if not (half / file.name).exists():
                file.unlink()
        _value(lambda: build_archive(archive, base))
        shutil.copytree(room / "whole", archive, dirs_exist_ok=True)
    else:
        base.mkdir()
    expected = _finished(archive, shutil.copytree(base, room / "expected"))
    steps = steps_of(lambda: build_archive(archive, shutil.copytree(base, room / "count")))
    kills = 0
    while kills < n:
        kb = shutil.copytree(base, room / "kb")
        for _ in range(chance.choice((1, 1, 2, 3))):
            if chance.random() < 0.7:
                outcome = run(lambda kb=kb: build_archive(archive, kb), kill_at(chance.randrange(steps)))
            else:
                outcome = kill(start(lambda kb=kb: build_archive(archive, kb)), chance.random() * 0.4)
            kills += outcome.killed
            tally.counts["kills"] += outcome.killed
            if Manifest.exists(kb):
                read = run(lambda kb=kb: len(DeltaCaseStore(kb)))
                if read.error:
                    tally.wrong.append(f"kill {kills}: cannot be read: {read.error} {read.said}")
        compare(expected, _finished(archive, kb), tally, f"kill {kills}")
        shutil.rmtree(kb)
    return tally


def killed_erasures(room: Path, n: int, chance: random.Random) -> Tally:
    """Erasures of one patient."""
    tally = Tally("kills of erase")
    archive, base = room / "archive", room / "base"
    write_archive(archive, 0, 16)
    _finished(archive, base)
    erase: Callable[[Path], Any] = lambda kb: DeltaCaseStore(kb).erase(PATIENT)  # noqa: E731
    steps = steps_of(lambda: erase(shutil.copytree(base, room / "count")))
    before = _value(lambda: everything(base))
    expected = _value(lambda: everything(room / "count"))
    while tally.counts["kills"] < n:
        kb, at = shutil.copytree(base, room / "kb"), f"kill {tally.counts['kills']}"
        by_step = chance.random() < 0.8
        if by_step:
            outcome = run(lambda kb=kb: erase(kb), kill_at(chance.randrange(steps)))
        else:
            outcome = kill(start(lambda kb=kb: erase(kb)), chance.random() * 0.25)
        tally.counts["kills"] += outcome.killed
        pending = (kb / "erasure.json").exists()
        if not pending and needles_left(kb):
            tally.counts["had not begun"] += 1
            if _value(lambda kb=kb: everything(kb)) != before:
                tally.wrong.append(f"{at}: half erased, and nothing says so")
        else:
            tally.counts["finished by the next opening" if pending else "were done"] += 1
            compare(expected, _value(lambda kb=kb: everything(kb)), tally, at)
            if (left := needles_left(kb)) or (kb / "erasure.json").exists():
                tally.wrong.append(f"{at}: bytes left in {left}")
        shutil.rmtree(kb)
    return tally


def killed_indexes(room: Path, n: int, chance: random.Random, workers: int = 3) -> Tally:
    """Several processes that bring the indexes up to date at once, each killed at a moment of its own."""
    tally = Tally(f"kills of index catch-up, {workers} processes at once")
    archive, base = room / "archive", room / "base"
    write_archive(archive, 0, 9)
    _finished(archive, base)
    write_archive(archive, 9, 8)
    _value(lambda: build_archive(archive, base))
    expected = _value(lambda: everything(shutil.copytree(base, room / "expected")))
    steps = steps_of(lambda: open_indexes(shutil.copytree(base, room / "count")))
    while tally.counts["kills"] < n:
        kb, at = shutil.copytree(base, room / "kb"), f"kill {tally.counts['kills']}"
        if chance.random() < 0.3:
            shutil.rmtree(kb / "cache", ignore_errors=True)
        waits = [
            start(lambda kb=kb: open_indexes(kb), kill_at(chance.randrange(steps)) if chance.random() < 0.6 else None)
            for _ in range(workers)
        ]
        for outcome in [kill(wait, chance.random() * 0.1) for wait in waits]:
            tally.counts["kills"] += outcome.killed
            if outcome.error:
                tally.wrong.append(f"{at}: {outcome.error} {outcome.said}")
        compare(expected, _value(lambda kb=kb: everything(kb)), tally, at)
        shutil.rmtree(kb)
    return tally


def killed_refits(room: Path, n: int, chance: random.Random) -> Tally:
    """Finding models put in the place of former ones: the former or the new, whole, and nothing beside them in the end."""
    tally = Tally("kills of refit")
    base = room / "base"
    base.mkdir()
    former, new = _models(0), _models(1)
    former.save(base)
    steps = steps_of(lambda: new.save(shutil.copytree(base, room / "count")))
    expected = sorted(file.name for file in (room / "count" / models.FOLDER).iterdir())
    while tally.counts["kills"] < n:
        kb, at = shutil.copytree(base, room / "kb"), f"kill {tally.counts['kills']}"
        outcome = run(lambda kb=kb: new.save(kb), kill_at(chance.randrange(steps)))
        tally.counts["kills"] += outcome.killed
        found = models.load(kb, new.encoder)
        if found is None or not any(np.allclose(found.bias, one.bias) for one in (former, new)):
            tally.wrong.append(f"{at}: neither the former models nor the new")
        new.save(kb)
        if sorted(file.name for file in (kb / models.FOLDER).iterdir()) != expected:
            tally.wrong.append(f"{at}: something is left beside the models")
        shutil.rmtree(kb)
    return tally


def _models(seed: int) -> models.FindingModels:
    chance = np.random.default_rng(seed)
    scaling = Scaling.of(chance.normal(size=(50, 8)))
    return models.FindingModels("made", ("AFIB", "LVH"), scaling, chance.normal(size=(8, 2)), chance.normal(size=2))


def _finished(archive: Path, kb: Path) -> Everything:
    def work() -> Everything:
        build_archive(archive, kb)
        found, report = everything(kb), check(kb)
        if report.problems:
            raise RuntimeError(f"check found {[problem.what for problem in report.problems]}")
        return found

    return _value(work)


def _value(work: Callable[[], T]) -> T:
    outcome = run(work)
    if outcome.killed or outcome.error:
        raise RuntimeError(f"{outcome.error or 'killed'} {outcome.said}")
    value: T = outcome.value
    return value
