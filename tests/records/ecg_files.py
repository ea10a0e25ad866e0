"""Small ECG files of every format, written by the tests themselves."""

# ruff: noqa: E501
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from cart_files import (
    write_aecg,
    write_cardiosoft,
    write_ishne,
    write_mfer,
    write_mortara,
    write_muse,
    write_philips,
    write_schiller,
    write_scp,
)
from numpy.typing import NDArray
from written_ecg import FS, LEADS, counts, millivolts


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
