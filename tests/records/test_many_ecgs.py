"""Files that hold several ECGs: HDF5 of several shapes, stacks in NPY and NPZ; and what holds for all arrays of a folder."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pytest
from cart_files import write_muse
from ecg_files import write_wfdb
from test_fuzz import mutate
from written_ecg import FS, LEADS, counts, millivolts

from precordia.core.errors import PrecordiaError, UnreadableRecordingError, UnusableSignalError
from precordia.records.apart import Allowance, Apart, NoAnswerError
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


def write_packed(group: h5py.Group, name: str, value: np.ndarray | str) -> None:
    """As ml4h's ``tensor_writer_partners.py`` does."""
    plain = value.encode() if isinstance(value, str) else value.tobytes()
    packed = pa.Codec("zstd").compress(plain, asbytes=True)
    data = group.create_dataset(name, data=np.void(packed))
    attributes = {"method": "zstd", "compression_level": 19, "len": len(value), "uncompressed_length": len(plain)}
    data.attrs.update({**attributes, "compressed_length": len(packed)})
    data.attrs["dtype"] = "str" if isinstance(value, str) else str(value.dtype)


@pytest.mark.parametrize("where", ["/", "partners_ecg_rest/2004-02-08T15:56:00"])
def test_leads_and_texts_packed_with_zstandard(where: str, tmp_path: Path) -> None:
    """As ml4h keeps what a MUSE exported: int16 in µV, each lead and each text packed."""
    with h5py.File(tmp_path / "m.hd5", "w") as file:
        group = file.require_group(where)
        for lead, row in zip(LEADS, ECG, strict=True):
            write_packed(group, lead, np.rint(row * 1000).astype("int16"))
        for name, text in {"ecgsamplebase": "250", "gender": "FEMALE", "patientage": "61"}.items():
            write_packed(group, name, text)
        write_packed(group, "read_md_clean", "sinus rhythm")
    recording = read_recording(tmp_path / "m.hd5")
    assert (recording.leads, recording.fs, recording.age, recording.sex) == (LEADS, 250.0, 61.0, "F")
    assert recording.report == "sinus rhythm"
    np.testing.assert_allclose(recording.signal, ECG, atol=6e-4)


def test_packed_leads_that_lie_about_their_size_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m.hd5", "w") as file:
        for lead, row in zip(LEADS, ECG, strict=True):
            write_packed(file, lead, row.astype("float32"))
        file["II"].attrs["uncompressed_length"] = 2**27
    with pytest.raises(PrecordiaError, match=r"m\.hd5: .*copy it again|sampling rate"):
        read_recording(tmp_path / "m.hd5")


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
def test_mutations_of_containers_end_in_one_line(name: str, tmp_path: Path) -> None:
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


def compute(seconds: float) -> int:
    """Keep a processor busy; the process that did it."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return os.getpid()


def allocate(n_bytes: int) -> int:
    return len(bytearray(n_bytes))


def leave(code: int) -> None:
    os._exit(code)


def apart(name: str) -> Apart:
    sys.path.insert(0, str(Path(__file__).parent))
    return Apart(f"{Path(__file__).stem}:{name}")


ENOUGH = Allowance(computing_s=10.0)


def test_a_call_that_computes_without_end_is_stopped_and_the_next_one_served() -> None:
    busy = apart("compute")
    first = busy(ENOUGH, 0.0)
    assert busy(ENOUGH, 0.0) == first  # one process for many calls
    with pytest.raises(NoAnswerError, match="computed"):
        busy(Allowance(computing_s=0.05), 60.0)
    assert busy(ENOUGH, 0.0) not in (first, os.getpid())
    with pytest.raises(TypeError):
        busy(ENOUGH, "x")
    busy.close()


def test_waiting_costs_no_allowance_of_computing_but_has_an_end() -> None:
    asleep = Apart("time:sleep")
    assert asleep(Allowance(computing_s=0.05), 0.3) is None
    with pytest.raises(NoAnswerError, match="waited"):
        asleep(Allowance(computing_s=1.0, waiting_s=0.2), 30.0)
    assert asleep(ENOUGH, 0.0) is None
    asleep.close()


def test_memory_beyond_the_allowance_is_an_error_of_the_call() -> None:
    greedy = apart("allocate")
    assert greedy(Allowance(10.0, memory=2**26), 2**20) == 2**20
    with pytest.raises(MemoryError):
        greedy(Allowance(10.0, memory=2**26), 2**28)
    assert greedy(Allowance(10.0, memory=2**29), 2**28) == 2**28
    greedy.close()


def test_a_process_that_dies_is_left_behind() -> None:
    dying = apart("leave")
    with pytest.raises(NoAnswerError, match="crashed"):
        dying(ENOUGH, 3)
    dying.close()


def test_threads_and_forked_children_are_served() -> None:
    busy = apart("compute")
    with ThreadPoolExecutor(4) as pool:
        mine = set(pool.map(lambda _: busy(ENOUGH, 0.0), range(16)))
    assert len(mine) == 1
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        other = busy(ENOUGH, 0.0)
        busy.close()
        os.write(write, str(other).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert int(os.read(read, 20)) not in mine
    assert busy(ENOUGH, 0.0) in mine  # the child's end is not the parent's
    busy.close()


def test_the_processes_end_with_the_one_that_started_them() -> None:
    code = (
        "import sys; sys.path[:] = {path!r}; from precordia.records.apart import Allowance, Apart; import os, signal\n"
        "busy = Apart({name!r}); print(busy(Allowance(10.0), 0.0), busy._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    ).format(path=[str(Path(__file__).parent), *sys.path], name=f"{Path(__file__).stem}:compute")
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stdout
    for pid in map(int, said.split()):
        for _ in range(200):
            if not Path(f"/proc/{pid}").exists() or "State:\tZ" in Path(f"/proc/{pid}/status").read_text():
                break
            time.sleep(0.05)
        else:
            pytest.fail("a process outlives the one that started it")


def test_a_file_that_computes_without_end_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with h5py.File(tmp_path / "rec.h5", "w") as file:
        file["ecg"] = ECG
    monkeypatch.setattr(hdf5, "LIBRARY", apart("compute_for_a_minute"))
    with pytest.raises(UnreadableRecordingError, match=r"came to no end .*computed without end.*copy it again"):
        read_recording(tmp_path / "rec.h5")
    hdf5.LIBRARY.close()


def compute_for_a_minute(*_: object) -> int:
    return compute(60.0)


def test_what_the_hdf5_library_says_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "rec.h5"
    with h5py.File(path, "w") as file:
        file["ecg"] = ECG
    sound = path.read_bytes()
    path.write_bytes(sound[:3000])
    with pytest.raises(UnreadableRecordingError, match="truncated HDF5"):
        read_recording(path)
    path.write_bytes(sound[:13] + b"\0" + sound[14:])
    with pytest.raises(UnreadableRecordingError, match=r"does not hold together\); copy it again"):
        read_recording(path)
