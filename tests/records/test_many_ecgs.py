"""Files that hold several ECGs: HDF5 of several shapes, stacks in NPY and NPZ; and what holds for all arrays of a folder."""

from __future__ import annotations

import json
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from ecg_files import FS, LEADS, counts, millivolts, write_muse, write_wfdb
from test_fuzz import mutate

from precordia.core.errors import PrecordiaError, UnreadableRecordingError, UnusableSignalError
from precordia.records.apart import Apart, NoAnswerError
from precordia.records.read import read_recording
from precordia.records.readers import hdf5
from precordia.records.readers.sidecar import assuming
from precordia.records.scan import scan, survey

ECG = millivolts(counts())


def places(folder: Path) -> list[str]:
    return [str(Path(ref.path).relative_to(folder)) for ref in scan(folder)]


def test_one_array_with_what_its_attributes_say(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "e1.h5", "w") as file:
        data = file.create_dataset("ecg", data=ECG * 1000)
        data.attrs.update({"fs": FS, "units": "uV", "leads": list(LEADS), "age": 61, "sex": "F"})
    assert places(tmp_path) == ["e1.h5"]
    recording = read_recording(tmp_path / "e1.h5")
    assert (recording.leads, recording.fs, recording.age, recording.sex) == (LEADS, FS, 61.0, "F")
    np.testing.assert_allclose(recording.signal, ECG, atol=1e-5)


def test_an_ecg_a_group_with_an_array_a_lead(tmp_path: Path) -> None:
    """As ml4h keeps a patient's ECGs: one group for each time of acquisition."""
    with h5py.File(tmp_path / "8675309.hd5", "w") as file:
        for day, scale in (("2004-02-08T15:56:00", 1.0), ("2009-01-01T08:00:00", 0.5)):
            group = file.create_group(f"partners_ecg_rest/{day}")
            for lead, row in zip(LEADS, ECG, strict=True):
                group[lead] = row * scale
            group["ecgsamplebase"] = "250"
            group["patientage"] = 61
            group["gender"] = "Female"
            group["read_md_clean"] = "Sinus rhythm"
            group["median_I"] = np.zeros(30)
    assert places(tmp_path) == [
        f"8675309.hd5#partners_ecg_rest/{d}" for d in ("2004-02-08T15:56:00", "2009-01-01T08:00:00")
    ]
    recording = read_recording(tmp_path / "8675309.hd5#partners_ecg_rest/2009-01-01T08:00:00")
    assert (recording.fs, recording.leads, recording.age, recording.sex) == (250.0, LEADS, 61.0, "F")
    assert recording.report == "Sinus rhythm"
    np.testing.assert_allclose(recording.signal, ECG / 2, atol=1e-6)


def test_an_array_a_lead_and_visit(tmp_path: Path) -> None:
    """As UK Biobank's stores: ``strip_II/instance_0``."""
    with h5py.File(tmp_path / "1000015.hd5", "w") as file:
        for visit in ("instance_0", "instance_1"):
            for lead, row in zip(LEADS, ECG, strict=True):
                file[f"ukb_ecg_rest/strip_{lead}/{visit}"] = row
    (tmp_path / "precordia.json").write_text(json.dumps({"fs": FS}))
    assert places(tmp_path) == [f"1000015.hd5#ukb_ecg_rest/instance_{i}" for i in (0, 1)]
    assert read_recording(tmp_path / "1000015.hd5#ukb_ecg_rest/instance_1").leads == LEADS


def test_several_whole_ecgs_and_arrays_that_are_none(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "all.h5", "w") as file:
        for name in ("a", "b"):
            file[f"{name}/signal"] = ECG
            file[name].attrs["sampling_rate"] = FS
        file["labels"] = np.zeros((300, 12))
    assert places(tmp_path) == ["all.h5#a/signal", "all.h5#b/signal"]
    assert read_recording(tmp_path / "all.h5#b/signal").recording_id == "b-signal"
    with pytest.raises(UnreadableRecordingError, match="holds 2 ECGs; name one"):
        read_recording(tmp_path / "all.h5")
    with pytest.raises(UnreadableRecordingError, match="no ECG of the name"):
        read_recording(tmp_path / "all.h5#c")


