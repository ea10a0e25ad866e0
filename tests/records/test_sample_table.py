"""Text tables of samples in the layouts that exports have: separators, decimal commas, units rows, clock times, lines of facts."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from written_ecg import LEADS, counts, millivolts

from precordia.core.errors import InputError, UnusableSignalError
from precordia.records.read import read_recording
from precordia.records.readers.sample_layout import clock_seconds, find_layout, rate_of

VALUES = counts() * 0.005


def table(
    separator: str = ",", *, header: str = "", comma: bool = False, times: list[str] | None = None, quote: str = ""
) -> str:
    """The values as a table under a header of lead names, with a first column of times where given."""
    names = [*(["Time"] if times else []), *LEADS]
    lines = [header, separator.join(f"{quote}{name}{quote}" for name in names)] if header else [separator.join(names)]
    for i, column in enumerate(VALUES.T):
        cells = [*([times[i]] if times else []), *(f"{value:.3f}" for value in column)]
        cells = [cell.replace(".", ",") for cell in cells] if comma else cells
        lines.append(separator.join(f"{quote}{cell}{quote}" if comma and separator == "," else cell for cell in cells))
    return "\n".join(lines) + "\n"


SECONDS = [f"{i / 250:.3f}" for i in range(VALUES.shape[1])]
CLOCK = [f"00:00:{i / 250:06.3f}" for i in range(VALUES.shape[1])]
STAMPS = [(datetime(2020, 2, 1, 23, 59, 59, 900_000) + timedelta(seconds=i / 250)).isoformat(timespec="milliseconds")
          for i in range(VALUES.shape[1])]  # fmt: skip
LATE = [(datetime(2020, 2, 1, 23, 59, 59, 900_000) + timedelta(seconds=i / 250)).strftime("%H:%M:%S.%f")[:-3]
        for i in range(VALUES.shape[1])]  # fmt: skip


def rdsamp() -> str:
    """PhysioBank's export: quoted names, a row of units, quoted times."""
    lines = ["'Elapsed time'," + ",".join(f"'{lead.lower()}'" for lead in LEADS), "'hh:mm:ss.mmm'" + ",'mV'" * 12]
    lines += [
        f"'0:00:{i / 250:06.3f}'," + ",".join(f"{value:.3f}" for value in column) for i, column in enumerate(VALUES.T)
    ]
    return "\n".join(lines)


def rdsamp_text() -> str:
    """rdsamp -p -v: columns in white space, units in brackets."""
    lines = [
        "   Elapsed time " + " ".join(f"{lead:>9}" for lead in LEADS),
        "   hh:mm:ss.mmm " + " ".join(["     (mV)"] * 12),
    ]
    lines += [
        f"   0:{i / 250:06.3f} " + " ".join(f"{value:9.3f}" for value in column) for i, column in enumerate(VALUES.T)
    ]
    return "\n".join(lines)


