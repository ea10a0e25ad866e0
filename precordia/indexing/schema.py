"""The columns of a knowledge base's tables, and the way from a case to a row and back.

Every field of a :class:`~precordia.core.case.Case` has a typed column of its own to filter on; what has no flat form
(spans of findings, values a lead) stands once more, complete, in the JSON column ``details``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from precordia.core.case import Case
from precordia.core.findings import Finding, Measurements
from precordia.indexing.seals import short_digest_of

SCHEMA_VERSION: Final = 2
"""Raised when a column changes its name, type or meaning."""

MEASUREMENT_COLUMNS: Final = tuple(Measurements().scalars())
"""The numeric measurements, each a column of float64 (null: it cannot be measured)."""

_STRINGS: Final = pa.list_(pa.string())

LIGHT_SCHEMA: Final = pa.schema(
    [
        ("case_id", pa.int64()),
        ("recording_id", pa.string()),
        ("patient_key", pa.string()),
        ("report", pa.string()),
        ("statements", pa.string()),
        ("findings", _STRINGS),
        ("findings_uncertain", _STRINGS),
        ("findings_absent", _STRINGS),
        *((name, pa.float64()) for name in MEASUREMENT_COLUMNS),
        ("rhythm_regularity", pa.string()),
        ("quality_score", pa.float64()),
        ("content_hash", pa.string()),
        ("time", pa.timestamp("us")),
        ("age", pa.float64()),
        ("sex", pa.string()),
        ("device", pa.string()),
        ("n_leads", pa.int32()),
        ("leads", _STRINGS),
        ("fs", pa.float64()),
        ("duration_s", pa.float64()),
        ("vendor_statements", _STRINGS),
        ("codes", _STRINGS),
        ("metadata", pa.map_(pa.string(), pa.string())),
        ("source", pa.string()),
        ("source_stamp", pa.string()),
        ("format", pa.string()),
        ("details", pa.string()),
    ]
)
"""The case table without its vectors. ``statements`` is the report in canonical English, which words and meaning search."""

CASE_SCHEMA: Final = pa.schema(
    [*LIGHT_SCHEMA, pa.field("embedding", pa.list_(pa.float32())), pa.field("text_embedding", pa.list_(pa.float32()))]
)
"""The case table. ``embedding`` is of the signal, ``text_embedding`` of the statements (null without a report)."""

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

FILTER_COLUMNS: Final = tuple(name for name in LIGHT_SCHEMA.names if name not in ("source_stamp", "details"))
"""What a ``where`` expression may name, besides the metadata keys."""


@dataclass(frozen=True)
class Reject:
    """A recording that was seen and not kept.

    Attributes:
        source: Where it was found.
        reason: Why it was not kept, one line, without report text.
        stage: "scan", "read", "join", "quality", "measure", "label", "embed" or "present".
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


@dataclass(frozen=True, eq=False)
class CaseRow:
    """A case with what the table keeps beside it.

    Attributes:
        case: The case.
        embedding: ``(dim,)`` float32, unit norm.
        signal: The recording's signal as a blob.
        median_beats: The cart's median beats as a blob, or None.
        leads: Lead names, in the order of the signal's rows.
        patient_id: The patient as the file names them, or None.
        statements: The report in canonical English, or None.
        vendor_measurements: The cart's own measurements.
        notes: What the reader did.
        source_stamp: Size and time of the files it was read from.
    """

    case: Case
    embedding: NDArray[np.float32]
    signal: bytes
    median_beats: bytes | None = None
    leads: tuple[str, ...] = ()
    patient_id: str | None = None
    statements: str | None = None
    vendor_measurements: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    source_stamp: str = ""


