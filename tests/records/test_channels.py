"""Names of channels and units of voltage in every spelling, in every reader that meets them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cart_files import write_aecg, write_cardiosoft, write_muse, write_schiller
from ecg_files import write_csv, write_dicom, write_edf_plus, write_wfdb
from written_ecg import LEADS, counts, millivolts

from precordia.core.leads import canonical_lead
from precordia.records.channels import assumed_unit, is_other_signal, mv_per_unit, name_channels
from precordia.records.read import read_recording


@pytest.mark.parametrize(("factor", "spellings"), [
    (1.0, ["mV", "mv", "MV", "mVolt", "mVolts", "millivolt", "millivolts", "MILLIVOLTS", "millivol", " mV ", "milivoltios"]),
    (1e-3, ["uV", "UV", "µV", "μV", "ÂµV", "Î¼V", "uVolt", "microvolts", "microvol", "Mikrovolt", "MDC_DIM_MICRO_VOLT"]),
    (1e-6, ["nV", "nanovolts"]), (1e3, ["V", "volts", "Volt"]), (None, ["", "mmHg", "NU", "%", "rev", "bpm", "kV"]),
])  # fmt: skip
def test_units(factor: float | None, spellings: list[str]) -> None:
    assert {unit: mv_per_unit(unit) for unit in spellings} == dict.fromkeys(spellings, factor)


@pytest.mark.parametrize(("lead", "spellings"), [
    ("II", ["II", "ii", "Lead II", "LEAD_II", "Lead-II", "ECG II", "EKG II", "ECG-II", "ECG Lead II", "MDC_ECG_LEAD_II", "DII",
            "D2", "MLII", "Ableitung II", "Dérivation II", "Derivación II", "Derivazione II"]),
    ("aVR", ["aVR", "AVR", "avr", "a VR", "aV_R", "Lead aVR", "Lead-aVR", "MDC_ECG_LEAD_AVR"]),
    ("V1", ["V1", "v1", "C1", "ECG V1", "Lead_V1"]),
    (None, ["-aVR", "Lead -aVR", "1", "12", "ECG", "ECG1", "X", "V7", "V3R", "CM5", "Resp", "IV", "", "Lead"]),
])  # fmt: skip
def test_lead_names(lead: str | None, spellings: list[str]) -> None:
    assert {name: canonical_lead(name) for name in spellings} == dict.fromkeys(spellings, lead)


def test_numbered_channels_are_no_leads() -> None:
    assert [canonical_lead(name) for name in ("1", "ECG 1", "Lead 2", "ECG II", "Lead I", "D1", "MLII")] == [
        None,
        None,
        None,
        "II",
        "I",
        "I",
        "II",
    ]
    assert name_channels(["ECG 1", "ECG 2"]) == ("ECG 1", "ECG 2")
    assert name_channels([str(i) for i in range(1, 13)])[:3] == ("1", "2", "3")


def test_numbers_beside_augmented_or_chest_leads_are_leads() -> None:
    assert name_channels(["Lead 1", "Lead 2", "Lead 3", "aVR", "aVL", "aVF"]) == LEADS[:6]


def test_other_signals_are_told_by_name() -> None:
    others = ["PPG", "Pleth", "RESP", "Resp oro-nasal", "EEG Fpz-Cz", "EMG submental", "ABP", "SpO2", "EOG horizontal"]
    assert all(map(is_other_signal, others))
    assert not any(map(is_other_signal, [*LEADS, "ECG", "MLII", "X", "CM5", "V7", "ES", "AS"]))


def test_an_assumed_unit_follows_the_amplitudes() -> None:
    signal = millivolts(counts())
    assert assumed_unit(signal) == ("mV", 1.0)
    assert assumed_unit(signal * 1000) == ("uV", 1e-3)


def test_holter_channels_keep_their_names_and_nothing_is_derived(tmp_path: Path) -> None:
    edf = read_recording(
        write_edf_plus(tmp_path / "psg.edf", values=counts()[:2], names=("ECG 1", "ECG 2"), kind="EDF+C")
    )
    assert edf.leads == ("ECG 1", "ECG 2")
    assert not edf.notes[:-1]
    header = write_wfdb(tmp_path, values=counts()[:4])
    header.write_text(header.read_text().replace(" ch", " ECG "))
    assert read_recording(header).leads == ("ECG 0", "ECG 1", "ECG 2", "ECG 3")


def test_ecg_channels_of_a_sleep_study_are_kept_at_their_own_rate(tmp_path: Path) -> None:
    path = write_edf_plus(
        tmp_path / "psg.edf", values=counts()[:3], names=("ECG 1", "EEG Fpz-Cz", "EMG chin"), kind="EDF+C"
    )
    recording = read_recording(path)
    assert recording.leads == ("ECG 1",)
    assert "left out: EEG Fpz-Cz, EMG chin" in recording.notes


def replaced(old: str, new: str, *encodings: str) -> Callable[[Path], Path]:
    def change(path: Path) -> Path:
        path.write_bytes(
            path.read_bytes().replace(old.encode("utf-8"), new.encode(encodings[0] if encodings else "utf-8"))
        )
        return path

    return change


SPELLED = {
    "edf uVolt": lambda f: write_edf_plus(f / "rec.edf", unit="uVolt"),
    "edf µV in UTF-8": lambda f: write_edf_plus(f / "rec.edf", unit="ÂµV"),
    "edf µV in Latin-1": lambda f: write_edf_plus(f / "rec.edf", unit="µV"),
    "edf microvol": lambda f: write_edf_plus(f / "rec.edf", unit="microvol"),
    "wfdb millivolts": lambda f: replaced("/mV", "/millivolts")(write_wfdb(f)),
    "dicom mVolt": lambda f: write_dicom(f / "rec.dcm", unit="mVolt", sensitivity="0.005"),
    "aecg microvolts": lambda f: replaced('unit="uV"', 'unit="microvolts"')(write_aecg(f / "rec.xml")),
    "aecg µV": lambda f: replaced('unit="uV"', 'unit="µV"')(write_aecg(f / "rec.xml")),
    "schiller µV": lambda f: replaced("<units>UV", "<units>µV", "latin-1")(write_schiller(f / "rec.xml")),
    "muse uV": lambda f: replaced("MICROVOLTS", "uVolt")(write_muse(f / "rec.xml")),
    "csv millivolts": lambda f: replaced("(mV)", "(millivolts)")(write_csv(f / "rec.csv")),
    "csv µV": lambda f: replaced("(mV)", "(µV)", "cp1252")(write_csv(f / "rec.csv")),
}
WITHOUT = {
    "edf": lambda f: write_edf_plus(f / "rec.edf", unit=""),
    "dicom": lambda f: write_dicom(f / "rec.dcm", unit=None),
    "aecg": lambda f: replaced(' unit="uV"', "")(write_aecg(f / "rec.xml")),
    "schiller": lambda f: replaced("<units>UV</units>", "<units/>")(write_schiller(f / "rec.xml")),
    "muse": lambda f: replaced("<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits>", "")(write_muse(f / "rec.xml")),
    "cardiosoft": lambda f: write_cardiosoft(f / "rec.xml", unit=""),
}


@pytest.mark.parametrize("case", SPELLED)
def test_spelled_units_give_millivolts(case: str, tmp_path: Path) -> None:
    recording = read_recording(SPELLED[case](tmp_path))
    factor = 1e-3 if case == "csv µV" else 1.0
    np.testing.assert_allclose(recording.signal, millivolts(counts()) * factor, atol=1e-5)
    assert not any("not given" in note for note in recording.notes)


@pytest.mark.parametrize("case", WITHOUT)
def test_a_missing_unit_is_taken_from_the_amplitudes_and_said(case: str, tmp_path: Path) -> None:
    recording = read_recording(WITHOUT[case](tmp_path))
    np.testing.assert_allclose(recording.signal, millivolts(counts()), atol=1e-5)
    assert any("not given: uV taken" in note for note in recording.notes)
