"""What people decided on the statements of a draft: accepted, edited or struck; with author and time, and never overwritten.

A Delta table of its own (``reviews/``). Unlike the audit it holds words about patients: a patient's reviews go with the
patient.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa

from precordia.indexing.durable import make_folder
from precordia.indexing.ledger import LEDGER
from precordia.indexing.locks import locked
from precordia.indexing.tables import DeltaFolder

REVIEWS: Final = "reviews"
"""The table's folder."""

LOCK: Final = "reviews.lock"
WAIT_S: Final = 10.0
_COMPACT_FILES: Final = 64
_COMPACT_BYTES: Final = 32 * 2**20

Decision = Literal["accept", "edit", "strike"]
DECISIONS: Final = ("accept", "edit", "strike")

REVIEW_SCHEMA: Final = pa.schema(
    [
        ("case_id", pa.int64()),
        ("recording_hash", pa.string()),
        ("patient_key", pa.string()),
        ("statement", pa.string()),
        ("said", pa.string()),
        ("concepts", pa.list_(pa.string())),
        ("decision", pa.string()),
        ("text", pa.string()),
        ("author", pa.string()),
        ("time", pa.string()),
        ("signed", pa.bool_()),
    ]
)


@dataclass(frozen=True)
class Review:
    """A decision on one statement.

    Attributes:
        statement: Its id.
        said: Its words, as they were drafted.
        concepts: What it says, as findings.
        decision: "accept", "edit" or "strike".
        text: The words in their place, where it is edited; else "".
        author: Who decided.
        signed: Whether the report was signed with it.
        recording_hash: Content hash of the ECG.
        case_id: The case, or 0 where the ECG is none of the archive.
        patient_key: The ECG's patient.
        time: When, UTC, ISO 8601.
    """

    statement: str
    said: str
    concepts: tuple[str, ...]
    decision: str
    text: str
    author: str
    signed: bool
    recording_hash: str
    case_id: int = 0
    patient_key: str = ""
    time: str = ""

    def document(self) -> dict[str, Any]:
        """As plain values; ids as texts."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("statement", "patient_key")}
        case = str(self.case_id) if self.case_id else None
        return {"id": self.statement, **values, "case_id": case, "concepts": list(self.concepts)}


class Reviews:
    """The reviews of one knowledge base.

    Args:
        kb: Its folder.
    """

    def __init__(self, kb: Path) -> None:
        self._kb, self._place = kb, kb / REVIEWS

    def add(self, reviews: Sequence[Review]) -> tuple[Review, ...]:
        """Keep decisions, in one transaction; as they are kept, with the time.

        Raises:
            BusyError: another process writes for longer than :data:`WAIT_S`.
        """
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        kept = tuple(replace(review, time=now) for review in reviews)
        make_folder(self._place)
        with locked(self._kb, LOCK, WAIT_S, "the review"):
            DeltaFolder.create(self._place, REVIEW_SCHEMA)
            table = DeltaFolder(self._place)
            table.recover()
            table.append(_table_of(kept))
            if len(table.files) > _COMPACT_FILES:
                table.compact(_COMPACT_BYTES)
        return kept

    def all(self, case: int | None = None, recording_hash: str | None = None) -> list[Review]:
        """The reviews of a case or of an ECG, or all, oldest first."""
        if not (self._place / LEDGER).exists():
            return []
        table = DeltaFolder(self._place)
        parts = [table.read(name, REVIEW_SCHEMA) for name in table.files]
        rows = pa.concat_tables([REVIEW_SCHEMA.empty_table(), *parts]).to_pylist()
        found = [Review(**{**row, "concepts": tuple(row["concepts"])}) for row in rows]
        wanted = [
            r
            for r in found
            if (case is None or r.case_id == case) and (recording_hash is None or r.recording_hash == recording_hash)
        ]
        return sorted(wanted, key=lambda r: r.time)

    def erase(self, case_ids: Collection[int], patient_key: str | None = None) -> int:
        """Remove the reviews of cases and of a patient, and the bytes of every older version; how many there were."""
        if not (self._place / LEDGER).exists():
            return 0
        with locked(self._kb, LOCK, WAIT_S, "erasing reviews"):
            table = DeltaFolder(self._place)
            table.recover()
            n = 0
            gone = np.asarray(sorted(case_ids), dtype=np.int64)
            whole = pa.concat_tables(
                [REVIEW_SCHEMA.empty_table(), *(table.read(f, REVIEW_SCHEMA) for f in table.files)]
            )
            mine = np.isin(whole.column("case_id").to_numpy(), gone)
            mine |= np.array([key == patient_key for key in whole.column("patient_key").to_pylist()], dtype=bool)
            n = int(mine.sum())
            if n:
                table.replace(whole.filter(pa.array(~mine)).combine_chunks())
            table.purge()
        return n


def latest(reviews: Sequence[Review]) -> list[Review]:
    """The last decision on each statement of each ECG: who decides anew takes back what was decided before."""
    return list({(review.recording_hash, review.statement): review for review in reviews}.values())


def _table_of(reviews: Sequence[Review]) -> pa.Table:
    return pa.table(
        {name: [getattr(review, name) for review in reviews] for name in REVIEW_SCHEMA.names}, schema=REVIEW_SCHEMA
    )
