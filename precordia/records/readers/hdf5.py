"""HDF5 through h5py: many ECGs in one array (CODE-15 %), one a file (SPH), or one a group with an array a lead (ml4h).

The library runs in a process of its own, because damaged files can hang or crash it. What is read is in the file itself:
links and arrays that lead to other files are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import MissingExtraError, PrecordiaError, UnknownFormatError, UnreadableRecordingError
from precordia.core.leads import LEADS, canonical_lead
from precordia.core.recording import Recording
from precordia.records.apart import MAX_MEMORY, Allowance, Apart, NoAnswerError
from precordia.records.channels import one_line
from precordia.records.limits import MAX_CHANNELS, MAX_VALUES
from precordia.records.places import join_place
from precordia.records.readers.packed_values import packed_of, unpacked
from precordia.records.readers.reader import Head, Reader, Several
from precordia.records.readers.sidecar import recording_from_array
from precordia.records.readers.stacks import IDS, SIGNALS, ecg_of_stack, facts_of_file, is_stack, names_of

_MAGIC: Final = b"\x89HDF\r\n\x1a\n"
_MAX_OBJECTS: Final = 500_000
"""Most groups and arrays looked at in a file."""

_MOST_BESIDE: Final = 2000
"""Most things in a group in which single values are looked for."""

_LEAST_S: Final = 0.08
_S_PER_BYTE: Final = 1e-6
_MOST_S: Final = 60.0
"""Processor time a file may take, s: a constant, more a byte, and a bound on both."""

_LEAST_MEMORY: Final = 64 * 2**20
_MEMORY_PER_BYTE: Final = 32
"""Memory a file may take, bytes: a constant, and more a byte (compressed ten to one, held three times over)."""

_MEANINGS: Final = (
    ("truncated file", "truncated HDF5: shorter than it says; copy it again from its source"),
    ("required filter", "HDF5 compressed in a way that h5py does not have; write it anew, as by h5repack -f GZIP=4"),
    ("unable to lock file", "HDF5 that another program has open; close it there, or read a copy"),
    ("MemoryError", "HDF5 that needs more memory than a file of its size does; it is damaged, copy it again"),
    ("filter returned failure", "damaged HDF5 (its compressed samples do not unpack); copy it again from its source"),
)
"""What the HDF5 library says to what it means; whatever else it says is a damaged structure."""

_FACTS: Final = {
    "fs": (
        "fs",
        "sampling_rate",
        "sampling_frequency",
        "samplerate",
        "samplebase",
        "ecgsamplebase",
        "frequency",
        "freq",
    ),
    "units": ("units", "unit"),
    "leads": ("leads", "lead_names", "sig_name", "channels"),
    "patient_id": ("patient_id", "patientid", "subject_id", "mrn"),
    "age": ("age", "patientage"),
    "sex": ("sex", "gender"),
    "report": ("report", "read_md_clean", "diagnosis_md", "interpretation"),
    "time": ("time", "acquisition_time", "datetime"),
}
"""Field to the names of attributes, or of single values beside the signal, that give it."""


@dataclass(frozen=True)
class _Ecg:
    """Where an ECG is in a file.

    Attributes:
        name: What it is called.
        arrays: The paths of its arrays: one, or one a lead.
        leads: The lead of each array; empty for one array of all leads.
        at: Its place in a stack, or None when the array is one ECG.
        own_name: Whether the name is an id that the file gives.
    """

    name: str
    arrays: tuple[str, ...]
    leads: tuple[str, ...] = ()
    at: int | None = None
    own_name: bool = True


def sniff(head: Head) -> int:
    """2 for HDF5."""
    return 2 if head.data.startswith(_MAGIC) else 0


def names(path: Path) -> tuple[str, ...]:
    """The ECGs in a file; none when it holds one.

    Raises:
        UnknownFormatError: it holds no array that is an ECG.
        UnreadableRecordingError: it is damaged.
        MissingExtraError: h5py is not installed.
    """
    found = _ecgs(path)
    return tuple(found) if len(found) > 1 else ()


def read(path: Path) -> Recording:
    """The only ECG of a file."""
    found = _ecgs(path)
    if len(found) > 1:
        raise UnreadableRecordingError(f"{path}: holds {len(found)} ECGs; name one as {path.name}#NAME")
    (only,) = found.values()
    return _recording(path, only, path)


def read_one(path: Path, name: str) -> Recording:
    """One of the ECGs of a file."""
    one = _ecgs(path).get(name)
    if one is None:
        raise UnreadableRecordingError(f"{path}: holds no ECG of the name asked for; see scan(file)")
    return _recording(path, one, Path(join_place(str(path), name)))


def _recording(path: Path, ecg: _Ecg, place: Path) -> Recording:
    array, columns, facts = _apart(path, ecg)
    if ecg.at is not None:
        facts = {key: facts[key] for key in ("fs", "units", "leads") if key in facts}
        facts.update(facts_of_file(path))
        return ecg_of_stack(path, ecg.name, array, facts, format="hdf5", own_name=ecg.own_name)
    facts.update(facts_of_file(path))
    if place != path:
        facts.setdefault("recording_id", ecg.name.replace("/", "-"))
    return recording_from_array(place, array, facts, format="hdf5", columns=columns)


def _apart(path: Path, ecg: _Ecg | None) -> Any:
    """:func:`look_into`, in a process of its own: the HDF5 library hangs or crashes on some damaged files."""
    try:
        return LIBRARY(_allowance(path.stat().st_size), str(path), ecg)
    except NoAnswerError as error:
        raise UnreadableRecordingError(
            f"{path}: reading it with the HDF5 library came to no end ({error}); it is damaged, copy it again from its source"
        ) from None


def _allowance(n_bytes: int) -> Allowance:
    """What reading a file of this size may take."""
    return Allowance(
        computing_s=min(_LEAST_S + _S_PER_BYTE * n_bytes, _MOST_S),
        memory=min(_LEAST_MEMORY + _MEMORY_PER_BYTE * n_bytes, MAX_MEMORY),
    )


def _ecgs(path: Path) -> dict[str, _Ecg]:
    status = path.stat()
    return _listed(str(path), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4)
def _listed(path: str, mtime_ns: int, size: int) -> dict[str, _Ecg]:
    found: dict[str, _Ecg] = _apart(Path(path), None)
    return found


def look_into(path: str, ecg: _Ecg | None) -> Any:
    """What is called in the process apart: the ECGs in a file, or one's samples, lead names and facts."""
    return _list(path) if ecg is None else _samples(path, ecg)


