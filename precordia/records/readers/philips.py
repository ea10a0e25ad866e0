"""Philips Sierra XML (root ``restingecgdata``), versions 1.03, 1.04, 1.04.01 and 1.04.02, plain or XLI-compressed.

Other versions 1.x are read the same way, with a note: between those known only fields were added.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnknownFormatError, UnreadableRecordingError
from precordia.core.recording import MedianBeats, Recording
from precordia.records.channels import parse_time
from precordia.records.limits import check_fs, check_shape
from precordia.records.people import age_at, parse_age, parse_sex
from precordia.records.readers.philips_xli import decode_chunks
from precordia.records.readers.reader import Head, Reader
from precordia.records.readers.statements import report_of, statements
from precordia.records.readers.strips import stack_rows, with_limb_leads
from precordia.records.readers.xml_tree import (
    base64_bytes,
    base64_int16,
    number_of,
    numbers,
    parse_xml,
    text_of,
    to_number,
)

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_TYPES: Final = ("SierraECG", "PhilipsECG")
_VERSIONS: Final = ("1.03", "1.04", "1.04.01", "1.04.02")
_STANDARD: Final = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
_MEASUREMENTS: Final = {
    "heartrate": "heart_rate_bpm", "rrint": "rr_ms", "atrialrate": "atrial_rate_bpm", "pdur": "p_ms", "print": "pr_ms",
    "meanprint": "pr_ms", "qrsdur": "qrs_ms", "meanqrsdur": "qrs_ms", "qtint": "qt_ms", "meanqtint": "qt_ms",
    "qtcb": "qtc_ms", "meanqtc": "qtc_ms", "qtcf": "qtc_fridericia_ms", "pfrontaxis": "p_axis_deg",
    "qrsfrontaxis": "axis_deg", "tfrontaxis": "t_axis_deg",
}  # fmt: skip


def sniff(head: Head) -> int:
    """2 for the root ``restingecgdata``."""
    return 2 if (head.xml_root or "").lower() == "restingecgdata" else 0


def read(path: Path) -> Recording:
    """The rhythm strip, its demographics, statements and measurements.

    Raises:
        UnknownFormatError: a document type or major version that is not known.
        UnreadableRecordingError: damaged.
    """
    root = parse_xml(path)
    kind, version = text_of(root, "documentinfo/documenttype"), text_of(root, "documentinfo/documentversion")
    if kind not in _TYPES or version.split(".")[0] not in ("1", ""):
        raise UnknownFormatError(
            f"{path}: its document type and version (element documentinfo) are not read; "
            f"known are {' and '.join(_TYPES)} in versions 1.x (checked: {', '.join(_VERSIONS)})"
        )
    unknown = (
        ()
        if version in _VERSIONS
        else (f"version {version[:20] or 'not given'} is not known; read as {_VERSIONS[-1]}",)
    )
    traits = root.find("dataacquisition/signalcharacteristics")
    strip = root.find("waveforms/parsedwaveforms")
    if strip is None:
        raise UnreadableRecordingError(f"{path}: holds no waveforms; export the ECG with its waveforms")
    fs = check_fs(path, to_number(strip.get("samplespersecond")) or number_of(traits, "samplingrate") or 0.0)
    rows = _rhythm(path, strip, traits, fs)
    leads, signal = stack_rows(path, rows)
    leads, signal, derived = with_limb_leads(leads, signal)
    person = root.find("patient/generalpatientdata")
    acquired = root.find("dataacquisition")
    time = parse_time(acquired.get("date", ""), acquired.get("time", "")) if acquired is not None else None
    machine = text_of(acquired, "machine")
    interpretation = root.find("interpretations/interpretation")
    lines = _lines(interpretation)
    signature = text_of(interpretation, "mdsignatureline")
    extra = {
        "status": root.get("status", ""),
        "severity": text_of(interpretation, "severity").strip("- "),
        "confirmed": "no" if signature.lower().startswith(("unconfirmed", "preliminary")) else "",
        "order_number": text_of(root, "orderinfo/ordernumber"),
        "department": text_of(acquired, "acquirer/departmentname"),
    }
    return Recording(
        signal=signal,
        fs=fs,
        leads=leads,
        recording_id=path.stem,
        patient_id=text_of(person, "patientid") or text_of(person, "MRN") or None,
        time=time,
        age=_age(person, time),
        sex=parse_sex(text_of(person, "sex")),
        device=f"Philips {machine}" if machine else None,
        source=str(path),
        format="philips",
        report=report_of(lines),
        vendor_statements=statements(lines),
        vendor_measurements=_measurements(root, interpretation),
        median_beats=_beats(path, root.find("waveforms/repbeats"), traits),
        metadata={key: value for key, value in extra.items() if value},
        notes=(*unknown, *derived, *_calibration(signal, fs)),
    )


def _rhythm(path: Path, strip: Element, traits: Element | None, fs: float) -> dict[str, NDArray[np.float64]]:
    resolution_uv = (
        to_number(strip.get("resolution"))
        or number_of(traits, "resolution")
        or number_of(traits, "signalresolution")
        or 5.0
    )
    n_samples = round((to_number(strip.get("durationperchannel")) or 0.0) / 1000 * fs)
    names = (strip.get("leadlabels") or "").split()
    count = int(
        to_number(strip.get("numberofleads")) or number_of(traits, "numberchannelsallocated") or len(names) or 0
    )
    check_shape(path, count, n_samples)
    if len(names) < count:
        names = [*_STANDARD, *(f"channel {i}" for i in range(13, count + 1))][:count]
    compressed = (strip.get("compressflag") or "true").lower() == "true"
    method = (strip.get("compressmethod") or strip.get("compression") or "").lower() if compressed else ""
    text = strip.text or ""
    if method == "xli":
        stored = decode_chunks(base64_bytes(text, str(path)), count, n_samples, str(path))
        values = [lead[:n_samples] for lead in stored]
        if tuple(names[:6]) == _STANDARD[:6]:
            _rebuild_limb_leads(values)
    elif method in ("", "uncompressed", "none"):
        plain = (strip.get("dataencoding") or "Base64").lower() != "base64"
        flat = numbers(text, str(path)) if plain else base64_int16(text, str(path)).astype(np.int64)
        if flat.size < count * n_samples:
            raise UnreadableRecordingError(f"{path}: holds {flat.size} of {count * n_samples} samples; it is truncated")
        values = list(flat[: count * n_samples].astype(np.int64).reshape(count, n_samples))
    else:
        raise UnreadableRecordingError(
            f"{path}: waveforms compressed in another way than XLI are not read; export them as XLI or plain"
        )
    return {name: value.astype(np.float64) * (resolution_uv / 1000) for name, value in zip(names, values, strict=False)}


def _calibration(signal: NDArray[np.float32], fs: float) -> tuple[str, ...]:
    """A note when the last second holds the 1 mV pulse that carts append: the same rectangle in every lead."""
    tail = signal[:, -round(fs) :]
    pulse = np.all(np.abs(tail - 1.0) < 1e-3, axis=0) if signal.shape[0] >= 3 else np.zeros(1, dtype=np.bool_)
    if np.count_nonzero(pulse) < 0.1 * fs:
        return ()
    start = signal.shape[1] - tail.shape[1] + int(np.argmax(pulse))
    return (f"from {start / fs:.1f} s on a calibration pulse of 1 mV stands in every lead",)


def _rebuild_limb_leads(leads: list[NDArray[np.int64]]) -> None:
    """XLI keeps III, aVR, aVL and aVF as what is left after predicting them from I and II, rounded down (in place)."""
    one, two = leads[0], leads[1]
    leads[2] = two - one - leads[2]
    leads[3] = -leads[3] - (one + two) // 2
    leads[4] = (one - leads[2]) // 2 - leads[4]
    leads[5] = (two + leads[2]) // 2 - leads[5]


def _beats(path: Path, block: Element | None, traits: Element | None) -> MedianBeats | None:
    if block is None:
        return None
    fs = to_number(block.get("samplespersec")) or number_of(traits, "samplingrate") or 0.0
    resolution_uv = to_number(block.get("resolution")) or number_of(traits, "resolution") or 5.0
    rows: dict[str, NDArray[np.float64]] = {}
    for beat in block.findall("repbeat"):
        waveform = beat.find("waveform")
        element = waveform if waveform is not None else beat
        samples = base64_int16(element.text or "", f"{path}: representative beat")
        rows[beat.get("leadname") or f"channel {len(rows) + 1}"] = samples.astype(np.float64) * (resolution_uv / 1000)
    if not rows:
        return None
    leads, signal = stack_rows(path, rows, "representative beats")
    return MedianBeats(signal, check_fs(path, fs), leads)


def _lines(interpretation: Element | None) -> list[str]:
    if interpretation is None:
        return []
    return [text_of(one, "leftstatement") for one in interpretation.findall("statement")]


def _measurements(root: Element, interpretation: Element | None) -> dict[str, float]:
    """Numbers printed with the interpretation, else those of the analysis."""
    blocks = []
    if interpretation is not None:
        blocks += [interpretation.find("globalmeasurements"), interpretation.find("interpretationmeasurements")]
    blocks += [root.find("measurements/globalmeasurements"), root.find("internalmeasurements/crossleadmeasurements")]
    out: dict[str, float] = {}
    for block in blocks:
        for tag, name in _MEASUREMENTS.items():
            if name not in out and (value := number_of(block, tag)) is not None:
                out[name] = value
    return out


def _age(person: Element | None, time: datetime | None) -> float | None:
    if person is None:
        return None
    units = ("years", "months", "weeks", "days", "hours")
    found = ((text_of(person, f"age/{unit}"), unit) for unit in units)
    stated = next((f"{value} {unit}" for value, unit in found if value), None)
    born = parse_time(text_of(person, "age/dateofbirth") or text_of(person, "dateofbirth"))
    element = person.find("age")
    age = age_at(time, stated, born)
    return age if age is not None or element is None else parse_age(element.get("defaultage"))


READER = Reader("philips", sniff, read)
