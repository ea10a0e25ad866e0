"""Every format gives back the signal that was written, in mV, Hz and canonical leads, with what stood in the file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from ecg_files import WRITERS
from written_ecg import FS, LEADS, counts, millivolts

from precordia.core.leads import derive_limb_leads
from precordia.records.read import read_recording
from precordia.records.readers import READERS
from precordia.records.readers.reader import Head

NAMES = {"npy": "numpy", "npz": "numpy"}
WITHOUT_PERSON = {"hdf5", "hdf5-latest", "wfdb", "wfdb-212", "csv", "npz", "rhythm-text"}
WITHOUT_REPORT = {"edf", "edf-d", "ishne", "mfer"}


@pytest.mark.parametrize("variant", WRITERS)
def test_signal_rate_and_leads_come_back(variant: str, tmp_path: Path) -> None:
    recording = read_recording(WRITERS[variant](tmp_path))
    expected = millivolts(counts()) * (0.2 if variant == "matlab-4" else 1.0)  # its file says that a count is 1 µV
    assert recording.leads == LEADS
    assert recording.fs == FS
    if variant in ("muse", "scp", "scp-plain"):
        derived = derive_limb_leads(expected[0], expected[1])
        expected = np.stack([derived.get(lead, row) for lead, row in zip(LEADS, expected, strict=True)])
        assert "III, aVR, aVL, aVF derived from I and II" in recording.notes
    np.testing.assert_allclose(recording.signal, expected, atol=2e-6)
    assert recording.recording_id == "rec"
    assert recording.format == NAMES.get(
        variant, variant.split("-plain")[0] if variant in READERS else variant.rsplit("-", 1)[0]
    )


def test_binary_data_are_not_decoded_to_be_told_from_text() -> None:
    head = Head(Path("rec.bin"), bytes(range(256)) * 64, 16384)
    assert not any(READERS.get(name).sniff(head) for name in READERS)
    assert "text" not in vars(head)  # that takes thirty times as long as all the rest


@pytest.mark.parametrize("variant", [v for v in WRITERS if v not in WITHOUT_PERSON and not v.startswith("matlab")])
def test_person_time_device_and_report_come_back(variant: str, tmp_path: Path) -> None:
    recording = read_recording(WRITERS[variant](tmp_path))
    assert (recording.patient_id, recording.sex, recording.age) == ("P1", "F", 61.0)
    assert recording.time == datetime(2020, 2, 1, 10, 11, 12)
    assert recording.device
    assert variant in WITHOUT_REPORT or (recording.report or "").startswith("Sinus rhythm")


@pytest.mark.parametrize("variant", WRITERS)
def test_no_name_of_a_person_is_kept(variant: str, tmp_path: Path) -> None:
    assert "Secret" not in repr(vars(read_recording(WRITERS[variant](tmp_path))))


@pytest.mark.parametrize("variant", ["muse", "aecg", "philips", "schiller", "dicom", "scp", "cardiosoft", "mortara"])
def test_the_carts_measurements_come_back(variant: str, tmp_path: Path) -> None:
    assert read_recording(WRITERS[variant](tmp_path)).vendor_measurements["qrs_ms"] == 98


def test_muse_keeps_median_beats_apart_and_joins_statements(tmp_path: Path) -> None:
    recording = read_recording(WRITERS["muse"](tmp_path))
    assert recording.median_beats is not None
    assert recording.median_beats.leads == LEADS
    assert recording.median_beats.signal.shape == (12, 40)
    assert recording.report == "Sinus rhythm. Lateral infarct, age undetermined."


def test_dicom_keeps_the_accession_number_for_joining(tmp_path: Path) -> None:
    assert read_recording(WRITERS["dicom"](tmp_path)).metadata["accession_number"] == "A77"


def test_cpsc_matlab_file_is_known_by_its_content(tmp_path: Path) -> None:
    path = WRITERS["matlab"](tmp_path)
    (tmp_path / "rec.json").unlink()
    recording = read_recording(path)
    assert (recording.age, recording.sex, recording.leads, recording.fs) == (61.0, "F", LEADS, 500.0)
