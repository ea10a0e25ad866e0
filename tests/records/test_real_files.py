"""Real files of carts and archives agree with independent readers and with what their vendors printed."""

# ruff: noqa: E501
from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from precordia.core.errors import InputError, UnknownFormatError, UnusableSignalError
from precordia.core.leads import canonical_lead
from precordia.core.recording import Recording
from precordia.records.read import read_recording
from precordia.records.scan import scan
from precordia.records.tables import ReportTable

pytestmark = pytest.mark.data

MUSE = ["ge_muse_xml_musePHI/muse_ecg1.xml", "ge_muse_xml_musePHI/muse_ecg2.xml"]
AECG = [
    "ecgtoolkit_scp_dcm_aecg/Example.xml", "ecg_kit_recordings/ecg_hl7.xml", "hl7_aecg_fda/subject1_0.xml", "hl7_aecg_fda/subject1_1.xml",
    "hl7_aecg_fda/subject1_2.xml", "hl7_aecg_fda/minimum_aecg.xml", "hl7_aecg_fda/minimum_aecg_nouuid.xml",
]  # fmt: skip
PHILIPS = [
    "philips_sierra_xml/2020-5-18_15-48-11.xml", "philips_sierra_xml/3191723_ZZDEMOPTONLY_1-04_orig.xml", "philips_sierra_xml/repbeats_example.xml",
]  # fmt: skip
SCP = ["ecgtoolkit_scp_dcm_aecg/Example.scp"]
DICOM = ["cardio_testdata/sample.dcm", "dicom_ecg_plot/anonymous_ecg.dcm"]
WFDB = [
    "cardio_testdata/A00001", "cardio_testdata/A00002", "cardio_testdata/A00004", "cardio_testdata/A00005", "cardio_testdata/A00008",
    "cardio_testdata/A00013", "cardio_testdata/sel100", "ecg_kit_recordings/208", "ecg_kit_recordings/800", "wfdb_python_samples/03700181",
    "wfdb_python_samples/100", "wfdb_python_samples/100-no-len", "wfdb_python_samples/100_3chan", "wfdb_python_samples/100skew",
    "wfdb_python_samples/a103l", "wfdb_python_samples/a103l-no-len", "wfdb_python_samples/s0010_re",
]  # fmt: skip


def read(data_dir: Path, name: str) -> Recording:
    return read_recording(data_dir / "formats" / name)


def other_reader(data_dir: Path, name: str) -> Any:
    """The file as ecgdatakit reads it, in mV."""
    import ecgdatakit

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        record = ecgdatakit.FileParser().parse(data_dir / "formats" / name)
        record.to_physical()
        record.convert_units("mV")
    return record


@pytest.mark.parametrize("name", [*MUSE, *AECG, *PHILIPS, *SCP])
def test_rhythm_and_median_beats_agree_with_ecgdatakit(name: str, data_dir: Path) -> None:
    recording, record = read(data_dir, name), other_reader(data_dir, name)
    assert record.leads
    for lead in record.leads:
        np.testing.assert_allclose(recording.lead(canonical_lead(lead.label) or ""), lead.samples, atol=1e-6)
        assert recording.fs == lead.sampling_rate
    for beat in record.median_beats:
        assert recording.median_beats is not None
        row = recording.median_beats.signal[recording.median_beats.leads.index(canonical_lead(beat.label) or "")]
        np.testing.assert_allclose(row, beat.samples, atol=1e-5)
    assert recording.patient_id == (record.patient.patient_id or None)
    assert recording.time == (record.recording.date.replace(tzinfo=None) if record.recording.date else None)


