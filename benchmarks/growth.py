"""What a knowledge base of many cases costs: to write, to ask first, to filter, to add to, to erase from, to learn from.

    python -m benchmarks.growth --cases 1000000 [--folder DIR] [--added 100]

A small simulated archive is built, and grown with made-up cases (:mod:`benchmarks.million`). Each step is a process of its
own, so that its memory is its own: time of the clock, processor time, and the largest resident size. With ``--folder`` what is
made stays there, and a second run begins with it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import description, peak_memory_mib, table
from benchmarks.million import growing
from precordia import KnowledgeBase, Query
from precordia.simulation import simulate
from precordia.simulation.hospital import write_archive
from precordia.simulation.writers import WRITERS

SEED_CASES = 300
QUESTIONS = 40
WHERE = "age > 60 and sex = 'F' and qrs_ms > 120"
FINDING = "findings has 'AFIB'"
WORDS = "atrial fibrillation with left bundle branch block"


def grown(kb: Path, n: int, _: int) -> None:
    """Make it, and grow it to ``n``, without what questions need."""
    if not kb.exists():
        archive = write_archive(kb.parent / "seed", SEED_CASES, seed=1, formats=("wfdb",), poor=0.0)
        KnowledgeBase.create(kb).add(archive.folder, reports=archive.reports)
    for _part in growing(kb, n):
        pass


def made_ready(kb: Path, *_: int) -> None:
    """What whoever has written leaves behind for the first question."""
    KnowledgeBase.open(kb).make_ready()


def asked(kb: Path, *_: int) -> None:
    """The first question, from a file to ten cases."""
    KnowledgeBase.open(kb).search(_file(kb))


def asked_often(kb: Path, *_: int) -> None:
    """Questions of a process that has been asked before, from a file to ten cases each: the median of one."""
    opened, spent = KnowledgeBase.open(kb), []
    with tempfile.TemporaryDirectory() as place:
        for seed in range(QUESTIONS + 1):
            file = WRITERS.get("wfdb")(Path(place) / f"ecg{seed}", simulate("SR", seed=20_000 + seed).recording)
            started, used = time.perf_counter(), time.process_time()
            opened.search(file)
            spent.append((time.perf_counter() - started, time.process_time() - used))
    wall_s, cpu_s = (statistics.median(times) for times in zip(*spent[1:], strict=True))
    told = {"what": "of it one question, median", "wall_s": wall_s, "cpu_s": cpu_s, "peak_mib": peak_memory_mib()}
    print(json.dumps(told), flush=True)


def reported(kb: Path, *_: int) -> None:
    """The first report."""
    KnowledgeBase.open(kb).report(_file(kb))


def filtered(kb: Path, *_: int) -> None:
    """The first question with a condition, and then one that the vectors' index does not help with."""
    opened = KnowledgeBase.open(kb)
    for where in (WHERE, FINDING):
        _told(f"where {where}", lambda where=where: opened.search(_file(kb), where=where))  # type: ignore[misc]


def searched(kb: Path, *_: int) -> None:
    """The first search by words."""
    KnowledgeBase.open(kb).search(Query(text=WORDS))


def counted(kb: Path, *_: int) -> None:
    """``precordia inspect``."""
    KnowledgeBase.open(kb).summary()


def added(kb: Path, _: int, n_added: int) -> None:
    """So many more from WFDB files at 500 Hz, and the indexes ready again."""
    archive = write_archive(kb.parent / f"added-{os.getpid()}", n_added, seed=os.getpid(), formats=("wfdb",), poor=0.0)
    opened = KnowledgeBase.open(kb)
    _told(f"of it {n_added} files to cases", lambda: opened.add(archive.folder, reports=archive.reports, workers=1))


def erased(kb: Path, *_: int) -> None:
    """One patient, and what the next question has to make again."""
    opened = KnowledgeBase.open(kb)
    patient = opened.cases(opened.ids()[:1])[0].patient_key
    _told("of it the erasure", lambda: opened.erase(patient=patient))
    _told("of it the next question", lambda: opened.search(_file(kb)))


def refitted(kb: Path, *_: int) -> None:
    """The models of its findings."""
    KnowledgeBase.open(kb).refit()


STEPS: dict[str, Callable[[Path, int, int], None]] = {
    step.__name__: step
    for step in (grown, made_ready, asked, asked_often, reported, filtered, searched, counted, refitted, added, erased)
}


def _file(kb: Path) -> Path:
    folder = kb.parent / "unseen"
    if not folder.exists():
        folder.mkdir()
        return WRITERS.get("wfdb")(folder / "ecg", simulate("SR", seed=10_000).recording)
    return next(folder.glob("*.hea"))


def _told(what: str, work: Callable[[], object]) -> None:
    started, used = time.perf_counter(), time.process_time()
    work()
    spent = {"what": what, "wall_s": time.perf_counter() - started, "cpu_s": time.process_time() - used}
    print(json.dumps({**spent, "peak_mib": peak_memory_mib()}), flush=True)


def run_step(step: str, kb: Path, n: int, n_added: int) -> list[dict[str, Any]]:
    """One of :data:`STEPS` as a process: seconds, processor seconds and peak memory of it and its parts."""
    command = [sys.executable, "-m", "benchmarks.growth", "--step", step, "--folder", str(kb.parent)]
    done = subprocess.run(
        [*command, "--cases", str(n), "--added", str(n_added)], stdout=subprocess.PIPE, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--added", type=int, default=100, help="files that are added to it")
    parser.add_argument("--folder", type=Path, help="where to make it, and leave it")
    parser.add_argument("--only", choices=list(STEPS), nargs="+", default=list(STEPS), help="steps to take")
    parser.add_argument("--step", choices=list(STEPS), help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.step:
        kb = args.folder / "kb"
        _file(kb)
        _told(args.step, lambda: STEPS[args.step](kb, args.cases, args.added))
        return
    print(description(), end="\n\n")
    with tempfile.TemporaryDirectory() as place:
        folder = args.folder or Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        rows: list[tuple[str, ...]] = [("step", "s", "processor s", "peak MiB")]
        for step in args.only:
            for told in run_step(step, folder / "kb", args.cases, args.added):
                figures = (f"{told[name]:.3f}" for name in ("wall_s", "cpu_s"))
                rows.append((str(told["what"]), *figures, f"{told['peak_mib']:.0f}"))
                print(*rows[-1], file=sys.stderr, flush=True)
        size = sum(file.stat().st_size for file in (folder / "kb").rglob("*") if file.is_file())
    print(table(rows))
    print(f"\n{args.cases:,} cases; {size / 1e9:.1f} GB on the disk, without signals")


if __name__ == "__main__":
    main()
