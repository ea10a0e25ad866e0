"""DICOM waveform objects (12-lead, general and ambulatory ECG), through pydicom.

Multiplex groups are laid at their time offsets, so that strips recorded one after another stay so. Groups labelled as median
beats, and short derived ones, are kept apart.
"""

from __future__ import annotations

import io
import re
import warnings
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import MissingExtraError, UnreadableRecordingError, UnusableSignalError
from precordia.core.recording import MedianBeats, Recording
from precordia.records.channels import assumed_unit, mv_per_unit, one_line, parse_time
from precordia.records.limits import MAX_FILE_BYTES, check_fs, check_shape, inflate, read_bytes
from precordia.records.people import age_at, parse_sex
from precordia.records.readers.reader import Head, Reader
from precordia.records.readers.statements import event_notes, report_of, statements
from precordia.records.readers.strips import Strip, join_strips, stack_rows, with_limb_leads

_DEFLATED: Final = "1.2.840.10008.1.2.1.99"
_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
_PREAMBLE: Final = 132
_DTYPES: Final = {
    ("SB", 8): "i1",
    ("UB", 8): "u1",
    ("SS", 16): "i2",
    ("US", 16): "u2",
    ("SL", 32): "i4",
    ("UL", 32): "u4",
}
_LEAD_NUMBERS: Final = {1: "I", 2: "II", 3: "V1", 4: "V2", 5: "V3", 6: "V4", 7: "V5", 8: "V6", 61: "III", 62: "aVR", 63: "aVL",
                        64: "aVF"}  # fmt: skip
"""Lead numbers common to SCP-ECG (EN 1064, table 5.6.3-9) and MDC (ISO 11073-10102, partition 2)."""
_MEASUREMENTS: Final = {
    "ventricular heart rate": "heart_rate_bpm", "heart rate": "heart_rate_bpm", "ventricular rate": "heart_rate_bpm",
    "atrial heart rate": "atrial_rate_bpm", "atrial rate": "atrial_rate_bpm", "rr interval": "rr_ms",
    "p duration": "p_ms", "pr interval": "pr_ms", "qrs duration": "qrs_ms", "qt interval": "qt_ms",
    "qtc interval": "qtc_ms", "p axis": "p_axis_deg", "qrs axis": "axis_deg", "t axis": "t_axis_deg",
}  # fmt: skip


_SHORT_S: Final = 2.5
"""Derived groups below are median beats, s: a beat lasts about 1.2 s, the shortest rhythm strip 2.5 s."""


def sniff(head: Head) -> int:
    """2 for the "DICM" mark or a file meta group, after the preamble or where that was lost; 1 for a first element of group 8."""
    if _meta_start(head.data) is not None:
        return 2
    return 1 if head.data[:2] == b"\x08\x00" and head.data[3:4] == b"\x00" and head.size > 256 else 0


def _meta_start(data: bytes) -> int | None:
    """Where the file meta group (0002,0000) begins, with or without preamble and mark; None when there is none."""
    for start in (_PREAMBLE, 4, 0, 128):
        marked = start >= 4 and data[start - 4 : start] == b"DICM"
        if (marked and start) or data[start : start + 6] == b"\x02\x00\x00\x00UL":
            return start
    return None


