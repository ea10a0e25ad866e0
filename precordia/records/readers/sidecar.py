"""The small JSON beside an array: what the numbers are.

``ecg7.npy`` is described by ``ecg7.json`` (or ``ecg7.npy.json``)::

    {"fs": 500, "leads": ["I", "II", ...], "units": "mV",
     "recording_id": "ecg7", "patient_id": "p3", "time": "2020-01-31T10:00:00", "age": 61, "sex": "F",
     "device": "Cart", "report": "Sinus rhythm.", "codes": ["snomed:426783006"], "metadata": {"ward": "B2"}}

Only ``fs`` is required; ``leads`` too where the array does not name its columns.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError, UnusableSignalError
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.records.channels import mv_per_unit, one_line, parse_age, parse_sex
from precordia.records.limits import MAX_HEADER_BYTES, check_fs, check_shape, read_bytes
from precordia.records.readers.strips import stack_rows


def find_sidecar(path: Path) -> Path | None:
    """The JSON beside an array file, or None."""
    for candidate in (path.with_suffix(".json"), path.with_name(path.name + ".json")):
        if candidate != path and candidate.is_file():
            return candidate
    return None


def read_sidecar(path: Path) -> dict[str, Any]:
    """What the JSON beside a file says; empty when there is none.

    Raises:
        UnreadableRecordingError: it is no JSON object.
    """
    beside = find_sidecar(path)
    if beside is None:
        return {}
    try:
        values = json.loads(read_bytes(beside, MAX_HEADER_BYTES).decode("utf-8-sig"))
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise UnreadableRecordingError(f"{beside}: not a JSON object; see the documentation of formats")
    return values


def recording_from_array(
    path: Path,
    array: NDArray[Any],
    facts: dict[str, Any],
    *,
    format: str,
    columns: Sequence[str] | None = None,
    notes: Sequence[str] = (),
) -> Recording:
    """A recording from numbers and what is known of them.

    Args:
        path: The array's file.
        array: ``(n_leads, n_samples)`` or its transpose: the longer side is time.
        facts: As in the JSON beside; see the module.
        format: The reader's name.
        columns: Names of the leads where the array has them.
        notes: What the reader did.

    Raises:
        UnreadableRecordingError: not numbers, or not as many leads as named.
        UnusableSignalError: no sampling rate is known, or the unit is no voltage.
    """
    if array.ndim == 1:
        array = array[np.newaxis]
    if array.ndim != 2 or array.dtype.kind not in "fiub":
        raise UnreadableRecordingError(
            f"{path}: holds {array.dtype} of shape {array.shape}; one recording is numbers, leads x samples"
        )
    if array.shape[0] > array.shape[1]:
        array = array.T
    check_shape(path, array.shape[0], array.shape[1])
    names = [one_line(str(name)) for name in _list(path, facts.get("leads") or facts.get("sig_name")) or columns or ()]
    if not names and array.shape[0] == len(LEADS):
        names, notes = list(LEADS), (*notes, "lead names not given: taken in standard order")
    if len(names) != array.shape[0]:
        raise UnreadableRecordingError(
            f"{path}: has {array.shape[0]} leads but {len(names)} names; list the leads in {path.stem}.json"
        )
    if not isinstance(facts.get("fs"), int | float):
        raise UnusableSignalError(
            f'{path}: its sampling rate is not known; put {{"fs": 500}} into {path.stem}.json beside it'
        )
    scale = mv_per_unit(str(facts.get("units", "mV")))
    if scale is None:
        raise UnusableSignalError(
            f"{path}: the unit {str(facts.get('units'))[:20]!r} is no voltage; give mV, uV or V in {path.stem}.json"
        )
    rows: dict[str, NDArray[np.float64]] = {}
    for i, (name, row) in enumerate(zip(names, array, strict=True)):
        rows[name if name not in rows else f"{name} {i + 1}"] = row.astype(np.float64) * scale
    leads, signal = stack_rows(path, rows)
    metadata = facts.get("metadata")
    return Recording(
        signal=signal,
        fs=check_fs(path, float(facts["fs"])),
        leads=leads,
        recording_id=_text(facts, "recording_id") or path.stem,
        patient_id=_text(facts, "patient_id"),
        time=_time(facts.get("time")),
        age=parse_age(facts["age"]) if facts.get("age") is not None else None,
        sex=parse_sex(facts.get("sex", "")),
        device=_text(facts, "device"),
        source=str(path),
        format=format,
        report=_text(facts, "report"),
        vendor_statements=tuple(_list(path, facts.get("vendor_statements")) or ()),
        codes=tuple(_list(path, facts.get("codes")) or ()),
        metadata={str(key): str(value) for key, value in metadata.items()} if isinstance(metadata, dict) else {},
        notes=tuple(notes),
    )


def _list(path: Path, value: Any) -> list[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UnreadableRecordingError(f"{path}: the JSON beside it gives a list of names or codes that is none")
    return value


def _text(facts: dict[str, Any], key: str) -> str | None:
    value = facts.get(key)
    return one_line(str(value)) or None if isinstance(value, str | int) else None


def _time(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None) if isinstance(value, str) else None
    except ValueError:
        return None
