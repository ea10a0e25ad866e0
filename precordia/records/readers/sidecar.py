"""The small JSON beside an array: what the numbers are.

``ecg7.npy`` is described by ``ecg7.json`` (or ``ecg7.npy.json``)::

    {"fs": 500, "leads": ["I", "II", ...], "units": "mV",
     "recording_id": "ecg7", "patient_id": "p3", "time": "2020-01-31T10:00:00", "age": 61, "sex": "F",
     "device": "Cart", "report": "Sinus rhythm.", "codes": ["snomed:426783006"], "metadata": {"ward": "B2"}}

Only ``fs`` is required; ``leads`` too where the array does not name its columns. Other usual names of these keys are
understood ("sampling_rate", "sex"/"gender", ...; see :data:`FACT_NAMES`), and numbers written as text.

What holds for a whole folder stands once in its ``precordia.json``, with the same keys (and ``duration_s`` for arrays of one
length, ``mv_per_unit`` for numbers in no unit); it counts for the folders below, too. It fills in what the file, and the JSON
beside it, leave open. So do the options ``--fs``, ``--units`` and ``--leads`` of a build, and what is known of the arrays of
public archives, recognised by the table beside them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnreadableRecordingError, UnusableSignalError
from precordia.core.leads import canonical_lead
from precordia.core.recording import Recording
from precordia.records.channels import assumed_unit, mv_per_unit, one_line, parse_time, standard_if_unnamed
from precordia.records.limits import MAX_HEADER_BYTES, check_fs, check_shape, read_bytes
from precordia.records.people import age_at, parse_sex, tells_who
from precordia.records.readers.strips import stack_rows
from precordia.records.sheets.known import signals_beside

FOLDER_FILE: Final = "precordia.json"
"""What holds for all arrays of a folder and of those below it."""

_LEVELS_UP: Final = 3
_ASSUMED: ContextVar[Mapping[str, Any]] = ContextVar("assumed", default=MappingProxyType({}))


@contextmanager
def assuming(facts: Mapping[str, Any]) -> Iterator[None]:
    """Within, arrays of which something is not known are read by ``facts`` (the keys of the JSON beside an array)."""
    token = _ASSUMED.set({**_ASSUMED.get(), **facts})
    try:
        yield
    finally:
        _ASSUMED.reset(token)


_FOLDER: ContextVar[Path | None] = ContextVar("folder", default=None)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Within, what is known of arrays is looked up in ``folder`` and below it, never above: what lies there is not theirs."""
    token = _FOLDER.set(folder.absolute())
    try:
        yield
    finally:
        _FOLDER.reset(token)


def defaults_for(path: Path) -> dict[str, Any]:
    """What is known of the arrays of a file's folder, the nearest and most explicit first.

    Raises:
        UnreadableRecordingError: a ``precordia.json`` is no JSON object.
    """
    outermost = _FOLDER.get()
    facts = signals_beside(path) if outermost is None else {}
    for folder in reversed(list(path.absolute().parents)[: _LEVELS_UP + 1]):
        if (outermost is None or folder.is_relative_to(outermost)) and (folder / FOLDER_FILE).is_file():
            facts = _over(facts, _json_object(folder / FOLDER_FILE))
    return _over(facts, _ASSUMED.get())


def _over(facts: Mapping[str, Any], closer: Mapping[str, Any]) -> dict[str, Any]:
    """What is said closer to a file wins; of a unit and a number of mV, the closer one."""
    kept = {key: value for key, value in facts.items() if not (key == "mv_per_unit" and "units" in closer)}
    return {**kept, **closer}


def is_described(path: Path) -> bool:
    """Whether the sampling rate of bare numbers in a file is known from elsewhere."""
    return find_sidecar(path) is not None or "fs" in defaults_for(path)


