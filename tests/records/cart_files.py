"""Small ECG files as carts and their programs write them, made by the tests themselves."""

# ruff: noqa: E501
from __future__ import annotations

import base64
import binascii
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from written_ecg import FS, LEADS, STORED, counts


def write_muse(path: Path, values: NDArray[np.int64] | None = None) -> Path:
    values = counts() if values is None else values

    def waveform(kind: str, piece: NDArray[np.int64]) -> str:
        leads = ""
        for lead in STORED:
            data = piece[LEADS.index(lead)].astype("<i2").tobytes()
            leads += (
                f"<LeadData><LeadSampleCountTotal>{piece.shape[1]}</LeadSampleCountTotal><LeadAmplitudeUnitsPerBit>5</LeadAmplitudeUnitsPerBit>"
                f"<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits><LeadID>{lead}</LeadID><LeadSampleSize>2</LeadSampleSize>"
                f"<LeadDataCRC32>{binascii.crc32(data)}</LeadDataCRC32><WaveFormData>{base64.b64encode(data).decode()}</WaveFormData></LeadData>"
            )
        return f"<Waveform><WaveformType>{kind}</WaveformType><SampleBase>{FS:g}</SampleBase><SampleExponent>0</SampleExponent>{leads}</Waveform>"

    path.write_text(
        '<?xml version="1.0" encoding="ISO-8859-1"?><!DOCTYPE RestingECG SYSTEM "restecg.dtd"><RestingECG>'
        "<PatientDemographics><PatientID>P1</PatientID><PatientAge>61</PatientAge><AgeUnits>YEARS</AgeUnits><Gender>FEMALE</Gender>"
        "<PatientLastName>Secret</PatientLastName></PatientDemographics><TestDemographics><AcquisitionDevice>MAC55</AcquisitionDevice>"
        "<Status>CONFIRMED</Status><AcquisitionDate>02-01-2020</AcquisitionDate><AcquisitionTime>10:11:12</AcquisitionTime></TestDemographics>"
        "<RestingECGMeasurements><VentricularRate>61</VentricularRate><QRSDuration>98</QRSDuration></RestingECGMeasurements>"
        "<Diagnosis><DiagnosisStatement><StmtFlag>ENDSLINE</StmtFlag><StmtText>Sinus rhythm</StmtText></DiagnosisStatement>"
        "<DiagnosisStatement><StmtText>Lateral infarct</StmtText></DiagnosisStatement><DiagnosisStatement><StmtFlag>ENDSLINE</StmtFlag>"
        "<StmtText>, age undetermined</StmtText></DiagnosisStatement><DiagnosisStatement><StmtFlag>ENDSLINE</StmtFlag>"
        "<StmtText>Confirmed by Secret, Doctor (123) on 2/1/2020</StmtText></DiagnosisStatement></Diagnosis>"
        f"{waveform('Median', values[:, :40])}{waveform('Rhythm', values)}</RestingECG>",
        encoding="latin-1",
    )
    return path


