"""The data sets: their cards, what is said when a file lacks, and archives laid out as their publishers describe them."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path

import h5py
import numpy as np
import pytest

from precordia.core.errors import InputError, UnknownNameError
from precordia.core.recording import Recording
from precordia.datasets import DATASETS, find, ptbxl, table

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
N = 3


def signal(seed: int, n: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.2, (12, n)).cumsum(axis=1).astype(np.float32) / 10


def write_csv(path: Path, head: list[str], rows: list[list[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])


def write_wfdb(stem: Path, fs: int, comments: tuple[str, ...] = ()) -> None:
    stem.parent.mkdir(parents=True, exist_ok=True)
    np.rint(signal(1, 10 * fs).T * 1000).astype("<i2").tofile(stem.with_suffix(".dat"))
    lines = [f"{stem.name} 12 {fs} {10 * fs}"]
    lines += [f"{stem.name}.dat 16 1000(0)/mV 16 0 0 0 0 {lead}" for lead in LEADS]
    stem.with_suffix(".hea").write_text("\n".join([*lines, *(f"#{one}" for one in comments)]) + "\n")


def write_ptbxl(folder: Path) -> None:
    head = ["ecg_id", "patient_id", "age", "sex", "device", "recording_date", "report", "scp_codes", "strat_fold",
            "filename_lr", "filename_hr"]  # fmt: skip
    rows: list[list[object]] = []
    for i in range(1, N + 1):
        low, high = (f"records{rate}/00000/{i:05d}_{end}" for rate, end in ((100, "lr"), (500, "hr")))
        write_wfdb(folder / low, 100)
        said = ["1984-11-09 09:17:34", "sinus\nrhythm", "{'NORM': 100.0, 'SR': 0.0}"]
        rows.append([i, 15700.0 + i, 56.0, 1, "CS-12", *said, i, low, high])
    write_wfdb(folder / "records500/00000/00002_hr", 500)
    write_csv(folder / ptbxl.TABLE, head, rows)
    write_csv(folder / ptbxl.STATEMENTS, ["", "diagnostic_class"], [["NORM", "NORM"], ["SR", ""]])


def write_mimic(folder: Path) -> None:
    listed, said = [], []
    for i in range(N):
        subject, study = 10000032 + i, 40689238 + i
        path = f"files/p1000/p{subject}/s{study}/{study}"
        write_wfdb(folder / path, 500)
        listed.append([subject, study, study, "2180-07-23 08:44:00", path])
        said.append([subject, study, 1, "2180-07-23 08:44:00", "Sinus rhythm", *[""] * 17])
    write_csv(folder / "record_list.csv", ["subject_id", "study_id", "file_name", "ecg_time", "path"], listed)
    head = ["subject_id", "study_id", "cart_id", "ecg_time", *(f"report_{i}" for i in range(18))]
    write_csv(folder / "machine_measurements.csv", head, said)


def write_sph(folder: Path) -> None:
    (folder / "records").mkdir(parents=True)
    rows = []
    for i in range(1, N + 1):
        with h5py.File(folder / "records" / f"A0000{i}.h5", "w") as file:
            file["ecg"] = signal(i, 5000)
        rows.append([f"A0000{i}", "22;23", f"S0000{i}", 55, "M", 5000, "2020-03-04"])
    write_csv(folder / "metadata.csv", ["ECG_ID", "AHA_Code", "Patient_ID", "Age", "Sex", "N", "Date"], rows)


def write_code15(folder: Path) -> None:
    folder.mkdir(parents=True)
    ids = [590673 + 7 * i for i in range(N)]
    tracings = np.zeros((N + 1, 4096, 12), np.float32)
    for i in range(N):
        tracings[i, 648:3448] = signal(i, 2800).T * 10
    with h5py.File(folder / "exams_part0.hdf5", "w") as file:
        file["tracings"] = tracings
        file["exam_id"] = np.array([*ids, 0], np.int64)
    head = ["exam_id", "age", "is_male", "nn_predicted_age", "1dAVb", "RBBB", "LBBB", "SB", "ST", "AF", "patient_id",
            "death", "timey", "normal_ecg", "trace_file"]  # fmt: skip
    flags = [False, True, False, False, False, False]
    write_csv(
        folder / "exams.csv",
        head,
        [[i, 38, True, 40.1, *flags, 523632 + i, "", "", False, "exams_part0.hdf5"] for i in ids],
    )


def write_headers_with_codes(folder: Path) -> None:
    for i in range(N):
        write_wfdb(folder / f"A000{i}", 500, ("Age: 60", "Sex: Male", "Dx: 426783006"))


def write_ludb(folder: Path) -> None:
    for i in range(1, N + 1):
        write_wfdb(folder / str(i), 500, ("<age>: 51", "<sex>: F", "<diagnoses>:", "Rhythm: Sinus bradycardia."))


def write_cinc2011(folder: Path) -> None:
    folder.mkdir(parents=True)
    np.savez(folder / "cinc2011.npz", signal=np.ones((N, 12, 1000), np.int16))
    rows: list[list[object]] = [["cinc2011.npz", i, f"r{i}", "acceptable"] for i in range(N)]
    write_csv(folder / "index.csv", ["file", "row", "native_id", "quality"], rows)


WRITERS: dict[str, Callable[[Path], None]] = {
    "chapman_ningbo": write_headers_with_codes,
    "cinc2011": write_cinc2011,
    "code15": write_code15,
    "cpsc2018": write_headers_with_codes,
    "cpsc2018extra": write_headers_with_codes,
    "ludb": write_ludb,
    "mimic-iv-ecg": write_mimic,
    "ptbxl": write_ptbxl,
    "sph": write_sph,
}
"""Of each but ECG-QA, whose ECGs are PTB-XL's."""


