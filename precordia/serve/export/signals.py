"""An ECG's signal as CSV, as a WFDB record in a ZIP archive, and as a DICOM waveform.

What is written is read back as it was stored where 16 bits hold it: the step is the largest of those in use that every sample
is a multiple of, or else the smallest that the largest deflection leaves room for.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import MissingExtraError
from precordia.core.recording import Recording

_STEPS_UV: Final = (5.0, 4.88, 2.5, 2.0, 1.0, 0.5, 0.25, 0.2, 0.1)
_LARGEST: Final = 32767
_FIXED_TIME: Final = (1980, 1, 1, 0, 0, 0)

ECG_12: Final = "1.2.840.10008.5.1.4.1.1.9.1.1"
ECG_GENERAL: Final = "1.2.840.10008.5.1.4.1.1.9.1.2"
_LITTLE: Final = "1.2.840.10008.1.2.1"
_MDC: Final = {
    "I": 1, "II": 2, "V1": 3, "V2": 4, "V3": 5, "V4": 6, "V5": 7, "V6": 8, "III": 61, "aVR": 62, "aVL": 63, "aVF": 64,
}  # fmt: skip
"""Leads in ISO/IEEE 11073-10102 (DICOM PS3.16, CID 3001)."""


def step_uv(signal: NDArray[np.float32]) -> float:
    """The step at which a signal is written, µV."""
    finite = signal[np.isfinite(signal)].astype(np.float64) * 1000
    largest = float(np.max(np.abs(finite), initial=0.0))
    fitting = [step for step in _STEPS_UV if largest / step <= _LARGEST]
    exact = [step for step in fitting if np.all(np.abs(finite / step - np.rint(finite / step)) < 1e-3)]
    return exact[0] if exact else fitting[-1] if fitting else largest / _LARGEST


def steps_of(signal: NDArray[np.float32], step: float) -> NDArray[np.int16]:
    """Samples as whole steps; what is missing is -32768, WFDB's mark for it."""
    whole = np.clip(np.rint(signal.astype(np.float64) * 1000 / step), -_LARGEST, _LARGEST)
    return np.where(np.isfinite(signal), whole, -32768).astype(np.int16)


def csv_of(recording: Recording) -> bytes:
    """A column for the time (s) and one a lead (mV); an empty cell where a sample is missing."""
    out = io.StringIO()
    out.write(",".join(("time_s", *(re.sub(r"[^\w.+-]", "_", lead) for lead in recording.leads))) + "\n")
    for i, row in enumerate(recording.signal.T.astype(np.float64)):
        cells = (f"{value:.4f}" if np.isfinite(value) else "" for value in row)
        out.write(f"{i / recording.fs:.6f}," + ",".join(cells) + "\n")
    return out.getvalue().encode()


