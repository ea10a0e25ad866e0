"""Processor time that one 500 Hz 12-lead ECG of 10 s takes on its way into a knowledge base, by stage.

    python -m benchmarks.stages [--records 200]

Distinct simulated ECGs as WFDB files, one process, one thread: unlike time of the clock, the figures stay about the same on a
busy machine. What is loaded once (encoders, vocabulary) is loaded before.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from unittest import mock

from benchmarks.machine import description, table
from precordia import KnowledgeBase
from precordia.simulation.hospital import write_archive

WARM = 16


def stages(folder: Path, n: int) -> dict[str, float]:
    """Stage to ms a record."""
    warm, archive = (
        write_archive(folder / name, size, seed=seed, formats=("wfdb",), poor=0.0)
        for name, size, seed in (("warm", WARM, 1), ("archive", n, 2))
    )
    kb = KnowledgeBase.create(folder / "kb")
    kb.add(warm.folder, reports=warm.reports, workers=1)
    started = time.process_time()
    # Builds read the clock for their stages; here all is one process, and its own time is the steadier one.
    with mock.patch.object(time, "perf_counter", time.process_time):
        report = kb.add(archive.folder, reports=archive.reports, workers=1)
    whole = time.process_time() - started
    found = {name: seconds / n * 1000 for name, seconds in report.seconds.items()}
    return {**found, "indexes and models": (whole - report.wall_s) / n * 1000, "all": whole / n * 1000}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=200)
    args = parser.parse_args()
    print(description(), end="\n\n")
    with tempfile.TemporaryDirectory() as place:
        found = stages(Path(place), args.records)
    most = sorted(found.items(), key=lambda stage: -stage[1])
    print(table([("stage", "processor ms a record"), *((name, f"{ms:.2f}") for name, ms in most)]))


if __name__ == "__main__":
    main()
