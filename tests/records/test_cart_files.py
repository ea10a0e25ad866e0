"""ISHNE, CardioSoft, Mortara, MFER and PhysioNet's .info: what their specifications say, and what an independent reader reads."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cart_files import write_cardiosoft, write_ishne, write_mfer, write_mortara
from ecg_files import WRITERS, write_mat_info
from written_ecg import FS, LEADS, counts, millivolts

from precordia.core.errors import UnreadableRecordingError, UnusableSignalError
from precordia.core.leads import canonical_lead
from precordia.records.read import read_recording


def other_reader(path: Path) -> Any:
    """The file as ecgdatakit reads it, in mV."""
    import ecgdatakit

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        record = ecgdatakit.FileParser().parse(path)
        record.to_physical()
        record.convert_units("mV")
    return record


@pytest.mark.parametrize("format", ["ishne", "mortara", "mfer"])
def test_ecgdatakit_agrees(format: str, tmp_path: Path) -> None:
    path = WRITERS[format](tmp_path)
    recording, record = read_recording(path), other_reader(path)
    assert [canonical_lead(lead.label) for lead in record.leads] == list(recording.leads)
    for lead, row in zip(record.leads, recording.signal, strict=True):
        np.testing.assert_allclose(row, lead.samples, atol=1e-6)
        assert lead.sampling_rate == recording.fs
    assert record.patient.patient_id == recording.patient_id
    assert record.patient.age == recording.age
    assert record.patient.sex == recording.sex
    assert record.recording.date == recording.time
    for beat in record.median_beats:
        assert recording.median_beats is not None
        row = recording.median_beats.signal[recording.median_beats.leads.index(canonical_lead(beat.label) or "")]
        np.testing.assert_allclose(row, beat.samples, atol=1e-6)


def test_ishne_checks_its_header_and_marks_faults(tmp_path: Path) -> None:
    path = write_ishne(tmp_path / "rec.ecg")
    assert read_recording(path).notes == ()
    data = bytearray(path.read_bytes())
    data[110] ^= 1
    path.write_bytes(data)
    assert read_recording(path).notes == ("checksum of the header does not match: it may be damaged",)
    write_ishne(path, crc=0)
    assert read_recording(path).notes == ()
    data = bytearray(path.read_bytes())
    struct.pack_into("<h", data, 522 + 10 + 2 * 12 * 3, -(2**15))
    path.write_bytes(data)
    assert np.argwhere(np.isnan(read_recording(path).signal)).tolist() == [[0, 3]]


def test_ishne_of_an_unknown_minor_version_is_read_with_a_note(tmp_path: Path) -> None:
    path = write_ishne(tmp_path / "rec.ecg")
    path.write_bytes(path.read_bytes().replace(b"ISHNE1.0", b"ISHNE1.2"))
    assert read_recording(path).notes == ("version 1.2 is not known; read as 1.0",)


def test_ishne_leads_without_a_name_stay_without(tmp_path: Path) -> None:
    path = write_ishne(tmp_path / "rec.ecg", counts()[:3])
    data = bytearray(path.read_bytes())
    struct.pack_into("<3h", data, 158, 1, 0, 1)
    path.write_bytes(data)
    assert read_recording(path).leads == ("channel 1", "channel 2", "channel 3")


def test_ishne_that_is_cut_says_how_many_samples_are_there(tmp_path: Path) -> None:
    path = write_ishne(tmp_path / "rec.ecg")
    path.write_bytes(path.read_bytes()[:-1000])
    recording = read_recording(path)
    assert recording.n_samples == 58
    assert "declares 100 samples; 58 of each lead are there" in recording.notes
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(UnreadableRecordingError, match="truncated"):
        read_recording(path)


def test_cardiosoft_keeps_beats_apart_and_leaves_out_rules_between_lines(tmp_path: Path) -> None:
    recording = read_recording(write_cardiosoft(tmp_path / "rec.xml"))
    assert recording.median_beats is not None
    np.testing.assert_allclose(recording.median_beats.signal, millivolts(counts())[:, :40], atol=1e-6)
    assert recording.vendor_statements == ("Sinus rhythm",)
    assert recording.metadata["observation"] == "RestECG"


def test_blanks_between_commas_of_cardiosoft_are_missing_samples(tmp_path: Path) -> None:
    path = write_cardiosoft(tmp_path / "rec.xml")
    first = ",".join(map(str, counts()[0, :40]))
    path.write_text(path.read_text().replace(first, " ,,\n\t" + ",".join(map(str, counts()[0, 2:40])) + ",", 1))
    beats = read_recording(path).median_beats
    assert beats is not None
    assert np.isnan(beats.signal[0]).tolist() == [True, True] + [False] * 38
    np.testing.assert_allclose(beats.signal[0, 2:], millivolts(counts())[0, 2:40], atol=1e-6)


def exercise_test(path: Path, samples: np.ndarray) -> Path:
    """A CardioSoft exercise test whose samples follow each other as given."""
    lines = "\n\t\t".join(",".join(map(str, line)) + "," for line in samples.reshape(-1, round(FS)))
    path.write_text(
        "<CardiologyXML><ObservationType>ExerciseECG</ObservationType><FullDisclosure><NumberOfChannels>12</NumberOfChannels>"
        f'<SampleRate units="Hz">{FS:g}</SampleRate><Resolution units="uVperLsb">5</Resolution>'
        f"<LeadOrder>{','.join(LEADS)}</LeadOrder>"
        f"<FullDisclosureData>\n\t\t{lines}\n</FullDisclosureData></FullDisclosure></CardiologyXML>"
    )
    return path


def test_cardiosoft_exercise_tests_hold_a_second_of_each_lead_in_turn(tmp_path: Path) -> None:
    seconds = 4
    values = counts(seconds * round(FS))
    in_turn = values.reshape(12, seconds, -1).swapaxes(0, 1)
    recording = read_recording(exercise_test(tmp_path / "rec.xml", in_turn))
    assert recording.leads == LEADS
    np.testing.assert_allclose(recording.signal, millivolts(values), atol=1e-6)
    assert not any("interleaved" in note for note in recording.notes)


def test_cardiosoft_exercise_tests_may_be_interleaved(tmp_path: Path) -> None:
    values = counts(4 * round(FS))
    recording = read_recording(exercise_test(tmp_path / "rec.xml", values.T.copy()))
    np.testing.assert_allclose(recording.signal, millivolts(values), atol=1e-6)
    assert any("interleaved" in note for note in recording.notes)


def test_mortara_says_what_is_unconfirmed(tmp_path: Path) -> None:
    recording = read_recording(write_mortara(tmp_path / "rec.xml"))
    assert recording.report == "Sinus rhythm"
    assert recording.metadata["status"] == "unconfirmed"
    assert recording.vendor_measurements == {"heart_rate_bpm": 61, "qrs_ms": 98, "axis_deg": -35}


def test_mortara_samples_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = write_mortara(tmp_path / "rec.xml")
    path.write_text(
        path.read_text().replace(
            'BITS="16" FORMAT="SIGNED" UNITS_PER_MV="200" DURATION="100"', 'BITS="24" FORMAT="SIGNED"'
        )
    )
    with pytest.raises(UnreadableRecordingError, match="24 SIGNED BASE64"):
        read_recording(path)


@pytest.mark.parametrize("block", [1, 10, 100])
def test_mfer_blocks_of_any_length(block: int, tmp_path: Path) -> None:
    recording = read_recording(write_mfer(tmp_path / "rec.mwf", block=block))
    np.testing.assert_allclose(recording.signal, millivolts(counts()), atol=1e-6)


def test_mfer_compressed_samples_are_refused(tmp_path: Path) -> None:
    path = write_mfer(tmp_path / "rec.mwf")
    path.write_bytes(path.read_bytes().replace(b"\x0a\x01\x00", b"\x0a\x01\x09"))
    with pytest.raises(UnreadableRecordingError, match="AHA-compressed"):
        read_recording(path)


def test_physionet_info_beside_a_matrix(tmp_path: Path) -> None:
    path = write_mat_info(tmp_path / "rec.mat")
    info = path.with_suffix(".info")
    info.write_text(info.read_text().replace("6\taVF\t200\t1024\tmV", "6\tABP\t12.84\t-1605\tmmHg"))
    recording = read_recording(path)
    assert recording.leads == tuple(lead for lead in LEADS if lead != "aVF")
    assert "left out: ABP (mmHg)" in recording.notes
    assert recording.time is not None


def test_physionet_info_of_another_matrix_is_refused(tmp_path: Path) -> None:
    path = write_mat_info(tmp_path / "rec.mat")
    info = path.with_suffix(".info")
    info.write_text("\n".join(line for line in info.read_text().splitlines() if not line.startswith("12\t")))
    with pytest.raises(UnreadableRecordingError, match="do not belong together"):
        read_recording(path)


def test_a_matrix_without_info_asks_for_the_rate(tmp_path: Path) -> None:
    path = write_mat_info(tmp_path / "rec.mat")
    path.with_suffix(".info").unlink()
    with pytest.raises(UnusableSignalError, match="sampling rate"):
        read_recording(path)
