"""Small ECG files of every format, written by the tests themselves from one signal."""
# ruff: noqa: E501

from __future__ import annotations

import base64
import binascii
import json
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
STORED = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
FS = 250.0


def counts(n_samples: int = 100, seed: int = 0) -> NDArray[np.int64]:
    """``(12, n_samples)`` in units of 5 µV: smooth, of ECG size, with exact limb leads (I and II even)."""
    rng = np.random.default_rng(seed)
    time = np.arange(n_samples) / FS
    rows = [
        np.rint(60 * np.sin(2 * np.pi * (k + 1) * time + k) + rng.normal(0, 3, n_samples)).astype(int) for k in range(8)
    ]
    one, two = 2 * rows[0], 2 * rows[1]
    limb = [one, two, two - one, -(one + two) // 2, one - two // 2, two - one // 2]
    return np.stack([*limb, *rows[2:]]).astype(np.int64)


def millivolts(values: NDArray[np.int64]) -> NDArray[np.float32]:
    return (values * 0.005).astype(np.float32)


def write_wfdb(
    folder: Path, name: str = "rec", values: NDArray[np.int64] | None = None, fmt: str = "16", comments: str = ""
) -> Path:
    values = counts() if values is None else values
    n_leads, n_samples = values.shape
    flat = values.T.reshape(-1)
    if fmt == "16":
        data = flat.astype("<i2").tobytes()
    elif fmt == "212":
        padded = np.append(flat, 0) if flat.size % 2 else flat
        first, second = padded[0::2] & 0xFFF, padded[1::2] & 0xFFF
        triples = np.stack([first & 0xFF, first >> 8 | (second >> 8) << 4, second & 0xFF], axis=1)
        data = triples.astype(np.uint8).tobytes()[: (3 * flat.size + 1) // 2]
    else:
        raise ValueError(fmt)
    (folder / f"{name}.dat").write_bytes(data)
    lines = [f"{name} {n_leads} {FS:g} {n_samples} 10:11:12 01/02/2020"]
    names = LEADS if n_leads == 12 else [f"ch{i}" for i in range(n_leads)]
    lines += [
        f"{name}.dat {fmt} 200(0)/mV 16 0 {row[0]} {int(row.sum()) & 0xFFFF} 0 {lead}"
        for row, lead in zip(values, names, strict=True)
    ]
    header = folder / f"{name}.hea"
    header.write_text("\n".join(lines) + "\n" + comments)
    return header


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


def write_dicom(
    path: Path, values: NDArray[np.int64] | None = None, syntax: str = "1.2.840.10008.1.2.1", *, unit: str | None = "uV",
    sensitivity: str = "5", spans: tuple[tuple[int, int, float | None], ...] = (), **attributes: str,
) -> Path:  # fmt: skip
    """A multiplex group of all leads, or for each of ``spans`` one of three leads: first and last sample, offset in ms.

    ``attributes`` are set in the data set, or in the groups where they belong there; an empty one is deleted.
    """
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import TwelveLeadECGWaveformStorage

    values = counts() if values is None else values

    def coded(value: str, scheme: str, meaning: str) -> Dataset:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
        return item

    def group_of(rows: NDArray[np.int64], names: tuple[str, ...], offset_ms: float | None) -> Dataset:
        group = Dataset()
        group.WaveformOriginality, group.NumberOfWaveformChannels = "ORIGINAL", len(rows)
        group.NumberOfWaveformSamples = rows.shape[1]
        group.SamplingFrequency, group.WaveformBitsAllocated, group.WaveformSampleInterpretation = FS, 16, "SS"
        group.MultiplexGroupLabel = "RHYTHM"
        if offset_ms is not None:
            group.MultiplexGroupTimeOffset = offset_ms
        channels = []
        for lead in names:
            channel = Dataset()
            number = {"I": 1, "II": 2, "III": 61, "aVR": 62, "aVL": 63, "aVF": 64}.get(lead) or int(lead[1]) + 2
            channel.ChannelSourceSequence = [coded(f"2:{number}", "MDC", f"Lead {lead}")]
            channel.ChannelSensitivity, channel.ChannelSensitivityCorrectionFactor, channel.ChannelBaseline = (
                sensitivity,
                1,
                0,
            )
            if unit is not None:
                channel.ChannelSensitivityUnitsSequence = [coded(unit, "UCUM", "microvolt")]
            channels.append(channel)
        group.ChannelDefinitionSequence = channels
        group.add_new(0x54001010, "OW", rows.T.astype("<i2").tobytes())
        for name in ("WaveformOriginality", "MultiplexGroupLabel"):
            if name in attributes:
                setattr(group, name, attributes[name])
        return group

    groups = [
        group_of(values[3 * i : 3 * i + 3, start:end], LEADS[3 * i : 3 * i + 3], offset)
        for i, (start, end, offset) in enumerate(spans)
    ] or [group_of(values, LEADS[: len(values)], None)]
    statement, measured = Dataset(), Dataset()
    statement.UnformattedTextValue = "Sinus rhythm"
    measured.ConceptNameCodeSequence, measured.NumericValue = [coded("5.13.5-9", "SCPECG", "QRS Duration")], 98
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = TwelveLeadECGWaveformStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.3.4"
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PatientName, dataset.PatientID, dataset.PatientSex, dataset.PatientAge = "Secret", "P1", "F", "061Y"
    dataset.AcquisitionDateTime, dataset.AccessionNumber, dataset.Manufacturer = "20200201101112", "A77", "Maker"
    dataset.WaveformSequence, dataset.WaveformAnnotationSequence = groups, [statement, measured]
    for name, value in attributes.items():
        if name == "event":
            event = Dataset()
            event.UnformattedTextValue, event.TemporalRangeType, event.ReferencedSamplePositions = value, "POINT", 10
            dataset.WaveformAnnotationSequence = [statement, event, measured]
        elif value and name not in ("WaveformOriginality", "MultiplexGroupLabel"):
            setattr(dataset, name, value)
        elif name in dataset:
            delattr(dataset, name)
    dataset.save_as(path, enforce_file_format=True)
    return path


def write_edf(path: Path, values: NDArray[np.int64] | None = None) -> Path:
    values = counts() if values is None else values
    n = len(values)
    head = f"{'0':8}{'P1 F 01-JAN-1959 Secret':80}{'Startdate 01-FEB-2020 X X Cart_7':80}01.02.2010.11.12{256 * (n + 1):<8}{'EDF+C':44}{1:<8}"
    head += f"{values.shape[1] / FS:<8g}{n:<4}"
    columns = [
        *(f"{'ECG ' + lead:16}" for lead in LEADS[:n]), " " * 80 * n, f"{'uV':8}" * n, f"{-163840:<8}" * n, f"{163835:<8}" * n,
        f"{-32768:<8}" * n, f"{32767:<8}" * n, " " * 80 * n, f"{values.shape[1]:<8}" * n, " " * 32 * n,
    ]  # fmt: skip
    path.write_bytes((head + "".join(columns)).encode("ascii") + values.astype("<i2").tobytes())
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


def write_sidecar(path: Path, **more: object) -> None:
    facts = {"fs": FS, "leads": list(LEADS), "units": "mV", "patient_id": "P1", "age": 61, "sex": "F", "time": "2020-02-01T10:11:12",
             "device": "Cart", "report": "Sinus rhythm.", **more}  # fmt: skip
    path.with_suffix(".json").write_text(json.dumps(facts))


def write_npy(path: Path, values: NDArray[np.int64] | None = None) -> Path:
    np.save(path, millivolts(counts() if values is None else values))
    write_sidecar(path)
    return path


def write_npz(path: Path, values: NDArray[np.int64] | None = None) -> Path:
    np.savez_compressed(path, signal=millivolts(counts() if values is None else values), fs=FS, leads=np.array(LEADS))
    return path


def write_csv(path: Path, values: NDArray[np.int64] | None = None) -> Path:
    values = counts() if values is None else values
    lines = [",".join(["time (s)", *(f"{lead} (mV)" for lead in LEADS)])]
    lines += [
        ",".join([f"{i / FS:.4f}", *(f"{value * 0.005:.3f}" for value in column)]) for i, column in enumerate(values.T)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_text(path: Path, values: NDArray[np.int64] | None = None) -> Path:
    values = counts() if values is None else values
    rows = "\n".join(" ".join(str(value * 5) for value in column) for column in values.T)
    path.write_text(f"\n\nRhythm signal: {values.shape[1]} X 12 \n\n{rows}\n")
    path.with_suffix(".json").write_text(json.dumps({"fs": FS}))
    return path


def write_mat(path: Path, values: NDArray[np.int64] | None = None, level: str = "5") -> Path:
    from scipy.io import savemat

    values = counts() if values is None else values
    if level == "4":
        savemat(path, {"val": values.astype(np.int16)}, format="4")
        write_sidecar(path, units="uV")
    else:
        savemat(path, {"ECG": {"sex": "Female", "age": 61, "data": values * 0.005}}, do_compression=True)
        path.with_suffix(".json").write_text(json.dumps({"fs": FS}))
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


def write_mat_info(path: Path, values: NDArray[np.int64] | None = None) -> Path:
    """PhysioBank's export: a level 4 matrix ``val`` of ADC units, and a text that says what they are."""
    from scipy.io import savemat

    values = counts() if values is None else values
    savemat(path, {"val": (values + 1024).astype(np.int16)}, format="4")
    rows = "\n".join(f"{i}\t{lead}\t200\t1024\tmV" for i, lead in enumerate(LEADS, start=1))
    path.with_suffix(".info").write_text(
        f"Source: record x/rec  Start: [10:11:12.000 01/02/2020]\nval has {len(values)} rows (signals) and {values.shape[1]} columns "
        f"(samples/signal)\nDuration:     0:10\nSampling frequency: {FS:g} Hz  Sampling interval: {1 / FS} sec\n"
        f"Row\tSignal\tGain\tBase\tUnits\n{rows}\n\nTo convert from raw units to the physical units shown\nabove, ...\n"
    )
    return path


def write_edf_plus(
    path: Path, onsets: tuple[float, ...] = (0.0, 0.2), kind: str = "EDF+D", texts: tuple[str, ...] = ("Recording starts",),
    unit: str = "uV", values: NDArray[np.int64] | None = None, names: tuple[str, ...] = LEADS,
) -> Path:  # fmt: skip
    """EDF+ with a record at each of ``onsets`` (s) and an annotation a record."""
    values = counts() if values is None else values
    n, width = len(values), values.shape[1] // len(onsets)
    head = f"{'0':8}{'P1 F 01-JAN-1959 Secret':80}{'Startdate 01-FEB-2020 X X Cart_7':80}01.02.2010.11.12{256 * (n + 2):<8}{kind:44}"
    head += f"{len(onsets):<8}{width / FS:<8g}{n + 1:<4}"
    columns = [
        *(f"{name:16}" for name in names), f"{'EDF Annotations':16}", " " * 80 * (n + 1), f"{unit:8}" * n, " " * 8, f"{-163840:<8}" * n,
        f"{-1:<8}", f"{163835:<8}" * n, f"{1:<8}", f"{-32768:<8}" * (n + 1), f"{32767:<8}" * (n + 1), " " * 80 * (n + 1),
        f"{width:<8}" * n, f"{40:<8}", " " * 32 * (n + 1),
    ]  # fmt: skip
    body = b""
    for i, onset in enumerate(onsets):
        text = texts[i] if i < len(texts) else ""
        stamps = f"+{onset:g}\x14\x14\0" + (f"+{onset:g}\x14{text}\x14\0" if text else "")
        body += values[:, i * width : (i + 1) * width].astype("<i2").tobytes() + stamps.encode().ljust(80, b"\0")
    path.write_bytes((head + "".join(columns)).encode("latin-1") + body)
    return path


def write_hdf5(path: Path, *, libver: str = "earliest", **storage: object) -> Path:
    """HDF5 with one array and what its attributes say; in the oldest or the newest layout of the file."""
    import h5py

    with h5py.File(path, "w", libver=libver) as file:
        data = file.create_dataset("ecg", data=millivolts(counts()), **storage)
        data.attrs.update({"fs": FS, "units": "mV", "leads": list(LEADS)})
    return path


WRITERS = {
    "wfdb": lambda folder: write_wfdb(folder),
    "wfdb-212": lambda folder: write_wfdb(folder, fmt="212"),
    "muse": lambda folder: write_muse(folder / "rec.xml"),
    "aecg": lambda folder: write_aecg(folder / "rec.xml"),
    "philips": lambda folder: write_philips(folder / "rec.xml"),
    "philips-plain": lambda folder: write_philips(folder / "rec.xml", compressed=False),
    "schiller": lambda folder: write_schiller(folder / "rec.xml"),
    "dicom": lambda folder: write_dicom(folder / "rec.dcm"),
    "dicom-implicit": lambda folder: write_dicom(folder / "rec.dcm", syntax="1.2.840.10008.1.2"),
    "dicom-deflated": lambda folder: write_dicom(folder / "rec.dcm", syntax="1.2.840.10008.1.2.1.99"),
    "edf": lambda folder: write_edf(folder / "rec.edf"),
    "edf-d": lambda folder: write_edf_plus(folder / "rec.edf"),
    "ishne": lambda folder: write_ishne(folder / "rec.ecg"),
    "cardiosoft": lambda folder: write_cardiosoft(folder / "rec.xml"),
    "mortara": lambda folder: write_mortara(folder / "rec.xml"),
    "mfer": lambda folder: write_mfer(folder / "rec.mwf"),
    "scp": lambda folder: write_scp(folder / "rec.scp"),
    "scp-plain": lambda folder: write_scp(folder / "rec.scp", packed=False),
    "npy": lambda folder: write_npy(folder / "rec.npy"),
    "npz": lambda folder: write_npz(folder / "rec.npz"),
    "hdf5": lambda folder: write_hdf5(folder / "rec.h5"),
    "hdf5-latest": lambda folder: write_hdf5(folder / "rec.h5", libver="latest", chunks=(3, 50), compression="gzip"),
    "csv": lambda folder: write_csv(folder / "rec.csv"),
    "rhythm-text": lambda folder: write_text(folder / "rec.txt"),
    "matlab": lambda folder: write_mat(folder / "rec.mat"),
    "matlab-info": lambda folder: write_mat_info(folder / "rec.mat"),
    "matlab-4": lambda folder: write_mat(folder / "rec.mat", level="4"),
}
"""Format (and variant) to a function that writes one small file ``rec`` into a folder and gives its path."""