def write_aecg(path: Path, values: NDArray[np.int64] | None = None) -> Path:
    values = counts() if values is None else values
    sequences = (
        f'<component><sequence><code code="TIME_ABSOLUTE"/><value><head value="20200201101112"/><increment value="{1 / FS}" unit="s"/></value>'
        "</sequence></component>"
    )
    for lead, row in zip(LEADS, values, strict=True):
        sequences += (
            f'<component><sequence><code code="MDC_ECG_LEAD_{lead}"/><value><origin value="0" unit="uV"/><scale value="5" unit="uV"/>'
            f"<digits>{' '.join(map(str, row))}</digits></value></sequence></component>"
        )
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?><AnnotatedECG xmlns="urn:hl7-org:v3"><effectiveTime><center value="20200201101112"/></effectiveTime>'
        '<componentOf><timepointEvent><componentOf><subjectAssignment><subject><trialSubject><id root="1.2" extension="P1"/>'
        '<subjectDemographicPerson><name>Secret</name><administrativeGenderCode code="F"/><birthTime value="19590101"/></subjectDemographicPerson>'
        '</trialSubject></subject></subjectAssignment></componentOf></timepointEvent></componentOf><component><series><code code="RHYTHM"/>'
        "<author><seriesAuthor><manufacturedSeriesDevice><manufacturerModelName>ELI</manufacturerModelName></manufacturedSeriesDevice>"
        f"</seriesAuthor></author><component><sequenceSet>{sequences}</sequenceSet></component><subjectOf><annotationSet><component><annotation>"
        '<code code="MDC_ECG_TIME_PD_QRS"/><value value="98" unit="ms"/></annotation></component><component><annotation>'
        '<code code="MDC_ECG_INTERPRETATION_STATEMENT"/><value>Sinus rhythm</value></annotation></component></annotationSet></subjectOf>'
        "</series></component></AnnotatedECG>",
        encoding="utf-8",
    )
    return path


def lzw_10_bit(data: bytes) -> bytes:
    """LZW with 10-bit codes, most significant bit first, as XLI has it."""
    table = {bytes([i]): i for i in range(256)}
    codes, word = [], b""
    for octet in data:
        longer = word + bytes([octet])
        if longer in table:
            word = longer
            continue
        codes.append(table[word])
        if len(table) < 1023:
            table[longer] = len(table)
        word = bytes([octet])
    codes += [table[word], 1023]
    bits = "".join(f"{code:010b}" for code in codes)
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def xli_chunk(row: NDArray[np.int64]) -> bytes:
    second = -(row[2:] - 2 * row[1:-1] + row[:-2])
    first = int(second[0])
    stored = np.concatenate((row[:2], second[1:] + 64, [64])).astype(np.int16).view(np.uint16)
    packed = lzw_10_bit(bytes((stored >> 8).astype(np.uint8)) + bytes((stored & 0xFF).astype(np.uint8)))
    return struct.pack("<ihh", len(packed), 1, first) + packed


def write_philips(
    path: Path, values: NDArray[np.int64] | None = None, version: str = "1.04", compressed: bool = True
) -> Path:
    values = counts() if values is None else values
    if compressed:
        left = values.copy()
        one, two = values[0], values[1]
        left[2] = two - one - values[2]
        left[3] = -values[3] - (one + two) // 2
        left[4] = (one - values[2]) // 2 - values[4]
        left[5] = (two + values[2]) // 2 - values[5]
        data, method = b"".join(xli_chunk(row) for row in left), "XLI"
    else:
        data, method = values.astype("<i2").tobytes(), "Uncompressed"
    duration = round(values.shape[1] / FS * 1000)
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?><restingecgdata xmlns="http://www3.medical.philips.com"><documentinfo>'
        f"<documenttype>PhilipsECG</documenttype><documentversion>{version}</documentversion></documentinfo>"
        '<dataacquisition date="2020-02-01" time="10:11:12"><machine>PageWriter</machine><signalcharacteristics>'
        f"<samplingrate>{FS:g}</samplingrate><resolution>5</resolution></signalcharacteristics></dataacquisition><patient><generalpatientdata>"
        "<patientid>P1</patientid><name><lastname>Secret</lastname></name><age><years>61</years></age><sex>Female</sex></generalpatientdata></patient>"
        "<interpretations><interpretation><globalmeasurements><qrsdur>98</qrsdur></globalmeasurements><statement>"
        "<leftstatement>Sinus rhythm</leftstatement></statement></interpretation></interpretations><waveforms>"
        f'<parsedwaveforms dataencoding="Base64" compression="{method}" numberofleads="12" leadlabels="{" ".join(LEADS)}" '
        f'durationperchannel="{duration}" samplespersecond="{FS:g}" resolution="5">{base64.b64encode(data).decode()}</parsedwaveforms>'
        "</waveforms></restingecgdata>",
        encoding="utf-8",
    )
    return path