LAYOUTS = {
    "comma": table(times=SECONDS),
    "semicolon": table(";", times=SECONDS),
    "tab": table("\t", times=SECONDS),
    "semicolon, decimal comma": table(";", times=SECONDS, comma=True),
    "tab, decimal comma": table("\t", times=SECONDS, comma=True),
    "comma, quoted decimal comma": table(",", times=SECONDS, comma=True, quote='"', header="# export"),
    "blanks": table(" ", times=SECONDS),
    "clock": table(times=CLOCK),
    "clock past midnight": table(times=LATE),
    "dates": table(times=STAMPS),
    "dates, decimal comma": table(";", times=STAMPS, comma=True),
    "milliseconds": table(times=[f"{4 * i}" for i in range(100)]).replace("Time,", "Time (ms),"),
    "unix milliseconds": table(times=[f"{1_580_551_200_000 + 4 * i}" for i in range(100)]),
    "rdsamp -c": rdsamp(),
    "rdsamp -p": rdsamp_text(),
    "facts before": table(";", header="Patient ID;P1\nSampling rate;250 Hz\nUnit;mV"),
    "facts before, commented": table(header="# fs = 250\n# units: mV"),
    "facts before, German": table(";", header="Abtastrate: 250 Hz\nEinheit: mV", comma=True),
    "trailing separator": "\n".join(line + ";" for line in table(";", times=SECONDS).splitlines()),
    "byte order mark, CRLF": "\ufeff" + table(times=SECONDS).replace("\n", "\r\n"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_give_the_samples_leads_and_rate(layout: str, tmp_path: Path) -> None:
    (tmp_path / "rec.csv").write_text(LAYOUTS[layout], encoding="utf-8", newline="")
    recording = read_recording(tmp_path / "rec.csv")
    assert recording.leads == LEADS
    assert recording.fs == 250.0
    np.testing.assert_allclose(recording.signal, VALUES, atol=0.0006)
    assert recording.patient_id == ("P1" if layout == "facts before" else None)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_a_watchs_export(encoding: str, tmp_path: Path) -> None:
    lines = [
        "Name,Jane Roe",
        'Date of Birth,"1 Jan 1970"',
        "Recorded Date,2024-01-01 10:00:00 +0100",
        "Classification,Sinus Rhythm",
        "Symptoms,",
        "Software Version,1.90",
        'Device,"Watch6,1"',
        "Sample Rate,512 hertz",
        "",
        "Lead,Lead I",
        "Unit,µV",
        "",
    ]
    (tmp_path / "rec.csv").write_text(
        "\n".join([*lines, *(f"{value * 1000:.3f}" for value in VALUES[0])]), encoding=encoding
    )
    recording = read_recording(tmp_path / "rec.csv")
    np.testing.assert_allclose(recording.signal, VALUES[:1], atol=1e-6)
    assert (recording.leads, recording.fs, recording.age) == (("I",), 512.0, 54.0)
    assert (recording.time, recording.device, recording.report) == (
        datetime(2024, 1, 1, 10),
        "Watch6,1",
        "Sinus Rhythm",
    )
    assert "Roe" not in repr(vars(recording))


def test_columns_that_are_no_ecg_are_left_out(tmp_path: Path) -> None:
    lines = ["Time [s], RESP, PLETH, AVR, II, ABP [mmHg]"]
    lines += [f"{i / 125},0.1,0.4,{VALUES[3, i]:.3f},{VALUES[1, i]:.3f},90" for i in range(100)]
    (tmp_path / "rec.csv").write_text("\n".join(lines))
    recording = read_recording(tmp_path / "rec.csv")
    assert (recording.leads, recording.fs) == (("aVR", "II"), 125.0)
    np.testing.assert_allclose(recording.signal, VALUES[[3, 1]], atol=0.0006)
    assert "left out: RESP, PLETH, ABP" in recording.notes


@pytest.mark.parametrize("rows_are_leads", [False, True])
@pytest.mark.parametrize("separator", [",", " ", "\t"])
def test_bare_numbers_with_a_json_beside(rows_are_leads: bool, separator: str, tmp_path: Path) -> None:
    """As numpy.savetxt writes them, a line a lead longer than what is looked at first."""
    values = counts(5000) * 0.005
    np.savetxt(tmp_path / "rec.csv", values if rows_are_leads else values.T, delimiter=separator)
    (tmp_path / "rec.json").write_text('{"fs": 500}')
    recording = read_recording(tmp_path / "rec.csv")
    assert (recording.leads, recording.fs) == (LEADS, 500.0)
    np.testing.assert_allclose(recording.signal, values, atol=1e-6)


def test_a_column_that_repeats_the_rate_is_no_lead(tmp_path: Path) -> None:
    lines = ["Sampling Freq,Time [s], RESP, PLETH, V, AVR, II"]
    lines += [
        f"{125 if i == 0 else ''},{i / 125:g},0.1,0.4,{VALUES[6, i]:.3f},{VALUES[3, i]:.3f},{VALUES[1, i]:.3f}"
        for i in range(100)
    ]
    (tmp_path / "rec.csv").write_text("\n".join(lines))
    recording = read_recording(tmp_path / "rec.csv")
    assert (recording.leads, recording.fs) == (("V", "aVR", "II"), 125.0)
    np.testing.assert_allclose(recording.signal, VALUES[[6, 3, 1]], atol=0.0006)


def test_each_column_is_scaled_by_its_own_unit(tmp_path: Path) -> None:
    lines = [
        "time (s),I (mV),II (uV)",
        *(f"{i / 250},{VALUES[0, i]:.3f},{VALUES[1, i] * 1000:.1f}" for i in range(100)),
    ]
    (tmp_path / "rec.csv").write_text("\n".join(lines))
    np.testing.assert_allclose(read_recording(tmp_path / "rec.csv").signal[:2], VALUES[:2], atol=0.0006)


def test_the_json_beside_wins_over_what_the_table_says(tmp_path: Path) -> None:
    (tmp_path / "rec.csv").write_text(
        "# fs = 100\ntime (s),I (mV),II (mV)\n" + "".join(f"{i / 250},{i},{-i}\n" for i in range(50))
    )
    (tmp_path / "rec.json").write_text('{"fs": 500, "units": "uV", "leads": ["V1", "V2"]}')
    recording = read_recording(tmp_path / "rec.csv")
    assert (recording.leads, recording.fs, recording.signal[0, 49]) == (("V1", "V2"), 500.0, np.float32(0.049))


def test_microvolts_without_a_unit_are_said(tmp_path: Path) -> None:
    lines = ["time (s),I,II", *(f"{i / 250},{VALUES[0, i] * 1000:.1f},{VALUES[1, i] * 1000:.1f}" for i in range(100))]
    (tmp_path / "rec.csv").write_text("\n".join(lines))
    recording = read_recording(tmp_path / "rec.csv")
    np.testing.assert_allclose(recording.signal[:2], VALUES[:2], atol=0.0006)
    assert "unit not given: uV taken, after the amplitudes" in recording.notes


@pytest.mark.parametrize("mark", ["", "-", "nan", "NaN"])
def test_missing_cells_are_missing_samples(mark: str, tmp_path: Path) -> None:
    lines = [
        "time (s),I,II",
        *(f"{i / 250},{mark if i in (0, 7, 99) else VALUES[0, i]},{mark if i == 9 else 1}" for i in range(100)),
    ]
    (tmp_path / "rec.csv").write_text("\n".join(lines))
    missing = np.argwhere(np.isnan(read_recording(tmp_path / "rec.csv").signal[:2]))
    assert missing.tolist() == [[0, 0], [0, 7], [0, 99], [1, 9]]


def test_a_column_of_leads_without_rate_asks_for_it(tmp_path: Path) -> None:
    (tmp_path / "rec.csv").write_text("I,II\n0.1,0.2\n0.1,0.3\n0.1,0.4\n")
    with pytest.raises(UnusableSignalError, match="sampling rate"):
        read_recording(tmp_path / "rec.csv")


def test_a_word_among_the_samples_is_said_with_its_row(tmp_path: Path) -> None:
    lines = LAYOUTS["comma"].splitlines()
    lines[51] = lines[51].replace("0.200,", "oops,", 1)
    (tmp_path / "rec.csv").write_text("\n".join(lines))
    with pytest.raises(InputError, match=r"row 5\d of the samples"):
        read_recording(tmp_path / "rec.csv")


@pytest.mark.parametrize("text", [
    "ecg_id,age,sex,report\n1,61,1,2\n2,62,0,3\n3,61,1,2\n", "a,b\n1,2\n3,4\n", "Time,V1,V2,V3,Amount,Class,V28\nx,y,z,1,2,3,4\n",
    "id,I,V9,V10,V11,V12,V13,V14\n1,2,3,4,5,6,7,8\n1,2,3,4,5,6,7,8\n",
])  # fmt: skip
def test_tables_of_numbers_are_no_recordings(text: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match="table"):
        read_recording(tmp_path / "t.csv")


@pytest.mark.parametrize("fs", [100.0, 128.0, 250.0, 257.0, 360.0, 500.0, 512.0, 1000.0])
@pytest.mark.parametrize("digits", [3, 4, 6])
def test_rates_from_rounded_times(fs: float, digits: int) -> None:
    times = np.round(np.arange(5000) / fs, digits)
    assert rate_of(times, 10.0**-digits) == (fs, ())


def test_jumping_times_are_said() -> None:
    times = np.concatenate((np.arange(500), np.arange(1000, 1500))) / 250
    fs, notes = rate_of(times, 0.001)
    assert fs == 250.0
    assert notes == ("the times jump in 1 places: samples may be missing there",)


def test_a_gap_in_the_times_is_one_in_the_samples(tmp_path: Path) -> None:
    rows = [f"{i / 250:.3f},{np.sin(i / 9):.4f},{np.cos(i / 9):.4f}" for i in range(2500) if not 1000 <= i < 1500]
    file = tmp_path / "holter.csv"
    file.write_text("\n".join(("time,II,V5", *rows)))
    recording = read_recording(file)
    assert recording.n_samples == 2500
    assert np.isnan(recording.signal[:, 1000:1500]).all()
    assert np.isfinite(recording.signal[:, 1500:]).all()
    assert recording.signal[0, 2000] == pytest.approx(np.sin(2000 / 9), abs=1e-3)
    assert any("2 s are missing" in note for note in recording.notes)
    assert not any("jump" in note for note in recording.notes)


def test_clock_times_pass_midnight() -> None:
    seconds, resolution = clock_seconds(["23:59:59.996", "23:59:59.998", "00:00:00.000", "0:00:00.002"])
    np.testing.assert_allclose(np.diff(seconds), 0.002, atol=1e-6)
    assert resolution == 0.001


def test_a_layout_of_a_long_file_is_told_from_its_beginning() -> None:
    layout = find_layout("I,II\n" + "0.1,0.2\n" * 50_000)
    assert layout is not None
    assert (layout.start, layout.names, layout.width) == (5, ("I", "II"), 2)
    assert math.isclose(millivolts(counts())[0, 0], VALUES[0, 0])