def wfdb_of(recording: Recording, name: str) -> bytes:
    """A record as a ZIP archive of header and samples (header(5) and signal(5) of the WFDB Applications Guide)."""
    step = step_uv(recording.signal)
    samples = steps_of(recording.signal, step)
    when = f" {recording.time:%H:%M:%S %d/%m/%Y}" if recording.time else ""
    lines = [f"{name} {recording.n_leads} {recording.fs:g} {recording.n_samples}{when}"]
    for lead, row in zip(recording.leads, samples, strict=True):
        checksum = int(row.astype(np.int64).sum()) & 0xFFFF
        signed = checksum - 0x10000 if checksum >= 0x8000 else checksum
        first = int(row[0]) if row.size else 0
        lines.append(f"{name}.dat 16 {1000 / step:.10g}(0)/mV 16 0 {first} {signed} 0 {lead}")
    facts = {
        "Age": recording.age and f"{recording.age:g}",
        "Sex": {"F": "Female", "M": "Male"}.get(recording.sex or ""),
    }
    lines += [f"# {key}: {value}" for key, value in facts.items() if value]
    files = {
        f"{name}.hea": ("\n".join(lines) + "\n").encode(),
        f"{name}.dat": np.ascontiguousarray(samples.T).astype("<i2").tobytes(),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, content in files.items():
            archive.writestr(zipfile.ZipInfo(file, _FIXED_TIME), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def ecg_class(recording: Recording) -> str:
    """The class of an ECG as a DICOM object."""
    return ECG_12 if set(recording.leads) <= set(_MDC) and recording.n_leads <= 13 else ECG_GENERAL


def dicom_of(recording: Recording) -> bytes:
    """A DICOM waveform (PS3.3 A.34.3 where all leads are of the standard twelve, else A.34.4)."""
    dicom = parts_of_dicom()
    ds = new_object(recording, ecg_class(recording), "ECG")
    step = step_uv(recording.signal)
    group = dicom.Dataset()
    group.WaveformOriginality = "ORIGINAL"
    group.NumberOfWaveformChannels = recording.n_leads
    group.NumberOfWaveformSamples = recording.n_samples
    group.SamplingFrequency = f"{recording.fs:.10g}"
    group.MultiplexGroupLabel = "RHYTHM"
    group.ChannelDefinitionSequence = [_channel(dicom, lead, step) for lead in recording.leads]
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
    group.WaveformPaddingValue = (-32768).to_bytes(2, "little", signed=True)
    samples = steps_of(recording.signal, step)
    group.WaveformData = np.ascontiguousarray(samples.T).astype("<i2").tobytes()
    ds.WaveformSequence = [group]
    return saved(ds)


def _channel(dicom: Any, lead: str, step: float) -> Any:
    channel = dicom.Dataset()
    code = (f"2:{_MDC[lead]}", "MDC") if lead in _MDC else (re.sub(r"\W", "", lead)[:16] or "lead", "99PRECORDIA")
    channel.ChannelSourceSequence = [coded(dicom, *code, f"Lead {lead}"[:64])]
    channel.ChannelSensitivity = f"{step:.10g}"[:16]
    channel.ChannelSensitivityUnitsSequence = [coded(dicom, "uV", "UCUM", "microvolt")]
    channel.ChannelSensitivityCorrectionFactor = "1"
    channel.ChannelBaseline = "0"
    channel.ChannelSampleSkew = "0"
    channel.WaveformBitsStored = 16
    return channel


def coded(dicom: Any, value: str, scheme: str, meaning: str) -> Any:
    """A code of DICOM."""
    code = dicom.Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def parts_of_dicom() -> Any:
    """pydicom's ``dataset`` module.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import pydicom.dataset
    except ImportError:
        raise MissingExtraError("pydicom", "formats", "DICOM") from None
    return pydicom.dataset


def new_object(recording: Recording, kind: str, modality: str) -> Any:
    """A DICOM object about an ECG; its identifiers derive from the content, so that the same ECG gives the same bytes."""
    dicom = parts_of_dicom()
    meta = dicom.FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = kind, uid(recording, kind)
    meta.TransferSyntaxUID = _LITTLE
    meta.ImplementationClassUID = "2.25.260270430711338823519158246463817351977"
    ds = dicom.FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = kind, meta.MediaStorageSOPInstanceUID
    ds.StudyInstanceUID, ds.SeriesInstanceUID = uid(recording, "study"), uid(recording, f"series {modality}")
    ds.Modality, ds.Manufacturer = modality, recording.device or ""
    ds.PatientName, ds.PatientID = "", recording.patient_id or ""
    ds.PatientBirthDate, ds.PatientSex = "", recording.sex or ""
    if recording.age is not None:
        ds.PatientAge = f"{min(recording.age, 999):03.0f}Y"
    ds.StudyID, ds.AccessionNumber, ds.ReferringPhysicianName = "", "", ""
    ds.SeriesNumber, ds.InstanceNumber = "1", "1"
    when = recording.time
    ds.StudyDate = ds.ContentDate = f"{when:%Y%m%d}" if when else ""
    ds.StudyTime = ds.ContentTime = f"{when:%H%M%S}" if when else ""
    ds.AcquisitionDateTime = f"{when:%Y%m%d%H%M%S}" if when else ""
    return ds


def saved(ds: Any) -> bytes:
    """A DICOM object as a file's bytes."""
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def uid(recording: Recording, what: str) -> str:
    """An identifier that derives from the ECG."""
    text = f"precordia|{what}|{recording.recording_id}|{recording.patient_id}|{recording.content_hash}"
    return f"2.25.{int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], 'big')}"
