"""WFDB records of every storage format read as wfdb-python reads them, and headers that it refuses are read too."""

from __future__ import annotations

import sys
import warnings
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import wfdb
from ecg_files import write_wfdb
from written_ecg import FS, LEADS, counts, millivolts

from precordia.core.errors import MissingExtraError, UnreadableRecordingError, UnusableSignalError
from precordia.records.read import read_recording


def by_wfdb(path: Path) -> np.ndarray:
    """``(n_leads, n_samples)`` float64 in the header's units, by wfdb-python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(wfdb.rdrecord(str(path)).p_signal).T


@pytest.mark.parametrize("name", ["rec", "rec.hea", "rec.dat"])
def test_a_record_may_be_named_with_or_without_extension(name: str, tmp_path: Path) -> None:
    write_wfdb(tmp_path)
    recording = read_recording(tmp_path / name)
    assert recording.recording_id == "rec"
    np.testing.assert_allclose(recording.signal, millivolts(counts()), atol=1e-6)


@pytest.mark.parametrize("fmt", ["16", "24", "32", "61", "80", "160", "212", "310", "311"])
@pytest.mark.parametrize("n_samples", [99, 100, 101])
def test_every_binary_format_reads_as_by_wfdb(fmt: str, n_samples: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(int(fmt) + n_samples)
    octets = np.frombuffer(rng.bytes(3 * n_samples * 4), dtype=np.uint8).copy()
    if fmt == "311":
        octets[3::4] &= 0x3F  # the two spare bits of a word, which wfdb-python takes for a part of the third value
    if fmt == "32":  # values near the limits are beyond what float32 millivolts can tell apart
        octets = rng.integers(-30000, 30000, 3 * n_samples).astype("<i4").view(np.uint8)
    (tmp_path / "rec.dat").write_bytes(octets.tobytes())
    lines = [f"rec.dat {fmt} 123.5(7)/mV 0 0 0 0 0 {lead}" for lead in ("I", "II", "V1")]
    (tmp_path / "rec.hea").write_text("\n".join([f"rec 3 250 {n_samples}", *lines]) + "\n")
    expected = by_wfdb(tmp_path / "rec")
    np.testing.assert_allclose(read_recording(tmp_path / "rec").signal, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("fmt", ["508", "516", "524"])
def test_flac_formats_read_as_by_wfdb(fmt: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = (counts(500).T % 100).astype(np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wfdb.wrsamp("rec", fs=FS, units=["mV"] * 8, sig_name=list(LEADS[:8]), d_signal=values[:, :8], fmt=[fmt] * 8,
                    adc_gain=[200.0] * 8, baseline=[0] * 8, write_dir=str(tmp_path))  # fmt: skip
    recording = read_recording(tmp_path / "rec")
    np.testing.assert_allclose(recording.signal, by_wfdb(tmp_path / "rec"), atol=1e-6)
    np.testing.assert_allclose(recording.signal, values[:, :8].T / 200, atol=1e-6)
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(MissingExtraError, match=r"FLAC needs soundfile: pip install 'precordia\[formats\]'"):
        read_recording(tmp_path / "rec")


def test_first_differences_add_up_from_the_initial_value(tmp_path: Path) -> None:
    (tmp_path / "rec.dat").write_bytes(np.array([0, 5, -3, 1], dtype="i1").tobytes())
    (tmp_path / "rec.hea").write_text("rec 1 250 4\nrec.dat 8 100/mV 16 0 10 0 0 I\n")
    np.testing.assert_allclose(read_recording(tmp_path / "rec").signal[0], [0.10, 0.15, 0.12, 0.13], atol=1e-6)


def test_missing_samples_are_nan(tmp_path: Path) -> None:
    values = counts()
    values[3, 10:20] = -32768
    recording = read_recording(write_wfdb(tmp_path, values=values))
    assert np.isnan(recording.signal[3, 10:20]).all()
    assert np.isfinite(np.delete(recording.signal, 3, axis=0)).all()


def test_skewed_leads_are_brought_into_line_as_by_wfdb(tmp_path: Path) -> None:
    path = write_wfdb(tmp_path)
    path.write_text(
        path.read_text().replace("rec.dat 16 200(0)/mV 16 0 0 0 0 V2", "").replace("16 200(0)/mV", "16:3 200(0)/mV", 2)
    )
    np.testing.assert_allclose(read_recording(path).signal, by_wfdb(tmp_path / "rec"), atol=1e-6)


def test_units_are_turned_into_millivolts_and_other_channels_left_out_with_a_note(tmp_path: Path) -> None:
    path = write_wfdb(tmp_path, comments="")
    text = path.read_text().splitlines()
    text[1] = text[1].replace("/mV", "/uV")
    text[2] = text[2].replace("/mV", "/mmHg").replace(" II", " ABP")
    path.write_text("\n".join(text))
    recording = read_recording(path)
    np.testing.assert_allclose(recording.lead("I"), millivolts(counts())[0] / 1000, atol=1e-9)
    assert "ABP" not in recording.leads
    assert recording.notes == ("left out: ABP (mmHg)",)


def test_a_record_without_voltages_is_unusable(tmp_path: Path) -> None:
    path = write_wfdb(tmp_path)
    path.write_text(path.read_text().replace("/mV", "/mmHg"))
    with pytest.raises(UnusableSignalError, match="no channel is a voltage"):
        read_recording(path)


def test_a_rate_that_is_no_number_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "a.hea").write_text("a 1 x500 10\na.dat 16 200 16 0 0 0 0 I\n")
    with pytest.raises(UnusableSignalError, match="its sampling rate is not a number"):
        read_recording(tmp_path / "a.hea")


def test_leads_at_several_rates_come_out_at_the_highest(tmp_path: Path) -> None:
    slow = np.rint(100 * np.sin(np.arange(200) / 20)).astype("<i2")
    fast = np.rint(100 * np.sin(np.arange(400) / 40)).astype("<i2")
    frames = np.concatenate([fast.reshape(200, 2), slow[:, None], slow[:, None]], axis=1)
    (tmp_path / "rec.dat").write_bytes(frames.tobytes())
    (tmp_path / "rec.hea").write_text(
        "rec 3 125 200\nrec.dat 16x2 100/mV 16 0 0 0 0 I\nrec.dat 16 100/mV 16 0 0 0 0 II\nrec.dat 16 100/mV 16 0 0 0 0 RESP\n"
    )
    recording = read_recording(tmp_path / "rec")
    assert (recording.fs, recording.leads, recording.n_samples) == (250.0, ("I", "II"), 400)
    np.testing.assert_allclose(recording.lead("II")[20:-20], np.sin(np.arange(400) / 40)[20:-20], atol=0.02)
    assert any("resampled from 125 to 250 Hz" in note for note in recording.notes)
    assert any("RESP" in note for note in recording.notes)


def test_segments_are_joined_and_gaps_are_nan(tmp_path: Path) -> None:
    whole = counts(300)
    for number, piece in enumerate((whole[:, :100], whole[:, 200:])):
        write_wfdb(tmp_path, f"part{number}", piece)
    (tmp_path / "multi.hea").write_text(
        f"multi/3 12 {FS:g} 300 10:11:12 01/02/2020\npart0 100\n~ 100\npart1 100\n# Age: 50\n"
    )
    recording = read_recording(tmp_path / "multi")
    assert recording.signal.shape == (12, 300)
    assert np.isnan(recording.signal[:, 100:200]).all()
    np.testing.assert_allclose(recording.signal[:, 200:], millivolts(whole)[:, 200:], atol=1e-6)
    assert (recording.age, recording.time) == (50.0, datetime(2020, 2, 1, 10, 11, 12))


def test_a_lead_that_only_some_segments_have_is_nan_in_the_others(tmp_path: Path) -> None:
    whole = counts(200)
    write_wfdb(tmp_path, "a", whole[:, :100])
    path = write_wfdb(tmp_path, "b", whole[:, 100:])
    path.write_text(path.read_text().replace("/mV 16 0 0 0 0 V6", "/mmHg 16 0 0 0 0 V6"))
    text = path.read_text().splitlines()
    path.write_text("\n".join([*text[:-1], text[-1].replace("/mV", "/mmHg")]))
    (tmp_path / "layout.hea").write_text(
        f"layout 12 {FS:g} 0\n" + "\n".join(f"~ 0 200(0)/mV 16 0 0 0 0 {lead}" for lead in LEADS) + "\n"
    )
    (tmp_path / "multi.hea").write_text(f"multi/3 12 {FS:g} 200\nlayout 0\na 100\nb 100\n")
    recording = read_recording(tmp_path / "multi")
    assert recording.leads == LEADS
    assert np.isnan(recording.lead("V6")[100:]).all()
    assert np.isfinite(recording.lead("V5")).all()


def test_cinc_headers_that_wfdb_refuses_are_read(tmp_path: Path) -> None:
    path = write_wfdb(tmp_path, comments="#Age: 74\n#Sex: Male\n#Dx: 164889003,59118001\n#Rx: Unknown\n")
    path.write_text(path.read_text().replace("10:11:12 01/02/2020", "15-May-2020 15:22:05").replace("/mV", "/mv"))
    recording = read_recording(path)
    assert recording.time == datetime(2020, 5, 15, 15, 22, 5)
    assert recording.codes == ("snomed:164889003", "snomed:59118001")
    assert (recording.age, recording.sex) == (74.0, "M")
    assert recording.metadata == {}


def test_ludb_amplitudes_are_stored_values_over_1000(tmp_path: Path) -> None:
    path = write_wfdb(
        tmp_path, name="7", comments="#<age>: 51\n#<sex>: F\n#<diagnoses>:\n#Rhythm: Sinus bradycardia.\n#Left axis.\n"
    )
    path.write_text(path.read_text().replace("200(0)", "1716(6)").replace(" I\n", " i\n").replace(" II\n", " ii\n"))
    recording = read_recording(path)
    np.testing.assert_allclose(recording.signal, counts() / 1000, atol=1e-6)
    assert recording.leads == LEADS
    assert recording.report == "Rhythm: Sinus bradycardia. Left axis."
    assert (recording.age, recording.sex, recording.patient_id) == (51.0, "F", "ludb7")
    assert any("LUDB" in note for note in recording.notes)


def test_lead_names_that_repeat_are_kept_apart(tmp_path: Path) -> None:
    path = write_wfdb(tmp_path)
    path.write_text(path.read_text().replace(" V2\n", " V1\n"))
    assert read_recording(path).leads[6:8] == ("V1", "V1 (2)")


def test_a_missing_signal_file_or_header_is_said_by_name(tmp_path: Path) -> None:
    path = write_wfdb(tmp_path)
    path.with_suffix(".dat").unlink()
    with pytest.raises(UnreadableRecordingError, match=r"rec\.dat is missing"):
        read_recording(path)
    with pytest.raises(UnreadableRecordingError, match="no such file"):
        read_recording(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("folder", "patient"), [("patient001", "patient001"), ("p10000032/s40689238", "10000032"), ("ward7", None)]
)
def test_patients_that_only_folders_name_are_kept_together(folder: str, patient: str | None, tmp_path: Path) -> None:
    (tmp_path / folder).mkdir(parents=True)
    assert read_recording(write_wfdb(tmp_path / folder)).patient_id == patient


def test_samples_that_do_not_add_up_to_the_checksum_are_noted(tmp_path: Path) -> None:
    path = write_wfdb(tmp_path)
    assert read_recording(path).notes == ()
    data = bytearray(path.with_suffix(".dat").read_bytes())
    data[2] ^= 4
    path.with_suffix(".dat").write_bytes(data)
    assert read_recording(path).notes == ("checksum of II does not match: the samples may be damaged",)


def test_patient_device_and_report_in_comments_are_fields(tmp_path: Path) -> None:
    recording = read_recording(
        write_wfdb(tmp_path, comments="#Patient: P7\n#Device: Cart\n#Report: AF. No ischaemia.\n#Ward: B2\n")
    )
    assert (recording.patient_id, recording.device, recording.report) == ("P7", "Cart", "AF. No ischaemia.")
    assert recording.metadata == {"ward": "B2"}