def _samples(path: str, ecg: _Ecg) -> tuple[NDArray[Any], list[str], dict[str, Any]]:
    with _opened(Path(path)) as file:
        first = file[ecg.arrays[0]]
        facts = {**_facts(file), **_facts(first.parent), **_facts(first)}
        if ecg.at is not None:
            return np.asarray(first[ecg.at]), [], facts
        if not ecg.leads:
            return np.squeeze(np.asarray(first)), [], facts
        facts.pop("leads", None)
        rows = [unpacked(file[array]).reshape(-1) for array in ecg.arrays]
    longest = max(len(row) for row in rows)
    kept = [(lead, row) for lead, row in zip(ecg.leads, rows, strict=True) if len(row) == longest]
    return np.stack([row for _, row in kept]), [lead for lead, _ in kept], facts


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        import h5py
    except ImportError:
        raise MissingExtraError("h5py", "formats", f"{path}: reading HDF5") from None
    try:
        with h5py.File(path, "r") as file:
            yield file
    except PrecordiaError:
        raise
    except Exception as error:  # whatever a damaged file provokes in the library
        raise UnreadableRecordingError(f"{path}: {_why(f'{type(error).__name__}: {error}')}") from None


def _why(said: str) -> str:
    """What the library's words mean to someone who has the file, and what to do.

    >>> _why("OSError: Unable to synchronously open file (bad byte number in an address)")
    'damaged HDF5 (its structure does not hold together); copy it again from its source'
    """
    for words, meaning in _MEANINGS:
        if words in said:
            return meaning
    return "damaged HDF5 (its structure does not hold together); copy it again from its source"


def _list(path: str) -> dict[str, _Ecg]:
    with _opened(Path(path)) as file:
        arrays = _arrays(path, file)
        stacks = [name for name, shape in arrays.items() if is_stack(shape)]
        found = [ecg for name in stacks for ecg in _of_stack(file, name, len(stacks) > 1)]
        found = found or _by_lead(arrays) or _whole(arrays)
    if not found:
        listing = ", ".join(f"{name} {shape}" for name, shape in list(arrays.items())[:6]) or "no arrays of numbers"
        raise UnknownFormatError(
            f"{path}: HDF5 without an array that is an ECG ({one_line(listing)[:200]}); leads and samples in one array, in "
            "one array a lead, or ECGs, leads and samples are read"
        )
    return {ecg.name: ecg for ecg in found}


def _arrays(path: str, file: Any) -> dict[str, tuple[int, ...]]:
    """The arrays of numbers in a file, by path; links, and what lies in other files, left out."""
    found: dict[str, tuple[int, ...]] = {}
    seen = 0

    def visit(name: str, thing: Any) -> bool | None:
        nonlocal seen
        seen += 1
        shape = getattr(thing, "shape", None)
        if (packed := packed_of(thing)) is not None:
            if packed.kind in "fiu":
                found[name] = (packed.n_values,)
        elif shape and thing.dtype.kind in "fiu" and not thing.external and not thing.is_virtual:
            found[name] = tuple(int(side) for side in shape)
        return True if seen >= _MAX_OBJECTS else None

    file.visititems(visit)
    if seen >= _MAX_OBJECTS:
        raise UnreadableRecordingError(f"{path}: holds more than {_MAX_OBJECTS} groups and arrays; split it")
    return found


