"""What there is in a folder: its recordings, each once, and everything else that lies there.

Names and first bytes are looked at only. Whatever is seen is in the survey: listed to be read, refused with a reason, or
passed over as what it is.
"""

# os and os.path are several times faster than pathlib, and archives have a million files.
# ruff: noqa: PTH100, PTH112, PTH110, PTH119, PTH120, PTH122, PTH207
from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Final

from precordia.core.errors import (
    InputError,
    MissingExtraError,
    PrecordiaError,
    UnknownFormatError,
    UnreadableRecordingError,
)
from precordia.core.given import expect
from precordia.records.alone import read_head, recognise, sniff
from precordia.records.channels import one_line
from precordia.records.file_kinds import HARMLESS, REPORT_TABLE, kind_by_name, kind_of
from precordia.records.packages import open_package
from precordia.records.places import join_place, split_place
from precordia.records.readers import READERS
from precordia.records.readers.sidecar import FOLDER_FILE
from precordia.records.shelves import Folder, PackedFolder, Refused, Shelf, problem_of

Source = str | PathLike[str]

UNKNOWN: Final = "unknown"
"""Format of a reference whose file looks like an ECG by its name but that no reader recognises; reading it fails."""

PACKED: Final = "packed"
ECG_ENDINGS: Final = {".mat", ".xml", ".ecg", ".dcm", ".scp", ".edf", ".bdf", ".hea", ".dat", ".npy", ".npz", ".ishne"}
"""Names that end so are likely an ECG's, and nobody's words."""

_ARRAYS: Final = ("", ".npy", ".npz", ".csv", ".mat", ".h5", ".hdf5", ".txt")
_KB_FILES: Final = frozenset(("manifest.json", "cases", "signals"))


@dataclass(frozen=True, order=True)
class RecordRef:
    """A recording to be read.

    Attributes:
        path: Its file; the header for a WFDB record; ``file#name`` for one of several ECGs in a file.
        format: The reader's name, or "unknown" when reading it will fail.
    """

    path: str
    format: str


@dataclass(frozen=True, order=True)
class Passed:
    """A file that is no recording.

    Attributes:
        path: Where it is.
        kind: What it is ("PDF", "table", "annotations").
        reason: What could be done about it; empty where there is nothing to do.
    """

    path: str
    kind: str
    reason: str = ""


