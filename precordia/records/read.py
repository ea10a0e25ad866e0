"""One call that reads an ECG of any format known, with what an archive's report table says of it."""

from __future__ import annotations

from os import PathLike

from precordia.core.recording import Recording
from precordia.records.alone import read_alone
from precordia.records.tables.beside import with_table_beside


def read_recording(path: str | PathLike[str], *, format: str | None = None) -> Recording:
    """The ECG in a file, with what stands in or beside it.

    The format is told from the content. A WFDB record may be named with or without extension, one of several ECGs in a
    file as ``file#name`` (see ``places``). When the file belongs to an archive with a known report table beside it
    (PTB-XL's ``ptbxl_database.csv`` in its folder or up to three above), that row's report, patient, age, sex and codes
    are filled in.

    Args:
        path: The file.
        format: Name of the reader to use ("wfdb", "dicom", ...) instead of looking at the content.

    Raises:
        UnreadableRecordingError: the file is missing, damaged, truncated or hostile.
        UnknownFormatError: no reader recognises it.
        UnusableSignalError: it holds no leads or no samples.
        UnknownNameError: there is no reader called ``format``.
        MissingExtraError: reading this format needs a package that is not installed.
    """
    return with_table_beside(read_alone(path, format=format))