FACT_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "fs": ("fs", "samplingrate", "samplerate", "samplingfrequency", "samplefrequency", "samplefreq", "samplingfreq", "sfreq",
           "freq", "frequency", "hz", "fsample", "srate", "abtastrate", "frequence", "frequenza", "frecuencia"),
    "leads": ("leads", "lead", "leadnames", "leadorder", "signame", "signames", "channels", "channelnames", "columns",
              "ableitungen", "derivations"),
    "units": ("units", "unit", "einheit", "unite", "unidad", "unita"),
    "recording_id": ("recordingid", "recordid", "ecgid", "examid"),
    "patient_id": ("patientid", "subjectid", "mrn", "pid"),
    "time": ("time", "recordingtime", "recordeddate", "recordingdate", "acquisitiontime", "acquisitiondate", "starttime",
             "startdate", "datetime", "date"),
    "age": ("age", "patientage", "alter", "edad", "eta", "idade"),
    "birth_date": ("birthdate", "dateofbirth", "dob", "birthday", "geburtsdatum", "datedenaissance"),
    "sex": ("sex", "gender", "patientsex", "geschlecht", "sexe", "sexo", "sesso", "ismale", "isfemale"),
    "device": ("device", "cart", "machine", "manufacturer"),
    "report": ("report", "interpretation", "conclusion", "classification", "diagnosis", "befund"),
    "vendor_statements": ("vendorstatements",),
    "codes": ("codes",),
    "metadata": ("metadata",),
}  # fmt: skip
"""The key of a fact to the names that files give it, in lower case without separators. Names of people are in none."""

_KEY_OF: Final = {name: key for key, names in FACT_NAMES.items() for name in names}


def fact_of(name: str) -> str | None:
    """The key that a name in a JSON, an archive of arrays or a table's first lines stands for, or None.

    >>> fact_of("Sampling rate"), fact_of("sampling_rate"), fact_of("Date of Birth"), fact_of("Name")
    ('fs', 'fs', 'birth_date', None)
    """
    return _KEY_OF.get(re.sub(r"[^a-z]+", "", name.lower().replace("é", "e").replace("à", "a")))


