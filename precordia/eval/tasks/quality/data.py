"""The recordings that the quality task measures on."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from precordia.core.leads import LEADS, canonical_lead
from precordia.core.recording import Recording


@dataclass(frozen=True, eq=False)
class Labelled:
    """A recording with the annotators' verdict.

    Attributes:
        recording: As read.
        acceptable: Whether they would accept it.
    """

    recording: Recording
    acceptable: bool


CINC2011_FILES = ("pretrain/cinc2011.npz", "pretrain/index.csv")


def cinc2011(data: Path, limit: int | None = None) -> list[Labelled]:
    """CinC Challenge 2011 set a, the 499 with a verdict: 10 s at 100 Hz, 12 leads; the scale is assumed.

    The stored rows 4 and 5 obey Goldberger's law only as aVF and aVL, so they are named so.
    """
    names = (*LEADS[:4], "aVF", "aVL", *LEADS[6:])
    with (data / CINC2011_FILES[1]).open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["file"] == "cinc2011.npz" and row["quality"]]
    with np.load(data / CINC2011_FILES[0]) as arrays:
        signals = arrays["signal"]
    return [
        Labelled(
            Recording(signals[int(row["row"])] / np.float32(1000), 100.0, names, row["native_id"], format="npz"),
            row["quality"] == "acceptable",
        )
        for row in rows[:limit]
    ]


@dataclass(frozen=True)
class Listed:
    """A row of the manifest.

    Attributes:
        path: Of the recording, without extension.
        dataset: "ptbxl", "ludb", ...
        patient: The patient, within the dataset.
        fold: PTB-XL's fold, or None.
    """

    path: Path
    dataset: str
    patient: str
    fold: int | None


def listed(data: Path, *datasets: str) -> list[Listed]:
    """The manifest's rows of some datasets, in its order."""
    with (data / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["dataset"] in datasets]
    return [
        Listed(
            data / row["path"],
            row["dataset"],
            row["patient_id"] or row["uid"],
            int(float(row["strat_fold"])) if row["strat_fold"] else None,
        )
        for row in rows
    ]


def read(rows: list[Listed]) -> Iterator[tuple[Listed, Recording]]:
    """The recordings of some rows, by this package's reader."""
    from tqdm import tqdm

    from precordia.records.read import read_recording

    for row in tqdm(rows, unit="ECG", desc="quality", disable=None):
        yield row, read_recording(row.path)


def ludb_as_stored(row: Listed) -> Recording:
    """An LUDB recording by wfdb with the gains of its header, which scale each lead to 1 mV peak to peak."""
    import wfdb

    record = wfdb.rdrecord(str(row.path))
    leads = tuple(canonical_lead(name) or name for name in record.sig_name)
    return Recording(record.p_signal.T, float(record.fs), leads, row.path.name, format="wfdb")
