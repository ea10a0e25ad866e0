"""The phantom hospital's archive: real files in several formats, a report table beside them, and the truth of each."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from precordia.core.errors import UsageError
from precordia.core.recording import Recording
from precordia.simulation.defects import DEFECTS, spoil
from precordia.simulation.patients import Patient, new_patient
from precordia.simulation.reports import Earlier, Language, write_report
from precordia.simulation.truth import Truth
from precordia.simulation.writers import WRITERS

FORMATS: Final = ("wfdb", "dicom", "aecg", "muse", "edf")
COLUMNS: Final = ("recording_id", "filename", "patient_id", "age", "sex", "time", "device", "report", "language", "findings",
                  "split", "format", "defects")  # fmt: skip
_DEVICES: Final = {
    "wfdb": "Phantom P10",
    "dicom": "Phantom D12",
    "aecg": "Phantom H7",
    "muse": "GE MAC55",
    "edf": "Phantom E3",
}
POOR_SHARE: Final = 0.03


@dataclass(frozen=True, eq=False)
class ArchivedEcg:
    """One file of the archive and what is true of it.

    Attributes:
        recording_id: The file's name without extension.
        patient_id: Whose.
        path: The file (the header, for WFDB).
        format: As its reader is called.
        split: "train", "valid" or "test"; a patient is in one only.
        report: As in the table, and in the file where the format has a place for it.
        truth: With ``defects`` where the recording is poor on purpose.
    """

    recording_id: str
    patient_id: str
    path: Path
    format: str
    split: str
    report: str
    truth: Truth


@dataclass(frozen=True, eq=False)
class Archive:
    """What was written.

    Attributes:
        folder: Where.
        reports: The table, for ``precordia build --reports``.
        ecgs: In the order written.
    """

    folder: Path
    reports: Path
    ecgs: tuple[ArchivedEcg, ...]

    @property
    def poor(self) -> tuple[ArchivedEcg, ...]:
        """Those spoiled on purpose."""
        return tuple(e for e in self.ecgs if e.truth.defects)


def write_archive(
    folder: str | Path,
    n_recordings: int,
    seed: int,
    formats: Sequence[str] = FORMATS,
    *,
    fs: float = 500.0,
    german: float = 0.3,
    poor: float = POOR_SHARE,
) -> Archive:
    """Write an archive of patients with one to five visits; the same arguments give the same bytes.

    Args:
        folder: Created when missing; one subfolder a format, and ``reports.csv``.
        n_recordings: How many ECGs.
        seed: Decides everything.
        formats: Which formats, in turn from patient to patient.
        fs: Sampling rate, Hz.
        german: Share of patients whose reports are German.
        poor: Share of recordings spoiled on purpose; the archive says which.

    Raises:
        UnknownNameError: a format that no writer knows.
        UsageError: no formats, or the folder holds an archive already.
    """
    root = Path(folder)
    if not formats:
        raise UsageError("an archive needs at least one format; name some")
    writers = {name: WRITERS.get(name) for name in formats}
    table = root / "reports.csv"
    if table.exists():
        raise UsageError(f"{root}: holds an archive already; give an empty folder")
    root.mkdir(parents=True, exist_ok=True)
    ecgs = []
    for recording, truth, format_, language, split in _ecgs(
        n_recordings, seed, formats, fs=fs, german=german, poor=poor
    ):
        (root / format_).mkdir(exist_ok=True)
        path = writers[format_](root / format_ / recording.recording_id, recording)
        if "file cut short" in truth.defects:
            _cut(path)
        ecgs.append(
            (
                ArchivedEcg(
                    recording.recording_id,
                    recording.patient_id or "",
                    path,
                    format_,
                    split,
                    recording.report or "",
                    truth,
                ),
                recording,
                language,
            )
        )
    with table.open("w", newline="", encoding="utf-8") as file:
        rows = csv.DictWriter(file, COLUMNS)
        rows.writeheader()
        rows.writerows(_row(root, ecg, recording, language) for ecg, recording, language in ecgs)
    return Archive(root, table, tuple(ecg for ecg, _, _ in ecgs))


def _ecgs(
    n: int, seed: int, formats: Sequence[str], *, fs: float, german: float, poor: float
) -> Iterator[tuple[Recording, Truth, str, Language, str]]:
    number = count = 0
    while count < n:
        patient = new_patient(seed, number)
        rng = np.random.default_rng([seed, number, 88])
        language: Language = "de" if rng.random() < german else "en"
        format_ = formats[number % len(formats)]
        earlier: Earlier | None = None
        for visit in patient.visits[: n - count]:
            made = patient.record(visit, fs=fs, recording_id=f"ecg{count:06d}")
            report = write_report(made.truth, rng, language, earlier=earlier)
            earlier = Earlier(visit.time, made.truth)
            if rng.random() < poor:
                made = spoil(made, str(rng.choice(DEFECTS)), rng)
            recording = replace(
                made.recording,
                report=report,
                device=_DEVICES.get(format_, "Phantom"),
                vendor_measurements=_printed(made.truth),
            )
            yield recording, made.truth, format_, language, _split(seed, patient)
            count += 1
        number += 1


def _printed(truth: Truth) -> dict[str, float]:
    """The figures that a cart prints."""
    names = ("heart_rate_bpm", "pr_ms", "qrs_ms", "qt_ms", "qtc_ms", "axis_deg")
    values = {name: getattr(truth.measurements, name) for name in names}
    return {name: float(round(value)) for name, value in values.items() if value is not None}


def _split(seed: int, patient: Patient) -> str:
    """Eight patients in ten train, one validates, one tests."""
    digit = hashlib.sha256(f"{seed}|{patient.patient_id}".encode()).digest()[0] % 10
    return "test" if digit == 0 else "valid" if digit == 1 else "train"


def _cut(path: Path) -> None:
    """Keep a third of the file that holds the samples."""
    samples = path.with_suffix(".dat") if path.suffix == ".hea" else path
    data = samples.read_bytes()
    samples.write_bytes(data[: len(data) // 3])


def _row(root: Path, ecg: ArchivedEcg, recording: Recording, language: Language) -> dict[str, str]:
    return {
        "recording_id": ecg.recording_id,
        "filename": ecg.path.relative_to(root).as_posix(),
        "patient_id": ecg.patient_id,
        "age": f"{recording.age:g}",
        "sex": recording.sex or "",
        "time": recording.time.isoformat(sep=" ") if recording.time else "",
        "device": recording.device or "",
        "report": ecg.report,
        "language": language,
        "findings": ";".join(ecg.truth.concepts),
        "split": ecg.split,
        "format": ecg.format,
        "defects": ";".join(ecg.truth.defects),
    }
