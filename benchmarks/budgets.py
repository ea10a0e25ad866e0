"""DESIGN's budgets, each beside the naive way in the same run.

    python -m benchmarks.budgets [--records 2000] [--cases 1000000] [--skip query]

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
from benchmarks.machine import description, peak_memory_mib, table
from benchmarks.million import grow
from precordia import KnowledgeBase, Query, load_encoder, read_recording, standardize
from precordia.core.protocols import Encoder
from precordia.indexing.index_cache import open_vector_index
from precordia.indexing.store import DeltaCaseStore
from precordia.simulation import simulate
from precordia.simulation.hospital import write_archive
from precordia.simulation.writers import WRITERS

Row = tuple[str, str, str, str]


def encoding(encoder: Encoder, batch: int = 64, rounds: int = 6) -> Row:
    """ECGs a second: standardized, 12 leads, 10 s, batches of 64; beside one at a time."""
    ecgs = [standardize(simulate("NORM", seed=seed).recording) for seed in range(batch)]
    encoder.embed(ecgs)
    whole = _best(lambda: encoder.embed(ecgs), rounds)
    single = _best(lambda: [encoder.embed([ecg]) for ecg in ecgs], 2)
    return ("encode, ECGs a second", ">= 150", f"{batch / whole:.0f}", f"{batch / single:.0f} (one at a time)")


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
        ("build, records a second", ">= 60", f"{rate:.0f}", f"{plain:.0f} (read and embed only)"),
        ("signal on the disk, kB a record", "<= 50", f"{kept / 1000:.1f}", f"{raw / 1000:.1f} (WFDB)"),
    ]


def querying(folder: Path, n_cases: int, encoder: Encoder, n_queries: int = 40) -> list[Row]:
    """Milliseconds from a file to ten cases in a large knowledge base, and of it the vector search."""
    import faiss
    import pandas as pd

    started = time.perf_counter()
    grown = grow(folder / "kb", n_cases)
    kb = KnowledgeBase.open(folder / "kb")
    unseen = [simulate("SR", seed=10_000 + i).recording for i in range(n_queries)]
    (folder / "unseen").mkdir()
    files = [WRITERS.get("wfdb")(folder / "unseen" / f"ecg{i}", ecg) for i, ecg in enumerate(unseen)]
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
        (f"query, {len(kb)} cases, p50 ms", "<= 60", p50, f"{np.median(flat) * 1000:.0f} (no guards, no cases)"),
        ("of it vector search, p50 ms", "<= 10", f"{np.median(search) * 1000:.1f}", "in the line above"),
    ]


def helping() -> Row:
    """Seconds that ``precordia --help`` takes, as a process."""
    command = [sys.executable, "-m", "precordia.cli.main", "--help"]
    seconds = _best(lambda: subprocess.run(command, capture_output=True, check=True), 5)
    bare = _best(lambda: subprocess.run([sys.executable, "-c", "pass"], capture_output=True, check=True), 5)
    return ("precordia --help, s", "<= 0.3", f"{seconds:.2f}", f"{bare:.2f} (an empty Python)")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.budgets")
    parser.add_argument("--records", type=int, default=2000)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--skip", action="append", default=[], choices=("encode", "build", "query"))
    args = parser.parse_args()
    print(description(), end="\n\n")
    encoder = load_encoder()
    rows: list[Row] = [("what", "budget", "Precordia", "the naive way")]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if "encode" not in args.skip:
            rows.append(encoding(encoder))
        if "build" not in args.skip:
            rows += building(folder, args.records, encoder)
        if "query" not in args.skip and "build" not in args.skip:
            rows += querying(folder, args.cases, encoder)
    rows.append(helping())
    print(table(rows))


def _once(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _best(action: Callable[[], object], rounds: int) -> float:
    return min(_once(action) for _ in range(rounds))


if __name__ == "__main__":
    main()
