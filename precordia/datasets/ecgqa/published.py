"""Which files are, byte for byte, those of the published ECG-QA.

``published.tsv`` has every data file of github.com/Jwoo5/ecg-qa at 3eabbce1 (April 2025, ECG-QA 1.0.2 and later), below
``ecgqa/``, with its git object id: the SHA-1 of its length and content (``git ls-tree -r 3eabbce1 ecgqa``). So a file can be
checked without the others, and those that are missing are known by name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

REVISION = "github.com/Jwoo5/ecg-qa 3eabbce1"


@dataclass(frozen=True)
class Checked:
    """How files compare with the published ones.

    Attributes:
        same: Files that are the published ones.
        altered: Files whose name was published, with other content.
        unknown: Files whose name was not published.
        absent: How many published files of the source, of the kinds asked about, are not there.
    """

    same: tuple[str, ...]
    altered: tuple[str, ...]
    unknown: tuple[str, ...]
    absent: int

    @property
    def in_words(self) -> str:
        """For the notes of a result."""
        if self.altered or self.unknown:
            names = ", ".join((*self.altered, *self.unknown)[:5])
            return (
                f"Files: {len(self.altered) + len(self.unknown)} are not those of {REVISION} ({names}): figures on them are not "
                "figures on the published benchmark."
            )
        same = f"all {len(self.same)} that were read are, byte for byte, those of {REVISION}"
        return f"Files: {same}; {self.absent} more are not here."


def check(folder: Path, names: Iterable[str]) -> Checked:
    """Compare the files of one source with the published ones.

    Args:
        folder: Named as the source: ``ptbxl`` or ``mimic-iv-ecg``.
        names: Below the folder, as ``template/train/000000.json``.
    """
    known = {path.removeprefix(f"{folder.name}/"): digest for path, digest in _published().items()}
    read = sorted(set(names))
    same = tuple(name for name in read if name in known and object_id((folder / name).read_bytes()) == known[name])
    altered = tuple(name for name in read if name in known and name not in same)
    kinds = {name.partition("/")[0] for name in read}
    of_kind = [p for p in _published() if p.startswith(f"{folder.name}/") and p.split("/")[1] in kinds]
    return Checked(same, altered, tuple(n for n in read if n not in known), len(of_kind) - len(same) - len(altered))


def object_id(content: bytes) -> str:
    """Git's id of a file.

    >>> object_id(b"test content\\n")
    'd670460b4b4aece5915caf5c68d12f560a9fe3e4'
    """
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@cache
def _published() -> dict[str, str]:
    lines = Path(__file__).with_name("published.tsv").read_text("utf-8").splitlines()
    return {path: digest for path, _, digest in (line.partition("\t") for line in lines)}
