"""Recordings to train on: any folder of ECG files with a report table beside it, or the packed arrays of a research mirror.

A source knows how many recordings it has before it reads any, and reads each by its number, so that a million can be read
in parallel, with progress, and from where a killed run stopped.
"""

from __future__ import annotations

import hashlib
import importlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import InputError, MissingExtraError
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.datasets import ptbxl
from precordia.encoders.corpus import AMPLITUDE, Unusable
from precordia.encoders.listed import Listed
from precordia.records.alone import read_alone
from precordia.records.places import split_place

if TYPE_CHECKING:
    from precordia.records.scan import RecordRef
    from precordia.records.tables import ReportTable


class Source(Protocol):
    """Recordings by number. Sources are pickled to reading processes."""

    def __len__(self) -> int:
        """How many recordings."""
        ...

    def read(self, number: int) -> Recording:
        """One recording.

        Raises:
            InputError: it cannot be read.
        """
        ...

    def stamp(self) -> str:
        """Changes when what would be read changes, as far as names, sizes and times of files tell."""
        ...


@dataclass(frozen=True)
class Joined:
    """Several sources, one after the other."""

    sources: tuple[Source, ...]

    def __len__(self) -> int:
        return sum(len(source) for source in self.sources)

    def read(self, number: int) -> Recording:
        for source in self.sources:
            if number < len(source):
                return source.read(number)
            number -= len(source)
        raise IndexError(number)

    def stamp(self) -> str:
        return "+".join(source.stamp() for source in self.sources)


def readings(source: Source) -> Iterator[Recording | Unusable]:
    """Every recording of a source; in the place of one that cannot be read, the reason."""
    for number in range(len(source)):
        yield reading(source, number)


def reading(source: Source, number: int) -> Recording | Unusable:
    """A recording of a source, or why it cannot be read."""
    try:
        return source.read(number)
    except InputError as error:
        return Unusable(f"number {number}", str(error))


def open_source(folder: Path, reports: Path | None = None, mapping: Path | None = None) -> Source:
    """What is under ``folder``.

    A folder with ``pretrain/index.csv`` is read as a mirror of PTB-XL with packed arrays (docs/training.md); one with
    ``ptbxl_database.csv`` as PTB-XL; one with a ``manifest.csv`` of :class:`~precordia.encoders.listed.Listed`'s columns as
    it lists; a table such as ``pretrain/chagas.csv`` as the packed arrays it describes; any other as an archive of ECG files.

    Args:
        folder: Where.
        reports: A table of reports for an archive, instead of one found beside it.
        mapping: Which column of ``reports`` is what, as for ``precordia build``.

    Raises:
        InputError: the folder is not there or holds no ECG, or the table cannot be read.
    """
    if reports is None and folder.suffix == ".csv" and folder.is_file():
        return Packed(folder.parent, index=folder.name)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; name one that holds ECG files")
    if reports is None and (folder / "pretrain" / "index.csv").is_file():
        table = folder / "ptbxl" / ptbxl.TABLE
        return Joined((PtbXl(folder / "ptbxl"), Packed(folder / "pretrain", table)))
    if reports is None and Listed.fits(folder):
        return Listed(folder)
    if reports is None and ptbxl.has_table(folder):
        return PtbXl(folder)
    return archive(folder, reports, mapping)


def read_source(folder: Path) -> Iterator[Recording]:
    """Every recording under ``folder``, with its report where a table beside it has one.

    Raises:
        InputError: the folder is not there or holds no ECG, or a recording cannot be read.
    """
    return _all(open_source(folder))


def read_ptbxl(folder: Path) -> Iterator[Recording]:
    """PTB-XL's 100 Hz records that are there, with report, patient and fold; diagnosis codes are not read."""
    return _all(PtbXl(folder))


def read_packed(folder: Path, reports: Path | None = None) -> Iterator[Recording]:
    """See :class:`Packed`."""
    return _all(Packed(folder, reports))


def archive(folder: Path, reports: Path | None = None, mapping: Path | None = None) -> Archive:
    """Any archive through the readers of ``precordia.records``.

    Raises:
        InputError: it holds no ECG, or the table cannot be read.
    """
    from precordia.records.scan import scan

    refs = tuple(scan(folder))
    if not refs:
        raise InputError(f"{folder}: holds no ECG file that a reader knows")
    out = Archive(refs, reports, mapping)
    if reports is not None:
        _table(reports, mapping)  # a table that does not fit is found out now
    return out


