"""Single flipped bits in every kind of file: served as before, or told; never another answer."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Final

from benchmarks.faults.archive import build_archive, everything, write_archive
from benchmarks.faults.children import run
from benchmarks.faults.tally import Tally
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
        found = run(lambda kb=kb: [p.what for p in check(kb).problems])
        if found.error or found.killed or not found.value:
            # A blank that became another blank in JSON is no damage.
            tally.counts["harmless to JSON" if file.suffix == ".json" and not found.error else "missed by check"] += 1
            if file.suffix != ".json" or found.error or found.killed:
                tally.wrong.append(f"{at}: check said {found.error or 'nothing'} {found.said}")
        else:
            tally.counts["found by check"] += 1
        served = run(lambda kb=kb: everything(kb))
        if served.error == "DamageError":
            tally.counts["told when read"] += 1
        elif served.error or served.killed:
            tally.wrong.append(f"{at}: {served.error or 'killed'} {served.said}")
        elif served.value == expected:
            tally.counts["served as before"] += 1
        else:
            tally.wrong.append(f"{at}: served another answer")
        shutil.rmtree(kb)
    return tally
