"""What a file is that no reader reads, told from its first bytes or its name, and what to do with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from precordia.records.readers.reader import Head


@dataclass(frozen=True)
class FileKind:
    """A kind of file.

    Attributes:
        name: What files of this kind are counted as ("PDF").
        remedy: What to do to have its ECGs read; empty where there is nothing to do.
        article: What stands before the name of one file.
        detail: What stands after it.
    """

    name: str
    remedy: str
    article: str = "a"
    detail: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.article, self.name + self.detail)))


_UNPACK: Final = "unpack it and name the files in it"
_OUTER: Final = "unpack the archive that it is in"
_SIGNALS: Final = "export the ECG as data (DICOM, SCP-ECG, HL7 aECG or the maker's XML)"
_PICTURE: Final = f"a picture holds no samples; {_SIGNALS}"
_TABLE: Final = "give report tables to build with --reports"
_ARRAYS: Final = "save each ECG as NPY with a JSON beside, or as WFDB"
_SAMPLES: Final = (
    "samples need a header such as 'time (s),I,II,V1' (a pulse 'time (s),PLETH', a video's frames 'time (ms),red,green,blue'), "
    "or a JSON beside"
)

_MAGIC: Final[tuple[tuple[int, bytes, FileKind], ...]] = (
    (0, b"\x89HDF\r\n\x1a\n", FileKind("HDF5 file", _ARRAYS, "an")),
    (0, b"MATLAB 7.3", FileKind("MATLAB 7.3 file", "save it with -v7", detail=", which is HDF5")),
    (0, b"ANN  1.0", FileKind("file of ISHNE beat annotations", "name the recording's own file, ISHNE1.0")),
    (0, b"%PDF", FileKind("PDF", f"a printout holds no samples; {_SIGNALS}")),
    (0, b"\x89PNG\r\n", FileKind("PNG picture", _PICTURE)),
    (0, b"\xff\xd8\xff", FileKind("JPEG picture", _PICTURE)),
    (0, b"GIF8", FileKind("GIF picture", _PICTURE)),
    (0, b"BM", FileKind("BMP picture", _PICTURE)),
    (0, b"II*\0", FileKind("TIFF picture", _PICTURE)),
    (0, b"MM\0*", FileKind("TIFF picture", _PICTURE)),
    (0, b"PK\x05\x06", FileKind("ZIP archive with nothing in it", "pack it again")),
    (0, b"\x1f\x8b", FileKind("gzip archive", _OUTER)),
    (257, b"ustar", FileKind("tar archive", _OUTER)),
    (0, b"BZh", FileKind("bzip2 archive", _UNPACK)),
    (0, b"\xfd7zXZ\0", FileKind("xz archive", _UNPACK, "an")),
    (0, b"(\xb5/\xfd", FileKind("Zstandard archive", _UNPACK)),
    (0, b"7z\xbc\xaf'\x1c", FileKind("7z archive", _UNPACK)),
    (0, b"Rar!\x1a\x07", FileKind("RAR archive", _UNPACK)),
    (0, b"PAR1", FileKind("Parquet table", _TABLE)),
    (0, b"ARROW1", FileKind("Arrow table", f"save it as Parquet; {_TABLE}", "an")),
    (0, b"SQLite format 3\0", FileKind("SQLite database", f"export its reports as CSV and its signals to files; {_ARRAYS}", "an")),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
     FileKind("old Office document", f"save tables as CSV or XLSX; {_TABLE}", "an", " (.xls, .doc)")),
    (0, b"\x80\x04\x95", FileKind("Python pickle", _ARRAYS, detail=", which could run code and is never loaded")),
    (0, b"\x80\x02", FileKind("Python pickle", _ARRAYS, detail=", which could run code and is never loaded")),
    (0, b"RIFF", FileKind("RIFF audio", _SIGNALS, "")),
    (0, b"fLaC", FileKind("FLAC audio", "a signal of a WFDB record needs its header; put the .hea beside it", "")),
    (0, b"GDF ", FileKind("GDF file", "convert it to EDF+")),
    (0, b"{\\rtf", FileKind("RTF document", f"a document holds no samples; {_SIGNALS}", "an")),
    (0, b"\x7fELF", FileKind("program", "")),
    (0, b"MSH|", FileKind("HL7 version 2 message", f"it carries no samples; {_SIGNALS}", "an")),
)  # fmt: skip
"""Offset, bytes and kind. HDF5, gzip, tar and ZIP files have readers: what is said of them holds where those find no ECG."""

_XLSX: Final = FileKind("Excel workbook", _TABLE, "an", " (.xlsx)")
_OFFICE: Final = FileKind("Office document", f"a document holds no samples; {_SIGNALS}", "an")
_ZIP: Final = FileKind("ZIP archive", _OUTER)
_FHIR: Final = FileKind("FHIR resource", f"save its samples as NPY with a JSON beside; {_SIGNALS}", detail=" (JSON)")
_JSON: Final = FileKind("JSON", "a JSON beside an array is read with the array; name the array's file", "")
_NUMBERS: Final = FileKind("columns of numbers", f"{_SAMPLES}; or build with --fs, --units and --leads", "")
_BLANK: Final = FileKind("blank text", "copy it again from its source", "")
_TEXT: Final = FileKind("text", f"it holds no samples that a reader knows; {_SIGNALS}", "")

UNTOLD: Final = FileKind("unknown binary file", "", "an")
"""What a file is whose first bytes do not tell."""

REPORT_TABLE: Final = "report table"
_DOCUMENTS: Final = {
    **dict.fromkeys((".atr", ".qrs", ".ann", ".ecgs", ".xws"), "annotations"),
    **dict.fromkeys((".md", ".rst", ".html", ".htm", ".log", ".docx", ".tex"), "document"),
    **dict.fromkeys(
        (".py", ".ipynb", ".m", ".r", ".sh", ".c", ".cpp", ".js", ".toml", ".yaml", ".yml"), "program text"
    ),
    **dict.fromkeys((".sha256", ".md5", ".sha1", ".sig", ".asc"), "checksums"),
    ".json": _JSON.name,
}
_NAMES: Final = {
    **dict.fromkeys(("records", "records_lqrs", "annotators"), "list of records"),
    **dict.fromkeys(("license", "license.txt", "copying", "readme", "readme.txt", "changelog", "notice"), "document"),
    **dict.fromkeys(("sha256sums.txt", "sha256sums", "md5sums", "md5sums.txt"), "checksums"),
}

HARMLESS: Final = frozenset(
    (*_DOCUMENTS.values(), *_NAMES.values(), _TEXT.name, "hidden file", "hidden folder", "knowledge base", REPORT_TABLE,
     "description of arrays", "link to a folder of the archive")
)  # fmt: skip
"""Names of kinds that can hold no ECG: they are counted, but not listed among the rejects."""

_NUMERIC: Final = re.compile(r"[\s\d.,;:eE+\-]*|nan", re.IGNORECASE)
_LOOKED_AT: Final = 6
"""Lines of a text."""

_FEW_CELLS: Final = 60
_MOST_COLUMNS: Final = 250


def kind_by_name(name: str) -> str | None:
    """What a file is by its name alone, where that is certain enough not to open it; else None.

    >>> kind_by_name("00001.atr"), kind_by_name("README"), kind_by_name("ecg.dcm")
    ('annotations', 'document', None)
    """
    return _NAMES.get(name.lower()) or _DOCUMENTS.get(PurePath(name).suffix.lower())


def kind_of(head: Head) -> FileKind:
    """What a file is by its first bytes; :data:`UNTOLD` when they do not tell."""
    if head.data[:4] == b"PK\x03\x04":
        return _zipped(head)
    for at, magic, kind in _MAGIC:
        if head.data[at : at + len(magic)] == magic:
            return kind
    if head.xml_root:
        return FileKind(f"XML with the root element {head.xml_root[:40]}", f"no reader knows it; {_SIGNALS}", "")
    return _text(head.text) if head.is_text else UNTOLD


def _zipped(head: Head) -> FileKind:
    if b"xl/" in head.data or head.path.suffix.lower() in (".xlsx", ".xlsm"):
        return _XLSX
    office = b"[Content_Types].xml" in head.data or head.data[30:38] == b"mimetype"
    return _OFFICE if office else _ZIP


def _text(text: str) -> FileKind:
    """A table has a line of names over lines that are not all numbers; numbers alone may be samples.

    Cells are not told: the first line of a table without a header is somebody's data.
    """
    if text.lstrip()[:1] in ("{", "[") and re.search(r'"[^"]*"\s*:', text[:4096]):
        return _FHIR if '"resourceType"' in text[:4096] else _JSON
    lines = [line for line in text.splitlines() if line.strip()][:_LOOKED_AT]
    if not lines:
        return _BLANK
    separator = max(",;\t|", key=lines[0].count)
    width = lines[0].count(separator)
    if width and len(lines) > 1 and not _NUMERIC.fullmatch(lines[0]):
        # A separator in quoted text is one too many, and what is looked at may end within the last line.
        alike = any(abs(line.count(separator) - width) <= width // 4 for line in lines[1:-1] or lines[1:])
        if alike and width < _MOST_COLUMNS:
            cells = [cell for line in lines[1:] for cell in line.split(separator)]
            numeric = all(_NUMERIC.fullmatch(cell.strip(" '\"")) for cell in cells)
            return _NUMBERS if numeric and len(cells) > _FEW_CELLS else _table(width + 1)
    return _NUMBERS if 2 * sum(bool(_NUMERIC.fullmatch(line)) for line in lines) > len(lines) else _TEXT


def _table(n_columns: int) -> FileKind:
    detail = f" of {n_columns} columns, not of samples under names of leads"
    return FileKind("table", f"{_TABLE}; {_SAMPLES}", detail=detail)
