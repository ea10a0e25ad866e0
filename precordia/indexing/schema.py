"""The columns of a knowledge base's tables; those of the case table come from the fields of ``Case``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from precordia.core.case import Case
from precordia.core.recording import STRETCH_S, MedianBeats, Recording
from precordia.indexing.columns import CaseColumns, CaseRow
from precordia.indexing.seals import short_digest_of
from precordia.indexing.signals import decode_signal

__all__ = [
    "CASES",
    "CASE_OF_COLUMNS",
    "CASE_SCHEMA",
    "FILTER_COLUMNS",
    "LIGHT_SCHEMA",
    "REJECT_SCHEMA",
    "SCHEMA_VERSION",
]
__all__ += [
    "SIGNAL_SCHEMA",
    "CaseRow",
    "Reject",
    "case_of",
    "case_table",
    "recording_of",
    "reject_table",
    "signal_checksum",
    "signal_table",
]

SCHEMA_VERSION: Final = 2
"""Raised when a column changes its name, type or meaning; a new one is null in the files written before it."""

SIGNAL_SCHEMA: Final = pa.schema(
    [("case_id", pa.int64()), ("signal", pa.binary()), ("median_beats", pa.binary()), ("checksum", pa.int64())]
)
"""The signals, as :mod:`precordia.indexing.signals` writes them; ``checksum`` is :func:`signal_checksum` of the row."""

REJECT_SCHEMA: Final = pa.schema(
    [
        ("source", pa.string()),
        ("source_stamp", pa.string()),
        ("recording_id", pa.string()),
        ("patient_key", pa.string()),
        ("stage", pa.string()),
        ("error", pa.string()),
        ("reason", pa.string()),
    ]
)
"""What was seen and not kept. Never holds report text."""


WINDOWS: Final = "windows"
"""Stage at which stretches of a long recording are kept or not, while the whole is a case all the same."""


@dataclass(frozen=True)
class Reject:
    """A recording that was seen and not kept, or stretches of one.

    Attributes:
        source: Where it was found.
        reason: Why it was not kept, one line, without report text.
        stage: "scan", "read", "join", "quality", "measure", "label", "embed" or "present"; "windows" where only stretches were not
            kept.
        error: The error's class, or "PoorQuality", "Duplicate".
        recording_id: Its name.
        patient_key: Its patient, or None when it could not be read so far.
        source_stamp: Size and time of its files, so that an unchanged file is not read again.
    """

    source: str
    reason: str
    stage: str
    error: str
    recording_id: str = ""
    patient_key: str | None = None
    source_stamp: str = ""

    @property
    def of_whole(self) -> bool:
        """Whether nothing of the recording was kept."""
        return self.stage != WINDOWS


def case_table(rows: Sequence[CaseRow], ancestors: Callable[[str], Iterable[str]] = lambda concept: ()) -> pa.Table:
    """Rows of the case table, ``text_embedding`` null.

    Args:
        rows: The cases.
        ancestors: What a concept implies (``Vocabulary.ancestors``): an LBBB is found by every broader term, too.
    """
    return CASES.table(rows, ancestors)


def signal_table(rows: Sequence[CaseRow]) -> pa.Table:
    """Rows of the signal table."""
    return pa.table(
        {
            "case_id": [row.case.case_id for row in rows],
            "signal": [row.signal for row in rows],
            "median_beats": [row.median_beats for row in rows],
            "checksum": [signal_checksum(row.case.case_id, row.signal, row.median_beats) for row in rows],
        },
        schema=SIGNAL_SCHEMA,
    )


def signal_checksum(case_id: int, signal: bytes | None, median_beats: bytes | None) -> int:
    """Of a row of the signal table: a signal that stands under another case's id does not fit it either."""
    parts = (case_id.to_bytes(8, "little", signed=True), signal or b"", b"/", median_beats or b"")
    # Delta has no unsigned integers.
    return short_digest_of(b"".join(parts)) - 2**63


def reject_table(rejects: Sequence[Reject]) -> pa.Table:
    """Rows of the reject table."""
    return pa.table({name: [getattr(r, name) for r in rejects] for name in REJECT_SCHEMA.names}, schema=REJECT_SCHEMA)


def case_of(row: Mapping[str, Any]) -> Case:
    """The case that a row of the case table holds."""
    return CASES.case_of(row)


def recording_of(row: Mapping[str, Any], blobs: Mapping[str, Any]) -> Recording:
    """A row of ``cases`` and its row of ``signals`` as the recording they were made from.

    Args:
        row: With the columns of :data:`CASE_OF_COLUMNS`.
        blobs: With ``signal`` and ``median_beats``.
    """
    signal, fs, leads = decode_signal(blobs["signal"])
    details, case = json.loads(row["details"]), case_of(row)
    outlined = case.duration_s > signal.shape[1] / fs + STRETCH_S
    return Recording(
        signal=signal,
        fs=fs,
        leads=leads,
        recording_id=case.recording_id,
        patient_id=details["patient_id"],
        time=case.time,
        age=case.age,
        sex=case.sex,
        device=case.device,
        source=case.source,
        format=case.format,
        report=case.report,
        vendor_statements=case.vendor_statements,
        vendor_measurements=details["vendor_measurements"],
        codes=case.codes,
        median_beats=MedianBeats(*decode_signal(blobs["median_beats"])) if blobs["median_beats"] else None,
        metadata=case.metadata,
        notes=tuple(details["notes"]),
        start_s=case.start_s,
        events=case.events,
        whole_s=case.duration_s if outlined else None,
    )


CASES: Final = CaseColumns(Case)
LIGHT_SCHEMA: Final = CASES.light
"""The case table without its vectors. ``statements`` is the report in canonical English, which words and meaning search."""

CASE_SCHEMA: Final = CASES.whole
"""The case table. ``embedding`` is of the signal, ``text_embedding`` of the statements (null without a report)."""

CASE_OF_COLUMNS: Final = CASES.read
"""What :func:`case_of` reads: findings, measurements and time stand whole in ``details``."""

FILTER_COLUMNS: Final = tuple(name for name in LIGHT_SCHEMA.names if name not in ("source_stamp", "details"))
"""What a ``where`` expression may name, besides the metadata keys."""

PRIVATE_COLUMNS: Final = ("source",)
"""Those that say where an archive's files lie and what they are called, which may be somebody's name: over the network they are
asked for by administrators alone, and shown to nobody."""
