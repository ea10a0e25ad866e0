"""Files made to do harm are refused in one line, without the memory or the time that they ask for."""

from __future__ import annotations

import json
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cart_files import write_aecg, write_mfer, write_muse, write_philips, write_scp
from ecg_files import write_dicom, write_edf, write_npy, write_wfdb

from precordia.core.errors import PrecordiaError, UnknownFormatError, UnreadableRecordingError, UnusableSignalError
from precordia.records.read import read_recording


def refusal(path: Path, error: type[PrecordiaError], limit_mb: float = 40) -> str:
    """The message of the refusal; reading may take ``limit_mb`` MiB at most."""
    tracemalloc.start()
    try:
        with pytest.raises(error) as caught:
            read_recording(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < limit_mb * 2**20
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_wfdb_header_cannot_point_outside_its_folder(tmp_path: Path) -> None:
    secret = tmp_path / "secret.dat"
    secret.write_bytes(b"\1\0" * 100)
    inside = tmp_path / "archive"
    inside.mkdir()
    for name in ("../secret.dat", str(secret), "..\\secret.dat", "~root/x", "sub/../../secret.dat"):
        (inside / "rec.hea").write_text(f"rec 1 100 100\n{name} 16 200/mV 16 0 0 0 0 I\n")
        assert "outside" in refusal(inside / "rec", UnreadableRecordingError)
    (inside / "rec.hea").write_text("rec/1 1 100 100\n../../etc/rec 100\n")
    assert "outside" in refusal(inside / "rec", UnreadableRecordingError)


def test_a_wfdb_header_cannot_reach_outside_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "secret.dat").write_bytes(b"\1\0" * 100)
    inside = tmp_path / "archive"
    inside.mkdir()
    (inside / "rec.hea").write_text("rec 1 100 100\nrec.dat 16 200/mV 16 0 0 0 0 I\n")
    (inside / "rec.dat").symlink_to(tmp_path / "secret.dat")
    assert (
        read_recording(inside / "rec").n_samples == 100
    )  # links are the archive's own doing: datalad and DVC rely on them


@pytest.mark.parametrize("n_samples", [2**31, 2**62, 10**17])
def test_samples_declared_but_not_there_allocate_nothing(n_samples: int, tmp_path: Path) -> None:
    write_wfdb(tmp_path)
    header = (tmp_path / "rec.hea").read_text().replace(" 100 10:", f" {n_samples} 10:")
    (tmp_path / "rec.hea").write_text(header)
    assert "declares" in refusal(tmp_path / "rec", UnreadableRecordingError)


def test_no_leads_and_no_samples_are_said(tmp_path: Path) -> None:
    (tmp_path / "none.hea").write_text("none 0 250 100\n")
    assert "no leads" in refusal(tmp_path / "none", UnusableSignalError)
    (tmp_path / "rec.hea").write_text("rec 1 100 0\nrec.dat 16 200/mV 16 0 0 0 0 I\n")
    (tmp_path / "rec.dat").write_bytes(b"\0")
    assert "no samples" in refusal(tmp_path / "rec", UnusableSignalError)


def test_a_truncated_signal_file_is_said_with_its_counts(tmp_path: Path) -> None:
    path = write_wfdb(tmp_path)
    data = path.with_suffix(".dat")
    data.write_bytes(data.read_bytes()[:1000])
    assert "41 of 100 samples" in refusal(path, UnreadableRecordingError)


def test_a_recording_of_missing_samples_only_is_refused(tmp_path: Path) -> None:
    path = write_wfdb(tmp_path)
    path.with_suffix(".dat").write_bytes(b"\x00\x80" * 1200)
    assert "missing" in refusal(path, UnusableSignalError)


def test_segments_that_name_each_other_end(tmp_path: Path) -> None:
    (tmp_path / "a.hea").write_text("a/1 1 100 100\nb 100\n")
    (tmp_path / "b.hea").write_text("b/1 1 100 100\na 100\n")
    assert "segments itself" in refusal(tmp_path / "a", UnreadableRecordingError)


BILLION_LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE R [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + i)} "{("&" + chr(97 + i) + ";") * 10}">' for i in range(9))
    + "]>"
)


