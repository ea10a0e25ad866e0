"""What becomes of a knowledge base that is killed, damaged, starved and crowded.

    python -m benchmarks.faults [--hours] [--kills 300] [--flips 204] [--inputs 2000] [--seed 0] [--room DIR]

Prints a table; exit code 1 when something happened that must not. Minutes by default, in memory where the system offers
a folder there (a kill does not ask what the disk has); ``--hours`` multiplies kills and flips by twenty, puts each fault at
each write, and mutates 100,000 inputs.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.faults.archive import PATIENT, build_archive, everything, write_archive
from benchmarks.faults.beside import jumping_clock, two_writers_twenty_readers
from benchmarks.faults.children import load_beforehand
from benchmarks.faults.disks import failing_disks, full_disk
from benchmarks.faults.flips import flipped_bits
from benchmarks.faults.inputs import mutated_inputs
from benchmarks.faults.kills import killed_builds, killed_erasures, killed_indexes, killed_refits
from benchmarks.faults.tally import Tally
from benchmarks.machine import description, table
from precordia.indexing.integrity import check
from precordia.indexing.store import DeltaCaseStore


def main() -> int:
    """Run all parts; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hours", action="store_true", help="twenty times as much, and 100,000 inputs")
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--flips", type=int, default=204)
    parser.add_argument("--inputs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--room", type=Path, help="where to work (default: in memory, else the temporary folder)")
    parser.add_argument("--only", nargs="+", metavar="PART", help="builds, adds, ..., inputs; default: all")
    args = parser.parse_args()
    times = 20 if args.hours else 1
    kills, flips = args.kills * times, args.flips * times
    inputs = max(args.inputs, 100_000) if args.hours else args.inputs
    chance = random.Random(args.seed)
    memory = Path("/dev/shm")
    room = args.room or (memory if memory.is_dir() else Path(tempfile.gettempdir()))
    parts: dict[str, Callable[[Path], Tally]] = {
        "builds": lambda at: killed_builds(at, -(-kills // 5), chance, add=False),
        "adds": lambda at: killed_builds(at, -(-kills // 5), chance, add=True),
        "erasures": lambda at: killed_erasures(at, -(-kills * 3 // 10), chance),
        "indexes": lambda at: killed_indexes(at, -(-kills * 3 // 10), chance),
        "refits": lambda at: killed_refits(at, -(-kills // 10), chance),
        "flips": lambda at: flipped_bits(at, flips, chance),
        "disks": lambda at: failing_disks(at, every=args.hours),
        "full-disk": full_disk,
        "readers": lambda at: two_writers_twenty_readers(at, 200 if args.hours else 24),
        "clock": lambda at: jumping_clock(at, 5 * times, chance),
        "inputs": lambda at: mutated_inputs(at, inputs, chance),
    }
    if not {*(args.only or parts)} <= {*parts}:
        parser.error(f"--only takes {', '.join(parts)}")
    with tempfile.TemporaryDirectory(dir=room, prefix="faults-") as folder:
        load_beforehand(lambda: _a_bit_of_all(Path(folder) / "first"))
    machine = description()  # of the code that runs, whatever is committed meanwhile
    rows = [["what was done", "what came of it", "must not happen", "s"]]
    wrong: list[str] = []
    for part in (parts[name] for name in args.only or parts):
        started = time.perf_counter()
        with tempfile.TemporaryDirectory(dir=room, prefix="faults-") as folder:
            tally = part(Path(folder))
        rows.append([*tally.row(), f"{time.perf_counter() - started:.0f}"])
        wrong += [f"{tally.what}: {one}" for one in tally.wrong]
        print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
    print(machine)
    print(table(rows))
    for one in wrong:
        print(one)
    return 1 if wrong else 0


def _a_bit_of_all(folder: Path) -> None:
    write_archive(folder / "archive", 0, 6)
    build_archive(folder / "archive", folder / "kb")
    everything(folder / "kb")
    check(folder / "kb")
    DeltaCaseStore(folder / "kb").erase(PATIENT)


if __name__ == "__main__":
    sys.exit(main())
