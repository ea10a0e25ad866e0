"""HL7 annotated ECG (FDA aECG, root ``AnnotatedECG``; schema PORT_MT020001).

The first series of rhythm waveforms is read; a representative-beat series derived from it is kept apart. Checked against
ecgdatakit in the tests.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError, UnusableSignalError
from precordia.core.recording import MedianBeats, Recording
from precordia.records.channels import assumed_unit, mv_per_unit, one_line, parse_time
from precordia.records.limits import check_fs, check_shape
from precordia.records.people import age_at, parse_age, parse_sex
from precordia.records.readers.reader import Head, Reader
from precordia.records.readers.statements import report_of, statements
from precordia.records.readers.strips import Strip, join_strips, with_limb_leads
from precordia.records.readers.xml_tree import numbers, parse_xml, text_of, to_number

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_SECONDS: Final = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
_AGE_UNITS: Final = {"a": "years", "mo": "months", "wk": "weeks", "d": "days", "h": "hours"}
_TO_MS: Final = {"ms": 1.0, "s": 1000.0, "us": 1e-3}
_MEASUREMENTS: Final = {
    "MDC_ECG_HEART_RATE": "heart_rate_bpm", "MDC_ECG_TIME_PD_RR": "rr_ms", "MDC_ECG_TIME_PD_P": "p_ms",
    "MDC_ECG_TIME_PD_PR": "pr_ms", "MDC_ECG_TIME_PD_QRS": "qrs_ms", "MDC_ECG_TIME_PD_QT": "qt_ms",
    "MDC_ECG_TIME_PD_QTc": "qtc_ms", "MDC_ECG_TIME_PD_QTCB": "qtc_ms", "MDC_ECG_TIME_PD_QTCF": "qtc_fridericia_ms",
    "MDC_ECG_ANGLE_P_FRONT": "p_axis_deg", "MDC_ECG_ANGLE_QRS_FRONT": "axis_deg", "MDC_ECG_ANGLE_T_FRONT": "t_axis_deg",
}  # fmt: skip


def sniff(head: Head) -> int:
    """2 for the root ``AnnotatedECG``."""
    return 2 if head.xml_root == "AnnotatedECG" else 0


def read(path: Path) -> Recording:
    """The rhythm series with its subject, statements and measurements.

    Raises:
        UnreadableRecordingError: damaged.
        UnusableSignalError: there is no series with samples.
    """
    root = parse_xml(path)
    series = [one for one in root.findall("component/series") if one.find(".//sequence") is not None]
    rhythm = next((one for one in series if _code(one) == "RHYTHM"), series[0] if series else None)
    if rhythm is None:
        raise UnusableSignalError(f"{path}: holds no series of waveforms; export the ECG with its waveforms")
    leads, signal, fs, notes = _sequence_sets(path, rhythm)
    leads, signal, derived = with_limb_leads(leads, signal)
    person = root.find(".//subjectDemographicPerson")
    subject = root.find(".//trialSubject/id")
    author = rhythm.find("author/seriesAuthor")
    device = " ".join(
        filter(
            None,
            [
                text_of(author, "manufacturerOrganization/name"),
                text_of(author, "manufacturedSeriesDevice/manufacturerModelName"),
            ],
        )
    )
    time = _time(root, "effectiveTime") or _time(rhythm, "effectiveTime")
    trial = root.find(".//clinicalTrial/id")
    extra = {"visit": _attribute(root.find("componentOf/timepointEvent/code"), "code"), "trial": _attribute(trial, "extension"),
             "comment": text_of(root, "pertainsTo/subjectFindingComment/text")}  # fmt: skip
    lines = _statements(root)
    return Recording(
        signal=signal,
        fs=fs,
        leads=leads,
        recording_id=path.stem,
        patient_id=_attribute(subject, "extension")
        or _attribute(subject, "root")
        or text_of(person, "PatientID")
        or None,
        time=time,
        age=_age(root, person, time),
        sex=parse_sex(_attribute(person.find("administrativeGenderCode") if person is not None else None, "code")),
        device=device or None,
        source=str(path),
        format="aecg",
        report=report_of(lines),
        vendor_statements=statements(lines),
        vendor_measurements=_measurements(root),
        median_beats=_beats(path, rhythm),
        metadata={key: value for key, value in extra.items() if value},
        notes=(*notes, *derived),
    )


def _sequence_sets(path: Path, series: Element) -> tuple[tuple[str, ...], NDArray[np.float32], float, tuple[str, ...]]:
    """The leads of a series, its sequence sets laid at their times."""
    found = [_sequences(path, one) for one in series.findall("component/sequenceSet")]
    strips = [strip for strip, _ in found if strip.rows]
    if not strips:
        raise UnusableSignalError(f"{path}: its series holds no leads; nothing to read")
    leads, signal, fs, notes = join_strips(path, strips, "sequence sets")
    return leads, signal, fs, (*dict.fromkeys(note for _, said in found for note in said), *notes)


def _sequences(path: Path, sequence_set: Element) -> tuple[Strip, tuple[str, ...]]:
    rows: dict[str, NDArray[np.float64]] = {}
    without_unit: dict[str, tuple[float, float]] = {}
    fs, start = 0.0, None
    for sequence in sequence_set.findall("component/sequence"):
        name, value = _code(sequence), sequence.find("value")
        if value is None:
            continue
        if name.startswith("TIME_"):
            increment = value.find("increment")
            step = (to_number(_attribute(increment, "value")) or 0.0) * _SECONDS.get(_attribute(increment, "unit"), 0.0)
            fs = check_fs(path, round(1 / step, 6)) if step > 0 else 0.0
            start = _start(name, value.find("head"))
            continue
        digits = value.find("digits")
        if digits is None:
            continue
        if name in rows:
            raise UnreadableRecordingError(
                f"{path}: sequence {one_line(name)[:40]} stands there twice; the file is damaged"
            )
        scale, origin = value.find("scale"), value.find("origin")
        step_mv, zero = (_millivolts(one) for one in (scale, origin))
        rows[name] = numbers(digits.text or "", f"{path}: {one_line(name)[:40]}")
        check_shape(path, len(rows), max(1, rows[name].size))
        if step_mv:
            rows[name] = rows[name] * step_mv + (zero or 0.0)
        elif scale is not None and not _attribute(scale, "unit") and to_number(_attribute(scale, "value")):
            number, offset = (to_number(_attribute(one, "value")) or 0.0 for one in (scale, origin))
            without_unit[name] = number, offset
        else:
            raise UnreadableRecordingError(
                f"{path}: sequence {one_line(name)[:40]} has no scale in volts, so its amplitudes are not known; "
                "export it with its scale"
            )
    if rows and not fs:
        raise UnreadableRecordingError(
            f"{path}: its sequences have no time increment, so no sampling rate; export it with its times"
        )
    notes: tuple[str, ...] = ()
    if without_unit:
        scaled = {name: rows[name] * step + zero for name, (step, zero) in without_unit.items()}
        unit, factor = assumed_unit(scaled.values())
        rows.update({name: row * factor for name, row in scaled.items()})
        notes = (f"unit not given: {unit} taken, after the amplitudes",)
    return Strip(rows, fs, start), notes


def _millivolts(element: Element | None) -> float | None:
    """A quantity (``<scale value="5" unit="uV"/>``) in mV; None when it is no voltage."""
    number, factor = to_number(_attribute(element, "value")), mv_per_unit(_attribute(element, "unit"))
    return number * factor if number is not None and factor is not None else None


def _start(code: str, head: Element | None) -> float | None:
    """When a sequence set begins, s: since the year 1 for absolute times, since the series' start for relative ones."""
    text = _attribute(head, "value")
    if code == "TIME_ABSOLUTE":
        day = _stamp(text)
        fraction = to_number(f"0.{text[15:]}") if text[14:15] == "." and text[15:].isdigit() else 0.0
        return (day - datetime.min).total_seconds() + (fraction or 0.0) if day else None
    number, unit = to_number(text), _SECONDS.get(_attribute(head, "unit"))
    return number * unit if number is not None and unit is not None else None


