"""What real exports do that specifications do not say: each kind that once failed, with the right value."""

from __future__ import annotations

import struct
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from cart_files import write_aecg, write_muse, write_philips, write_scp
from ecg_files import write_dicom, write_edf_plus, write_wfdb
from written_ecg import LEADS, counts, millivolts

from precordia.core.errors import UnknownFormatError, UnusableSignalError
from precordia.records.read import read_recording


def test_age_of_dicom_from_the_birth_date(tmp_path: Path) -> None:
    for stated in ("", "000Y", "999Y"):
        path = write_dicom(tmp_path / "rec.dcm", PatientAge=stated, PatientBirthDate="19440202")
        assert read_recording(path).age == 75.0
    assert read_recording(write_dicom(tmp_path / "rec.dcm", PatientAge="061Y", PatientBirthDate="19440202")).age == 61.0


@pytest.mark.parametrize(
    "stated", ["", "<PatientAge></PatientAge>", "<PatientAge>0</PatientAge><AgeUnits>YEARS</AgeUnits>"]
)
def test_age_of_muse_from_the_birth_date(stated: str, tmp_path: Path) -> None:
    path = write_muse(tmp_path / "rec.xml")
    text = path.read_text(encoding="latin-1")
    path.write_text(
        text.replace(
            "<PatientAge>61</PatientAge><AgeUnits>YEARS</AgeUnits>", f"{stated}<DateofBirth>01-31-1950</DateofBirth>"
        ),
        encoding="latin-1",
    )
    assert read_recording(path).age == 70.0


def test_age_of_philips_and_wfdb_from_the_birth_date(tmp_path: Path) -> None:
    path = write_philips(tmp_path / "rec.xml")
    path.write_text(
        path.read_text().replace("<years>61</years>", "<years></years><dateofbirth>1950-01-31</dateofbirth>")
    )
    assert read_recording(path).age == 70.0
    assert read_recording(write_wfdb(tmp_path, comments="# Age: Unknown\n# Date of Birth: 31.01.1950\n")).age == 70.0
    assert read_recording(write_wfdb(tmp_path, comments="# Age: 1951\n# Sex: Homme\n")).sex == "M"
    assert read_recording(write_wfdb(tmp_path, comments="# Age: 1951\n")).age == 69.0


def test_an_empty_birth_date_of_aecg_is_no_age(tmp_path: Path) -> None:
    path = write_aecg(tmp_path / "rec.xml")
    path.write_text(path.read_text().replace('birthTime value="19590101"', 'birthTime value=""'))
    assert read_recording(path).age is None


def test_a_derived_group_of_ten_seconds_is_a_rhythm(tmp_path: Path) -> None:
    values = counts(2500)
    recording = read_recording(
        write_dicom(tmp_path / "rec.dcm", values, WaveformOriginality="DERIVED", MultiplexGroupLabel="")
    )
    np.testing.assert_allclose(recording.signal, millivolts(values), atol=1e-6)
    assert recording.median_beats is None


def test_short_derived_groups_alone_are_beats(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "rec.dcm", counts(300), WaveformOriginality="DERIVED", MultiplexGroupLabel="")
    with pytest.raises(UnusableSignalError, match="median beats only"):
        read_recording(path)


@pytest.mark.parametrize("cut", [4, 128, 132])
def test_dicom_without_preamble_or_mark(cut: int, tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "rec.dcm")
    whole, data = read_recording(path), path.read_bytes()
    path.write_bytes(data[:128] + data[132:] if cut == 4 else data[cut:])
    recording = read_recording(path)
    assert recording.format == "dicom"
    assert recording.content_hash == whole.content_hash
    assert recording.patient_id == "P1"


def test_deflated_dicom_without_preamble(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "rec.dcm", syntax="1.2.840.10008.1.2.1.99")
    path.write_bytes(path.read_bytes()[132:])
    np.testing.assert_allclose(read_recording(path).signal, millivolts(counts()), atol=1e-6)