def read(path: Path) -> Recording:
    """The ECG of a DICOM waveform object.

    Raises:
        MissingExtraError: pydicom is not installed.
        UnreadableRecordingError: damaged, or inflates beyond all bounds.
        UnusableSignalError: an object without waveforms.
    """
    try:
        import pydicom
    except ImportError:
        raise MissingExtraError("pydicom", "formats", "reading DICOM waveforms") from None

    data = read_bytes(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset, big_endian = _dataset(path, data, pydicom)
        return _recording(path, dataset, big_endian)


def _dataset(path: Path, data: bytes, pydicom: Any) -> tuple[Any, bool]:
    """The data set, and whether its numbers are big-endian; a deflated one is inflated within bounds."""
    start = _meta_start(data)
    if start is None:
        return pydicom.dcmread(io.BytesIO(data), force=True), False
    data = bytes(128) + b"DICM" + data[start:]
    meta = pydicom.filereader.read_dataset(
        io.BytesIO(data[_PREAMBLE:]),
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=lambda tag, _vr, _length: tag.group != 2,
    )
    syntax = str(meta.get("TransferSyntaxUID", ""))
    if syntax != _DEFLATED:
        return pydicom.dcmread(io.BytesIO(data)), syntax == _BIG_ENDIAN
    start = _PREAMBLE + 12 + int(meta.get("FileMetaInformationGroupLength", 0))
    plain = inflate(path, data[start:], wbits=-zlib.MAX_WBITS, limit=MAX_FILE_BYTES)
    return pydicom.filereader.read_dataset(io.BytesIO(plain), is_implicit_VR=False, is_little_endian=True), False


def _recording(path: Path, dataset: Any, big_endian: bool) -> Recording:
    groups = list(dataset.get("WaveformSequence") or [])
    if not groups:
        kind = one_line(str(getattr(dataset.get("SOPClassUID"), "name", "") or "unknown class"))[:60]
        raise UnusableSignalError(f"{path}: a DICOM object without waveforms ({kind}); export the ECG as a waveform")
    beats = [group for group in groups if _is_beat(group)]
    rhythms = [group for group in groups if not _is_beat(group)]
    if not rhythms:
        raise UnusableSignalError(f"{path}: holds median beats only; export the ECG with its rhythm")
    # Where the same leads stand there twice, those as measured come before derived (filtered, averaged) ones.
    rhythms.sort(key=lambda group: _text(group, "WaveformOriginality").upper() == "DERIVED")
    decoded = [_decode(path, group, big_endian) for group in rhythms]
    leads, signal, fs, notes = join_strips(path, [strip for strip, _ in decoded], "waveform groups")
    leads, signal, derived = with_limb_leads(leads, signal)
    notes = (*dict.fromkeys(note for _, said in decoded for note in said), *notes)
    median = None
    if beats:
        beat, _ = _decode(path, beats[0], big_endian)
        beat_leads, beat_signal = stack_rows(path, beat.rows, "median beats")
        median = MedianBeats(beat_signal, beat.fs, beat_leads)
    annotations = list(dataset.get("WaveformAnnotationSequence") or [])
    # A text at a place in the signal tells an event ("button pressed"); what is said of the whole ECG has no place.
    events = [one for one in annotations if one.get("TemporalRangeType")]
    lines = [_text(one, "UnformattedTextValue") for one in annotations if one not in events]
    time = _time(dataset)
    extra = {
        "accession_number": _text(dataset, "AccessionNumber"),
        "study_instance_uid": _text(dataset, "StudyInstanceUID"),
        "sop_instance_uid": _text(dataset, "SOPInstanceUID"),
        "institution": _text(dataset, "InstitutionName"),
        "study_description": _text(dataset, "StudyDescription"),
    }
    device = " ".join(filter(None, [_text(dataset, "Manufacturer"), _text(dataset, "ManufacturerModelName")]))
    return Recording(
        signal=signal,
        fs=fs,
        leads=leads,
        recording_id=path.stem,
        patient_id=_text(dataset, "PatientID") or None,
        time=time,
        age=age_at(time, _text(dataset, "PatientAge"), parse_time(_text(dataset, "PatientBirthDate"))),
        sex=parse_sex(_text(dataset, "PatientSex")),
        device=device or None,
        source=str(path),
        format="dicom",
        report=report_of(lines),
        vendor_statements=statements(lines),
        vendor_measurements=_measurements(annotations),
        median_beats=median,
        metadata={key: value for key, value in extra.items() if value},
        notes=(*notes, *derived, *event_notes(_text(one, "UnformattedTextValue") for one in events)),
    )


def _is_beat(group: Any) -> bool:
    label = _text(group, "MultiplexGroupLabel").lower()
    if "median" in label or "representative" in label or "average" in label:
        return True
    duration_s = int(group.get("NumberOfWaveformSamples") or 0) / (float(group.get("SamplingFrequency") or 0) or 1.0)
    derived = _text(group, "WaveformOriginality").upper() == "DERIVED"
    return derived and "rhythm" not in label and duration_s < _SHORT_S


def _decode(path: Path, group: Any, big_endian: bool) -> tuple[Strip, tuple[str, ...]]:
    """One multiplex group, and what was assumed."""
    fs = check_fs(path, float(group.get("SamplingFrequency") or 0))
    n_channels, n_samples = (
        int(group.get("NumberOfWaveformChannels") or 0),
        int(group.get("NumberOfWaveformSamples") or 0),
    )
    check_shape(path, n_channels, n_samples)
    channels = list(group.get("ChannelDefinitionSequence") or [])
    if len(channels) != n_channels:
        raise UnreadableRecordingError(
            f"{path}: declares {n_channels} channels but describes {len(channels)}; the file is damaged"
        )
    kind = (_text(group, "WaveformSampleInterpretation"), int(group.get("WaveformBitsAllocated") or 0))
    if kind not in _DTYPES:
        raise UnreadableRecordingError(f"{path}: samples of kind {kind[0][:4]!r} with {kind[1]} bits are not read")
    dtype = np.dtype(_DTYPES[kind]).newbyteorder(">" if big_endian else "<")
    raw = bytes(group.get("WaveformData") or b"")
    if len(raw) < n_channels * n_samples * dtype.itemsize:
        declared = n_channels * n_samples * dtype.itemsize
        raise UnreadableRecordingError(f"{path}: holds {len(raw)} of {declared} bytes of samples; it is truncated")
    values = np.frombuffer(raw, dtype=dtype, count=n_channels * n_samples).reshape(n_samples, n_channels)
    padding = group.get("WaveformPaddingValue")
    pad = (
        np.frombuffer(bytes(padding), dtype=dtype, count=1)[0]
        if isinstance(padding, bytes) and len(padding) >= dtype.itemsize
        else None
    )
    rows: dict[str, NDArray[np.float64]] = {}
    others: list[str] = []
    without_unit: list[str] = []
    for index, channel in enumerate(channels):
        name = _channel_name(channel, index)
        units = channel.get("ChannelSensitivityUnitsSequence")
        unit = (_text(units[0], "CodeValue") or _text(units[0], "CodeMeaning")) if units else ""
        scale, sensitivity = mv_per_unit(unit), channel.get("ChannelSensitivity")
        if sensitivity is None or (scale is None and unit):
            others.append(name)
            continue
        factor = float(sensitivity) * float(channel.get("ChannelSensitivityCorrectionFactor") or 1)
        row = (values[:, index] * factor + float(channel.get("ChannelBaseline") or 0)) * (scale or 1.0)
        if pad is not None:
            row[values[:, index] == pad] = np.nan
        if name in rows:
            raise UnreadableRecordingError(f"{path}: lead {name[:20]} stands there twice; the file is damaged")
        rows[name] = row
        if scale is None:
            without_unit.append(name)
    if not rows:
        raise UnusableSignalError(
            f"{path}: none of its channels is in volts ({', '.join(others)[:80]}); there is no ECG in it"
        )
    notes: tuple[str, ...] = ()
    if without_unit:
        taken, scale = assumed_unit(rows[name] for name in without_unit)
        rows.update({name: rows[name] * scale for name in without_unit})
        notes = (f"unit not given: {taken} taken, after the amplitudes",)
    offset_ms = group.get("MultiplexGroupTimeOffset")
    return Strip(rows, fs, float(offset_ms) / 1000 if offset_ms is not None else None), notes


def _channel_name(channel: Any, index: int) -> str:
    source = channel.get("ChannelSourceSequence")
    if source:
        scheme, code = _text(source[0], "CodingSchemeDesignator"), _text(source[0], "CodeValue")
        number = re.search(r"(?:5\.6\.3-9-|^2:)(\d+)$", code) if scheme.startswith(("SCPECG", "MDC")) else None
        if number and int(number.group(1)) in _LEAD_NUMBERS:
            return _LEAD_NUMBERS[int(number.group(1))]
    meaning = _text(source[0], "CodeMeaning") if source else ""
    return re.sub(r"\s*\(.*?\)", "", meaning) or _text(channel, "ChannelLabel") or f"channel {index + 1}"


def _measurements(annotations: Iterable[Any]) -> dict[str, float]:
    out: dict[str, float] = {}
    for one in annotations:
        concept = one.get("ConceptNameCodeSequence")
        name = _MEASUREMENTS.get(_text(concept[0], "CodeMeaning").lower()) if concept else None
        value = one.get("NumericValue")
        if name and value is not None and not isinstance(value, list | tuple) and np.isfinite(float(value)):
            out.setdefault(name, float(value))
    return out


def _time(dataset: Any) -> Any:
    stamp = _text(dataset, "AcquisitionDateTime")
    if len(stamp) >= 8:
        return parse_time(stamp[:8], stamp[8:14])
    return parse_time(
        _text(dataset, "ContentDate") or _text(dataset, "StudyDate"),
        (_text(dataset, "ContentTime") or _text(dataset, "StudyTime"))[:6],
    )


def _text(dataset: Any, keyword: str) -> str:
    value = dataset.get(keyword)
    return one_line(str(value)) if value is not None else ""


READER = Reader("dicom", sniff, read, (".dcm",))