@pytest.mark.parametrize(
    "root",
    ["RestingECG", "AnnotatedECG", "restingecgdata", "CardiologyXML", "com.xiriuz.sema.xml.schillerEDI.SchillerEDI"],
)
def test_xml_bombs_and_external_entities_are_refused(root: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb.xml"
    path.write_text(f"{BILLION_LAUGHS}<{root}>&j;</{root}>")
    assert "entities" in refusal(path, UnreadableRecordingError)
    path.write_text(f'<!DOCTYPE R [<!ENTITY x SYSTEM "file:///etc/passwd">]><{root}>&x;</{root}>')
    assert "entities" in refusal(path, UnreadableRecordingError)


@pytest.mark.parametrize("bomb", ["<a>" * 100_000, "<a/>" * 300_000])
def test_nested_and_numberless_xml_elements_are_dropped_early(bomb: str, tmp_path: Path) -> None:
    path = tmp_path / "deep.xml"
    path.write_text(f"<RestingECG>{bomb}</RestingECG>")
    assert "which no ECG needs" in refusal(path, UnreadableRecordingError, limit_mb=150)


def test_an_oversized_text_file_is_not_parsed(tmp_path: Path) -> None:
    path = tmp_path / "big.xml"
    with path.open("wb") as file:
        file.write(b"<RestingECG>")
        file.truncate(200 * 2**20)
    assert "MiB" in refusal(path, UnreadableRecordingError)


def test_a_philips_chunk_cannot_grow_beyond_what_is_declared(tmp_path: Path) -> None:
    path = write_philips(tmp_path / "rec.xml", np.zeros((12, 100_000), dtype=np.int64))
    short = path.read_text().replace('durationperchannel="400000"', 'durationperchannel="400"')
    path.write_text(short)
    assert "declared length" in refusal(path, UnreadableRecordingError)


def npy_declaring(shape: str) -> bytes:
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()


@pytest.mark.parametrize(
    "shape", ["(12, 2147483648)", "(0, 0)", "(12, -5)", "(9223372036854775807, 9223372036854775807)", "()"]
)
def test_npy_files_that_declare_impossible_shapes(shape: str, tmp_path: Path) -> None:
    path = write_npy(tmp_path / "rec.npy")
    path.write_bytes(npy_declaring(shape) + b"\0" * 64)
    refusal(path, PrecordiaError)


def test_pickled_arrays_are_never_loaded(tmp_path: Path) -> None:
    path = write_npy(tmp_path / "rec.npy")
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert "Python objects" in refusal(path, UnreadableRecordingError)


def test_zip_bombs_are_not_inflated(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("signal.npy", "w", force_zip64=True) as member,
    ):
        member.write(npy_declaring("(12, 500)"))
        for _ in range(128):
            member.write(b"\0" * 2**20)
    (tmp_path / "bomb.json").write_text(json.dumps({"fs": 500}))
    tracemalloc.start()
    assert read_recording(path).n_samples == 500  # what the header declares is read, the rest stays packed
    assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    tracemalloc.stop()


def test_deflated_dicom_bombs_are_not_inflated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import precordia.records.readers.dicom as dicom

    monkeypatch.setattr(dicom, "MAX_FILE_BYTES", 2**20)
    path = write_dicom(tmp_path / "rec.dcm", syntax="1.2.840.10008.1.2.1.99")
    assert read_recording(path).n_leads == 12
    write_dicom(path, np.zeros((12, 60_000), dtype=np.int64), syntax="1.2.840.10008.1.2.1.99")
    assert "inflates" in refusal(path, UnreadableRecordingError)


def test_inflated_matlab_variables_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import precordia.records.readers.matlab_file as matlab_file

    packed = zlib.compress(b"\0" * 2**22)
    path = tmp_path / "bomb.mat"
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM" + struct.pack("<II", 15, len(packed)) + packed)
    original = matlab_file._Level5.__init__
    monkeypatch.setattr(matlab_file._Level5, "__init__", lambda self, data: original(self, data, 2**20))
    assert "bounds" in refusal(path, UnreadableRecordingError)


def test_what_inflates_far_beyond_its_size_is_refused_before_it_is_all_there(tmp_path: Path) -> None:
    """A file of half a megabyte that would become half a gigabyte, as MATLAB and as NPZ."""
    packer = zlib.compressobj()
    packed = b"".join(packer.compress(bytes(2**20)) for _ in range(256)) + packer.flush()
    path = tmp_path / "bomb.mat"
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM" + struct.pack("<II", 15, len(packed)) + packed)
    assert "beyond all bounds" in refusal(path, UnreadableRecordingError, limit_mb=60)
    path = tmp_path / "bomb.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("signal.npy", "w", force_zip64=True) as member,
    ):
        member.write(npy_declaring("(12, 2800000)"))
        for _ in range(256):
            member.write(bytes(2**20))
    assert "refused" in refusal(path, UnreadableRecordingError, limit_mb=60)