def to_facts(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values under the keys of this module, numbers as numbers; the exact key wins over other names of it."""
    out: dict[str, Any] = {}
    for name, value in values.items():
        key = fact_of(str(name))
        if key is None or (key in out and name != key):
            continue
        out[key] = value
        flag = re.sub(r"[^a-z]+", "_", str(name).lower())
        if key == "sex" and flag in ("is_male", "is_female"):
            out[key] = parse_sex(value, flag)
    if isinstance(out.get("fs"), str):
        number = re.match(r"\s*(\d+(?:[.,]\d+)?)\s*(k?)(?:hz|hertz)?\b", out["fs"].lower())
        if number:
            out["fs"] = float(number.group(1).replace(",", ".")) * (1000 if number.group(2) else 1)
    leads = out.get("leads")
    if isinstance(leads, str):
        parts = [part.strip() for part in re.split(r"[,;|]", leads) if part.strip()]
        out["leads"] = parts[0].split() if len(parts) == 1 and canonical_lead(parts[0]) is None else parts
    elif isinstance(leads, int):  # how many there are
        del out["leads"]
    return out


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
    return _json_object(beside) if beside else {}


def _json_object(beside: Path) -> dict[str, Any]:
    try:
        values = json.loads(read_bytes(beside, MAX_HEADER_BYTES).decode("utf-8-sig"))
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise UnreadableRecordingError(f"{beside}: not a JSON object; see the documentation of formats")
    return {**{key: value for key, value in values.items() if fact_of(key) is None}, **to_facts(values)}


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
    given = _list(path, facts.get("leads")) or columns or ()
    facts, notes = _filled(path, facts, array.shape[1], notes)
    usual = _list(path, facts.get("leads")) or ()
    names = [one_line(str(name)) for name in given or (usual if len(usual) == array.shape[0] else ())]
    if not names:
        standard, said = standard_if_unnamed([""] * array.shape[0])
        names, notes = [name for name in standard if name], (*notes, *said)
    if len(names) != array.shape[0]:
        raise UnreadableRecordingError(
            f"{path}: has {array.shape[0]} rows and {len(names) or 'no'} names of leads; list a lead for each row in "
            f"{path.stem}.json, or with --leads"
        )
    fs = facts.get("fs")
    if not isinstance(fs, int | float) or isinstance(fs, bool):
        beside = find_sidecar(path)
        told = f"; {beside.name} beside it gives no number" if fs is not None and beside else ""
        raise UnusableSignalError(
            f'{path}: its sampling rate is not known{told}; put {{"fs": 500}} into {path.stem}.json beside it, or for the whole '
            f"folder into {FOLDER_FILE}, or build with --fs 500"
        )
    scale, said = _mv_per_number(array, facts)
    notes = (*notes, *said)
    if scale is None:
        raise UnusableSignalError(f"{path}: the unit given for it is no voltage; give mV, uV or V in {path.stem}.json")
    rows: dict[str, NDArray[np.float64]] = {}
    for i, (name, row) in enumerate(zip(names, array, strict=True)):
        rows[name if name not in rows else f"{name} {i + 1}"] = row.astype(np.float64) * scale
    leads, signal = stack_rows(path, rows)
    metadata, time = facts.get("metadata"), _time(facts.get("time"))
    return Recording(
        signal=signal,
        fs=check_fs(path, float(fs)),
        leads=leads,
        recording_id=_text(facts, "recording_id") or path.stem,
        patient_id=_text(facts, "patient_id"),
        time=time,
        age=age_at(time, facts.get("age"), _time(facts.get("birth_date"))),
        sex=parse_sex(facts.get("sex", "")),
        device=_text(facts, "device"),
        source=str(path),
        format=format,
        report=_text(facts, "report"),
        vendor_statements=tuple(_list(path, facts.get("vendor_statements")) or ()),
        codes=tuple(_list(path, facts.get("codes")) or ()),
        metadata={str(key): str(value) for key, value in metadata.items() if not tells_who(str(key))}
        if isinstance(metadata, dict)
        else {},
        notes=tuple(notes),
    )


def _mv_per_number(array: NDArray[Any], facts: Mapping[str, Any]) -> tuple[float | None, tuple[str, ...]]:
    """Millivolt per number, None when the unit is no voltage, and what was assumed."""
    number = facts.get("mv_per_unit")
    if isinstance(number, int | float) and number > 0:
        return float(number), ()
    unit = str(facts.get("units") or "").strip()
    if unit:
        return mv_per_unit(unit), ()
    unit, scale = assumed_unit(array.astype(np.float64))
    # Millivolt is what an array without a unit is in.
    return scale, () if unit == "mV" else (f"unit not given: {unit} taken, after the amplitudes",)


def _filled(
    path: Path, facts: dict[str, Any], n_samples: int, notes: Sequence[str]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The facts, with what is known of the folder's arrays where they say nothing, and the notes on it."""
    known = defaults_for(path)
    if "units" in facts:
        known.pop("mv_per_unit", None)
    duration = known.pop("duration_s", None)
    if isinstance(duration, int | float) and duration > 0 and "fs" not in known:
        known["fs"] = n_samples / duration
    filled = [key for key in ("fs", "units", "mv_per_unit") if key in known and key not in facts]
    said = (f"{', '.join(filled)} not given: taken as known of the folder",) if filled else ()
    return {**known, **facts}, (*notes, *said, *(_list(path, known.get("notes")) or ()))


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
    if not isinstance(value, str | int):
        return None
    try:
        return datetime.fromisoformat(str(value)).replace(tzinfo=None)
    except ValueError:
        day, _, clock = str(value).strip().partition(" ")
        return parse_time(str(value)) or parse_time(day, clock.split(" ")[0])
