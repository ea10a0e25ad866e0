"""A refusal names what the file is and a remedy that works; "damaged" is said of nothing that is merely unknown."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cart_files import write_muse
from ecg_files import write_wfdb
from written_ecg import LEADS, counts

from precordia.core.errors import InputError, UnknownFormatError, UnusableSignalError
from precordia.records.read import read_recording
from precordia.records.sheets.columns import load_table


def zipped(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


KINDS: dict[str, tuple[bytes, str, str]] = {
    "b.mat": (b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM", "MATLAB 7.3", "-v7"),
    "c.ann": (b"ANN  1.0" + bytes(40), "ISHNE beat annotations", "ISHNE1.0"),
    "d.zip": (b"PK\5\6" + bytes(18), "a ZIP archive with nothing in it", "again"),
    "e.xlsx": (zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook", "--reports"),
    "f.docx": (zipped("[Content_Types].xml", "word/document.xml"), "an Office document", "export"),
    "g.pdf": (b"%PDF-1.7\n%\xe2\xe3", "a PDF", "export the ECG as data"),
    "h.png": (b"\x89PNG\r\n\x1a\n" + bytes(20), "a PNG picture", "export the ECG as data"),
    "i.bz2": (b"BZh9" + bytes(20), "a bzip2 archive", "unpack"),
    "j.7z": (b"7z\xbc\xaf'\x1c" + bytes(20), "a 7z archive", "unpack"),
    "k.parquet": (b"PAR1" + bytes(20), "a Parquet table", "--reports"),
    "l.pkl": (b"\x80\x04\x95" + bytes(20), "a Python pickle", "NPY"),
    "m.xml": (b"<?xml version='1.0'?><html><body/></html>", "XML with the root element html", "export"),
    "n.csv": (b"ecg_id,report\n1,Sinus rhythm\n2,AF\n", "a table of 2 columns", "--reports"),
    "u.csv": (b"0.1,0.2,0.3\n" * 30, "columns of numbers", "--fs"),
    "o.json": (b'{"a": [1, 2]}', "JSON", "array"),
    "p.hl7": (b"MSH|^~\\&|A|B\r", "an HL7 version 2 message", "export"),
    "q.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(20), "an old Office document", "CSV"),
    "r.bin": (bytes(range(1, 200)), "unknown kind", "formats read"),
    "s.txt": (b"The quick brown fox.", "text", "export"),
    "t.wav": (b"RIFF\0\0\0\0WAVEfmt ", "RIFF audio", "export"),
}


@pytest.mark.parametrize("name", KINDS)
def test_what_no_reader_reads_is_named(name: str, tmp_path: Path) -> None:
    data, kind, remedy = KINDS[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UnknownFormatError) as caught:
        read_recording(tmp_path / name)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / name}: ")
    assert kind in message
    assert remedy in message
    assert "damaged" not in message
    assert "\n" not in message


def test_cells_of_a_table_are_not_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Name,Jane Roe\nBorn,1970-01-01\nClass,Sinus\n")
    with pytest.raises(UnknownFormatError) as caught:
        read_recording(tmp_path / "a.csv")
    assert "Roe" not in str(caught.value)


def layout_header(folder: Path) -> Path:
    path = folder / "3975656_layout.hea"
    path.write_text("3975656_layout 2 125 0\n~ 0 1/mV 8 0 0 0 0 II\n~ 0 1/mmHg 8 0 0 0 0 ABP\n")
    return path


def no_header(folder: Path) -> Path:
    (folder / "rec.hea").write_text("These are the readme's first words\n")
    return folder / "rec.hea"


def no_scale(folder: Path) -> Path:
    path = write_muse(folder / "rec.xml")
    path.write_bytes(path.read_bytes().replace(b"MICROVOLTS", b"COUNTS"))
    return path


def no_rate(folder: Path) -> Path:
    np.save(folder / "rec.npy", counts().astype(np.int16))
    (folder / "rec.json").write_text(json.dumps({"fs": "fast"}))
    return folder / "rec.npy"


@pytest.mark.parametrize(("make", "error", "says", "remedy"), [
    (layout_header, UnusableSignalError, "a layout header", "read 3975656.hea"),
    (no_header, InputError, "not a WFDB header", "name signals rate samples"),
    (no_scale, InputError, "the unit is no voltage", "export it from MUSE again"),
    (no_rate, UnusableSignalError, "rec.json beside it gives no number", '{"fs": 500}'),
])  # fmt: skip
def test_readers_say_what_is_missing_and_what_to_do(
    make: Callable[[Path], Path], error: type[InputError], says: str, remedy: str, tmp_path: Path
) -> None:
    with pytest.raises(error) as caught:
        read_recording(make(tmp_path))
    assert says in str(caught.value)
    assert remedy in str(caught.value)
    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize("facts", [
    {"fs": "500"}, {"fs": "500 Hz"}, {"sampling_rate": 500}, {"samplingRate": "500.0"}, {"Sampling Frequency": 500},
    {"sfreq": "0,5 kHz"},
    {"fs": 500, "channels": 12}, {"fs": 500, "lead_names": list(LEADS)}, {"fs": 500, "sig_name": ", ".join(LEADS)},
])  # fmt: skip
def test_the_json_beside_is_understood_as_people_write_it(facts: dict[str, object], tmp_path: Path) -> None:
    np.save(tmp_path / "rec.npy", counts() * 0.005)
    (tmp_path / "rec.json").write_text(json.dumps(facts))
    recording = read_recording(tmp_path / "rec.npy")
    assert (recording.fs, recording.leads) == (500.0, LEADS)


def test_the_exact_key_wins_over_other_names(tmp_path: Path) -> None:
    np.save(tmp_path / "rec.npy", counts() * 0.005)
    facts = {
        "frequency": 50,
        "rate": 72,
        "fs": 500,
        "snomed": "1",
        "gender": "Mujer",
        "is_male": 1,
        "dob": "1950-01-31",
    }
    (tmp_path / "rec.json").write_text(json.dumps({**facts, "time": "2020-02-01T10:00:00"}))
    recording = read_recording(tmp_path / "rec.npy")
    assert (recording.fs, recording.sex, recording.age) == (500.0, "F", 70.0)


def test_a_header_without_gain_is_read_and_says_what_was_taken(tmp_path: Path) -> None:
    header = write_wfdb(tmp_path)
    header.write_text(header.read_text().replace(" 200(0)/mV", " 0"))
    recording = read_recording(header)
    np.testing.assert_allclose(recording.signal, counts() / 200, atol=1e-6)
    assert any("no gain in the header" in note for note in recording.notes)


def test_what_a_library_says_of_a_file_quotes_none_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "reports.csv"
    table.write_text("record,report\nr1,AF\nr2,Zzyzx,4711,AF\n")
    with pytest.raises(InputError, match=r"row 3\); save it as CSV") as caught:
        load_table(table)
    assert "Zzyzx" not in str(caught.value)

    def fails(*_: object) -> None:
        raise ValueError("could not convert string to float: 'Zzyzx' at byte 17")

    monkeypatch.setattr("precordia.records.alone._read", fails)
    with pytest.raises(InputError, match=r"\(ValueError, byte 17\)") as caught:
        read_recording(no_rate(tmp_path))
    assert "Zzyzx" not in str(caught.value)
