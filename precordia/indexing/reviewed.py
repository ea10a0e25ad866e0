"""Signed reviews as reports: what a clinician let stand becomes the report of a case that has none.

An archive's own report is never touched, and the column ``report_by`` says of such a report that it comes from a review and by
whom, so that a filter can leave it out (``report_by is null``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from precordia.core.protocols import TextEncoder
from precordia.indexing.id_order import is_among
from precordia.indexing.reviews import Review, Reviews, latest
from precordia.indexing.schema import (
    CASE_OF_COLUMNS,
    CASE_SCHEMA,
    CaseRow,
    case_of,
    case_table,
    signal_table,
)
from precordia.indexing.shard import Stages, with_text_vectors
from precordia.indexing.store import DeltaCaseStore
from precordia.indexing.tables import open_table

REPORT_BY: Final = "report_by"
"""Key of a case's metadata: who signed the review that its report comes from."""


def adopt(kb: Path, text_encoder: TextEncoder | None, wait_s: float = 0.0) -> int:
    """Give cases without a report of the archive's own the words that were signed for them; how many changed.

    Args:
        kb: The knowledge base.
        text_encoder: The one it was built with, or None.
        wait_s: How long to wait for another writer, s.

    Raises:
        BusyError: another process is writing.
    """
    signed: dict[int, list[Review]] = {}
    for review in latest(Reviews(kb).all()):
        if review.signed and review.case_id:
            signed.setdefault(review.case_id, []).append(review)
    if not signed:
        return 0
    store = DeltaCaseStore(kb)
    with store.writing(wait_s) as writer:
        asked = np.array(sorted(signed), dtype=np.int64)
        ids = [int(i) for i in asked[is_among(asked, store.ids)]]
        rows = [row for row in (_reviewed(store, i, signed[i]) for i in ids) if row is not None]
        if rows:
            vectors = _vectors(kb, [row.case.case_id for row in rows])
            rows = [replace(row, embedding=vectors[row.case.case_id]) for row in rows]
            cases = with_text_vectors(case_table(rows, Stages().ancestors), text_encoder)
            writer.append(cases, signal_table(rows))
            writer.finish()
    return len(rows)


def report_of(reviews: Sequence[Review]) -> str:
    """The statements that were let stand, in the words that they were given."""
    return " ".join(review.text or review.said for review in reviews if review.decision != "strike")


def _reviewed(store: DeltaCaseStore, case_id: int, reviews: Sequence[Review]) -> CaseRow | None:
    """The case with its reviewed report; None where it has one of the archive's own, or this one already."""
    row = store.row(case_id, (*CASE_OF_COLUMNS, "leads", "source_stamp"))
    case, report = case_of(row), report_of(reviews)
    if (case.report and REPORT_BY not in case.metadata) or not report or report == case.report:
        return None
    stages, details = Stages(), json.loads(row["details"])
    author = ", ".join(sorted({review.author for review in reviews}))
    case = replace(case, report=report, metadata={**case.metadata, REPORT_BY: author})
    found = stages.label(replace(store.recording(case_id), report=report))
    return CaseRow(
        replace(case, findings=found),
        np.zeros(0, np.float32),
        b"",
        leads=tuple(row["leads"]),
        patient_id=details["patient_id"],
        statements=stages.state(report),
        vendor_measurements=details["vendor_measurements"],
        notes=tuple(details["notes"]),
        source_stamp=row["source_stamp"],
    )


def _vectors(kb: Path, ids: Sequence[int]) -> dict[int, Any]:
    """Vectors of some cases; only the files that hold them are read."""
    table = open_table(kb, "cases")
    found: dict[int, Any] = {}
    for name in table.files:
        if np.isin(table.ids(name).column(0).to_numpy(), ids).any():
            rows = table.read(name, CASE_SCHEMA, ["case_id", "embedding"])
            wanted = rows.filter(pa.array(np.isin(rows.column("case_id").to_numpy(), ids))).to_pylist()
            found.update((row["case_id"], np.asarray(row["embedding"], np.float32)) for row in wanted)
    return found