def test_mfer_channels_that_are_not_there_allocate_nothing(tmp_path: Path) -> None:
    path = write_mfer(tmp_path / "rec.mwf")
    path.write_bytes(path.read_bytes().replace(b"\x04\x02\x0a\x00", b"\x04\x04\xff\xff\xff\x7f"))
    assert "frames of" in refusal(path, UnreadableRecordingError)


def test_mfer_frames_without_number_allocate_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rec.mwf"
    path.write_bytes(b"\x40\x04MFR \x05\x02\x01\x00" + b"\x1e\x00" * 90_000)
    assert "frames of" in refusal(path, UnreadableRecordingError)
    path.write_bytes(b"\x40\x04MFR \x05\x02\x01\x00" + b"\x04\x01\x01\x1e\x00" * 30_000)
    assert "redefines" in refusal(path, UnreadableRecordingError, limit_mb=100)


@pytest.mark.parametrize(
    "text", ["I,II\n1,2\n1," + " " * 2**20 + "x\n", "I" + " " * 2**16 + "x,II\n1,2\n1,2\n", "I,II\n" + "-," * 2**18]
)
def test_text_made_to_stall_a_pattern_does_not(text: str, tmp_path: Path) -> None:
    path = tmp_path / "rec.csv"
    path.write_text(text)
    refusal(path, PrecordiaError)


def test_scp_leads_longer_than_their_bytes_allocate_nothing(tmp_path: Path) -> None:
    path = write_scp(tmp_path / "rec.scp")
    data = path.read_bytes()
    needle = struct.pack("<II", 1, 100)
    assert data.count(needle) == 8
    path.write_bytes(data.replace(needle, struct.pack("<II", 1, 4_000_000)))
    assert "cannot hold" in refusal(path, UnreadableRecordingError)


def test_edf_record_counts_are_checked_against_the_file(tmp_path: Path) -> None:
    path = write_edf(tmp_path / "rec.edf")
    data = bytearray(path.read_bytes())
    data[236:244] = b"99999999"
    path.write_bytes(data)
    assert "truncated" in refusal(path, UnreadableRecordingError)


def test_slow_leads_are_not_blown_up_to_the_rate_of_an_absurd_one(tmp_path: Path) -> None:
    n = 400_000
    (tmp_path / "rec.dat").write_bytes(bytes(2 * (n + 200)))
    leads = [f"rec.dat 16{f'x{n}' if i == 0 else ''} 200/mV 16 0 0 0 0 V1" for i in range(201)]
    (tmp_path / "rec.hea").write_text("\n".join(["rec 201 1 1", *leads]))
    assert "values" in refusal(tmp_path / "rec", PrecordiaError)


def test_text_that_is_not_utf_8_is_read_as_latin_1(tmp_path: Path) -> None:
    path = write_aecg(tmp_path / "rec.xml")
    path.write_bytes(path.read_bytes().replace(b"Sinus rhythm", "Verdächtig".encode("latin-1")))
    assert read_recording(path).report == "Verdächtig"
    muse = write_muse(tmp_path / "muse.xml")
    muse.write_bytes(muse.read_bytes().replace(b"Sinus rhythm", "für".encode("latin-1")))
    assert (read_recording(muse).report or "").startswith("für.")
    header = write_wfdb(tmp_path, comments="# Ärztin: für\n")
    header.write_bytes(header.read_text().encode("latin-1"))
    assert read_recording(header).n_leads == 12


def test_what_is_no_ecg_is_called_so(tmp_path: Path) -> None:
    cases: dict[str, tuple[bytes, str]] = {
        "a.wav": (b"RIFF\0\0\0\0WAVEfmt ", "RIFF"),
        "b.xml": (b"<html><body/></html>", "html"),
        "c.txt": (b"The quick brown fox.", "text"),
        "d.bin": (bytes(range(1, 200)), "binary"),
        "e.dat": (b"\1\2\3\4", "WFDB header"),
    }
    for name, (data, word) in cases.items():
        (tmp_path / name).write_bytes(data)
        assert word in refusal(tmp_path / name, UnknownFormatError)


@pytest.mark.parametrize("make", [lambda p: p.write_bytes(b""), lambda p: p.mkdir(), lambda p: None])
def test_empty_files_folders_and_missing_files(make: Callable[[Path], object], tmp_path: Path) -> None:
    make(tmp_path / "x.edf")
    refusal(tmp_path / "x.edf", UnreadableRecordingError)


def test_a_device_file_is_not_read_for_ever() -> None:
    refusal(Path("/dev/zero"), UnreadableRecordingError)
