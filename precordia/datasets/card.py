"""What a public data set is and where it comes from, and the one way in which its recordings are read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from precordia.core.errors import InputError
from precordia.core.recording import Recording

Layout = Literal["seen", "from documentation"]


@dataclass(frozen=True)
class DatasetCard:
    """One data set, as its publishers describe it.

    Attributes:
        name: As in :data:`precordia.datasets.DATASETS`.
        title: As people call it.
        version: Revision that the loader reads.
        licence: Under which it may be used.
        citation: Where it was published.
        url: Where to get it.
        files: Files without which it cannot be read, below its folder.
        layout: "seen" where the loader was run on its files, "from documentation" where it rests on what is published of them.
        sha256: File to its SHA-256, of those that figures of this project rest on.
        note: What a reader must mind, or "".
        place: Its folder below a folder of data, where that is not its name.
    """

    name: str
    title: str
    version: str
    licence: str
    citation: str
    url: str
    files: tuple[str, ...] = ()
    layout: Layout = "seen"
    sha256: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    place: str = ""

    @property
    def folder(self) -> str:
        """Its folder below a folder of data."""
        return self.place or self.name

    def file(self, folder: Path, name: str) -> Path:
        """A file of the data set.

        Raises:
            InputError: it is not there.
        """
        path = folder / name
        if not path.exists():
            raise InputError(
                f"{path}: is not there; get {self.title} {self.version} from {self.url} and name the folder above "
                f"{folder.name}/ with --data"
            )
        return path

    def require(self, folder: Path) -> None:
        """See that the files are there.

        Raises:
            InputError: the first that is not.
        """
        for name in ("", *self.files):
            self.file(folder, name)

    def altered(self, folder: Path) -> tuple[str, ...]:
        """Files that are there with other content than the one figures of this project rest on."""
        there = [name for name in self.sha256 if (folder / name).is_file()]
        return tuple(name for name in there if sha256_of(folder / name) != self.sha256[name])


@dataclass(frozen=True)
class Dataset:
    """A data set and its reader.

    Attributes:
        card: What it is.
        recordings: Its folder to its recordings that are there, in order, with what was written about them; raises
            ``InputError`` where the folder is not the data set.
    """

    card: DatasetCard
    recordings: Callable[[Path], Iterator[Recording]]


def read_archive(
    card: DatasetCard, folder: Path, *, is_ecg: Callable[[str], bool] = lambda path: True
) -> Iterator[Recording]:
    """Every recording below a folder, by the readers and tables of :mod:`precordia.records`.

    Args:
        card: What the folder is to be.
        folder: The data set.
        is_ecg: Whether a path found there, ``FILE`` or ``FILE#NAME``, is an ECG of the data set.

    Raises:
        InputError: a file of the card is not there, or there is no recording, or one cannot be read.
    """
    from precordia.records.read import read_recording
    from precordia.records.scan import scan

    card.require(folder)
    refs = [ref for ref in scan(folder) if is_ecg(ref.path)]
    if not refs:
        raise InputError(f"{folder}: holds no recording of {card.title}; get them from {card.url}")
    for ref in refs:
        yield read_recording(ref.path, format=None if ref.format == "unknown" else ref.format)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
