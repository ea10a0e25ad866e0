"""ECGs in ZIP, tar and gzip files: a recording's own files are unpacked, read as from a folder, and gone afterwards."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

from precordia.core.errors import InputError, UnknownFormatError, UnreadableRecordingError
from precordia.core.recording import Recording
from precordia.records.alone import read_alone
from precordia.records.packages import Package, open_package
from precordia.records.places import MARK, join_place
from precordia.records.readers.reader import Head, Reader, Several
from precordia.records.readers.sidecar import FOLDER_FILE, alone_in, assuming, defaults_for
from precordia.records.scan import named_by, survey_package

_TAR_AT: Final = 257
_OFFICE: Final = (b"xl/", b"word/", b"ppt/", b"[Content_Types].xml", b"mimetypeapplication")


def sniff(head: Head) -> int:
    """1 for ZIP (2 is NumPy's), gzip and tar; 0 for office documents, which are ZIP archives, too."""
    data = head.data
    if data.startswith(b"PK\x03\x04"):
        return 0 if any(part in data[:4096] for part in _OFFICE) else 1
    return 1 if data.startswith(b"\x1f\x8b\x08") or data[_TAR_AT : _TAR_AT + 5] == b"ustar" else 0


def names(path: Path) -> tuple[str, ...]:
    """The recordings in an archive.

    Raises:
        UnknownFormatError: there is none.
        UnreadableRecordingError: it is damaged, or holds more than is read.
    """
    found = survey_package(str(path)).refs
    if not found:
        raise UnknownFormatError(f"{path}: an archive of {len(open_package(path).sizes)} files without an ECG")
    return tuple(ref.path[len(str(path)) + len(MARK) :] for ref in found)


def read(path: Path) -> Recording:
    """The only recording of an archive."""
    return read_one(path, names(path)[0])


def read_one(path: Path, name: str) -> Recording:
    """A recording of an archive.

    Raises:
        InputError: as for the file itself, in the words of its place in the archive.
    """
    package = open_package(path)
    member, within = _split(package, name)
    if member is None:
        raise UnreadableRecordingError(f"{path}: the archive holds no file of the name asked for")
    place = join_place(str(path), name)
    with (
        tempfile.TemporaryDirectory(prefix="precordia-") as folder,
        assuming(defaults_for(path)),
        alone_in(Path(folder)),
    ):
        for one in _files_of(package, member):
            target = Path(folder, one.replace("\\", "/"))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(package.read(one))
        file = str(Path(folder, member.replace("\\", "/")))
        try:
            recording = read_alone(join_place(file, within) if within else file)
        except InputError as error:
            # The folder is gone in a moment; the reader of the message knows the archive.
            raise type(error)(str(error).replace(f"{folder}/", f"{path}{MARK}")) from None
    return replace(recording, source=place)


def _split(package: Package, name: str) -> tuple[str | None, str | None]:
    """The member, and the ECG within it where the member holds several."""
    if name in package.sizes:
        return name, None
    at = name.find(MARK)
    while at >= 0:
        if name[:at] in package.sizes:
            return name[:at], name[at + 1 :]
        at = name.find(MARK, at + 1)
    return None, None


def _files_of(package: Package, member: str) -> list[str]:
    """A member, those of the same name before the dot, what its WFDB header names, and what holds for its folder."""
    folder, _, last = member.rpartition("/")
    by_stem = package.folders[folder]
    stems = {last.partition(".")[0]}
    parts = member.split("/")[:-1]
    above = ["/".join([*parts[:depth], FOLDER_FILE]) for depth in range(len(parts) + 1)]
    if last.lower().endswith(".hea"):
        files, segments = named_by(package.head(member, 2**16))
        stems.update(name.partition(".")[0] for name in (*files, *segments))
        for segment in segments:
            header = f"{folder}/{segment}.hea".lstrip("/")
            if header in package.sizes:
                stems.update(name.partition(".")[0] for name in named_by(package.head(header, 2**16))[0])
    beside = (name for stem in stems for name in by_stem.get(stem, ()))
    return sorted({member, *beside, *(name for name in above if name in package.sizes)})


READER = Reader("packed", sniff, read, (".zip", ".tar", ".tgz", ".gz"), Several(names, read_one))
