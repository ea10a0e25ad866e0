"""Every reader that ships keeps the contract, on a small file of its format."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from ecg_files import WRITERS

from precordia.records.readers import READERS
from precordia.testing.readers import ReaderContract

Write = Callable[[Path], Path]


def packed(folder: Path) -> Path:
    """A ZIP archive of one file."""
    inside = WRITERS["muse"](folder)
    with zipfile.ZipFile(folder / "rec.zip", "w") as archive:
        archive.write(inside, inside.name)
    inside.unlink()
    return folder / "rec.zip"


WRITTEN: dict[str, Write] = {
    **{name: WRITERS[name] for name in READERS if name in WRITERS},
    "numpy": WRITERS["npy"],
    "packed": packed,
}
"""Format to what writes a small file of it."""


def test_every_reader_is_held_to_it() -> None:
    assert sorted(WRITTEN) == list(READERS)


@pytest.mark.parametrize("name", WRITTEN)
class TestShippedReader(ReaderContract):
    @pytest.fixture(autouse=True)
    def _chosen(self, name: str) -> None:
        self.reader, self._write = READERS.get(name), WRITTEN[name]

    def write(self, folder: Path) -> Path:
        return self._write(folder)