@dataclass(frozen=True)
class Archive:
    """Files that a reader of ``precordia.records`` knows, with reports from the files or from a table."""

    refs: tuple[RecordRef, ...]
    reports: Path | None = None
    mapping: Path | None = None

    def __len__(self) -> int:
        return len(self.refs)

    def read(self, number: int) -> Recording:
        from precordia.records.alone import read_alone
        from precordia.records.read import read_recording

        ref = self.refs[number]
        name = None if ref.format == "unknown" else ref.format
        if self.reports is None:
            return read_recording(ref.path, format=name)
        return _table(self.reports, self.mapping).join(read_alone(ref.path, format=name))

    def stamp(self) -> str:
        digest = hashlib.sha256()
        files = dict.fromkeys(Path(split_place(ref.path)[0]) for ref in self.refs)
        for path in (*files, self.reports, self.mapping):
            for file in _files_of(path) if path is not None else ():
                digest.update(_file_stamp(file).encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class PtbXl:
    """PTB-XL's 100 Hz records that are there, with report, patient, age, sex, device and fold; codes are not read."""

    folder: Path

    @cached_property
    def _rows(self) -> list[ptbxl.Row]:
        table, _ = ptbxl.read_table(self.folder)
        return [row for row in table.values() if (self.folder / row["filename_lr"]).with_suffix(".hea").is_file()]

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, number: int) -> Recording:
        row = self._rows[number]
        path = self.folder / row["filename_lr"]
        read = read_alone(path, format="wfdb")
        return Recording(
            signal=read.signal, fs=read.fs, leads=read.leads,
            recording_id=f"ptbxl:{int(row['ecg_id'])}", patient_id=f"ptbxl:{ptbxl.patient_of(row)}", source=str(path),
            format="wfdb",
            age=min(float(row["age"]), 90.0) if row["age"] else None,
            sex="M" if row["sex"] == "0" else "F" if row["sex"] == "1" else None,
            device=_text(row["device"]), report=_text(row["report"]),
            metadata={"dataset": "ptbxl", "strat_fold": str(ptbxl.fold_of(row))},
        )  # fmt: skip

    def stamp(self) -> str:
        text = _file_stamp(self.folder / ptbxl.TABLE) + ",".join(row["ecg_id"] for row in self._rows)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Packed:
    """Arrays ``signal (n, 12, 1000) int16`` at 100 Hz in ``*.npz`` files, described row by row by ``index.csv``.

    Attributes:
        folder: Holds ``index.csv`` (file, row, dataset, native_id, units, patient_id, strat_fold) and the arrays.
        reports: PTB-XL's table, for the rows of that data set, or None.
        index: The table's name.
    """

    folder: Path
    reports: Path | None = None
    index: str = "index.csv"

    @cached_property
    def _rows(self) -> list[dict[str, Any]]:
        pd = _needed("pandas")

        index = pd.read_csv(self.folder / self.index, dtype={"native_id": str, "patient_id": str})
        by_file = [rows.to_dict(orient="records") for _, rows in index.groupby("file", sort=True)]
        return [{str(k): v for k, v in row.items()} for rows in by_file for row in rows]

    @cached_property
    def _table(self) -> Mapping[int, ptbxl.Row]:
        return ptbxl.read_rows(self.reports)[0] if self.reports and self.reports.is_file() else {}

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, number: int) -> Recording:
        row, table = self._rows[number], self._table
        signal = _packed_signals(self.folder / str(row["file"]))[row["row"]]
        if row.get("n_samples", 0) > 0:
            signal = signal[:, : int(row["n_samples"])]
        metadata, report, patient = {"dataset": str(row["dataset"])}, None, None
        if str(row["units"]).startswith("z") or "uncertain" in str(row["units"]):
            metadata[AMPLITUDE] = "relative"
        if row["dataset"] == "ptbxl":
            metadata["strat_fold"] = str(int(row["strat_fold"]))
            patient = f"ptbxl:{int(float(row['patient_id']))}"
            if (stated := table.get(int(row["native_id"]))) is not None:
                report = _text(stated["report"])
        elif isinstance(row["patient_id"], str) and row["patient_id"]:
            patient = f"{row['dataset']}:{row['patient_id']}"
        return Recording(
            signal=signal.astype(np.float32) / 1000.0, fs=100.0, leads=LEADS,
            recording_id=f"{row['dataset']}:{row['native_id']}", patient_id=patient, source=f"{row['file']}#{row['row']}",
            format="packed", report=report, metadata=metadata,
        )  # fmt: skip

    def stamp(self) -> str:
        files: Sequence[Path] = [self.folder / self.index, *sorted(self.folder.glob("*.npz"))]
        files = [*files, self.reports] if self.reports and self.reports.is_file() else files
        return hashlib.sha256("".join(map(_file_stamp, files)).encode()).hexdigest()


def _all(source: Source) -> Iterator[Recording]:
    for number in range(len(source)):
        yield source.read(number)


@lru_cache(maxsize=1)
def _packed_signals(path: Path) -> NDArray[np.int16]:
    with np.load(path) as packed:
        signal: NDArray[np.int16] = packed["signal"]
    return signal


@lru_cache(maxsize=4)
def _table(path: Path, mapping: Path | None) -> ReportTable:
    from precordia.records.tables import ReportTable

    return ReportTable.load(path, mapping)


def _files_of(path: Path) -> Iterator[Path]:
    """A recording's file, and the signal file beside a WFDB header."""
    yield path
    if path.suffix.lower() == ".hea":
        yield from (beside for end in (".dat", ".mat") if (beside := path.with_suffix(end)).is_file())


def _file_stamp(path: Path) -> str:
    try:
        status = os.stat(path)  # noqa: PTH116 - an archive has a million files
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    return f"{path}|{status.st_size}|{status.st_mtime_ns}\n"


def _text(value: object) -> str | None:
    return value.strip() if isinstance(value, str) and value.strip() else None


def _needed(package: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError:
        raise MissingExtraError(package, "train", "training from PTB-XL's and other data sets' tables") from None
