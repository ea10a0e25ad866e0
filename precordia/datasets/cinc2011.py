"""CinC Challenge 2011, set a: ECGs that annotators found acceptable or not, packed as arrays."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.datasets.card import Dataset, DatasetCard

SIGNALS: Final = "cinc2011.npz"
INDEX: Final = "index.csv"

CARD: Final = DatasetCard(
    name="cinc2011",
    place="pretrain",
    title="CinC 2011 set a",
    version="1.0.0",
    licence="ODC-By 1.0",
    citation="Silva, Moody, Celi, Comput Cardiol 2011;38:273-276",
    url="https://physionet.org/content/challenge-2011/",
    files=(SIGNALS, INDEX),
    note="packed as signal (n, 12, 1000) int16 at 100 Hz with a row each in index.csv; the scale is assumed",
)


@dataclass(frozen=True, eq=False)
class Labelled:
    """A recording with the annotators' verdict.

    Attributes:
        recording: As read.
        acceptable: Whether they would accept it.
    """

    recording: Recording
    acceptable: bool


def read_labelled(folder: Path, limit: int | None = None) -> list[Labelled]:
    """The 499 with a verdict: 10 s at 100 Hz, 12 leads; the scale is assumed.

    The stored rows 4 and 5 obey Goldberger's law only as aVF and aVL, so they are named so.

    Raises:
        InputError: the files are not there.
    """
    CARD.require(folder)
    names = (*LEADS[:4], "aVF", "aVL", *LEADS[6:])
    with (folder / INDEX).open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["file"] == SIGNALS and row["quality"]]
    with np.load(folder / SIGNALS) as arrays:
        signals = arrays["signal"]
    return [
        Labelled(
            Recording(signals[int(row["row"])] / np.float32(1000), 100.0, names, row["native_id"], format="npz"),
            row["quality"] == "acceptable",
        )
        for row in rows[:limit]
    ]


def recordings(folder: Path) -> Iterator[Recording]:
    """The recordings without their verdicts."""
    return (one.recording for one in read_labelled(folder))


DATASET: Final = Dataset(CARD, recordings)
