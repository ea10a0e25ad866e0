"""The budgets of the design beside today's figures: one table, with the naive way in the same run, and who measures it alone.

    python -m benchmarks.budgets [--records 2000] [--cases 1000000] [--only encode build query service help] [--track FILE]

Everything is simulated and made on the spot, in a temporary folder. Run it on an otherwise idle machine.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import naive
from benchmarks.growth import run_step
from benchmarks.history import Run, track
from benchmarks.machine import commit, description, machine, peak_memory_mib, table, versions
from benchmarks.million import grow
from precordia import KnowledgeBase, Query, load_encoder, read_recording, standardize
from precordia.core.protocols import Encoder
from precordia.indexing.index_cache import open_vector_index
from precordia.indexing.store import DeltaCaseStore
from precordia.simulation import simulate
from precordia.simulation.hospital import write_archive
from precordia.simulation.writers import WRITERS

Row = tuple[str, str, str, str, str]
"""What, budget, today, the naive way, and the command that measures it alone."""

HERE = "python -m benchmarks.budgets"
PARTS = ("encode", "build", "query", "service", "help")


def encoding(encoder: Encoder, batch: int = 64, rounds: int = 6) -> Row:
    """ECGs a second: standardized, 12 leads, 10 s, batches of 64; beside one at a time."""
    ecgs = [standardize(simulate("NORM", seed=seed).recording) for seed in range(batch)]
    encoder.embed(ecgs)
    whole = _best(lambda: encoder.embed(ecgs), rounds)
    single = _best(lambda: [encoder.embed([ecg]) for ecg in ecgs], 2)
    naive_way = f"{batch / single:.0f} (one at a time)"
    return ("encode, ECGs a second", ">= 600", f"{batch / whole:.0f}", naive_way, f"{HERE} --only encode")


def building(folder: Path, n: int, encoder: Encoder) -> list[Row]:
    """Records a second from WFDB files at 500 Hz to a durable knowledge base, and bytes a record on the disk."""
    archive = write_archive(folder / "archive", n, seed=1, formats=("wfdb",), poor=0.0)
    headers = [ecg.path for ecg in archive.ecgs]
    started = time.perf_counter()
    (folder / "naive").mkdir()
    naive.build(headers, folder / "naive", encoder)
    plain = n / (time.perf_counter() - started)
    started = time.perf_counter()
    kb = KnowledgeBase.create(folder / "kb")
    report = kb.add(archive.folder, reports=archive.reports)
    rate = n / (time.perf_counter() - started)
    stages = ", ".join(f"{name} {seconds / n * 1000:.1f}" for name, seconds in sorted(report.seconds.items()))
    print(f"ms a record, added over workers: {stages}\n")
    raw = sum(path.stat().st_size for header in headers for path in (header, header.with_suffix(".dat"))) / n
    kept = sum(path.stat().st_size for path in (kb.path / "signals").rglob("*.parquet")) / n
    return [
        (
            "build, records a second",
            ">= 130",
            f"{rate:.0f}",
            f"{plain:.0f} (read and embed only)",
            "python -m benchmarks.stages",
        ),
        (
            "signal on the disk, kB a record",
            "<= 30",
            f"{kept / 1000:.1f}",
            f"{raw / 1000:.1f} (WFDB)",
            f"{HERE} --only build",
        ),
    ]


def cold(folder: Path) -> list[Row]:
    """Seconds of a question as a process, in the knowledge base as it was built."""
    file = WRITERS.get("wfdb")(folder / "asked", simulate("SR", seed=9_999).recording)
    bare = _best(lambda: _process("-c", "import numpy, pyarrow"), 5)
    rows: list[Row] = []
    for what, arguments in {
        "search ECG": ("search", str(file)),
        "search --text": ("search", "--text", "atrial fibrillation"),
        "report ECG": ("report", str(file)),
    }.items():
        command = ("-m", "precordia.cli.main", *arguments, "--kb", str(folder / "kb"))
        _process(*command)
        seconds = _best(lambda command=command: _process(*command), 5)  # type: ignore[misc]
        today, beside = f"{seconds:.2f}", f"{bare:.2f} (numpy and pyarrow)"
        rows.append((f"precordia {what}, cold, s", "<= 1.2", today, beside, f"precordia {what} --kb DIR"))
    return rows


def querying(folder: Path, n_cases: int, encoder: Encoder, n_queries: int = 40) -> list[Row]:
    """Milliseconds from a file to ten cases in a large knowledge base, and of it the vector search."""
    import faiss
    import pandas as pd

    started = time.perf_counter()
    grown = grow(folder / "kb", n_cases)
    (ready,) = run_step("made_ready", folder / "kb", n_cases, 0)
    print(f"its indexes were made in {ready['wall_s']:.0f} s with {ready['peak_mib']:.0f} MiB at most")
    (first,) = run_step("asked", folder / "kb", n_cases, 0)
    kb = KnowledgeBase.open(folder / "kb")
    unseen = [simulate("SR", seed=10_000 + i).recording for i in range(n_queries)]
    (folder / "queries").mkdir()
    files = [WRITERS.get("wfdb")(folder / "queries" / f"ecg{i}", ecg) for i, ecg in enumerate(unseen)]
    kb.search(Query(read_recording(files[0])))
    print(f"a knowledge base of {len(kb)} cases made and indexed in {time.perf_counter() - started:.0f} s")
    times = [_once(lambda path=path: kb.search(Query(read_recording(path)))) for path in files]  # type: ignore[misc]
    index = open_vector_index(DeltaCaseStore(kb.path), "signal", encoder.dim)
    embedded = encoder.embed(unseen)
    search = [_once(lambda row=row: index.search(row[None], 18)) for row in embedded]  # type: ignore[misc]
    exact = faiss.IndexFlatIP(encoder.dim)
    exact.add(grown.vectors)
    cases = pd.DataFrame({"recording_id": grown.names.to_pylist()})
    flat = [_once(lambda path=path: naive.query(path, exact, cases, encoder)) for path in files[:10]]  # type: ignore[misc]
    _, truth = exact.search(embedded, 10)
    found, _ = index.search(embedded, 10)
    recall = np.mean([np.isin(ours, grown.ids[rows]).mean() for ours, rows in zip(found, truth, strict=True)])
    p50 = f"{np.median(times) * 1000:.0f} (p95 {np.percentile(times, 95) * 1000:.0f})"
    print(f"recall@10 against exact search {recall:.3f}; peak memory {peak_memory_mib():.0f} MiB")
    return [
        (
            f"query, {len(kb)} cases, p50 ms",
            "<= 35",
            p50,
            f"{np.median(flat) * 1000:.0f} (no guards, no cases)",
            f"{HERE} --only build query",
        ),
        ("of it vector search, p50 ms", "<= 1", f"{np.median(search) * 1000:.1f}", "in the line above", "likewise"),
        (f"first question to {len(kb)} cases, s", "<= 5", f"{first['wall_s']:.1f}", "", "python -m benchmarks.growth"),
        ("its peak memory, MiB", "<= 1024", f"{first['peak_mib']:.0f}", "", "likewise"),
    ]


def serving() -> list[Row]:
    """The service under load, as its own benchmark prints it."""
    command = [sys.executable, "-m", "benchmarks.service", "--requests", "1000"]
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in printed.splitlines() if line[:1] == "|"]
    return [
        (f"service: {what}", budget, today, "", "python -m benchmarks.service")
        for what, budget, today in found[2:]
        if budget
    ]


def helping() -> Row:
    """Seconds that ``precordia --help`` takes, as a process."""
    command = [sys.executable, "-m", "precordia.cli.main", "--help"]
    seconds = _best(lambda: subprocess.run(command, capture_output=True, check=True), 5)
    bare = _best(lambda: subprocess.run([sys.executable, "-c", "pass"], capture_output=True, check=True), 5)
    return ("precordia --help, s", "<= 0.1", f"{seconds:.2f}", f"{bare:.2f} (an empty Python)", f"{HERE} --only help")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.budgets")
    parser.add_argument("--records", type=int, default=2000)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--only", nargs="+", default=list(PARTS), choices=PARTS, help="query needs build")
    parser.add_argument("--track", type=Path, metavar="FILE", help="add the run to this file")
    args = parser.parse_args()
    print(description(), end="\n\n")
    encoder = load_encoder()
    rows: list[Row] = [("what", "budget", "today", "the naive way", "command")]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if "encode" in args.only:
            rows.append(encoding(encoder))
        if "build" in args.only:
            rows += [*building(folder, args.records, encoder), *cold(folder)]
        if {"build", "query"} <= set(args.only):
            rows += querying(folder, args.cases, encoder)
    if "service" in args.only:
        rows += serving()
    if "help" in args.only:
        rows.append(helping())
    print(table(rows))
    if args.track:
        track(args.track, Run(commit(), machine(), versions(), [row[:4] for row in rows[1:]]))


def _process(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], capture_output=True, check=True)


def _once(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _best(action: Callable[[], object], rounds: int) -> float:
    return min(_once(action) for _ in range(rounds))


if __name__ == "__main__":
    main()