@dataclass(frozen=True)
class Survey:
    """Everything seen in a source.

    Attributes:
        refs: The recordings, sorted, each once.
        refused: What cannot be read at all.
        passed: What is no recording but could be mistaken for one, or hold some: HDF5, PDF, archives, tables.
        counts: Kind to the number of files passed over, the harmless ones (documents, annotations) included.
    """

    refs: tuple[RecordRef, ...] = ()
    refused: tuple[Refused, ...] = ()
    passed: tuple[Passed, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    def using(self, table: str) -> Survey:
        """The survey when one of the files passed over is the report table."""
        path = os.path.abspath(table)
        mine = [one for one in self.passed if os.path.abspath(one.path) == path]
        if not mine:
            return self
        counts = Counter(self.counts)
        counts.subtract(one.kind for one in mine)
        counts[REPORT_TABLE] += len(mine)
        left = tuple(one for one in self.passed if one not in mine)
        return replace(self, passed=left, counts={kind: n for kind, n in sorted(counts.items()) if n})


def scan(source: Source | Iterable[Source]) -> list[RecordRef]:
    """The recordings in a folder and those below it, a file, a glob pattern, or a list of these; sorted, each once.

    A WFDB header with its signal files, or with its segments, is one recording; a file that holds several ECGs is each of
    them. Annotations, tables and texts are none. A file that looks like an ECG but that no reader recognises is listed with
    the format "unknown", so that it ends among the rejects with its reason instead of vanishing. What cannot be read at
    all, as a symbolic link to somewhere outside the folder, is not listed; :func:`survey` has it with its reason.

    Raises:
        UnreadableRecordingError: there is no such file or folder, or a pattern matches nothing.
    """
    return list(survey(source).refs)


def survey(source: Source | Iterable[Source]) -> Survey:
    """Everything in a folder and those below it, a file, a glob pattern, or a list of these.

    A file that is named itself may be a symbolic link to anywhere.

    Raises:
        UnreadableRecordingError: there is no such file or folder, or a pattern matches nothing.
    """
    sources = several(source)
    refs: set[RecordRef] = set()
    refused: set[Refused] = set()
    passed: set[Passed] = set()
    counts: Counter[str] = Counter()
    for one in sources:
        for seen in _look_at(os.fspath(one)):
            if isinstance(seen, RecordRef):
                refs.add(seen)
            elif isinstance(seen, Refused):
                refused.add(seen)
            else:
                counts[seen.kind] += 1
                if seen.kind not in HARMLESS:
                    passed.add(seen)
    return Survey(tuple(sorted(refs)), tuple(sorted(refused)), tuple(sorted(passed)), dict(sorted(counts.items())))


def several(source: Source | Iterable[Source]) -> list[Source]:
    """The sources that were given as one or as some.

    Raises:
        UsageError: it is neither.
    """
    wanted = "a source is a folder, a file or a pattern, or a list of these"
    expect(source, (str, PathLike, Iterable), wanted)
    sources = [source] if isinstance(source, str | PathLike) else list(source)
    for one in sources:
        expect(one, (str, PathLike), wanted)
    return sources


def survey_package(path: str) -> Survey:
    """Everything in a ZIP, tar or gzip file.

    Raises:
        UnreadableRecordingError: it is damaged, or holds more than is read.
    """
    found = list(_look_in_package(path))
    refs = sorted({ref for ref in found if isinstance(ref, RecordRef)})
    return Survey(tuple(refs), passed=tuple(one for one in found if isinstance(one, Passed)))


Seen = RecordRef | Refused | Passed


def _look_at(source: str) -> Iterator[Seen]:
    if os.path.isdir(source):
        yield from _look_in_folder(source, os.path.realpath(source))
    elif os.path.exists(source) or os.path.exists(source + ".hea"):
        yield from _look_at_file(Path(source))
    elif split_place(source)[1] is not None:
        yield RecordRef(source, recognise(Path(split_place(source)[0])))
    elif any(mark in source for mark in "*?["):
        yield from _look_at_matches(source)
    else:
        raise UnreadableRecordingError(f"{source}: there is no such file or folder")


def _look_at_matches(pattern: str) -> Iterator[Seen]:
    import glob

    matches = sorted(glob.glob(pattern, recursive=True))
    if not matches:
        raise UnreadableRecordingError(f"{pattern}: the pattern matches no file; check it")
    folders: dict[str, set[str]] = {}
    for match in matches:
        if os.path.isdir(match):
            yield from _look_in_folder(match, os.path.realpath(match))
        else:
            folders.setdefault(os.path.dirname(match), set()).add(os.path.basename(match))
    for folder, names in folders.items():
        root = os.path.realpath(folder)
        with os.scandir(folder or ".") as found:
            entries = sorted(found, key=lambda entry: entry.name)
        problems = {entry.name: problem for entry in entries if (problem := problem_of(entry, root))}
        yield from [problem for name, problem in problems.items() if name in names]
        every = [entry.name for entry in entries if entry.name not in problems and entry.is_file()]
        for seen in _sort_out(Folder(folder, root), every, problems):
            name = os.path.basename(split_place(seen.path)[0])
            if name in names or (isinstance(seen, RecordRef) and _data_matched(seen, names)):
                yield seen


def _data_matched(ref: RecordRef, names: set[str]) -> bool:
    stem = os.path.splitext(os.path.basename(ref.path))[0]
    return ref.format == "wfdb" and any(os.path.splitext(name)[0] == stem for name in names)


def _look_at_file(path: Path) -> Iterator[Seen]:
    try:
        name = recognise(path)
    except UnreadableRecordingError as error:
        yield Refused(str(path), one_line(str(error)))
        return
    except PrecordiaError:
        yield RecordRef(str(path), UNKNOWN)
        return
    if name == "wfdb":
        from precordia.records.readers.wfdb import header_path

        yield RecordRef(str(header_path(path)), name)
    else:
        yield from _ecgs_in(str(path), name)


def _look_in_folder(top: str, root: str) -> Iterator[Seen]:
    """A folder and those below it, one after the other: an archive may be deeper than Python calls."""
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            yield Refused(folder, f"{folder}: the folder cannot be opened ({error.strerror}); check its permissions")
            continue
        if {entry.name for entry in entries} >= _KB_FILES or folder.endswith(".kb"):
            yield Passed(folder, "knowledge base")
            continue
        files, folders, closed = [], [], set()
        for entry in entries:
            problem = problem_of(entry, root)
            if problem is not None:
                closed.add(entry.name)
                yield problem
            elif entry.name.startswith("."):
                yield Passed(entry.path, "hidden folder" if entry.is_dir(follow_symlinks=False) else "hidden file")
            elif entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif entry.is_dir():
                yield Passed(entry.path, "link to a folder of the archive")
            else:
                files.append(entry.name)
        yield from _sort_out(Folder(folder, root), files, closed)
        waiting.extend(reversed(folders))


def _look_in_package(path: str) -> Iterator[Seen]:
    package = open_package(path)
    for folder, by_stem in sorted(package.folders.items()):
        names = sorted(name.rpartition("/")[2] for names in by_stem.values() for name in names)
        yield from _sort_out(PackedFolder(package, folder), names)


def _sort_out(shelf: Shelf, names: list[str], closed: Iterable[str] = ()) -> Iterator[Seen]:
    """What the files of one folder are.

    Args:
        shelf: The folder.
        names: Its files.
        closed: Files that were refused; a record that needs one of them is refused, too.
    """
    headers = [name for name in names if name.lower().endswith(".hea")]
    refused = set(closed)
    owned: set[str] = set()
    segments: dict[str, set[str]] = {}
    broken: set[str] = set()
    for name in headers:
        files, segments[name] = named_by(shelf.start(name))
        files |= {f"{name[:-4]}.dat", f"{name[:-4]}.mat"}
        owned |= files
        if refused & files or any(map(shelf.leads_out, files)):
            broken.add(name)
    if refused:
        lost = {name[:-4] for name in (*broken, *refused)}
        broken.update(name for name, parts in segments.items() if parts & lost)
    parts = set().union(*segments.values())
    stems = {name[:-4] for name in headers}
    every = set(names)
    for name in names:
        path = shelf.path(name)
        stem, suffix = os.path.splitext(name)
        suffix = suffix.lower()
        if name.startswith("."):
            yield Passed(path, "hidden file")
        elif name in broken or (suffix != ".hea" and not refused.isdisjoint(_descriptions(name))):
            yield Refused(path, f"{path}: a file that it needs is a link that was refused; copy that file")
        elif suffix == ".hea":
            if stem not in parts:
                yield RecordRef(path, "wfdb")
        elif name in owned:
            continue
        elif stem in stems and suffix not in ECG_ENDINGS:
            yield Passed(path, "annotations")
        elif name == FOLDER_FILE or (suffix == ".json" and any(stem + end in every for end in _ARRAYS)):
            yield Passed(path, "description of arrays")
        elif kind := kind_by_name(name):
            yield Passed(path, kind)
        else:
            yield from _look_closer(shelf, name, suffix)


def _descriptions(name: str) -> tuple[str, ...]:
    """The files beside an array that say what it is."""
    stem = os.path.splitext(name)[0]
    return f"{stem}.json", f"{name}.json", f"{stem}.info"


def _look_closer(shelf: Shelf, name: str, suffix: str) -> Iterator[Seen]:
    """What a file is by its first bytes."""
    path = shelf.path(name)
    try:
        head = shelf.head(name)
    except PrecordiaError as error:
        yield Refused(path, one_line(str(error)))
        return
    format = sniff(head)
    if format == PACKED and isinstance(shelf, PackedFolder):
        kind = kind_of(head)
        yield Passed(path, f"{kind.name} in an archive", kind.remedy)
    elif format is not None:
        yield from _ecgs_in(path, format) if isinstance(shelf, Folder) else (RecordRef(path, format),)
    elif suffix in ECG_ENDINGS:
        yield RecordRef(path, UNKNOWN)
    else:
        kind = kind_of(head)
        yield Passed(path, kind.name, kind.remedy)


def _ecgs_in(path: str, format: str) -> Iterator[Seen]:
    """A file of a known format, as each of the ECGs in it where it holds several."""
    several = READERS.get(format).several
    if several is None:
        yield RecordRef(path, format)
        return
    try:
        if format == PACKED:
            found = list(_look_in_package(path))
            if not any(isinstance(seen, RecordRef) for seen in found):
                found = [Passed(path, _without_an_ecg(path))]
            yield from found
            return
        names = several.names(Path(path))
        yield from [RecordRef(join_place(path, name), format) for name in names] or [RecordRef(path, format)]
    except UnknownFormatError as error:
        yield Passed(path, _without_an_ecg(path), one_line(str(error)))
    except MissingExtraError as error:
        yield Refused(path, one_line(str(error)), "MissingExtraError")
    except InputError:
        yield RecordRef(path, format)  # reading it says what is wrong


def _without_an_ecg(path: str) -> str:
    return f"{kind_of(read_head(Path(path))).name} without an ECG"


def named_by(header: bytes) -> tuple[set[str], set[str]]:
    """File names and segment names on the lines of a WFDB header."""
    lines = header.decode("latin-1").splitlines()
    body = [line.split(None, 1)[0] for line in lines if line.strip() and not line.startswith("#")]
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    if "/" in first.split(None, 1)[0] if first.split() else False:
        return set(), set(body[1:])
    return set(body[1:]), set()
