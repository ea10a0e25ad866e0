"""The recordings that the quality task measures on."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from precordia.core.leads import canonical_lead
from precordia.core.recording import Recording


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
