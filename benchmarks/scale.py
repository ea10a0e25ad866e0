"""What archives of 100 thousand to 100 million cases take, reckoned from what one record takes.

python -m benchmarks.scale
python -m benchmarks.scale --cores 64 --no-text

Nothing is measured here: each figure of :class:`Record` says which command printed it, and a plan is multiplication.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from benchmarks.machine import table
from precordia.indexing.approximate import APPROXIMATE_FROM

SIZES = (100_000, 1_000_000, 10_000_000, 100_000_000)


@dataclass(frozen=True)
class Record:
    """What one 12-lead ECG of 10 s at 500 Hz takes: `python -m benchmarks.stages`, on a busy machine, docs/benchmarks.md; sizes as
    `python -m benchmarks.budgets` printed them.

    Attributes:
        worker_ms: Read, quality, measure, label, embed and compress, ms of one core in a worker.
        text_ms: Its report embedded, in a worker.
        store_ms: Written, in the one writer.
        signal_bytes: On the disk.
        vector_bytes: Of the signal in the case table (256 float32) and of the report (384).
        flat_bytes: In an exact index, in memory and in the cache.
        code_bytes: In the approximate index: 64 of 4-bit codes, 256 of 8-bit refinement, 16 of ids (docs/storage.md).
    """

    worker_ms: float = 8.6 + 4.4 + 3.0 + 2.0 + 1.5 + 0.4
    text_ms: float = 3.1
    store_ms: float = 0.8
    signal_bytes: float = 28_600.0
    vector_bytes: float = 4.0 * (256 + 384)
    flat_bytes: float = 4.0 * 256
    code_bytes: float = 64.0 + 256.0 + 16.0


@dataclass(frozen=True)
class Plan:
    """What an archive takes.

    Attributes:
        n: Cases.
        hours: To build it.
        busy_cores: Cores of workers that keep the one writer busy; more of them wait.
        disk_gb: Signals and vectors, 10^9 bytes; reports and the rest of the rows come besides.
        index_gb: The index over the signals' vectors, in each process that searches.
        fetch_hours: To bring the whole to a machine over 10 Gbit/s.
    """

    n: int
    hours: float
    busy_cores: float
    disk_gb: float
    index_gb: float
    fetch_hours: float


def plan(n: int, cores: int, text: bool, record: Record = Record()) -> Plan:
    """The plan for ``n`` cases, read by ``cores`` cores.

    >>> plan(1_000_000, 2, True).hours > plan(1_000_000, 32, True).hours == plan(1_000_000, 64, True).hours
    True
    """
    writer_ms, worker_ms = record.store_ms, record.worker_ms + (record.text_ms if text else 0.0)
    # On the machine of the writer nothing is left for a worker while it writes.
    each_ms = max(writer_ms, worker_ms / cores) if cores > 2 else (writer_ms + worker_ms) / cores
    disk = n * (record.signal_bytes + record.vector_bytes)
    per_vector = record.flat_bytes if n < APPROXIMATE_FROM else record.code_bytes
    return Plan(n, n * each_ms / 3.6e6, worker_ms / writer_ms, disk / 1e9, n * per_vector / 1e9, disk * 8 / 1e10 / 3600)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", type=int, nargs="+", default=[2, 8, 64], help="cores that read")
    parser.add_argument("--no-text", action="store_true", help="without search by meaning of the reports")
    args = parser.parse_args()
    text = not args.no_text
    print(f"cores of workers that keep the writer busy: {plan(1, 1, text).busy_cores:.1f}\n")
    head = ["cases", *(f"build, h, {c} cores" for c in args.cores), "disk, GB", "index, GB", "fetch at 10 Gbit/s, h"]
    rows = [head]
    for n in SIZES:
        plans = [plan(n, cores, text) for cores in args.cores]
        hours = [f"{p.hours:.1f}" for p in plans]
        rows.append(
            [f"{n:,}", *hours, f"{plans[0].disk_gb:,.1f}", f"{plans[0].index_gb:.1f}", f"{plans[0].fetch_hours:.1f}"]
        )
    print(table(rows))


if __name__ == "__main__":
    main()