def _beats(path: Path, rhythm: Element) -> MedianBeats | None:
    for derived in rhythm.findall("derivation/derivedSeries"):
        if _code(derived) == "REPRESENTATIVE_BEAT":
            leads, signal, fs, _ = _sequence_sets(path, derived)
            leads, signal, _ = with_limb_leads(leads, signal)
            return MedianBeats(signal, fs, leads)
    return None


def _statements(root: Element) -> list[str]:
    """Interpretations and comments among the annotations, in the file's order, each once."""
    lines: dict[str, None] = {}
    for annotation in root.iter("annotation"):
        code, value = _code(annotation), annotation.find("value")
        if value is None or not code.startswith(("MDC_ECG_INTERPRETATION", "MDC_ECG_RHY", "MDC_ECG_STATEMENT")):
            continue
        line = text_of(value) or _attribute(value, "displayName")
        lines.setdefault(line)
    return list(lines)


def _measurements(root: Element) -> dict[str, float]:
    """Medians of the numeric annotations (they may stand once, or at each beat)."""
    found: dict[str, list[float]] = {}
    for annotation in root.iter("annotation"):
        name, value = _MEASUREMENTS.get(_code(annotation)), annotation.find("value")
        number = to_number(_attribute(value, "value"))
        if name and number is not None:
            factor = _TO_MS.get(_attribute(value, "unit"), 1.0) if name.endswith("_ms") else 1.0
            found.setdefault(name, []).append(number * factor)
    return {name: float(np.median(values)) for name, values in found.items()}


def _age(root: Element, person: Element | None, time: datetime | None) -> float | None:
    stated = None
    for observation in root.findall("controlVariable/relatedObservation"):
        value = observation.find("value")
        if _code(observation) == "21612-7":  # LOINC: reported age
            unit = _AGE_UNITS.get(_attribute(value, "unit"), "years")
            stated = f"{_attribute(value, 'value')} {unit}"
    # "Age" and "PatientID" are not of the standard; carts of some makers put them with the person.
    born = parse_time(_attribute(person.find("birthTime") if person is not None else None, "value")[:8])
    return age_at(time, stated if parse_age(stated) is not None else text_of(person, "Age"), born)


def _time(element: Element, path: str) -> datetime | None:
    for part in ("center", "low", "high", "."):
        node = element.find(path) if part == "." else element.find(f"{path}/{part}")
        if found := _stamp(_attribute(node, "value")):
            return found
    return None


def _stamp(text: str) -> datetime | None:
    return parse_time(text[:8], text[8:14].ljust(6, "0")) if len(text) >= 8 else None


def _code(element: Element) -> str:
    return _attribute(element.find("code"), "code")


def _attribute(element: Element | None, name: str) -> str:
    return one_line(element.get(name, "")) if element is not None else ""


READER = Reader("aecg", sniff, read)
