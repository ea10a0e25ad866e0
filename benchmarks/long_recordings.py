"""How fast a long recording is read, and how much memory that takes: ``python -m benchmarks.long_recordings [--hours 24]``.

Each number of leads is measured in a process of its own, on a WFDB file made of ten simulated minutes again and again. With
``--build`` the one of twelve leads is built into a knowledge base instead, by one process, after a minute of it was (what a
process holds before it has read anything long).
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FS = 250.0
LEADS = {1: ("I",), 3: ("II", "V1", "V5"), 12: None}
MINUTES = 10


def main() -> None:
    """Print a line a number of leads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--build", action="store_true", help="build a knowledge base of it")
    parser.add_argument("--read", metavar="RECORD", help=argparse.SUPPRESS)
    parser.add_argument("--added", metavar="FOLDER", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.read or args.added:
        _read(Path(args.read)) if args.read else _add(Path(args.added))
        return
    if args.build:
        _build(args.hours)
        return
    print(f"{args.hours:g} h at {FS:g} Hz; processor time of one core; peak memory of the whole process")
    with tempfile.TemporaryDirectory() as folder:
        for n in LEADS:
            record = _write(Path(folder), n, args.hours)
            command = [sys.executable, "-m", "benchmarks.long_recordings", "--read", str(record)]
            print(f"{n:2d} leads: {subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()}")
            record.with_suffix(".dat").unlink()


def _read(record: Path) -> None:
    from precordia.signals.long.reading import read_long

    began, cpu = time.perf_counter(), time.process_time()
    reading = read_long(record)
    wall, used = time.perf_counter() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = record.with_suffix(".dat").stat().st_size / 2**20
    seconds = reading.signal.duration_s
    print(
        f"{used:.1f} s of processor time ({seconds / used:.0f} x real time), {wall:.1f} s on the clock "
        f"({seconds / wall:.0f} x); {len(reading.beats)} beats; peak {peak:.0f} MiB for a file of {size:.0f} MiB"
    )


def _build(hours: float) -> None:
    """A line for a minute, and one for all of it."""
    for length, of in ((1 / 60, "a minute"), (hours, f"{hours:g} h")):
        with tempfile.TemporaryDirectory() as folder:
            record = _write(Path(folder), 12, length)
            command = [sys.executable, "-m", "benchmarks.long_recordings", "--added", folder]
            told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]
            size = record.with_suffix(".dat").stat().st_size / 2**20
            print(f"build of {of}, 12 leads at {FS:g} Hz, {size:.0f} MiB: {told}", flush=True)


def _add(folder: Path) -> None:
    from precordia.knowledge_base import KnowledgeBase

    with tempfile.TemporaryDirectory() as place:
        kb = KnowledgeBase.create(Path(place) / "kb", text_encoder=None)
        cpu = time.process_time()
        report = kb.add(folder, workers=1)
        used, peak = time.process_time() - cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        held = sum(file.stat().st_size for file in Path(place).rglob("*") if file.is_file()) / 2**20
    print(f"{used:.1f} s of processor time, {report.n_windows} windows, peak {peak:.0f} MiB, {held:.1f} MiB on disk")


def _write(folder: Path, n_leads: int, hours: float) -> Path:
    """A WFDB record of format 16."""
    import numpy as np

    from precordia.simulation import simulate

    made = simulate(["PVC"], seed=1, fs=FS, duration_s=60 * MINUTES).recording
    names = LEADS[n_leads] or made.leads
    digital = np.rint(made.signal[[made.leads.index(lead) for lead in names]].T * 200).astype("<i2")
    digital = digital[: round(min(hours * 60, MINUTES) * 60 * FS)]
    times = max(1, round(hours * 60 / MINUTES))
    lines = [f"day {n_leads} {FS:g} {times * digital.shape[0]}"]
    lines += [f"day.dat 16 200/mV 16 0 {digital[0, i]} 0 0 {lead}" for i, lead in enumerate(names)]
    (folder / "day.hea").write_text("\n".join(lines) + "\n")
    with (folder / "day.dat").open("wb") as file:
        for _ in range(times):
            file.write(digital.tobytes())
    return folder / "day"


if __name__ == "__main__":
    main()