def test_events_of_edf_and_dicom_are_notes_and_no_report(tmp_path: Path) -> None:
    texts = ("Recording starts", "Lead off V2")
    edf = read_recording(write_edf_plus(tmp_path / "rec.edf", texts=texts))
    assert (edf.report, edf.vendor_statements) == (None, ())
    assert "events in the file: Recording starts; Lead off V2" in edf.notes
    dicom = read_recording(write_dicom(tmp_path / "rec.dcm", event="Button pressed"))
    assert dicom.report == "Sinus rhythm"
    assert "events in the file: Button pressed" in dicom.notes


def test_muse_without_units_is_in_microvolts(tmp_path: Path) -> None:
    path = write_muse(tmp_path / "rec.xml")
    path.write_bytes(path.read_bytes().replace(b"<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits>", b""))
    recording = read_recording(path)
    np.testing.assert_allclose(recording.lead("V1"), millivolts(counts())[6], atol=1e-6)
    assert "unit of I, II, V1, V2, V3, V4, V5, V6 not given: uV taken, as MUSE writes" in recording.notes


@pytest.mark.parametrize("end", [100, 99])
def test_scp_ranges_from_zero(end: int, tmp_path: Path) -> None:
    """Writers give 0..100 or 0..99 for the hundred samples that the standard gives as 1..100."""
    path = write_scp(tmp_path / "rec.scp", packed=False)
    whole = read_recording(path).signal
    path.write_bytes(path.read_bytes().replace(struct.pack("<II", 1, 100), struct.pack("<II", 0, end)))
    np.testing.assert_array_equal(read_recording(path).signal, whole)
    packed = write_scp(tmp_path / "packed.scp")
    packed.write_bytes(packed.read_bytes().replace(struct.pack("<II", 1, 100), struct.pack("<II", 0, end)))
    np.testing.assert_array_equal(read_recording(packed).signal, whole[:, :end])


@pytest.mark.parametrize("version", ["1.05", "1.04.03", "1.2", ""])
def test_unknown_minor_versions_of_philips_are_read_with_a_note(version: str, tmp_path: Path) -> None:
    recording = read_recording(write_philips(tmp_path / "rec.xml", version=version))
    np.testing.assert_allclose(recording.signal, millivolts(counts()), atol=1e-6)
    assert recording.notes[0].startswith(f"version {version or 'not given'} is not known")


def test_unknown_major_versions_of_philips_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormatError, match=r"1\.x"):
        read_recording(write_philips(tmp_path / "rec.xml", version="2.0"))


def test_headers_with_a_path_in_their_names(tmp_path: Path) -> None:
    """PTB-XL+ names records and files from the archive's root; the files lie beside the header."""
    header = write_wfdb(tmp_path)
    header.write_text(header.read_text().replace("rec 12", "ge/00/rec 12").replace("rec.dat", "ge/00/rec.dat"))
    recording = read_recording(header)
    np.testing.assert_allclose(recording.signal, millivolts(counts()), atol=1e-6)
    assert recording.recording_id == "rec"


def test_twelve_channels_without_names_are_the_standard_leads(tmp_path: Path) -> None:
    header = write_wfdb(tmp_path)
    lines = header.read_text().splitlines()
    header.write_text("\n".join([lines[0], *(line.rsplit(" ", 1)[0] for line in lines[1:])]) + "\n")
    recording = read_recording(header)
    assert recording.leads == LEADS
    assert "lead names not given: taken in standard order" in recording.notes


def test_time_of_recording_stays(tmp_path: Path) -> None:
    assert read_recording(write_dicom(tmp_path / "rec.dcm")).time == datetime(2020, 2, 1, 10, 11, 12)


def test_a_nameless_channel_of_edf_tells_no_events(tmp_path: Path) -> None:
    path = write_edf_plus(tmp_path / "rec.edf", texts=(), names=(*LEADS[:11], ""), unit="mmHg", kind="EDF+C")
    data = path.read_bytes()
    path.write_bytes(data.replace(b"mmHg    " * 12, b"uV      " * 11 + b"mmHg    "))
    recording = read_recording(path)
    assert recording.leads == LEADS[:11]
    assert recording.notes == ()
