"""What a file is that no reader reads, told from its first bytes, and what to do with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from precordia.records.readers.reader import Head


@dataclass(frozen=True)
class FileKind:
    """A kind of file.

    Attributes:
        name: With its article ("a PDF").
        remedy: What to do to have its ECGs read.
    """

    name: str
    remedy: str


_UNPACK: Final = "unpack it and name the files in it"
_SIGNALS: Final = "export the ECG as data (DICOM, SCP-ECG, HL7 aECG or the maker's XML)"
_PICTURE: Final = f"a picture holds no samples; {_SIGNALS}"
_TABLE: Final = "give report tables to build with --reports"
_ARRAYS: Final = "save each ECG as NPY with a JSON beside, or as WFDB"

_MAGIC: Final[tuple[tuple[int, bytes, FileKind], ...]] = (
    (0, b"\x89HDF\r\n\x1a\n", FileKind("an HDF5 file", _ARRAYS)),
    (0, b"MATLAB 7.3", FileKind("a MATLAB 7.3 file, which is HDF5", "save it with -v7")),
    (0, b"ANN  1.0", FileKind("a file of ISHNE beat annotations", "name the recording's own file, ISHNE1.0")),
    (0, b"%PDF-", FileKind("a PDF", f"a printout holds no samples; {_SIGNALS}")),
    (0, b"\x89PNG\r\n", FileKind("a PNG picture", _PICTURE)),
    (0, b"\xff\xd8\xff", FileKind("a JPEG picture", _PICTURE)),
    (0, b"GIF8", FileKind("a GIF picture", _PICTURE)),
    (0, b"BM", FileKind("a BMP picture", _PICTURE)),
    (0, b"II*\0", FileKind("a TIFF picture", _PICTURE)),
    (0, b"MM\0*", FileKind("a TIFF picture", _PICTURE)),
    (0, b"\x1f\x8b", FileKind("a gzip archive", _UNPACK)),
    (0, b"BZh", FileKind("a bzip2 archive", _UNPACK)),
    (0, b"\xfd7zXZ\0", FileKind("an xz archive", _UNPACK)),
    (0, b"(\xb5/\xfd", FileKind("a Zstandard archive", _UNPACK)),
    (0, b"7z\xbc\xaf'\x1c", FileKind("a 7z archive", _UNPACK)),
    (0, b"Rar!\x1a\x07", FileKind("a RAR archive", _UNPACK)),
    (257, b"ustar", FileKind("a tar archive", _UNPACK)),
    (0, b"PAR1", FileKind("a Parquet table", _TABLE)),
    (0, b"ARROW1", FileKind("an Arrow table", _TABLE)),
    (0, b"SQLite format 3\0", FileKind("an SQLite database", f"export its reports as CSV and its signals to files; {_ARRAYS}")),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileKind("an old Office document (.xls, .doc)", "save tables as CSV; " + _TABLE)),
    (0, b"\x80\x04\x95", FileKind("a Python pickle, which could run code and is never loaded", _ARRAYS)),
    (0, b"RIFF", FileKind("RIFF audio", _SIGNALS)),
    (0, b"fLaC", FileKind("FLAC audio", "a signal of a WFDB record needs its header; put the .hea beside it")),
    (0, b"GDF ", FileKind("a GDF file", "convert it to EDF+")),
    (0, b"MSH|", FileKind("an HL7 version 2 message", "it carries no samples; " + _SIGNALS)),
)  # fmt: skip
"""Offset, bytes and kind."""

_XLSX: Final = FileKind("an Excel workbook (.xlsx)", "save the sheet as CSV; " + _TABLE)
_OFFICE: Final = FileKind("an Office document", f"a document holds no samples; {_SIGNALS}")
_ZIP: Final = FileKind("a ZIP archive", _UNPACK)


def kind_of(head: Head) -> FileKind | None:
    """What a file is, or None when its first bytes do not tell."""
    if head.data[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _zipped(head)
    for at, magic, kind in _MAGIC:
        if head.data[at : at + len(magic)] == magic:
            return kind
    if head.xml_root:
        return FileKind(f"XML with the root element {head.xml_root[:40]}", f"no reader knows it; {_SIGNALS}")
    return _text(head) if head.is_text else None


def _zipped(head: Head) -> FileKind:
    if b"xl/" in head.data or head.path.suffix.lower() == ".xlsx":
        return _XLSX
    office = b"[Content_Types].xml" in head.data or head.data[30:38] == b"mimetype"
    return _OFFICE if office else _ZIP


def _text(head: Head) -> FileKind:
    lines = [line for line in head.text.splitlines() if line.strip()]
    if head.text.lstrip()[:1] in "{[" and re.search(r'"[^"]*"\s*:', head.text[:4096]):
        if '"resourceType"' in head.text[:4096]:
            return FileKind("a FHIR resource (JSON)", f"save its samples as NPY with a JSON beside; {_SIGNALS}")
        return FileKind("JSON", "a JSON beside an array is read with the array; name the array's file")
    first = lines[0] if lines else ""
    separator = max(",;\t|", key=first.count)
    n_columns = first.count(separator) + 1
    if (
        n_columns >= 2
        and len(lines) >= 2
        and all(line.count(separator) == first.count(separator) for line in lines[1:3])
    ):
        # Its cells are not told: the first line of a table without a header is somebody's data.
        name = f"a table of {n_columns} columns, not of samples under names of leads"
        return FileKind(name, f"{_TABLE}; samples need a header such as 'time (s),I,II,V1', or a JSON beside")
    return FileKind("text", f"it holds no samples that a reader knows; {_SIGNALS}")
