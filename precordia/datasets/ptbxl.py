"""PTB-XL: its table, its codes, its folds and where its signals lie. The one place that opens ``ptbxl_database.csv``."""

from __future__ import annotations

import ast
import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from precordia.core.errors import InputError
from precordia.core.recording import Recording
from precordia.datasets.card import Dataset, DatasetCard

TABLE: Final = "ptbxl_database.csv"
STATEMENTS: Final = "scp_statements.csv"

CARD: Final = DatasetCard(
    name="ptbxl",
    title="PTB-XL",
    version="1.0.3",
    licence="CC BY 4.0",
    citation="Wagner et al., Sci Data 2020;7:154",
    url="https://physionet.org/content/ptb-xl/",
    files=(TABLE, STATEMENTS),
    sha256={TABLE: "c70ab4e4aae29263a6911f760dff38056711aa16dadd337fb004fc7ab29eefe1"},
    note="the checksum is that of the table of 21,837 rows that the figures of this project rest on",
)

Row = Mapping[str, str]
"""A row of the table as written: cells are text, empty where nothing is stated."""


def has_table(folder: Path) -> bool:
    """Whether a folder is PTB-XL."""
    return (folder / TABLE).is_file()


def read_table(folder: Path) -> tuple[dict[int, Row], str]:
    """PTB-XL's rows by ``ecg_id``, in its order, and the SHA-256 of the table.

    Raises:
        InputError: the folder is not PTB-XL, or the table is not its table.
    """
    return read_rows(CARD.file(folder, TABLE))


def read_rows(path: Path) -> tuple[dict[int, Row], str]:
    """The same of a table by its path."""
    content = path.read_bytes()
    try:
        rows = csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""))
        return {int(row["ecg_id"]): row for row in rows}, hashlib.sha256(content).hexdigest()
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as PTB-XL's table ({error}); get it again from {CARD.url}") from error


def codes_of(row: Row) -> dict[str, float]:
    """SCP-ECG codes to their likelihood in percent; PTB-XL gives form and rhythm codes a likelihood of 0.

    >>> codes_of({"scp_codes": "{'NORM': 100.0, 'SR': 0.0}"})
    {'NORM': 100.0, 'SR': 0.0}
    """
    return {str(code): float(likelihood) for code, likelihood in ast.literal_eval(row["scp_codes"]).items()}


def patient_of(row: Row) -> str:
    """PTB-XL's number of the patient, which the table writes as a decimal."""
    return str(int(float(row["patient_id"])))


def fold_of(row: Row) -> int:
    """One of ten; no patient crosses folds."""
    return int(row["strat_fold"])


def read_superclasses(folder: Path) -> dict[str, str]:
    """Diagnostic SCP-ECG code to superclass, from ``scp_statements.csv``.

    Raises:
        InputError: the table is not there or lacks a column.
    """
    path = CARD.file(folder, STATEMENTS)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {row[""]: row["diagnostic_class"] for row in csv.DictReader(file) if row["diagnostic_class"]}
    except KeyError as error:
        raise InputError(f"{path}: lacks the column {error}; get it again from {CARD.url}") from error


def signal_of(folder: Path, ecg_id: int) -> Path | None:
    """Stem of a record, at 500 Hz where it is there, else at 100 Hz; None where neither is."""
    for rate, suffix in (("500", "hr"), ("100", "lr")):
        stem = folder / f"records{rate}" / f"{ecg_id // 1000 * 1000:05d}" / f"{ecg_id:05d}_{suffix}"
        if stem.with_suffix(".hea").is_file():
            return stem
    return None


def recordings(folder: Path) -> Iterator[Recording]:
    """The records that are there, each once, at the higher rate of two, with report, codes and patient."""
    from precordia.records.read import read_recording

    rows, _ = read_table(folder)
    there = [stem for stem in (signal_of(folder, ecg_id) for ecg_id in rows) if stem is not None]
    if not there:
        raise InputError(f"{folder}: holds no record of PTB-XL; get records100 or records500 from {CARD.url}")
    for stem in there:
        yield read_recording(stem)


DATASET: Final = Dataset(CARD, recordings)