@pytest.mark.parametrize("name", PHILIPS)
def test_philips_agrees_with_sierraecg(name: str, data_dir: Path) -> None:
    import sierraecg

    recording = read(data_dir, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = sierraecg.read_file(str(data_dir / "formats" / name))
    assert [lead.label for lead in file.leads] == list(recording.leads)
    for lead, row in zip(file.leads, recording.signal, strict=True):
        np.testing.assert_allclose(row, lead.samples.astype(float) * 0.005, atol=1e-6)


@pytest.mark.parametrize("name", DICOM)
def test_dicom_agrees_with_pydicoms_own_decoding(name: str, data_dir: Path) -> None:
    import pydicom

    recording = read(data_dir, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(data_dir / "formats" / name)
        rhythm, median = dataset.waveform_array(0), dataset.waveform_array(1)
    np.testing.assert_allclose(recording.signal, rhythm.T / 1000, atol=1e-6)
    assert recording.median_beats is not None
    np.testing.assert_allclose(recording.median_beats.signal, median.T / 1000, atol=1e-6)
    assert recording.leads[0] == "I"
    assert recording.leads[-1] == "V6"


@pytest.mark.parametrize("name", WFDB)
def test_wfdb_agrees_with_wfdb_python(name: str, data_dir: Path) -> None:
    import wfdb

    recording = read(data_dir, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        record = wfdb.rdrecord(str(data_dir / "formats" / name), smooth_frames=False)
    kept = 0
    for label, unit, samples in zip(record.sig_name, record.units, record.e_p_signal, strict=True):
        # Left out, with a note: what is no voltage, and what is no lead and has another rate.
        if unit == "mV" and samples.size == recording.n_samples:
            np.testing.assert_allclose(recording.signal[kept], samples, atol=2e-6)
            assert recording.leads[kept].startswith(canonical_lead(label) or label)
            kept += 1
    assert kept == recording.n_leads


def test_edf_agrees_with_edfio(data_dir: Path) -> None:
    import edfio

    recording = read(data_dir, "cardio_testdata/sample.edf")
    signal = edfio.read_edf(data_dir / "formats/cardio_testdata/sample.edf").signals[0]
    np.testing.assert_allclose(recording.signal[0], signal.data, atol=2e-6)
    assert recording.fs == signal.sampling_frequency
    cinc = read(data_dir, "cardio_testdata/A00001")
    np.testing.assert_allclose(recording.signal[0, :9000], cinc.signal[0], atol=2e-6)


@pytest.mark.parametrize(("name", "wanted"), [
    (MUSE[0], {"heart_rate_bpm": 60, "pr_ms": 158, "qrs_ms": 78, "qt_ms": 364, "qtc_ms": 364, "axis_deg": 54}),
    (AECG[0], {"pr_ms": 148, "qrs_ms": 120, "qt_ms": 420, "qtc_ms": 443, "axis_deg": -61}),
    (SCP[0], {"pr_ms": 148, "qrs_ms": 120, "qt_ms": 420, "qtc_ms": 443, "axis_deg": -61}),
    (PHILIPS[1], {"heart_rate_bpm": 84, "rr_ms": 714, "pr_ms": 144, "qrs_ms": 84, "qt_ms": 352, "qtc_ms": 417, "axis_deg": 78}),
    (DICOM[0], {"heart_rate_bpm": 80, "rr_ms": 750, "p_ms": 84, "pr_ms": 156, "qrs_ms": 86, "qt_ms": 398, "qtc_ms": 459, "axis_deg": 44}),
    ("cardio_testdata/sample.xml", {"heart_rate_bpm": 69, "rr_ms": 869, "p_ms": 108, "pr_ms": 174, "qrs_ms": 94, "qt_ms": 370}),
])  # fmt: skip
def test_the_vendors_printed_values_are_kept(name: str, wanted: dict[str, float], data_dir: Path) -> None:
    measured = read(data_dir, name).vendor_measurements
    assert {key: measured[key] for key in wanted} == wanted


def test_schiller_amplitudes_are_those_that_the_cart_printed(data_dir: Path) -> None:
    recording = read(data_dir, "cardio_testdata/sample.xml")
    beats = recording.median_beats
    assert beats is not None
    # R_AMPL and S_AMPL of the file, mV, between its QRS_ON (184) and QRS_OFF (231), against the level at the onset.
    for lead, r_mv, s_mv in (("I", 0.73, -0.11), ("V1", 0.31, -0.38), ("V2", 0.86, -0.69), ("V3", 1.70, -0.34)):
        row = beats.signal[beats.leads.index(lead)]
        assert row[184:231].max() - row[184] == pytest.approx(r_mv, abs=0.06)
        assert row[184:231].min() - row[184] == pytest.approx(s_mv, abs=0.06)
    np.testing.assert_allclose(recording.lead("III"), recording.lead("II") - recording.lead("I"), atol=0.006)


def test_scp_and_aecg_of_one_recording_hold_the_same_signal(data_dir: Path) -> None:
    np.testing.assert_allclose(read(data_dir, SCP[0]).signal, read(data_dir, AECG[0]).signal, atol=0.003)


def test_text_export_keeps_einthovens_law(data_dir: Path) -> None:
    recording = read(data_dir, "tereshchenko_txt/testing_ecg.txt")
    assert (recording.signal.shape, recording.fs) == ((12, 5000), 500.0)
    np.testing.assert_allclose(recording.lead("III"), recording.lead("II") - recording.lead("I"), atol=0.003)
    assert any("500 Hz" in note for note in recording.notes)


def test_matlab_files_agree_with_scipy(data_dir: Path) -> None:
    from scipy.io import loadmat

    cpsc = data_dir / "cinc2021/cpsc2018/A1980.mat"
    stored = loadmat(cpsc, simplify_cells=True)["ECG"]
    recording = read_recording(cpsc)
    np.testing.assert_allclose(recording.signal, stored["data"], atol=1e-6)
    assert (recording.age, recording.sex, recording.fs) == (float(stored["age"]), stored["sex"][0], 500.0)
    kit = data_dir / "formats/ecg_kit_recordings/example_recording.mat"
    recording = read_recording(kit)
    np.testing.assert_allclose(recording.lead("V1"), loadmat(kit)["signal"][:, 4] / 1000, atol=1e-5)
    assert (recording.fs, recording.notes) == (250.0, ("left out: PPG, ABP",))


def test_every_file_reads_or_says_why_in_one_line(data_dir: Path) -> None:
    refused: dict[str, str] = {}
    for path in sorted((data_dir / "formats").rglob("*")):
        if path.is_file():
            try:
                recording = read_recording(path)
            except InputError as error:
                refused[path.name], message = type(error).__name__, str(error)
            else:
                assert np.nanmax(np.abs(recording.signal)) < 35
                continue
            assert "\n" not in message
            assert str(path) in message or path.with_suffix(".hea").name in message
    for name in (
        "invalid-doc-type.xml",
        "sample.wav",
        "REFERENCE.csv",
        "readme.txt",
        "100.atr",
    ):
        assert refused[name] == UnknownFormatError.__name__
    for name in ("empty.xml", "test_edfann.edf"):
        assert refused[name] == UnusableSignalError.__name__
    without_signal_file = {"1003.hea", "12726.hea", "drive02.hea", "drive02-no-len.hea", "n16.hea", "wave_4.hea"}
    ecgs = {name for name in refused if name.endswith((".hea", ".dat", ".mat", ".dcm", ".scp", ".xml", ".edf"))}
    assert ecgs == without_signal_file | {
        "invalid-doc-type.xml",
        "empty.xml",
        "test_edfann.edf",
    }


def test_the_whole_of_ptbxl_comes_with_its_reports(data_dir: Path) -> None:
    refs = scan(data_dir / "ptbxl")
    table = ReportTable.load(data_dir / "ptbxl/ptbxl_database.csv")
    assert len(refs) == 2154
    left_out = table.duplicates(refs)
    assert len(left_out) == 422
    assert all(ref.path.endswith("_lr.hea") for ref in left_out)
    assert len(table) == 21837
    chosen = table.select_refs(refs, "strat_fold <= 8")
    assert 0 < len(chosen) < len(refs)
    for ref in refs[::20]:
        recording = read_recording(ref.path)
        assert recording.patient_id
        assert recording.patient_id.isdigit()
        assert recording.leads[3] == "aVR"
        assert recording.n_samples == 10 * recording.fs
        assert recording.codes
        assert recording.recording_id == Path(ref.path).stem


def test_ptbxl_at_both_rates_is_one_signal(data_dir: Path) -> None:
    folder = data_dir / "ptbxl"
    low = read_recording(folder / "records100/00000/00001_lr")
    high = read_recording(folder / "records500/00000/00001_hr")
    assert (low.fs, high.fs) == (100.0, 500.0)
    assert np.corrcoef(low.lead("II"), high.lead("II")[::5])[0, 1] > 0.95


def test_ludb_keeps_einthovens_law_once_read(data_dir: Path) -> None:
    for ref in scan(data_dir / "ludb"):
        recording = read_recording(ref.path)
        misfit = recording.lead("II") - recording.lead("I") - recording.lead("III")
        assert np.abs(misfit).max() < 0.02
        assert recording.report
        assert recording.age


def test_every_cinc_record_reads(data_dir: Path) -> None:
    refs = scan(data_dir / "cinc2021")
    assert len(refs) == 122
    for ref in refs:
        recording = read_recording(ref.path)
        assert recording.n_leads == 12
        assert recording.fs in (500.0, 1000.0)
        assert recording.format == "matlab" or recording.codes
