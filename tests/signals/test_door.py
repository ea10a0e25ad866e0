"""The front door: what kind a signal is, what it may be asked for, and that no pulse passes for a lead."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import UnusableSignalError
from precordia.core.findings import Measurements
from precordia.core.leads import CHEST_LEADS, LEADS
from precordia.core.recording import Recording
from precordia.indexing.intake import take_in
from precordia.measurements import measure
from precordia.records.quality import assess
from precordia.signals.door import TAKEN_FOR_I, admit, kind_of_channels
from precordia.signals.file_channels import other_kind_of
from precordia.signals.kind import KINDS
from precordia.signals.opening import open_signal
from precordia.simulation import simulate


@pytest.mark.parametrize(
    ("names", "duration_s", "kind"),
    [
        (LEADS, 10, "ecg"),
        (("I", "II", "V1", "V3", "V5"), 10, "ecg"),
        (LEADS[:6], 10, "few_leads"),
        (("II", "V5"), 10, "few_leads"),
        (("I",), 30, "one_lead"),
        (("ECG",), 30, "one_lead"),
        (("ECG 1", "ECG 2"), 30, "few_leads"),
        (("II", "V5"), 1800, "long"),
        (LEADS, 86400, "long"),
        (("ECG 1", "ECG 2"), 86400, "long"),
        (("PLETH",), 480, "pulse"),
        (("ppg green", "ppg red"), 30, "pulse"),
        (("R", "G", "B"), 30, "video"),
        (("HRA", "HIS d", "CS 1-2", "RVa"), 60, "electrogram"),
        (("RESP",), 480, "other"),
        (("PLETH", "SpO2", "RESP"), 480, "pulse"),
    ],
)
def test_the_kind_is_told_from_channels_and_length(names: tuple[str, ...], duration_s: float, kind: str) -> None:
    assert kind_of_channels(names, duration_s).name == kind


def test_every_kind_has_its_one_line() -> None:
    for name in KINDS:
        line = KINDS.get(name).limits
        assert "shows" in line
        assert "\n" not in line


def _one_lead(name: str) -> Recording:
    made = simulate("NORM", seed=3, fs=300, duration_s=20, noise="light").recording
    return Recording(made.signal[:1], made.fs, (name,), "watch")


def test_a_lead_without_a_name_is_taken_for_lead_i_and_says_so() -> None:
    admitted = admit(_one_lead("ECG"))
    assert admitted.recording.leads == ("I",)
    assert admitted.notes == (TAKEN_FOR_I,)
    assert TAKEN_FOR_I in admitted.recording.notes
    assert admitted.told is not None
    assert "lead I" in admitted.told
    assert assess(admitted.recording).acceptable


def test_a_resting_ecg_passes_as_it_is() -> None:
    recording = simulate("NORM", seed=3, fs=100).recording
    admitted = admit(recording)
    assert admitted.recording is recording
    assert admitted.told is None
    assert admitted.document is None


@pytest.mark.parametrize("silence", [0.0, 1.5, np.nan])
def test_leads_without_a_signal_are_no_leads(silence: float) -> None:
    whole = simulate("AMI:acute", seed=3, fs=100).recording
    off = np.isin(whole.leads, CHEST_LEADS)
    admitted = admit(replace(whole, signal=np.where(off[:, None], np.float32(silence), whole.signal)))
    assert admitted.kind.name == "few_leads"
    assert not admitted.kind.may_say_any(["NORM", "AMI"])
    assert "No signal in V1, V2, V3, V4, V5, V6." in str(admitted.told)
    nothing = admit(replace(whole, signal=np.full_like(whole.signal, silence)))
    assert nothing.kind.name == "ecg"  # what is wrong with it is for the quality check to say


@pytest.mark.parametrize("name", ["PLETH", "PPG", "RESP", "Pulse", "HIS d"])
def test_what_is_no_lead_is_never_taken_for_one(name: str) -> None:
    with pytest.raises(UnusableSignalError, match="no ECG"):
        admit(_one_lead(name))


def test_one_lead_bears_no_voltage_st_axis_or_infarction() -> None:
    kind = KINDS.get("one_lead")
    measured = measure(_one_lead("I"))
    assert measured.st_j60_mv
    assert measured.heart_rate_bpm is not None
    masked = kind.masked(measured)
    assert masked.heart_rate_bpm == measured.heart_rate_bpm
    assert masked.st_j60_mv == {}
    assert masked.r_mv == {}
    for concept in ("IMI", "AMI", "STEMI", "LVH", "STD_", "CLBBB", "LAD", "NORM", "ACISC"):
        assert not kind.may_say(concept), concept
    for concept in ("AFIB", "PVC", "PAC", "SR", "SBRAD", "1AVB"):
        assert kind.may_say(concept), concept


def test_of_a_resting_ecg_nothing_is_withheld() -> None:
    ecg = KINDS.get("ecg")
    measurements = Measurements(st_j60_mv={"V2": 0.2})
    assert ecg.is_whole
    assert ecg.may_say("IMI")
    assert ecg.masked(measurements) is measurements


def test_a_file_that_holds_a_pulse_is_refused_with_what_it_is(tmp_path: Path) -> None:
    file = tmp_path / "finger.csv"
    rows = "\n".join(f"{i / 100:.2f},{np.sin(i / 12):.4f}" for i in range(1000))
    file.write_text(f"Time [s],PLETH [NU]\n{rows}\n")
    kind = other_kind_of(file)
    assert kind is not None
    assert kind.name == "pulse"
    with pytest.raises(UnusableSignalError, match="Pulse"):
        open_signal(file)


def test_a_table_of_one_lead_is_read_by_the_word_ecg(tmp_path: Path) -> None:
    recording = _one_lead("ECG")
    file = tmp_path / "watch.csv"
    rows = "\n".join(f"{i / 300:.5f},{1000 * v:.1f}" for i, v in enumerate(recording.signal[0]))
    file.write_text(f"time,ecg\n{rows}\n")
    admitted = open_signal(file)
    assert admitted.kind.name == "one_lead"
    np.testing.assert_allclose(admitted.recording.signal[0], recording.signal[0], atol=2e-3)


def test_a_table_of_something_else_is_no_signal(tmp_path: Path) -> None:
    file = tmp_path / "patients.csv"
    file.write_text("id,age\n1,60\n2,70\n3,55\n")
    assert other_kind_of(file) is None


@pytest.mark.data
def test_recordings_of_a_watch_and_of_a_monitor_are_told_apart(data_dir: Path) -> None:
    other = data_dir / "modalities"
    if not other.is_dir():
        pytest.skip("needs the other heart signals in the folder of real ECGs")
    watch = open_signal(other / "cinc2017" / "A00001")
    assert (watch.kind.name, watch.recording.leads) == ("one_lead", ("I",))
    assert open_signal(other / "mitdb" / "100").kind.name == "long"


def test_findings_of_the_vocabulary_alone_may_be_said_of_one_lead() -> None:
    assert not KINDS.get("one_lead").may_say("no such finding")


def test_a_build_tells_a_video_from_a_table_of_patients(tmp_path: Path) -> None:
    (tmp_path / "PPG.csv").write_text("time,R,G,B\n" + "\n".join(f"{33 * i},{200 + i % 7},3,4" for i in range(300)))
    (tmp_path / "patients.csv").write_text("id,age\n1,60\n2,70\n3,55\n")
    told = {Path(reject.source).name: reject.reason for reject in take_in(tmp_path).passed_over()}
    assert "video" in told["PPG.csv"]
    assert "precordia search" in told["PPG.csv"]
    assert "table, passed over" in told["patients.csv"]
