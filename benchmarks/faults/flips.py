"""Single flipped bits in every kind of file: served as before, or told; never another answer."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Final

from benchmarks.faults.archive import Everything, build_archive, everything, write_archive
from benchmarks.faults.children import run
from benchmarks.faults.tally import Tally
from precordia.core.errors import DamageError
from precordia.indexing.integrity import check

KINDS: Final = (
    "manifest.json",
    "manifest.copy.json",
    "*/_files.json",
    "*/_delta_log/*",
    "cases/*.parquet",
    "signals/*.parquet",
    "rejects/*.parquet",
    "cache/*.json",
    "cache/rows/*",
    "cache/signal-vectors-*",
    "cache/text-vectors-*",
    "cache/words-*/*",
)


def flipped_bits(room: Path, n: int, chance: random.Random) -> Tally:
    """``n`` flips, as many in each kind of file."""
    tally = Tally("flipped bits, 12 kinds of file")
    archive, base = room / "archive", room / "base"
    write_archive(archive, 0, 24)
    run(lambda: build_archive(archive, base))
    expected = run(lambda: everything(base)).value
    for number in range(n):
        kind = KINDS[number % len(KINDS)]
        kb = shutil.copytree(base, room / "kb")
        files = [f for f in sorted(kb.glob(kind)) if f.is_file() and f.stat().st_size and not f.name.endswith(".lock")]
        file = chance.choice(files)
        content = bytearray(file.read_bytes())
        bit = chance.randrange(8 * len(content))
        content[bit // 8] ^= 1 << bit % 8
        file.write_bytes(content)
        at = f"{file.relative_to(kb)} bit {bit}"
        outcome = run(lambda kb=kb: (len(check(kb).problems), _served(kb)))
        if outcome.error or outcome.killed:
            tally.wrong.append(f"{at}: {outcome.error or 'killed'} {outcome.said}")
            shutil.rmtree(kb)
            continue
        found, served = outcome.value
        # A blank that became another blank in JSON is no damage.
        tally.counts["found by check" if found else "harmless to JSON" if file.suffix == ".json" else "missed"] += 1
        if not found and file.suffix != ".json":
            tally.wrong.append(f"{at}: check found nothing")
        if served is None:
            tally.counts["told when read"] += 1
        elif served == expected:
            tally.counts["served as before"] += 1
        else:
            tally.wrong.append(f"{at}: served another answer")
        shutil.rmtree(kb)
    return tally


def _served(kb: Path) -> Everything | None:
    """All that can be asked, or None where the damage is told."""
    try:
        return everything(kb)
    except DamageError:
        return None
