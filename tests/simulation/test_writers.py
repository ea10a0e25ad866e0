"""Every writer's files read back the same, through Precordia's readers and through independent ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from precordia.core.recording import Recording
from precordia.records.read import read_recording
from precordia.simulation import simulate
from precordia.simulation.writers import WRITERS

STEP_MV = {"wfdb": 0.0025, "dicom": 0.0025, "aecg": 0.0025, "edf": 0.0025, "muse": 0.00488}


@pytest.fixture(scope="module")
def recording() -> Recording:
    made = simulate(["LAFB", "AFIB"], seed=12, age=71, sex="F").recording
    return replace(
        made,
        patient_id="P00042",
        time=datetime(2019, 11, 5, 14, 3, 9),
        device="GE MAC55",
        report="Vorhofflimmern. Überdrehter Linkstyp, QRS < 120 ms & kein Schenkelblock.",
        vendor_measurements={"heart_rate_bpm": 88.0, "qrs_ms": 104.0},
    )


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_read_back(name: str, recording: Recording, tmp_path: Path) -> None:
    path = WRITERS.get(name)(tmp_path / "ecg1", recording)
    back = read_recording(path)
    assert back.format == name
    assert back.recording_id == "ecg1"
    assert (back.fs, back.leads) == (recording.fs, recording.leads)
    limit = STEP_MV[name] * (0.51 if name != "muse" else 1.6)  # III and aVx are sums of rounded leads there
    assert np.abs(back.signal - recording.signal).max() <= limit
    assert (back.age, back.sex) == (71, "F")
    assert back.time == recording.time
    if name != "wfdb":  # its header has no agreed place for these
        assert back.patient_id == "P00042"
        assert back.device is not None
        assert "MAC55" in back.device
        assert back.report == (recording.report if name != "edf" else None)  # EDF+ has no place for a report
    if name in ("muse", "aecg"):
        assert back.vendor_measurements["qrs_ms"] == 104


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_same_bytes_every_time(name: str, recording: Recording, tmp_path: Path) -> None:
    contents = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        WRITERS.get(name)(tmp_path / folder / "ecg1", recording)
        contents.append({p.name: p.read_bytes() for p in (tmp_path / folder).iterdir()})
    assert contents[0] == contents[1]


def test_wfdb_agrees_with_the_wfdb_package(recording: Recording, tmp_path: Path) -> None:
    import wfdb

    WRITERS.get("wfdb")(tmp_path / "ecg1", recording)
    record = wfdb.rdrecord(str(tmp_path / "ecg1"))
    assert record.sig_name == list(recording.leads)
    assert record.base_datetime == recording.time
    assert np.abs(record.p_signal.T - recording.signal).max() <= 0.00126
    digital = wfdb.rdrecord(str(tmp_path / "ecg1"), physical=False)
    assert [c & 0xFFFF for c in digital.checksum] == [int(c) & 0xFFFF for c in digital.calc_checksum()]


def test_edf_agrees_with_edfio(recording: Recording, tmp_path: Path) -> None:
    edfio = pytest.importorskip("edfio", reason="needs the extra 'formats'")
    edf = edfio.read_edf(WRITERS.get("edf")(tmp_path / "ecg1", recording))
    assert [s.label for s in edf.signals] == [f"ECG {lead}" for lead in recording.leads]
    assert np.abs(np.array([s.data for s in edf.signals]) / 1000 - recording.signal).max() <= 0.00126
    assert (edf.patient.code, edf.patient.sex) == ("P00042", "F")
    assert not edf.annotations


def test_dicom_agrees_with_pydicom(recording: Recording, tmp_path: Path) -> None:
    pydicom = pytest.importorskip("pydicom", reason="needs the extra 'formats'")
    data = pydicom.dcmread(WRITERS.get("dicom")(tmp_path / "ecg1", recording))
    assert data.SOPClassUID.name == "12-lead ECG Waveform Storage"
    # pydicom scales to the unit in the file, microvolts.
    assert np.abs(data.waveform_array(0).T / 1000 - recording.signal).max() <= 0.00126


def test_xml_agrees_with_ecgdatakit(recording: Recording, tmp_path: Path) -> None:
    ecgdatakit = pytest.importorskip("ecgdatakit", reason="needs the extra 'dev'")
    for name in ("muse", "aecg"):
        other = ecgdatakit.FileParser().parse(WRITERS.get(name)(tmp_path / name, recording))
        lead = next(one for one in other.leads if one.label == "V2")
        scale = 1000.0 if np.abs(lead.samples).max() > 50 else 1.0
        assert np.abs(np.asarray(lead.samples) / scale - recording.lead("V2")).max() <= STEP_MV[name]


def test_missing_facts_are_left_out(tmp_path: Path) -> None:
    bare = replace(simulate(seed=5, duration_s=3).recording, age=None, sex=None, device=None)
    for name in WRITERS:
        back = read_recording(WRITERS.get(name)(tmp_path / f"bare-{name}", bare))
        assert (back.age, back.sex, back.time, back.report) == (None, None, None, None), name
        assert back.signal.shape == bare.signal.shape


def test_lengths_that_are_no_whole_second(tmp_path: Path) -> None:
    odd = simulate(seed=5, duration_s=2.73, fs=250).recording
    for name in WRITERS:
        assert read_recording(WRITERS.get(name)(tmp_path / f"odd-{name}", odd)).n_samples == odd.n_samples, name
