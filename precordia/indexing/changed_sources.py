"""Whether a recording has changed since it was read: a digest of its files and of its row in the report table."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from precordia.core.errors import InputError
from precordia.core.recording import Recording
from precordia.records.places import name_of, split_place
from precordia.records.readers.sidecar import defaults_for
from precordia.records.tables.beside import table_beside

if TYPE_CHECKING:
    from precordia.records.scan import RecordRef
    from precordia.records.tables import ReportTable


_DESCRIBED: Final = ("csv", "hdf5", "matlab", "numpy", "packed", "rhythm-text", "unknown")
"""Formats whose files may leave open what a folder's description, or an option of the build, says."""


@dataclass(frozen=True)
class Stamp:
    """What is known of a recording without reading it.

    Attributes:
        digest: Of its files (name, size, time of all that share its stem) and of its row in the report table.
        patient_key: The patient whom the row names, or None.
    """

    digest: str
    patient_key: str | None


def stamps_of(refs: Iterable[RecordRef], table: ReportTable | None) -> dict[str, Stamp]:
    """Path to stamp.

    Args:
        refs: The recordings.
        table: The report table, or None to use a known one beside each recording.
    """
    folders: dict[str, dict[str, list[str]]] = {}
    tables: dict[str, ReportTable | None] = {}
    out: dict[str, Stamp] = {}
    defaults: dict[str, str] = {}
    for ref in refs:
        folder, name = os.path.split(split_place(ref.path)[0])
        if folder not in folders:
            folders[folder] = _files_by_stem(folder)
            tables[folder] = table or table_beside(ref.path)
            defaults[folder] = _defaults_of(ref.path)
        same = sorted(folders[folder].get(name.partition(".")[0], []))
        beside = tables[folder]
        text, patient = _row_of(beside, ref.path) if beside is not None else ("", None)
        known = defaults[folder] if ref.format in _DESCRIBED else ""
        out[ref.path] = Stamp(
            hashlib.sha256("\n".join([*same, text, *filter(None, [known])]).encode()).hexdigest()[:16], patient
        )
    return out


def _files_by_stem(folder: str) -> dict[str, list[str]]:
    files: dict[str, list[str]] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                status = entry.stat()
            except OSError:  # a link that leads nowhere; the scan has refused it
                continue
            files.setdefault(entry.name.partition(".")[0], []).append(
                f"{entry.name}|{status.st_size}|{status.st_mtime_ns}"
            )
    return files


def _defaults_of(path: str) -> str:
    """What is known of the arrays of a folder besides their own descriptions, as one text; empty when it is nothing."""
    try:
        known = defaults_for(Path(split_place(path)[0]))
    except InputError:
        return ""  # reading the array says what is wrong with the description
    return repr(sorted(known.items())) if known else ""


def _row_of(table: ReportTable, path: str) -> tuple[str, str | None]:
    """What a table says of a file, as one text, and the patient: by joining it to a recording of one empty sample."""
    blank = Recording(np.zeros((1, 1), np.float32), 1.0, ("I",), recording_id=name_of(path), source=path)
    row = table.join(blank)
    if row is blank:
        return "", None
    said = (row.recording_id, row.patient_id, row.time, row.age, row.sex, row.device, row.report, row.codes)
    return repr((said, sorted(row.metadata.items()))), row.patient_id
