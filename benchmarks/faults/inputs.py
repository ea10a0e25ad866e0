"""Mutated files of every format: a recording or an error in one line, nothing else.

The files are those that the readers' own tests write, one of each format and of each way of writing it.
"""

from __future__ import annotations

import importlib
import os
import random
import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from benchmarks.faults.children import run
from benchmarks.faults.tally import Tally
from precordia.core.errors import PrecordiaError, UsageError
from precordia.records.read import read_recording

_NUMBERS: Final = (b"0", b"-1", b"2147483648", b"99999999999999999999", b"1e308", b"nan", b"")
_SCRAPS: Final = (
    b"<",
    b"&a;",
    b"]]>",
    b"\0",
    b"\xff\xff\xff\x7f",
    b"\xff\xfe",
    b"../",
    b"%s",
    b"\r\n",
    b"<!ENTITY a 'b'>",
)
_BATCH: Final = 250


def mutated_inputs(room: Path, n: int, chance: random.Random) -> Tally:
    """``n`` mutated files, as many of each file of a simulated archive of all formats, read in children."""
    tally = Tally("mutated inputs, all formats")
    written = run(lambda: [_written(room / name, write) for name, write in _writers().items()])
    if written.error:
        raise RuntimeError(f"the files to mutate could not be written: {written.error} {written.said}")
    files = written.value
    tally.counts["kinds of file"] = len(files)
    done, slowest, largest = 0, 0.0, 0
    while done < n:
        size = min(_BATCH, n - done)
        seed = chance.randrange(2**32)
        outcome = run(lambda size=size, seed=seed: _batch(files, size, seed))
        done += size
        if outcome.killed or outcome.error:
            tally.wrong.append(f"seed {seed}: {outcome.error or 'killed'} {outcome.said}")
            continue
        for name, value in outcome.value[0].items():
            tally.counts[name] += value
        tally.wrong += outcome.value[1]
        slowest, largest = max(slowest, outcome.value[2]), max(largest, outcome.value[3])
    tally.counts["ms for the slowest"] = round(1000 * slowest)
    tally.counts["MB more for the largest"] = round(largest / 2**20)
    return tally


def _batch(files: list[list[Path]], n: int, seed: int) -> tuple[dict[str, int], list[str], float, int]:
    """What came of ``n`` mutated files, what must not, the most seconds of one, and the most bytes that they added."""
    chance, counts, wrong, slowest = random.Random(seed), {"read": 0, "refused": 0}, [], 0.0
    for parts in files:
        read_recording(parts[0])  # the first of a format imports its libraries
    before = _most_memory()
    for number in range(n):
        parts = chance.choice(files)
        file = chance.choice(parts)
        sound = file.read_bytes()
        file.write_bytes(mutated(sound, chance))
        started = time.perf_counter()
        try:
            read_recording(parts[0])
            counts["read"] += 1
        except PrecordiaError as error:
            counts["refused"] += 1
            if "\n" in str(error):
                wrong.append(f"seed {seed}, number {number}, {file.suffix}: an error of several lines")
        except Exception as error:
            wrong.append(f"seed {seed}, number {number}, {file.suffix}: {type(error).__name__}")
        finally:
            slowest = max(slowest, time.perf_counter() - started)
            file.write_bytes(sound)
    return counts, wrong, slowest, _most_memory() - before


def _most_memory() -> int:
    """Most resident memory of this process and of those below it that still run, bytes (Linux)."""
    found = 0
    waiting = [os.getpid()]
    while waiting:
        process = Path("/proc") / str(waiting.pop())
        with suppress(OSError):
            peak = re.search(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())
            found += int(peak[1]) * 1024 if peak else 0
            waiting += map(int, (process / "task" / process.name / "children").read_text().split())
    return found


def _writers() -> dict[str, Callable[[Path], Path]]:
    folder = Path(__file__).parents[2] / "tests" / "records"
    if not (folder / "ecg_files.py").is_file():
        raise UsageError(f"{folder} is not there: run the benchmark from a checkout")
    sys.path.insert(0, str(folder))
    try:
        writers: dict[str, Callable[[Path], Path]] = importlib.import_module("ecg_files").WRITERS
    finally:
        sys.path.remove(str(folder))
    return writers


def _written(folder: Path, write: Callable[[Path], Path]) -> list[Path]:
    """A recording's files, the one that is named first."""
    folder.mkdir()
    path = write(folder)
    return [path, *(file for file in sorted(folder.iterdir()) if file != path)]


def mutated(data: bytes, chance: random.Random) -> bytes:
    """A file with one to sixteen things done to it, half of them where headers stand."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4, 16))):
        reach = len(out) if chance.random() < 0.5 else min(len(out), 600)
        at = chance.randrange(reach) if reach else 0
        kind = chance.randrange(6)
        if kind == 0 and out:
            out[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del out[at:]
        elif kind == 2:
            out[at:at] = chance.randbytes(chance.randrange(1, 9))
        elif kind == 3:
            del out[at : at + chance.randrange(1, 40)]
        elif kind == 4:
            found = [match.span() for match in re.finditer(rb"-?\d+(?:\.\d+)?", bytes(out[:reach]))]
            if found:
                first, last = chance.choice(found)
                out[first:last] = chance.choice(_NUMBERS)
        else:
            out[at:at] = chance.choice(_SCRAPS)
    return bytes(out)
