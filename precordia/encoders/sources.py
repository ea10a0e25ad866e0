"""Recordings to train on: any folder of ECG files with a report table beside it, or the packed arrays of a research mirror."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from precordia.core.errors import InputError
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.encoders.corpus import AMPLITUDE


def read_source(folder: Path) -> Iterator[Recording]:
    """Every recording under ``folder``, with its report where a table beside it has one.

    A folder with ``pretrain/index.csv`` is read as a mirror of PTB-XL with packed arrays (docs/training.md); any other as
    an archive of ECG files.

    Raises:
        InputError: the folder is not there or holds no ECG.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; name one that holds ECG files")
    if (folder / "pretrain" / "index.csv").is_file():
        yield from read_ptbxl(folder / "ptbxl")
        yield from read_packed(folder / "pretrain", folder / "ptbxl" / "ptbxl_database.csv")
    elif (folder / "ptbxl_database.csv").is_file():
        yield from read_ptbxl(folder)
    else:
        yield from read_archive(folder)


def read_archive(folder: Path) -> Iterator[Recording]:
    """Any archive through the readers of ``precordia.records``, reports joined from a table beside it."""
    from precordia.records.read import read_recording
    from precordia.records.scan import scan
    from precordia.records.tables import ReportTable

    table = ReportTable.find_beside(folder)
    refs = scan(folder)
    if not refs:
        raise InputError(f"{folder}: holds no ECG file that a reader knows")
    for ref in refs:
        recording = read_recording(ref.path, format=ref.format)
        yield table.join(recording) if table else recording


def read_ptbxl(folder: Path) -> Iterator[Recording]:
    """PTB-XL's 100 Hz records that are there, with report, patient and fold; diagnosis codes are not read."""
    import pandas as pd
    import wfdb

    table = pd.read_csv(folder / "ptbxl_database.csv", index_col="ecg_id")
    for ecg_id, row in table.iterrows():
        path = folder / str(row.filename_lr)
        if not path.with_suffix(".hea").is_file():
            continue
        record = wfdb.rdrecord(str(path))
        yield Recording(
            signal=record.p_signal.T.astype(np.float32), fs=float(record.fs), leads=_names(record.sig_name),
            recording_id=f"ptbxl:{ecg_id}", patient_id=f"ptbxl:{int(row.patient_id)}", source=str(path), format="wfdb",
            report=_text(row.report), metadata={"dataset": "ptbxl", "strat_fold": str(int(row.strat_fold))},
        )  # fmt: skip


def read_packed(folder: Path, reports: Path | None = None) -> Iterator[Recording]:
    """Arrays ``signal (n, 12, 1000) int16`` at 100 Hz in ``*.npz`` files, described row by row by ``index.csv``.

    Args:
        folder: Holds ``index.csv`` (file, row, dataset, native_id, units, patient_id, strat_fold) and the arrays.
        reports: PTB-XL's table, for the rows of that data set, or None.
    """
    import pandas as pd

    index = pd.read_csv(folder / "index.csv", dtype={"native_id": str, "patient_id": str})
    table = pd.read_csv(reports, index_col="ecg_id") if reports and reports.is_file() else None
    for name, rows in index.groupby("file", sort=True):
        with np.load(folder / str(name)) as packed:
            signals = packed["signal"]
        for row in rows.to_dict(orient="records"):
            metadata, report, patient = {"dataset": str(row["dataset"])}, None, None
            relative = str(row["units"]).startswith("z")
            if relative:
                metadata[AMPLITUDE] = "relative"
            if row["dataset"] == "ptbxl":
                metadata["strat_fold"] = str(int(row["strat_fold"]))
                patient = f"ptbxl:{int(float(row['patient_id']))}"
                if table is not None:
                    report = _text(table.report.get(int(row["native_id"])))
            elif isinstance(row["patient_id"], str) and row["patient_id"]:
                patient = f"{row['dataset']}:{row['patient_id']}"
            yield Recording(
                signal=signals[row["row"]].astype(np.float32) / 1000.0, fs=100.0, leads=LEADS,
                recording_id=f"{row['dataset']}:{row['native_id']}", patient_id=patient, source=f"{name}#{row['row']}",
                format="packed", report=report, metadata=metadata,
            )  # fmt: skip


def _names(names: list[str]) -> tuple[str, ...]:
    from precordia.core.leads import canonical_lead

    return tuple(canonical_lead(name) or name for name in names)


def _text(value: object) -> str | None:
    return value.strip() if isinstance(value, str) and value.strip() else None
