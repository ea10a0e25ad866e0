"""Many at once, and a clock that jumps."""

from __future__ import annotations

import random
import time
from pathlib import Path

from benchmarks.faults.archive import build_archive, everything, write_archive
from benchmarks.faults.children import Outcome, run, start
from benchmarks.faults.kills import compare
from benchmarks.faults.tally import Tally
from precordia.indexing.integrity import check
from precordia.indexing.store import DeltaCaseStore

READERS = 20


def two_writers_twenty_readers(room: Path, n: int) -> Tally:
    """Two processes add an archive each while twenty read: whole versions, no signal but the case's own, none lost."""
    tally = Tally(f"two writers, {READERS} readers")
    kb, archives = room / "kb", [room / "a", room / "b"]
    write_archive(archives[0], 0, n)
    write_archive(archives[1], n, n)
    write_archive(room / "seed", 2 * n, 4)
    run(lambda: build_archive(room / "seed", kb))
    writers = [start(lambda archive=archive: build_archive(archive, kb, 4, 300.0)) for archive in archives]
    readers = [start(lambda seed=seed: _read(kb, seed, 6.0)) for seed in range(READERS)]
    for who, wait in [*(("writer", w) for w in writers), *(("reader", r) for r in readers)]:
        outcome: Outcome = wait()
        if outcome.killed or outcome.error:
            tally.wrong.append(f"a {who}: {outcome.error or 'killed'} {outcome.said}")
        elif who == "reader":
            tally.counts["questions"] += outcome.value
        else:
            tally.counts["cases written"] += outcome.value.n_added
    alone = room / "alone"
    for source in (room / "seed", *archives):
        run(lambda source=source: build_archive(source, alone))
    compare(run(lambda: everything(alone)).value, run(lambda: everything(kb)).value, tally, "in the end")
    if run(lambda: check(kb).problems).value:
        tally.wrong.append("check found problems in the end")
    return tally


def jumping_clock(room: Path, n: int, chance: random.Random) -> Tally:
    """Builds during which the clock jumps by up to thirty years either way at each look."""
    tally = Tally("a clock that jumps")
    archive = room / "archive"
    write_archive(archive, 0, 24)
    expected = run(lambda: (build_archive(archive, room / "expected"), everything(room / "expected"))[1]).value
    for number in range(n):
        kb, seed = room / f"kb{number}", chance.randrange(2**32)
        outcome = run(lambda kb=kb, seed=seed: _jump(archive, kb, seed))
        tally.counts["builds"] += 1
        if outcome.error or outcome.killed:
            tally.wrong.append(f"build {number}: {outcome.error} {outcome.said}")
            continue
        compare(expected, run(lambda kb=kb: everything(kb)).value, tally, f"build {number}")
        if run(lambda kb=kb: check(kb).problems).value:
            tally.wrong.append(f"build {number}: check found problems")
    return tally


def _read(kb: Path, seed: int, for_s: float) -> int:
    chance, store, asked, size = random.Random(seed), DeltaCaseStore(kb), 0, 0
    until = time.monotonic() + for_s
    while time.monotonic() < until:
        store.refresh()
        ids = store.ids.tolist()
        if len(ids) < size:
            raise AssertionError("a case that was there is gone")
        size = len(ids)
        cases = store.get(ids)
        one = chance.choice(cases)
        if store.recording(one.case_id).content_hash != one.content_hash:
            raise AssertionError("another signal than the case's own")
        asked += 1
    return asked


def _jump(archive: Path, kb: Path, seed: int) -> None:
    chance, real = random.Random(seed), time.time
    time.time = lambda: real() + chance.uniform(-1e9, 1e9)
    try:
        build_archive(archive, kb)
    finally:
        time.time = real
