"""DICOM 12-lead ECG waveform storage (PS3.3 A.34.3): one rhythm group of 16-bit samples, the report as annotation."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path

import numpy as np

from precordia.core.errors import MissingExtraError
from precordia.core.recording import Recording
from precordia.simulation.writers.steps import as_steps

STEP_UV = 2.5
_MDC = {
    "I": 1,
    "II": 2,
    "III": 61,
    "aVR": 62,
    "aVL": 63,
    "aVF": 64,
    "V1": 3,
    "V2": 4,
    "V3": 5,
    "V4": 6,
    "V5": 7,
    "V6": 8,
}
_STORAGE = "1.2.840.10008.5.1.4.1.1.9.1.1"


def write(stem: Path, recording: Recording) -> Path:
    """Write ``<stem>.dcm``; identifiers derive from the content, so that the same ECG gives the same bytes.

    Raises:
        MissingExtraError: pydicom is not installed.
    """
    try:
        from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
    except ImportError:
        raise MissingExtraError("pydicom", "formats", "writing DICOM waveforms") from None

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = _STORAGE
    meta.MediaStorageSOPInstanceUID = _uid(recording, "instance")
    meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    meta.ImplementationClassUID = "2.25.260270430711338823519158246463817351977"
    path = stem.with_suffix(".dcm")
    ds = FileDataset(str(path), {}, file_meta=meta, preamble=b"\x00" * 128)
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = _STORAGE, meta.MediaStorageSOPInstanceUID
    ds.StudyInstanceUID, ds.SeriesInstanceUID = _uid(recording, "study"), _uid(recording, "series")
    ds.Modality = "ECG"
    ds.Manufacturer = recording.device or ""
    ds.PatientName, ds.PatientID = "Anonymous", recording.patient_id or ""
    ds.PatientSex = recording.sex or ""
    if recording.age is not None:
        ds.PatientAge = f"{recording.age:03.0f}Y"
    if recording.time is not None:
        ds.StudyDate = ds.ContentDate = f"{recording.time:%Y%m%d}"
        ds.StudyTime = ds.ContentTime = f"{recording.time:%H%M%S}"
        ds.AcquisitionDateTime = f"{recording.time:%Y%m%d%H%M%S}"
    ds.InstanceNumber = "1"
    ds.WaveformSequence = [_group(recording, Dataset)]
    if recording.report:
        note = Dataset()
        note.ReferencedWaveformChannels = [1, 0]
        note.AnnotationGroupNumber = 0
        note.UnformattedTextValue = recording.report
        ds.WaveformAnnotationSequence = [note]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds.save_as(path, enforce_file_format=True)
    return path


def _group(recording: Recording, dataset: type) -> object:
    group = dataset()
    group.WaveformOriginality = "ORIGINAL"
    group.NumberOfWaveformChannels = recording.n_leads
    group.NumberOfWaveformSamples = recording.n_samples
    group.SamplingFrequency = f"{recording.fs:g}"
    group.MultiplexGroupLabel = "RHYTHM"
    group.ChannelDefinitionSequence = [_channel(name, dataset) for name in recording.leads]
    group.WaveformBitsAllocated = 16
    group.WaveformSampleInterpretation = "SS"
    samples = as_steps(recording.signal, STEP_UV / 1000.0).T
    group.WaveformData = np.ascontiguousarray(samples).astype("<i2").tobytes()
    return group


def _channel(name: str, dataset: type) -> object:
    channel = dataset()
    channel.ChannelSourceSequence = [_code(dataset, f"2:{_MDC[name]}", "MDC", f"Lead {name}")]
    channel.ChannelSensitivity = f"{STEP_UV}"
    channel.ChannelSensitivityUnitsSequence = [_code(dataset, "uV", "UCUM", "microvolt")]
    channel.ChannelSensitivityCorrectionFactor = "1"
    channel.ChannelBaseline = "0"
    channel.ChannelSampleSkew = "0"
    channel.WaveformBitsStored = 16
    return channel


def _code(dataset: type, value: str, scheme: str, meaning: str) -> object:
    code = dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def _uid(recording: Recording, what: str) -> str:
    text = f"{what}|{recording.recording_id}|{recording.patient_id}|{recording.content_hash}"
    return f"2.25.{int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], 'big')}"