def write_schiller(path: Path, values: NDArray[np.int64] | None = None) -> Path:
    values = counts() if values is None else values
    channels = "".join(
        f"<channel><name>{lead.upper()}</name><data>{','.join(map(str, row))}</data><datastype>COMMASEPARATE</datastype>"
        f"<samplecount>{row.size}</samplecount></channel>"
        for lead, row in zip(LEADS, values, strict=True)
    )
    path.write_text(
        '<?xml version="1.0"?><com.xiriuz.sema.xml.schillerEDI.SchillerEDI><patdata><id>P1</id><lastname>Secret</lastname>'
        "<birthdate>19590101</birthdate><gender>FEMALE</gender></patdata><examdescript><startdatetime><date>20200201</date><time>101112000</time>"
        "</startdatetime><aquiringdevice><hardware><vendor>Schiller</vendor><model>AT-10P</model></hardware></aquiringdevice></examdescript>"
        "<eventdata><event><wavedata><type>ECG_RHYTHMS</type><resolution><samplerate>"
        f"<value>{FS:g}</value></samplerate><yres><unitperbit>5</unitperbit><units>UV</units></yres></resolution>{channels}</wavedata>"
        "<annotation_global><name>QRS</name><value>98</value></annotation_global><textdata><type>INTERPRETATION</type>"
        "<textdata>Sinus rhythm</textdata></textdata></event></eventdata></com.xiriuz.sema.xml.schillerEDI.SchillerEDI>"
    )
    return path