def case_table(rows: Sequence[CaseRow], ancestors: Callable[[str], Iterable[str]] = lambda concept: ()) -> pa.Table:
    """Rows of the case table, ``text_embedding`` null.

    Args:
        rows: The cases.
        ancestors: What a concept implies (``Vocabulary.ancestors``): an LBBB is found by every broader term, too.
    """
    columns: dict[str, list[Any]] = {name: [] for name in CASE_SCHEMA.names}
    for row in rows:
        for name, value in _row_of(row, ancestors).items():
            columns[name].append(value)
    arrays = [pa.array(columns[f.name], type=f.type) for f in CASE_SCHEMA]
    return pa.Table.from_arrays(arrays, schema=CASE_SCHEMA)


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


CASE_OF_COLUMNS: Final = (
    *("case_id", "recording_id", "patient_key", "report", "quality_score", "content_hash", "age", "sex", "device"),
    *("n_leads", "fs", "duration_s", "vendor_statements", "codes", "metadata", "source", "format", "details"),
)
"""What :func:`case_of` reads: findings, measurements and time stand whole in ``details``."""


def case_of(row: Mapping[str, Any]) -> Case:
    """The case that a row of the case table holds."""
    details = json.loads(row["details"])
    findings = tuple(Finding(**{**f, "span": tuple(f["span"])}) for f in details["findings"])
    return Case(
        case_id=row["case_id"],
        recording_id=row["recording_id"],
        patient_key=row["patient_key"],
        report=row["report"],
        findings=findings,
        measurements=Measurements(**details["measurements"]),
        quality_score=row["quality_score"],
        content_hash=row["content_hash"],
        time=datetime.fromisoformat(details["time"]) if details["time"] else None,
        age=row["age"],
        sex=row["sex"],
        device=row["device"],
        n_leads=row["n_leads"],
        fs=row["fs"],
        duration_s=row["duration_s"],
        vendor_statements=tuple(row["vendor_statements"] or ()),
        codes=tuple(row["codes"] or ()),
        metadata=dict(row["metadata"] or ()),
        source=row["source"],
        format=row["format"],
    )


def _row_of(row: CaseRow, ancestors: Callable[[str], Iterable[str]]) -> dict[str, Any]:
    case = row.case
    stated = {status: {f.concept for f in case.findings if f.status == status} for status in _STATUSES}
    present = set(stated["present"])
    for concept in stated["present"]:
        present.update(ancestors(concept))
    details = {
        "findings": [asdict(f) for f in case.findings],
        "measurements": asdict(replace(case.measurements)),
        "time": case.time.isoformat() if case.time else None,
        "patient_id": row.patient_id,
        "vendor_measurements": dict(row.vendor_measurements),
        "notes": list(row.notes),
    }
    return {
        "case_id": case.case_id,
        "recording_id": case.recording_id,
        "patient_key": case.patient_key,
        "report": case.report,
        "statements": row.statements,
        "findings": sorted(present),
        "findings_uncertain": sorted(stated["uncertain"]),
        "findings_absent": sorted(stated["absent"]),
        **case.measurements.scalars(),
        "rhythm_regularity": case.measurements.rhythm_regularity,
        "quality_score": case.quality_score,
        "content_hash": case.content_hash,
        # Wall-clock time of the place of recording: what "recorded after 18:00" means to people.
        "time": case.time.replace(tzinfo=None) if case.time else None,
        "age": case.age,
        "sex": case.sex,
        "device": case.device,
        "n_leads": case.n_leads,
        "leads": list(row.leads),
        "fs": case.fs,
        "duration_s": case.duration_s,
        "vendor_statements": list(case.vendor_statements),
        "codes": list(case.codes),
        "metadata": sorted((str(k), str(v)) for k, v in case.metadata.items()),
        "source": case.source,
        "source_stamp": row.source_stamp,
        "format": case.format,
        "details": json.dumps(details, ensure_ascii=False, sort_keys=True, default=_plain),
        "embedding": np.asarray(row.embedding, dtype=np.float32),
        "text_embedding": None,
    }


_STATUSES: Final = ("present", "uncertain", "absent")


def _plain(value: Any) -> Any:
    """Numpy scalars and read-only mappings as JSON."""
    if hasattr(value, "items"):
        return dict(value)
    return value.item()
