"""What recordings there are in a folder: each once, by looking at names and first bytes only."""

# os and os.path are several times faster than pathlib, and archives have a million files.
# ruff: noqa: PTH112, PTH110, PTH114, PTH118, PTH119, PTH120, PTH122, PTH123, PTH207, PTH208
from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Final

from precordia.core.errors import PrecordiaError, UnreadableRecordingError
from precordia.records.read import OUTSIDE, read_head, recognise, sniff

Source = str | PathLike[str]

UNKNOWN: Final = "unknown"
"""Format of a reference whose file looks like an ECG by its name but that no reader recognises; reading it fails."""

_PASSED_OVER: Final = {".atr", ".qrs", ".csv", ".tsv", ".txt", ".md", ".rst", ".html", ".json", ".parquet", ".pdf", ".png", ".jpg",
                       ".py", ".ipynb", ".gz", ".log", ".yaml", ".yml", ".toml", ".sha256"}  # fmt: skip
_MAYBE_TEXT: Final = {".csv", ".txt", ".tsv"}
_SUSPICIOUS: Final = {".mat", ".xml", ".ecg", ".dcm", ".scp", ".edf", ".bdf", ".hea", ".dat", ".npy", ".npz", ".ishne"}


@dataclass(frozen=True, order=True)
class RecordRef:
    """A recording to be read.

    Attributes:
        path: Its file; the header for a WFDB record.
        format: The reader's name, or "unknown" or "outside" when reading it will fail.
    """

    path: str
    format: str


def scan(source: Source | Iterable[Source]) -> list[RecordRef]:
    """The recordings in a folder and those below it, a file, a glob pattern, or a list of these; sorted, each once.

    A WFDB header with its signal files, or with its segments, is one recording. Annotations, tables and texts are none.
    A file that looks like an ECG but that no reader recognises is listed with the format "unknown", so that it ends
    among the rejects with its reason instead of vanishing; so is, as "outside", a recording in a folder that is, or a file
    of which is, a symbolic link to somewhere outside that folder. A file that is named itself may be such a link.

    Raises:
        UnreadableRecordingError: there is no such file or folder, or a pattern matches nothing.
    """
    sources = [source] if isinstance(source, str | PathLike) else list(source)
    found: set[RecordRef] = set()
    for one in sources:
        found.update(_scan_one(os.fspath(one)))
    return sorted(found)


def _scan_one(source: str) -> Iterator[RecordRef]:
    if os.path.isdir(source):
        yield from _scan_folder(source)
    elif os.path.exists(source) or os.path.exists(source + ".hea"):
        yield _ref_of_file(Path(source))
    elif any(mark in source for mark in "*?["):
        import glob

        matches = sorted(glob.glob(source, recursive=True))
        if not matches:
            raise UnreadableRecordingError(f"{source}: the pattern matches no file; check it")
        folders: dict[str, set[str]] = {}
        for match in matches:
            if os.path.isdir(match):
                yield from _scan_folder(match)
            else:
                folders.setdefault(os.path.dirname(match), set()).add(os.path.basename(match))
        for folder, names in folders.items():
            for ref in _scan_names(folder, sorted(os.listdir(folder or ".")), os.path.realpath(folder)):
                if os.path.basename(ref.path) in names or _data_matched(ref, names):
                    yield ref
    else:
        raise UnreadableRecordingError(f"{source}: there is no such file or folder")


def _data_matched(ref: RecordRef, names: set[str]) -> bool:
    stem = os.path.splitext(os.path.basename(ref.path))[0]
    return ref.format == "wfdb" and any(os.path.splitext(name)[0] == stem for name in names)


def _ref_of_file(path: Path) -> RecordRef:
    try:
        name = recognise(path)
    except PrecordiaError:
        return RecordRef(str(path), UNKNOWN)
    if name == "wfdb":
        from precordia.records.readers.wfdb import header_path

        return RecordRef(str(header_path(path)), name)
    return RecordRef(str(path), name)


def _scan_folder(folder: str) -> Iterator[RecordRef]:
    root = os.path.realpath(folder)
    for place, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and not name.endswith(".kb"))
        yield from _scan_names(place, sorted(names), root)


def _scan_names(place: str, names: list[str], root: str) -> Iterator[RecordRef]:
    """The recordings among the files of one folder of the archive at ``root``, a real path."""
    outside = {name for name in names if _leaves(os.path.join(place, name), root)}
    for ref in _recordings(place, names):
        files = {os.path.basename(ref.path)}
        if outside and ref.format == "wfdb":
            files |= _signal_files(ref.path)
        yield RecordRef(ref.path, OUTSIDE) if files & outside else ref


def _leaves(path: str, root: str) -> bool:
    """Whether a path is a symbolic link to somewhere outside a folder."""
    return os.path.islink(path) and os.path.commonpath([root, os.path.realpath(path)]) != root


def _signal_files(header: str) -> set[str]:
    """Names of the files that a WFDB header, and the headers of its segments, take signals from."""
    files, parts = _named_by(header)
    folder = os.path.dirname(header)
    return files.union(*(_named_by(os.path.join(folder, f"{part}.hea"))[0] | {f"{part}.hea"} for part in parts))


def _recordings(place: str, names: list[str]) -> Iterator[RecordRef]:
    headers = [name for name in names if name.lower().endswith(".hea")]
    owned: set[str] = set()
    segments: set[str] = set()
    for name in headers:
        files, parts = _named_by(os.path.join(place, name))
        stem = name[:-4]
        owned.update(files, (f"{stem}.dat", f"{stem}.mat"))
        segments.update(parts)
    stems = {name[:-4] for name in headers}
    for name in names:
        if name.startswith(".") or name in owned:
            continue
        stem, suffix = os.path.splitext(name)
        suffix = suffix.lower()
        path = os.path.join(place, name)
        if suffix == ".hea":
            if stem not in segments:
                yield RecordRef(path, "wfdb")
        elif stem in stems and suffix not in _SUSPICIOUS:
            continue  # annotations of a record
        elif suffix in _PASSED_OVER and suffix not in _MAYBE_TEXT:
            continue
        elif (format := _format_of(path)) is not None:
            yield RecordRef(path, format)
        elif suffix in _SUSPICIOUS:
            yield RecordRef(path, UNKNOWN)


def _format_of(path: str) -> str | None:
    try:
        return sniff(read_head(Path(path)))
    except PrecordiaError:
        return None


def _named_by(header: str) -> tuple[set[str], set[str]]:
    """File names and segment names on the lines of a WFDB header."""
    try:
        with open(header, "rb") as file:
            lines = file.read(2**16).decode("latin-1").splitlines()
    except OSError:
        return set(), set()
    body = [line.split(None, 1)[0] for line in lines if line.strip() and not line.startswith("#")]
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    if "/" in first.split(None, 1)[0] if first.split() else False:
        return set(), set(body[1:])
    return set(body[1:]), set()