def read(name: str, data: Path) -> list[Recording]:
    folder = data / DATASETS.get(name).card.folder
    WRITERS[name](folder)
    return list(DATASETS.get(name).recordings(folder))


@pytest.mark.parametrize("name", WRITERS)
def test_each_is_read_in_its_published_layout(name: str, tmp_path: Path) -> None:
    found = read(name, tmp_path)
    assert len(found) == N
    assert len({recording.recording_id for recording in found}) == N
    assert all(recording.signal.shape[0] == 12 for recording in found)
    assert find(name, tmp_path).is_dir()


def test_what_was_written_about_them_comes_along(tmp_path: Path) -> None:
    assert read("mimic-iv-ecg", tmp_path)[0].report == "Sinus rhythm"
    assert read("code15", tmp_path)[0].codes
    assert read("sph", tmp_path)[0].codes
    assert read("cpsc2018", tmp_path)[0].codes == ("snomed:426783006",)
    first, second, _ = read("ptbxl", tmp_path)
    assert (first.fs, second.fs) == (100.0, 500.0)
    assert "NORM" in " ".join(first.codes)


def test_every_data_set_has_a_writer_here_or_rests_on_one() -> None:
    assert set(DATASETS) - set(WRITERS) == {"ecgqa"}


def test_ecgqa_reads_the_ecgs_that_it_asks_about(tmp_path: Path) -> None:
    write_ptbxl(tmp_path / "ptbxl")
    assert len(list(DATASETS.get("ecgqa").recordings(tmp_path / "ecgqa"))) == N


@pytest.mark.parametrize("name", DATASETS)
def test_a_missing_data_set_is_named_with_its_remedy(name: str, tmp_path: Path) -> None:
    dataset = DATASETS.get(name)
    with pytest.raises(InputError) as raised:
        list(dataset.recordings(tmp_path / dataset.card.folder))
    words = str(raised.value)
    assert str(tmp_path) in words
    assert "https://" in words


def test_a_table_of_another_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / ptbxl.TABLE).write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"ptbxl_database\.csv: cannot be read as PTB-XL's table"):
        ptbxl.read_table(tmp_path)
    assert ptbxl.CARD.altered(tmp_path) == (ptbxl.TABLE,)


def test_the_table_is_read_as_written(tmp_path: Path) -> None:
    write_ptbxl(tmp_path)
    rows, digest = ptbxl.read_table(tmp_path)
    assert list(rows) == [1, 2, 3]
    assert len(digest) == 64
    assert rows[1]["report"] == "sinus\nrhythm"
    assert (ptbxl.patient_of(rows[1]), ptbxl.fold_of(rows[2])) == ("15701", 2)
    assert ptbxl.read_superclasses(tmp_path) == {"NORM": "NORM"}


@pytest.mark.parametrize("name", DATASETS)
def test_cards_are_whole_and_frozen(name: str) -> None:
    card = DATASETS.get(name).card
    assert card.name == name
    assert all((card.title, card.version, card.licence, card.citation, card.url.startswith("https://")))
    with pytest.raises(FrozenInstanceError):
        card.name = "other"  # type: ignore[misc]


def test_the_page_has_the_table_that_the_command_prints() -> None:
    page = Path(__file__).parents[2] / "docs" / "datasets.md"
    assert table() in page.read_text("utf-8"), "write it again: python -m precordia.datasets"


def test_a_further_data_set_is_one_file_and_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, register: Callable[..., None]
) -> None:
    (tmp_path / "one_more_archive.py").write_text(
        "from functools import partial\n"
        "from precordia.datasets.card import Dataset, DatasetCard, read_archive\n"
        "CARD = DatasetCard('one-more', 'One more', '1', 'CC0', 'none', 'https://example.org')\n"
        "DATASET = Dataset(CARD, partial(read_archive, CARD))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    register(DATASETS, "one-more", "one_more_archive:DATASET")
    write_wfdb(tmp_path / "one-more" / "a", 500)
    assert len(list(DATASETS.get("one-more").recordings(find("one-more", tmp_path)))) == 1
    sys.modules.pop("one_more_archive")
    with pytest.raises(UnknownNameError, match="did you mean"):
        find("one-mor", tmp_path)


@pytest.mark.data
def test_the_tables_that_figures_rest_on_are_here(data_dir: Path) -> None:
    assert ptbxl.CARD.altered(data_dir / "ptbxl") == ()
    assert len(ptbxl.read_table(data_dir / "ptbxl")[0]) == 21837