def huffman_default(differences: NDArray[np.int64]) -> bytes:
    bits = []
    for value in differences.tolist():
        if value == 0:
            bits.append("0")
        elif abs(value) <= 8:
            bits.append("1" * abs(value) + "0" + ("1" if value < 0 else "0"))
        elif -128 <= value <= 127:
            bits.append("1111111110" + f"{value & 0xFF:08b}")
        else:
            bits.append("1111111111" + f"{value & 0xFFFF:016b}")
    text = "".join(bits)
    text += "0" * (-len(text) % 16)
    return int("1" + text, 2).to_bytes(len(text) // 8 + 1, "big")[1:]


def write_scp(path: Path, values: NDArray[np.int64] | None = None, packed: bool = True) -> Path:
    values = counts() if values is None else values
    stored = [values[LEADS.index(lead)] for lead in STORED]
    n = values.shape[1]

    def tag(number: int, value: bytes) -> bytes:
        return struct.pack("<BH", number, len(value)) + value

    machine = bytes(7) + bytes([8]) + b"ELI250" + bytes(22) + b"\0\0\0\0Maker\0"
    bodies = {
        1: tag(0, b"Secret\0") + tag(2, b"P1\0") + tag(4, struct.pack("<HB", 61, 1)) + tag(8, b"\2") + tag(14, machine)
        + tag(25, struct.pack("<HBB", 2020, 2, 1)) + tag(26, bytes([10, 11, 12])) + b"\xff\0\0",
        3: bytes([8, 4 | 8 << 3]) + b"".join(struct.pack("<IIB", 1, n, code) for code in (1, 2, 3, 4, 5, 6, 7, 8)),
        7: struct.pack("<BBHH5H3h", 1, 0, 980, 0, 100, 200, 260, 358, 660, 30, 40, 50),
        8: bytes([0]) + bytes(7) + bytes([1]) + struct.pack("<BH", 1, 13) + b"Sinus rhythm\0",
    }  # fmt: skip
    if packed:
        bodies[2] = struct.pack("<H", 19999)
        chunks = [huffman_default(np.concatenate((row[:2], np.diff(row, 2)))) for row in stored]
    else:
        chunks = [row.astype("<i2").tobytes() for row in stored]
    rhythm = struct.pack("<HHBB", 5000, round(1e6 / FS), 2 if packed else 0, 0)
    bodies[6] = rhythm + struct.pack("<8H", *(len(chunk) for chunk in chunks)) + b"".join(chunks)

    def section(number: int, body: bytes) -> bytes:
        rest = struct.pack("<HIBB", number, len(body) + 16, 20, 20) + bytes(6) + body
        return struct.pack("<H", binascii.crc_hqx(rest, 0xFFFF)) + rest

    sections = {number: section(number, body + b"\0" * (len(body) % 2)) for number, body in sorted(bodies.items())}
    at = 6 + 16 + 120
    pointers = struct.pack("<HII", 0, 136, 7)
    for number in range(1, 12):
        data = sections.get(number, b"")
        pointers += struct.pack("<HII", number, len(data), at + 1 if data else 0)
        at += len(data)
    rest = struct.pack("<HIBB", 0, 136, 20, 20) + b"SCPECG" + pointers
    body = struct.pack("<H", binascii.crc_hqx(rest, 0xFFFF)) + rest + b"".join(sections.values())
    sized = struct.pack("<I", len(body) + 6) + body
    path.write_bytes(struct.pack("<H", binascii.crc_hqx(sized, 0xFFFF)) + sized)
    return path


def write_ishne(path: Path, values: NDArray[np.int64] | None = None, crc: int | None = None) -> Path:
    values = counts() if values is None else values
    codes = [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16][: len(values)]
    comments = b"no comment"
    n_leads, n_samples = values.shape
    head = struct.pack("<iiiih", len(comments), n_samples, 522, 522 + len(comments), 1)
    head += b"Secret".ljust(40, b"\0") * 2 + b"P1".ljust(20, b"\0")
    head += struct.pack("<2h12hh", 2, 0, 1, 1, 1959, 1, 2, 2020, 2, 2, 2020, 10, 11, 12, n_leads)
    head += struct.pack("<12h", *codes, *[-9] * (12 - n_leads)) + struct.pack("<12h", *[1] * 12)
    head += struct.pack("<12h", *[5000] * n_leads, *[-9] * (12 - n_leads)) + struct.pack("<h", 0)
    head += b"Recorder".ljust(40, b"\0") + struct.pack("<h", round(FS)) + bytes(80 + 80 + 88)
    assert len(head) == 512
    stamp = binascii.crc_hqx(head + comments, 0xFFFF) if crc is None else crc
    path.write_bytes(b"ISHNE1.0" + struct.pack("<H", stamp) + head + comments + values.T.astype("<i2").tobytes())
    return path


def write_cardiosoft(path: Path, values: NDArray[np.int64] | None = None, unit: str = ' units="uVperLsb"') -> Path:
    values = counts() if values is None else values

    def block(tag: str, piece: NDArray[np.int64]) -> str:
        leads = "".join(
            f'<WaveformData lead="{lead}">{",".join(map(str, row))}</WaveformData>'
            for lead, row in zip(LEADS, piece, strict=True)
        )
        return (
            f'<{tag}><NumberOfLeads>{len(piece)}</NumberOfLeads><SampleRate units="Hz">{FS:g}</SampleRate><ChannelSampleCountTotal>'
            f"{piece.shape[1]}</ChannelSampleCountTotal><Resolution{unit}>5</Resolution>{leads}</{tag}>"
        )

    path.write_text(
        '<?xml version="1.0" encoding="ISO8859-1" ?><CardiologyXML><ObservationType>RestECG</ObservationType><ObservationDateTime>'
        "<Hour>10</Hour><Minute>11</Minute><Second>12</Second><Day>1</Day><Month>2</Month><Year>2020</Year></ObservationDateTime>"
        '<PatientInfo><PID>P1</PID><Name><FamilyName>Secret</FamilyName></Name><Age units="Years">61</Age><Gender>FEMALE</Gender>'
        "</PatientInfo><DeviceInfo><Desc>CardioSoft</Desc></DeviceInfo><Interpretation><Diagnosis><DiagnosisText>Sinus rhythm"
        "</DiagnosisText><DiagnosisText>---</DiagnosisText></Diagnosis></Interpretation><RestingECGMeasurements>"
        f'<VentricularRate units="BPM">61</VentricularRate><QRSDuration units="ms">98</QRSDuration>'
        f"{block('MedianSamples', values[:, :40])}</RestingECGMeasurements>{block('StripData', values)}</CardiologyXML>"
    )
    return path


def write_mortara(path: Path, values: NDArray[np.int64] | None = None) -> Path:
    values = counts() if values is None else values

    def data(row: NDArray[np.int64]) -> str:
        return base64.b64encode(row.astype("<i2").tobytes()).decode()

    channels = "".join(
        f'<CHANNEL OFFSET="0" BITS="16" FORMAT="SIGNED" UNITS_PER_MV="200" DURATION="{row.size}" SAMPLE_FREQ="{FS:g}" NAME="{lead}" '
        f'ENCODING="BASE64" DATA="{data(row)}"/>'
        for lead, row in zip(LEADS, values, strict=True)
    )
    cycle = "".join(
        f'<TYPICAL_CYCLE_CHANNEL NAME="{lead}" DATA="{data(row[:40])}"/>'
        for lead, row in zip(LEADS, values, strict=True)
    )
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?><ECG ACQUISITION_TIME="20200201101112" AGE="61" AGE_UNITS="Y" VENT_RATE="61">'
        '<SUBJECT LAST_NAME="Secret" ID="P1" GENDER="Female" DOB="19590101"/><SOURCE MANUFACTURER="MORTARA" MODEL="ELI 250"/>'
        '<AUTOMATIC_INTERPRETATION><STATEMENT TEXT="Sinus rhythm" REASON=""/><STATEMENT TEXT="UNCONFIRMED REPORT"/>'
        '</AUTOMATIC_INTERPRETATION><TYPICAL_CYCLE QRS_DURATION="98" QRS_AXIS="-35" BITS="16" FORMAT="SIGNED" UNITS_PER_MV="200" '
        f'DURATION="40" SAMPLE_FREQ="{FS:g}" ENCODING="BASE64">{cycle}</TYPICAL_CYCLE>{channels}</ECG>'
    )
    return path


