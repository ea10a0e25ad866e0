"""The table of a known archive, found beside one of its recordings and kept while it does not change."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Final

from precordia.core.errors import MissingExtraError
from precordia.core.recording import Recording
from precordia.records.sheets.known import known_beside
from precordia.records.sheets.mapping import built_in
from precordia.records.tables.report_table import ReportTable

LARGEST_FOR_ONE: Final = 64 * 2**20
"""Largest table read for the sake of a single recording, bytes; MIMIC-IV-ECG's 180 MB would cost it seconds."""


def table_beside(path: str | os.PathLike[str]) -> ReportTable | None:
    """The known table of the archive that a recording belongs to, or None; the newest two are kept while they do not change."""
    found = known_beside(path)
    if found is None:
        return None
    file, mapping = found
    status = file.stat()
    if status.st_size > LARGEST_FOR_ONE:
        return None
    return _load_version(file, mapping.name, status.st_mtime_ns, status.st_size)


def with_table_beside(recording: Recording) -> Recording:
    """A recording with what the known table of its archive says of it; as it is where there is none."""
    table = table_beside(recording.source)
    return table.join(recording) if table else recording


@lru_cache(maxsize=2)
def _load_version(file: Path, mapping: str, mtime_ns: int, size: int) -> ReportTable | None:
    try:
        return ReportTable.load(file, built_in(mapping))
    except MissingExtraError:  # the signal reads without it; a build says what it needs
        return None