def test_what_lies_in_other_files_is_not_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["ecg"] = ECG
    ECG.tofile(tmp_path / "secret.raw")
    (tmp_path / "in").mkdir()
    with h5py.File(tmp_path / "in" / "links.h5", "w") as file:
        file["ecg"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/ecg")
        file.create_dataset("x", ECG.shape, "<f4", external=[(str(tmp_path / "secret.raw"), 0, h5py.h5f.UNLIMITED)])
    found = survey(tmp_path / "in")
    assert found.refs == ()
    assert [one.kind for one in found.passed] == ["HDF5 file without an ECG"]


@pytest.mark.parametrize("shape", ["samples first", "leads first", "one lead"])
def test_stacks_in_npy(shape: str, tmp_path: Path) -> None:
    stack = {"samples first": np.stack([ECG.T, -ECG.T])[:, None], "leads first": np.stack([ECG, -ECG]),
             "one lead": np.stack([ECG[:1], -ECG[:1]])}[shape]  # fmt: skip
    np.save(tmp_path / "stack.npy", stack.astype(np.float64))
    (tmp_path / "stack.json").write_text(json.dumps({"fs": FS, "leads": LEADS[: 1 if shape == "one lead" else 12]}))
    assert places(tmp_path) == ["stack.npy#0", "stack.npy#1"]
    recording = read_recording(tmp_path / "stack.npy#1")
    assert recording.recording_id == "stack-1"
    np.testing.assert_allclose(recording.signal, -ECG[: recording.n_leads], atol=1e-6)
    with pytest.raises(UnreadableRecordingError, match="none of the name"):
        read_recording(tmp_path / "stack.npy#2")


def test_stacks_in_npz_with_ids(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "all.npz", signal=np.stack([ECG, ECG * 2]), ecg_id=np.array([17, 4]))
    (tmp_path / "precordia.json").write_text(json.dumps({"fs": FS, "units": "mV"}))
    assert places(tmp_path) == ["all.npz#17", "all.npz#4"]
    recording = read_recording(tmp_path / "all.npz#4")
    assert recording.recording_id == "4"
    np.testing.assert_allclose(recording.signal, ECG * 2, atol=1e-6)


def test_an_item_of_zeros_has_no_signal(tmp_path: Path) -> None:
    np.save(tmp_path / "stack.npy", np.stack([ECG, ECG * 0]))
    with assuming({"fs": FS}), pytest.raises(UnusableSignalError, match="zeros only"):
        read_recording(tmp_path / "stack.npy#1")


def test_what_holds_for_a_folder_stands_there_once(tmp_path: Path) -> None:
    deep = tmp_path / "archive" / "a" / "b"
    deep.mkdir(parents=True)
    text = "\n".join(",".join(f"{v:.3f}" for v in row) for row in (ECG * 1000).T)
    (deep / "one.csv").write_text(text)
    np.save(deep / "two.npy", ECG * 1000)
    assert [ref.format for ref in scan(tmp_path / "archive")] == ["numpy"]
    (tmp_path / "archive" / "precordia.json").write_text(json.dumps({"fs": FS, "units": "uV"}))
    assert places(tmp_path / "archive") == ["a/b/one.csv", "a/b/two.npy"]
    for ref in scan(tmp_path / "archive"):
        recording = read_recording(ref.path)
        np.testing.assert_allclose(recording.signal, ECG, atol=1e-5)
        assert any("fs, units not given" in note for note in recording.notes)


def test_what_a_file_says_wins_over_its_folder(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", ECG)
    (tmp_path / "x.json").write_text(json.dumps({"fs": FS}))
    (tmp_path / "precordia.json").write_text(json.dumps({"fs": 1000, "leads": list(reversed(LEADS)), "units": "mV"}))
    assert read_recording(tmp_path / "x.npy").fs == FS
    lines = [",".join(LEADS), *(",".join(f"{v:.3f}" for v in row) for row in ECG.T)]
    (tmp_path / "named.csv").write_text("\n".join(lines))
    with assuming({"fs": 100}):
        named = read_recording(tmp_path / "named.csv")
    assert (named.fs, named.leads) == (100.0, LEADS)  # an option of the build is closer than the folder's file


def test_a_description_that_is_none_is_said(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", ECG)
    (tmp_path / "precordia.json").write_text("[]")
    with pytest.raises(UnreadableRecordingError, match=r"precordia\.json: not a JSON object"):
        read_recording(tmp_path / "x.npy")
    (tmp_path / "precordia.json").unlink()
    with pytest.raises(UnusableSignalError, match="--fs 500"):
        read_recording(tmp_path / "x.npy")


def _h5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("tracings", data=np.stack([ECG.T, ECG.T]), compression="gzip")
        file["exam_id"] = np.arange(5, 7)
        file.attrs.update({"fs": FS, "leads": list(LEADS)})


def _npy(path: Path) -> None:
    np.save(path, np.stack([ECG, ECG]))


def _npz(path: Path) -> None:
    np.savez_compressed(path, signal=np.stack([ECG, ECG]), fs=FS)


def _files(folder: Path) -> Path:
    folder.mkdir()
    write_wfdb(folder, "rec")
    write_muse(folder / "muse.xml")
    return folder


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(_files(path.parent / "files").iterdir()):
            archive.write(file, file.name)


def _tar(path: Path) -> None:
    with tarfile.open(path, "w:gz") as archive:
        archive.add(_files(path.parent / "files"), ".")


CONTAINERS: dict[str, tuple[Callable[[Path], None], int]] = {
    "x.h5": (_h5, 150), "x.npy": (_npy, 400), "x.npz": (_npz, 400), "x.zip": (_zip, 400), "x.tar.gz": (_tar, 400),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTAINERS)
def test_mutations_of_containers_end_in_one_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5._LIBRARY, "timeout_s", 1.0)
    write, mutations = CONTAINERS[name]
    path = tmp_path / name
    write(path)
    data, outcomes = path.read_bytes(), set()
    for seed in range(mutations):
        path.write_bytes(mutate(data, random.Random(seed)))
        try:
            with assuming({"fs": FS}):
                for ref in scan(path)[:2]:
                    read_recording(ref.path)
            outcomes.add("read")
        except PrecordiaError as error:
            outcomes.add("refused" if "\n" not in str(error) else str(error))
    assert outcomes == {"read", "refused"}


def test_a_library_that_hangs_or_dies_is_left_behind() -> None:
    apart = Apart("time:sleep", timeout_s=0.3)
    assert apart(0.0) is None
    with pytest.raises(NoAnswerError):
        apart(30.0)
    assert apart(0.0) is None
    with pytest.raises(TypeError):
        apart("x")
    apart.close()
    apart = Apart("os:_exit", timeout_s=5.0)
    with pytest.raises(NoAnswerError):
        apart(3)
    apart.close()
