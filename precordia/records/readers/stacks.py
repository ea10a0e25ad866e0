"""Arrays that hold many ECGs: one NPY or NPZ of shape (ECGs, leads, samples) or its like, one ECG read at a time.

PTB-XL's ``raw100.npy`` is (21,837, 1000, 12), EchoNext's arrays are (ECGs, 1, 2500, 12).
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import PrecordiaError, UnreadableRecordingError, UnusableSignalError
from precordia.core.recording import Recording
from precordia.records.limits import MAX_CHANNELS, MAX_VALUES, most_inflated
from precordia.records.places import join_place
from precordia.records.readers.npy_header import read_npy_header
from precordia.records.readers.sidecar import read_sidecar, recording_from_array

MAX_ECGS: Final = 2_000_000
"""Most ECGs in one array; MIMIC-IV-ECG has 800,000."""

MAX_INFLATED: Final = 2**30
"""Largest compressed array that is unpacked to read an ECG in it, bytes."""

SIGNALS: Final = ("signal", "signals", "ecg", "ecgs", "tracings", "waveforms", "waveform", "data", "x", "val")
IDS: Final = ("exam_id", "ecg_id", "recording_id", "record_id", "study_id", "ecg_key", "ids", "id", "exam_ids")
_OF_THE_FILE: Final = ("fs", "units", "leads", "mv_per_unit", "duration_s", "device")
_LEAST_PADDING: Final = 5


def is_stack(shape: Sequence[int]) -> bool:
    """Whether an array of this shape is ECGs one after the other: more than two sides, each item leads and samples.

    >>> is_stack((21837, 1000, 12)), is_stack((500, 1, 2500, 12)), is_stack((12, 5000)), is_stack((9, 128, 128, 3))
    (True, True, False, False)
    """
    item = [side for side in shape[1:] if side != 1]
    return (
        len(shape) > 2
        and 0 < shape[0] <= MAX_ECGS
        and len(item) in (1, 2)
        and max(item) >= 50
        and (len(item) == 1 or min(item) <= MAX_CHANNELS)
        and int(np.prod(item)) <= MAX_VALUES
    )


def names_of(n: int, ids: Sequence[Any] | None) -> tuple[str, ...]:
    """What the ECGs of a stack are called: by their ids where each has its own, else by their place from 0."""
    if ids is not None and len(ids) == n:
        texts = [i.decode("utf-8", "replace") if isinstance(i, bytes) else str(i) for i in ids]
        if len(set(texts)) == n and all(text.strip() for text in texts):
            return tuple(text.strip() for text in texts)
    return tuple(map(str, range(n)))


def ecg_of_stack(
    path: Path, name: str, item: NDArray[Any], facts: dict[str, Any], *, format: str, own_name: bool
) -> Recording:
    """One item of a stack as a recording, the padding by which ECGs of a stack become equally long cut off.

    Raises:
        UnusableSignalError: it is padding only.
    """
    place = join_place(str(path), name)
    values = np.squeeze(item)
    values = np.atleast_2d(values)
    values = values.T if values.shape[0] > values.shape[1] else values
    signal, cut = _without_padding(place, values)
    facts = {"recording_id": name if own_name else f"{path.stem}-{name}", **facts}
    notes = [f"{cut} samples of padding cut off"] if cut else []
    return recording_from_array(Path(place), signal, facts, format=format, notes=notes)


def facts_of_file(path: Path) -> dict[str, Any]:
    """What the JSON beside a file of many ECGs says of all of them."""
    return {key: value for key, value in read_sidecar(path).items() if key in _OF_THE_FILE}


def names(path: Path) -> tuple[str, ...]:
    """The ECGs of an NPY or NPZ file, in their order; none when it is one recording.

    Raises:
        UnreadableRecordingError: it is damaged.
    """
    array = _stack(path)
    if array is None:
        return ()
    return names_of(array.shape[0], _ids(path) if path.suffix.lower() != ".npy" else None)


def read(path: Path, name: str) -> Recording:
    """One ECG of an NPY or NPZ file.

    Raises:
        UnreadableRecordingError: it is damaged, or has no ECG of this name.
        UnusableSignalError: the ECG is padding only, or its sampling rate is not known.
    """
    array, every = _stack(path), names(path)
    at = int(name) if name.isdigit() and int(name) < len(every) and every[int(name)] == name else None
    if at is None:
        at = every.index(name) if name in every else None
    if array is None or at is None:
        raise UnreadableRecordingError(
            f"{path}: holds {len(every)} ECGs and none of the name asked for; see scan(file)"
        )
    own = every[:1] != ("0",)
    return ecg_of_stack(path, name, np.array(array[at]), facts_of_file(path), format="numpy", own_name=own)


def _without_padding(place: str, values: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """The samples between runs of zeros or NaN in all leads at either end, and how many those are."""
    empty = ((values == 0) | np.isnan(values)).all(axis=0) if values.dtype.kind == "f" else (values == 0).all(axis=0)
    if empty.all():
        raise UnusableSignalError(f"{place}: holds zeros only; there is no signal to use")
    start, end = int(np.argmin(empty)), int(np.argmin(empty[::-1]))
    start, end = (side if side >= _LEAST_PADDING else 0 for side in (start, end))
    return values[:, start : values.shape[1] - end], start + end


def _stack(path: Path) -> NDArray[Any] | None:
    status = path.stat()
    return _load(str(path), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=2)
def _load(path: str, mtime_ns: int, size: int) -> NDArray[Any] | None:
    """The array, mapped from an NPY or unpacked from an NPZ; None when it is no stack."""
    try:
        with Path(path).open("rb") as file:
            if file.read(6) == b"\x93NUMPY":
                file.seek(0)
                header = read_npy_header(file)
                if not is_stack(header.shape):
                    return None
                order = "F" if header.fortran else "C"
                return np.memmap(path, header.dtype, "r", header.offset, header.shape, order)  # type: ignore[call-overload,no-any-return]
        with zipfile.ZipFile(path) as archive:
            for name in _members(archive):
                with archive.open(f"{name}.npy") as member:
                    header = read_npy_header(member)
                if is_stack(header.shape) and header.dtype.kind in "fiu":
                    n_bytes = int(np.prod(header.shape)) * header.dtype.itemsize
                    limit = most_inflated(archive.getinfo(f"{name}.npy").compress_size, MAX_INFLATED)
                    if n_bytes > limit:
                        raise UnreadableRecordingError(
                            f"{path}: its array unpacks to more than {limit // 2**20} MiB; save it as .npy"
                        )
                    with archive.open(f"{name}.npy") as member:
                        return read_npy_header(member).values(member.read(n_bytes))
    except PrecordiaError:
        raise
    except Exception as error:  # whatever a damaged header or archive provokes
        raise UnreadableRecordingError(
            f"{path}: not a readable array ({type(error).__name__}); copy it again"
        ) from None
    return None


def _members(archive: zipfile.ZipFile) -> list[str]:
    """The arrays of an NPZ, those that are called like signals first."""
    every = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    return sorted(every, key=lambda name: (SIGNALS.index(name.lower()) if name.lower() in SIGNALS else 99, name))


def _ids(path: Path) -> Sequence[Any] | None:
    try:
        with zipfile.ZipFile(path) as archive:
            for name in (f"{one}.npy" for one in IDS):
                if name in archive.namelist():
                    info = archive.getinfo(name)
                    if info.file_size > most_inflated(info.compress_size):
                        return None
                    with archive.open(info) as member:
                        found: list[Any] = read_npy_header(member).values(member.read()).reshape(-1).tolist()
                    return found
    except Exception:  # ids that are damaged or pickled are none, and the ECGs are called by their place
        return None
    return None
