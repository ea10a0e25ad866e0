"""The phantom archive: real files that the readers read, a table that joins, and the same bytes for the same seed."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import PrecordiaError, UnknownNameError, UsageError
from precordia.core.leads import LEADS
from precordia.records.read import read_recording
from precordia.records.scan import scan
from precordia.records.tables import ReportTable
from precordia.simulation import Archive, write_archive


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return write_archive(tmp_path_factory.mktemp("hospital") / "archive", 60, 3, poor=0.15)


def test_every_recording_is_found_and_read(archive: Archive) -> None:
    refs = scan(archive.folder)
    assert len(refs) == len(archive.ecgs) == 60
    assert {ref.format for ref in refs} == {"wfdb", "dicom", "aecg", "muse", "edf"}
    for ecg in archive.ecgs:
        if "file cut short" in ecg.truth.defects:
            with pytest.raises(PrecordiaError):
                read_recording(ecg.path)
            continue
        recording = read_recording(ecg.path)
        assert recording.format == ecg.format
        assert recording.leads == LEADS
        assert recording.age == ecg.truth.age
        assert recording.sex == ecg.truth.sex


def test_the_table_joins_patients_and_reports(archive: Archive) -> None:
    table = ReportTable.load(archive.reports)
    for ecg in archive.ecgs:
        if "file cut short" not in ecg.truth.defects:
            joined = table.join(read_recording(ecg.path))
            assert joined.report == ecg.report
            assert joined.patient_id == ecg.patient_id
            assert joined.metadata["findings"].split(";") == list(ecg.truth.concepts)


def test_patients_come_again_and_stay_in_one_split(archive: Archive) -> None:
    splits: dict[str, set[str]] = {}
    for ecg in archive.ecgs:
        splits.setdefault(ecg.patient_id, set()).add(ecg.split)
    assert len(splits) < len(archive.ecgs)
    assert all(len(s) == 1 for s in splits.values())


def test_poor_recordings_are_named_and_poor(archive: Archive) -> None:
    assert archive.poor
    for ecg in archive.poor:
        defect = ecg.truth.defects[0]
        if defect == "file cut short":
            continue
        recording = read_recording(ecg.path)
        if defect.startswith("flat lead"):
            assert np.ptp(recording.lead(defect.split()[-1])) == 0
        if defect == "too short":
            assert recording.duration_s < 2.5
    with archive.reports.open(encoding="utf-8") as file:
        assert sum(bool(row["defects"]) for row in csv.DictReader(file)) == len(archive.poor)


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    a, b, c = (write_archive(tmp_path / name, 15, seed, fs=100) for name, seed in (("a", 1), ("b", 1), ("c", 2)))

    def contents(archive: Archive) -> dict[str, bytes]:
        files = sorted(p for p in archive.folder.rglob("*") if p.is_file())
        return {p.relative_to(archive.folder).as_posix(): p.read_bytes() for p in files}

    assert contents(a) == contents(b) != contents(c)


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="wfdb"):
        write_archive(tmp_path / "x", 1, 0, ("wfbd",))
    write_archive(tmp_path / "y", 1, 0, ("wfdb",), fs=100)
    with pytest.raises(UsageError, match="holds an archive already"):
        write_archive(tmp_path / "y", 1, 0, ("wfdb",))
