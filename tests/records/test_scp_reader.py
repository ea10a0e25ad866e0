"""SCP-ECG's ways of packing samples: own Huffman tables, differences and reference beats, as ecgdatakit unpacks them."""

from __future__ import annotations

import binascii
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from cart_files import write_scp
from numpy.typing import NDArray
from written_ecg import FS, LEADS, STORED, counts, millivolts

from precordia.core.errors import UnreadableRecordingError
from precordia.records.read import read_recording
from precordia.records.readers.scp_signal import SubtractionZone, add_reference_beat, decode, integrate, read_tables

CODES = {0: "0", 1: "100", -1: "101", 2: "1100", -2: "1101"}
BYTE, WORD = "1110", "1111"


def own_tables() -> bytes:
    """Section 2 with a table of five short codes, an 8-bit and a 16-bit escape."""
    entries = [(len(code), len(code), 1, value, code) for value, code in CODES.items()]
    entries += [(4, 12, 1, 0, BYTE), (4, 20, 1, 0, WORD)]
    body = struct.pack("<HH", 1, len(entries))
    for prefix, total, mode, value, code in entries:
        body += struct.pack("<BBBhI", prefix, total, mode, value, int(code[::-1], 2))
    return body


def pack(values: NDArray[np.int64]) -> bytes:
    bits = ""
    for value in values.tolist():
        if value in CODES:
            bits += CODES[value]
        elif -128 <= value <= 127:
            bits += BYTE + f"{value & 0xFF:08b}"
        else:
            bits += WORD + f"{value & 0xFFFF:016b}"
    bits += "0" * (-len(bits) % 8)
    return int("1" + bits, 2).to_bytes(len(bits) // 8 + 1, "big")[1:]


def section(number: int, body: bytes) -> bytes:
    body += b"\0" * (len(body) % 2)
    rest = struct.pack("<HIBB", number, len(body) + 16, 20, 20) + bytes(6) + body
    return struct.pack("<H", binascii.crc_hqx(rest, 0xFFFF)) + rest


def write(path: Path, bodies: dict[int, bytes]) -> Path:
    sections = {number: section(number, body) for number, body in sorted(bodies.items())}
    at, pointers = 142, struct.pack("<HII", 0, 136, 7)
    for number in range(1, 12):
        data = sections.get(number, b"")
        pointers += struct.pack("<HII", number, len(data), at + 1 if data else 0)
        at += len(data)
    rest = struct.pack("<HIBB", 0, 136, 20, 20) + b"SCPECG" + pointers
    whole = struct.pack("<H", binascii.crc_hqx(rest, 0xFFFF)) + rest + b"".join(sections.values())
    sized = struct.pack("<I", len(whole) + 6) + whole
    path.write_bytes(struct.pack("<H", binascii.crc_hqx(sized, 0xFFFF)) + sized)
    return path


def leads_body(rows: list[bytes], difference: int) -> bytes:
    head = struct.pack("<HHBB", 5000, round(1e6 / FS), difference, 0)
    return head + struct.pack(f"<{len(rows)}H", *map(len, rows)) + b"".join(rows)


def by_ecgdatakit(path: Path) -> dict[str, NDArray[np.float64]]:
    import ecgdatakit

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        record = ecgdatakit.FileParser().parse(path)
        record.to_physical()
        record.convert_units("mV")
    return {lead.label: lead.samples for lead in record.leads}


@pytest.mark.parametrize("difference", [0, 1, 2])
@pytest.mark.parametrize("subtracted", [False, True])
def test_own_tables_differences_and_reference_beats(difference: int, subtracted: bool, tmp_path: Path) -> None:
    values = counts()
    stored = [values[LEADS.index(lead)] for lead in STORED]
    beats = [row[20:45].copy() for row in stored]  # 100 ms
    zones = [(0, 15, 30, 42), (0, 55, 70, 82), (1, 85, 90, 95)]
    residuals = [row.copy() for row in stored]
    if subtracted:
        for row, beat in zip(residuals, beats, strict=True):
            for kind, start, fiducial, end in zones:
                for sample in range(start, end + 1):
                    at = sample - fiducial + 12 - 1
                    if kind == 0 and 0 <= at < beat.size:
                        row[sample - 1] -= beat[at]

    def differences(row: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.concatenate((row[:difference], np.diff(row, difference))) if difference else row

    bodies = {
        2: own_tables(),
        3: bytes([8, int(subtracted) | 4 | 8 << 3])
        + b"".join(struct.pack("<IIB", 1, 100, code) for code in range(1, 9)),
        4: struct.pack("<HHH", 100, 12, len(zones)) + b"".join(struct.pack("<HIII", *zone) for zone in zones),
        5: leads_body([pack(differences(beat)) for beat in beats], difference),
        6: leads_body([pack(differences(row)) for row in residuals], difference),
    }
    path = write(tmp_path / "rec.scp", bodies)
    recording = read_recording(path)
    expected = by_ecgdatakit(path)
    for lead, row in zip(STORED, stored, strict=True):
        np.testing.assert_allclose(recording.lead(lead), row * 0.005, atol=1e-6)
        np.testing.assert_allclose(recording.lead(lead), expected[lead], atol=1e-6)
    assert recording.median_beats is not None
    np.testing.assert_allclose(recording.median_beats.signal[0], beats[0] * 0.005, atol=1e-6)


def test_leads_that_begin_later_are_missing_before(tmp_path: Path) -> None:
    rows = [row.astype("<i2").tobytes() for row in (counts()[0], counts()[1, 40:])]
    bodies = {3: bytes([2, 0]) + struct.pack("<IIBIIB", 1, 100, 1, 41, 100, 2), 6: leads_body(rows, 0)}
    recording = read_recording(write(tmp_path / "rec.scp", bodies))
    assert np.isnan(recording.lead("II")[:40]).all()
    np.testing.assert_allclose(recording.lead("II")[40:], millivolts(counts())[1, 40:], atol=1e-6)


def test_a_wrong_checksum_is_noted(tmp_path: Path) -> None:
    path = write_scp(tmp_path / "rec.scp")
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    assert any("checksum of file, section 8" in note for note in read_recording(path).notes)


def test_bimodal_compression_is_refused(tmp_path: Path) -> None:
    rhythm = bytearray(leads_body([counts()[0].astype("<i2").tobytes()], 0))
    rhythm[5] = 1
    path = write(tmp_path / "rec.scp", {3: bytes([1, 1]) + struct.pack("<IIB", 1, 100, 1), 6: bytes(rhythm)})
    with pytest.raises(UnreadableRecordingError, match="bimodally"):
        read_recording(path)


def test_sums_wrap_at_16_bits() -> None:
    assert integrate(np.array([32767, 1, 1]), 1).tolist() == [32767, -32768, -32767]


def test_tables_switch_and_unknown_codes_are_refused() -> None:
    body = struct.pack("<HH", 2, 2) + struct.pack("<BBBhI", 1, 1, 1, 5, 0) + struct.pack("<BBBhI", 1, 1, 0, 2, 1)
    body += struct.pack("<H", 1) + struct.pack("<BBBhI", 1, 1, 1, -7, 0)
    tables = read_tables(body, "x")
    assert decode(bytes([0b01000000]), 3, tables, 0, "x").tolist() == [5, -7, -7]
    with pytest.raises(UnreadableRecordingError, match="no Huffman table"):
        decode(bytes([0b11000000]), 2, tables, 0, "x")


def test_a_reference_beat_reaches_only_its_zone() -> None:
    row = np.zeros(10)
    add_reference_beat(row, 1, np.arange(1.0, 6.0), 3, [SubtractionZone(0, 4, 5, 6), SubtractionZone(1, 1, 8, 10)])
    assert row.tolist() == [0, 0, 0, 2, 3, 4, 0, 0, 0, 0]