def _of_stack(file: Any, name: str, several: bool) -> list[_Ecg]:
    stack = file[name]
    beside = {key.lower(): stack.parent[key] for key in stack.parent if key != name.rsplit("/", 1)[-1]}
    ids = next((beside[key] for key in IDS if getattr(beside.get(key), "shape", None) == stack.shape[:1]), None)
    every = names_of(stack.shape[0], None if ids is None else ids[()].tolist())
    prefix = f"{name}/" if several else ""
    return [_Ecg(f"{prefix}{one}", (name,), at=i, own_name=every[0] != "0") for i, one in enumerate(every)]


def _by_lead(arrays: dict[str, tuple[int, ...]]) -> list[_Ecg]:
    """ECGs whose leads are arrays of their own: ``<ecg>/II``, ``<ecg>/strip_II``, or ``strip_II/<ecg>`` (UK Biobank)."""
    ecgs: dict[str, dict[str, str]] = {}
    for name, shape in arrays.items():
        if len([side for side in shape if side != 1]) != 1 or not 50 <= max(shape) <= MAX_VALUES:
            continue
        folder, _, last = name.rpartition("/")
        above, _, middle = folder.rpartition("/")
        if lead := _lead(last):
            ecgs.setdefault(folder, {})[lead] = name
        elif lead := _lead(middle):
            ecgs.setdefault(f"{above}/{last}".lstrip("/"), {})[lead] = name
    several = {ecg: sorted(leads.items(), key=_usual_order) for ecg, leads in sorted(ecgs.items()) if len(leads) > 1}
    return [
        _Ecg(ecg or "ecg", tuple(name for _, name in leads), tuple(lead for lead, _ in leads))
        for ecg, leads in several.items()
    ]


def _usual_order(lead: tuple[str, str]) -> tuple[int, str]:
    return (LEADS.index(lead[0]) if lead[0] in LEADS else len(LEADS), lead[0])


def _lead(name: str) -> str | None:
    return canonical_lead(re.sub(r"^(strip|lead|ecg)[ _]", "", name, flags=re.IGNORECASE)) if name else None


def _whole(arrays: dict[str, tuple[int, ...]]) -> list[_Ecg]:
    """ECGs of one array each. Where some are called like signals, others (labels, say) are not taken for ECGs."""
    flat = {name: [side for side in shape if side != 1] for name, shape in arrays.items()}
    fit = [
        n for n, s in flat.items() if len(s) == 2 and min(s) <= MAX_CHANNELS and 100 <= max(s) <= MAX_VALUES / min(s)
    ]
    called = [name for name in fit if name.rsplit("/", 1)[-1].lower() in SIGNALS]
    chosen = called or [name for name in fit if min(flat[name]) <= 16]
    return [_Ecg(name, (name,)) for name in sorted(chosen)]


def _facts(thing: Any) -> dict[str, Any]:
    """What attributes, and single values in a group, say."""
    known = {spelling for spellings in _FACTS.values() for spelling in spellings}
    said = {
        key.lower(): thing.attrs[key]
        for key in thing.attrs
        if key.lower() in known and int(np.prod(thing.attrs.get_id(key).shape or ())) <= MAX_CHANNELS
    }
    for key in thing if hasattr(thing, "keys") and len(thing) < _MOST_BESIDE else ():
        if key.lower() in known:
            value = thing.get(key)
            if getattr(value, "size", 0) == 1 and getattr(value, "ndim", 1) <= 1:
                said[key.lower()] = unpacked(value)[()]
    out: dict[str, Any] = {}
    for field, spellings in _FACTS.items():
        for spelling in spellings:
            if (value := _plain(said.get(spelling))) is not None and field not in out:
                out[field] = value
    fs = out.get("fs")
    if isinstance(fs, str):
        number = re.match(r"\d+(\.\d+)?", fs)
        out["fs"] = float(number[0]) if number else None
    if not isinstance(out.get("leads", []), list):
        out["leads"] = re.split(r"[,;\s]+", str(out["leads"]).strip())
    return {key: value for key, value in out.items() if value is not None}


def _plain(value: Any) -> Any:
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, list):
        texts = [item.decode("utf-8", "replace") if isinstance(item, bytes) else item for item in value]
        return texts[0] if len(texts) == 1 else [str(text) for text in texts]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


LIBRARY: Final = Apart("precordia.records.readers.hdf5:look_into", ahead=("h5py", "pyarrow"))
"""What reads files apart from this process, which their library may hang or exhaust."""

READER = Reader("hdf5", sniff, read, (".h5", ".hdf5", ".hd5"), Several(names, read_one))
