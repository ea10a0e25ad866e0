"""Small archives in the shape in which public ones are published, with signals of the tests' own."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import numpy as np
import openpyxl
from indexing_fakes import ecg
from numpy.typing import NDArray

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
N = 4


def write_table(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def write_wfdb(header: Path, signal: NDArray[np.float32], fs: int) -> None:
    """A record of format 16 with 1,000 units a mV, as PTB-XL and MIMIC-IV-ECG have it (MIMIC: 200)."""
    header.parent.mkdir(parents=True, exist_ok=True)
    np.rint(signal.T * 1000).astype("<i2").tofile(header.with_suffix(".dat"))
    lines = [f"{header.stem} 12 {fs} {signal.shape[1]}"]
    lines += [f"{header.stem}.dat 16 1000(0)/mV 16 0 0 0 0 {lead}" for lead in LEADS]
    header.write_text("\n".join(lines) + "\n")


def mimic(root: Path) -> None:
    rows = []
    for i in range(N):
        subject, study = 10000032 + i, 40689238 + i
        folder = root / "files" / f"p{str(subject)[:4]}" / f"p{subject}" / f"s{study}"
        write_wfdb(folder / f"{study}.hea", ecg(i), 500)
        said = ["Sinus rhythm", "Borderline ECG", *[""] * 16]
        rows.append([subject, study, 6848296, "2180-07-23 08:44:00", *said, "", 40, 659, 512, 0, 0, 0, 0, 0, 0, 0])
    header = ["subject_id", "study_id", "cart_id", "ecg_time", *(f"report_{i}" for i in range(18)), "bandwidth", "filtering",
              "rr_interval", "p_onset", "p_end", "qrs_onset", "qrs_end", "t_end", "p_axis", "qrs_axis", "t_axis"]  # fmt: skip
    write_table(root / "machine_measurements.csv", header, [row + [""] * (len(header) - len(row)) for row in rows])
    listing = [[row[0], row[1], row[1], row[3], f"files/p1000/p{row[0]}/s{row[1]}/{row[1]}"] for row in rows]
    write_table(root / "record_list.csv", ["subject_id", "study_id", "file_name", "ecg_time", "path"], listing)
    (root / "RECORDS").write_text("\n".join(str(row[4]) for row in listing))
    (root / "LICENSE.txt").write_text("Open Database License")


def ptbxl(root: Path) -> None:
    rows = []
    for i in range(1, N + 1):
        names = [f"records{rate}/00000/{i:05d}_{end}" for rate, end in ((100, "lr"), (500, "hr"))]
        for name, rate in zip(names, (100, 500), strict=True):
            write_wfdb(root / f"{name}.hea", ecg(i, 10 * rate), rate)
        codes = "{'NORM': 100.0, 'SR': 0.0}"
        rows.append([i, 15709.0 + i, 56.0, 1, "CS-12", "1984-11-09 09:17:34", "sinusrhythmus", codes, i, *names])
    header = ["ecg_id", "patient_id", "age", "sex", "device", "recording_date", "report", "scp_codes", "strat_fold",
              "filename_lr", "filename_hr"]  # fmt: skip
    write_table(root / "ptbxl_database.csv", header, rows)
    write_table(root / "scp_statements.csv", ["", "description"], [["NORM", "normal ECG"]])


def code15(root: Path) -> None:
    """Tenths of a mV, zeros around each exam, and a last row of zeros without an exam, as Zenodo's parts have it."""
    root.mkdir(parents=True)
    ids = [590673 + 7 * i for i in range(N)]
    tracings = np.zeros((N + 1, 4096, 12), np.float32)
    for i in range(N):
        tracings[i, 648 : 648 + 2800] = ecg(i, 2800).T * 10
    with h5py.File(root / "exams_part0.hdf5", "w") as file:
        file["tracings"] = tracings
        file["exam_id"] = np.array([*ids, 0], np.int64)
    header = ["exam_id", "age", "is_male", "nn_predicted_age", "1dAVb", "RBBB", "LBBB", "SB", "ST", "AF", "patient_id",
              "death", "timey", "normal_ecg", "trace_file"]  # fmt: skip
    flags = [False, True, False, False, False, False]
    rows = [[one, 38, True, 40.1, *flags, 523632 + one, "", "", False, "exams_part0.hdf5"] for one in ids]
    write_table(root / "exams.csv", header, rows)


def sph(root: Path) -> None:
    (root / "records").mkdir(parents=True)
    names = [f"A{i:05d}" for i in range(1, N + 1)]
    for i, name in enumerate(names):
        with h5py.File(root / "records" / f"{name}.h5", "w") as file:
            file["ecg"] = ecg(i, 5000).astype(np.float16)
    rows = [[name, "22;23", f"S{name[1:]}", 55, "M", 5000, "2020-03-04"] for name in names]
    write_table(root / "metadata.csv", ["ECG_ID", "AHA_Code", "Patient_ID", "Age", "Sex", "N", "Date"], rows)
    write_table(root / "code.csv", ["Code", "Description"], [["22", "Sinus bradycardia"], ["23", "Sinus arrhythmia"]])


def chapman(root: Path) -> None:
    """Microvolts without a header in the denoised edition, with one in the raw; the labels in a workbook."""
    names = [f"MUSE_20180111_1551{i:02d}_19000" for i in range(N)]
    for folder, header in (("ECGDataDenoised", ""), ("ECGData", ",".join(LEADS))):
        (root / folder).mkdir(parents=True)
        for i, name in enumerate(names):
            here = names.index(name) % 2 == (folder == "ECGData")
            if here:
                values = np.round(ecg(i, 5000) * 1000, 3).T
                np.savetxt(root / folder / f"{name}.csv", values, delimiter=",", header=header, comments="", fmt="%.3f")
    book = openpyxl.Workbook()
    book.active.append(["FileName", "Rhythm", "Beat", "PatientAge", "Gender", "VentricularRate"])
    for name in names:
        book.active.append([name, "AF", "RBBB TWC", 85, "MALE", 117])
    book.save(root / "Diagnostics.xlsx")


def echonext(root: Path) -> None:
    root.mkdir(parents=True)
    stack = np.stack([ecg(i, 2500).T for i in range(N)])[:, None]
    np.save(root / "EchoNext_val_waveforms.npy", stack.astype(np.float64))
    header = [
        "ecg_key",
        "patient_key",
        "split",
        "sex",
        "age_at_ecg",
        "ventricular_rate",
        "shd_moderate_or_greater_flag",
    ]
    rows = [[f"k{i}", f"p{i}", "val" if i < N else "train", 1, 50 + i, 70, 0] for i in range(N + 3)]
    write_table(root / "echonext_metadata_100k.csv", header, rows)


def raw100(root: Path) -> None:
    """The array in which benchmarks keep PTB-XL, beside its table, whose order it has."""
    ptbxl(root)
    for folder in ("records100", "records500"):
        for file in (root / folder / "00000").iterdir():
            file.unlink()
    np.save(root / "raw100.npy", np.stack([ecg(i, 1000).T for i in range(1, N + 1)]).astype(np.float64))


LAYOUTS: dict[str, Callable[[Path], None]] = {
    "mimic-iv-ecg": mimic, "ptbxl": ptbxl, "code15": code15, "sph": sph, "chapman": chapman, "echonext": echonext,
    "raw100": raw100,
}  # fmt: skip
