"""WFDB records: a text header (``.hea``) and signal files, as PhysioNet publishes them; CinC's ``.mat`` + ``.hea`` included.

The reader is our own: wfdb-python needs 3 to 10 ms a record and refuses headers that CinC publishes. It is checked
against wfdb-python in the tests. FLAC formats (508, 516, 524) need the extra ``formats``.
"""

from __future__ import annotations

import re
from pathlib import Path

from precordia.core.errors import UnreadableRecordingError, UnusableSignalError
from precordia.core.recording import Recording
from precordia.records.channels import name_channels, standard_if_unnamed
from precordia.records.readers.reader import Head, Reader
from precordia.records.readers.wfdb_comments import facts_from_comments
from precordia.records.readers.wfdb_header import Header, read_header
from precordia.records.readers.wfdb_strip import Strip, of_ludb, read_segments, read_strip

_RECORD_LINE = re.compile(
    r"^(?:\s*#[^\n]*\n|\s*\n)*[-\w.+ ]+(?:/[-\w.+ ]+)*[ \t]+\d+(?:[ \t]+[-+.\d(]|[ \t]*$)", re.MULTILINE
)


def sniff(head: Head) -> int:
    """2 for a ``.hea`` that begins with a record line, 1 for one that does not."""
    if head.path.suffix.lower() != ".hea":
        return 0
    return 2 if head.is_text and _RECORD_LINE.match(head.text) else 1


def header_path(path: Path) -> Path:
    """The header that belongs to a record named with or without an extension."""
    if path.suffix.lower() == ".hea":
        return path
    appended = path.with_name(path.name + ".hea")
    return appended if appended.exists() or not path.suffix else path.with_suffix(".hea")


def read(path: Path) -> Recording:
    """The record that a header, signal file or bare record name stands for.

    Raises:
        UnreadableRecordingError: header or signals are missing, damaged, contradictory or outside the folder.
        UnusableSignalError: no channel is a voltage.
    """
    hea = header_path(path)
    if not hea.exists():
        raise UnreadableRecordingError(f"{path}: its WFDB header {hea.name} is missing; put it beside the signal file")
    header = read_header(hea)
    if header.channels and all(channel.file == "~" for channel in header.channels):
        master = hea.stem.removesuffix("_layout")
        raise UnusableSignalError(
            f"{path}: a layout header: it names the channels of a record in segments and holds no samples; read {master}.hea"
        )
    return recording_of(path, header, read_segments(header) if header.segments else read_strip(header))


def recording_of(path: Path, header: Header, strip: Strip) -> Recording:
    """Channels with what the record's header says of them.

    Args:
        path: What was asked for.
        header: The record's.
        strip: The channels.
    """
    names, said = standard_if_unnamed(strip.names)
    facts = facts_from_comments(header.comments, ludb=of_ludb(header), time=header.time)
    hea = header.path
    return Recording(
        signal=strip.signal,
        fs=strip.fs,
        leads=name_channels(names),
        recording_id=hea.name[: -len(hea.suffix)],
        patient_id=f"ludb{hea.stem}" if of_ludb(header) else facts.patient_id or _patient_of_folder(hea),
        time=header.time,
        age=facts.age,
        sex=facts.sex,
        device=facts.device,
        source=str(path),
        format="wfdb",
        report=facts.report,
        codes=facts.codes,
        metadata=facts.metadata,
        notes=(*strip.notes, *said),
    )


def _patient_of_folder(path: Path) -> str | None:
    """The patient that the archive's folders name: "patient001" (PTB Diagnostic), "p10000032/s40689238" (MIMIC-IV-ECG)."""
    folders = path.absolute().parts[-3:-1]
    if len(folders) == 2 and re.fullmatch(r"p\d{8}", folders[0]) and re.fullmatch(r"s\d{8}", folders[1]):
        return folders[0][1:]
    return folders[-1] if folders and re.fullmatch(r"patient\d{3,}", folders[-1]) else None


READER = Reader("wfdb", sniff, read, (".hea", ".dat"))