def write_mfer(path: Path, values: NDArray[np.int64] | None = None, block: int = 10) -> Path:
    values = counts() if values is None else values

    def tag(number: int, value: bytes) -> bytes:
        size = len(value)
        length = bytes([size]) if size < 128 else b"\x84" + size.to_bytes(4, "big")
        return bytes([number]) + length + value

    codes = [1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8]
    n_leads, n_samples = values.shape
    frames = values.reshape(n_leads, n_samples // block, block).transpose(1, 0, 2).astype("<i2").tobytes()
    path.write_bytes(
        tag(0x40, b"MFR Standard 12 leads ECG".ljust(32)) + tag(0x01, b"\1") + tag(0x17, b"Maker^Cart 9^1.0")
        + tag(0x82, b"P1") + tag(0x81, b"Secret") + tag(0x83, struct.pack("<BHHBB", 61, 0, 1959, 1, 1)) + tag(0x84, b"\2")
        + tag(0x85, struct.pack("<HBBBBBHH", 2020, 2, 1, 10, 11, 12, 0, 0)) + tag(0x08, struct.pack("<H", 1))
        + tag(0x0B, struct.pack("<BbH", 1, -3, round(1000 / FS))) + tag(0x0C, struct.pack("<BbH", 0, -6, 5)) + tag(0x0A, b"\0")
        + tag(0x04, struct.pack("<H", block)) + tag(0x05, bytes([n_leads])) + tag(0x06, struct.pack("<H", n_samples // block))
        + b"".join(bytes([0x3F, i]) + bytes([4]) + tag(0x09, struct.pack("<H", code)) for i, code in enumerate(codes))
        + tag(0x1E, frames) + b"\x80\0"
    )  # fmt: skip
    return path
