"""Cases and drafts as LangChain is given them: of reports the sentences that speak of findings, and no patient's key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.documents import Document

from precordia.core.drafts import Draft, Statement
from precordia.core.retrieval import Hit
from precordia.generation.sanitize import clean, clinical_sentences


def document_of(hit: Hit, *, whole_reports: bool = False) -> Document:
    """A hit as a document: its report's clinical sentences, with who and why as metadata, no patient's key.

    Args:
        hit: The hit.
        whole_reports: All of the report, cleaned, instead: with an archive that is trusted.
    """
    case = hit.case
    present = sorted({f.concept for f in case.findings if f.status == "present"})
    text = clean(case.report or "").text if whole_reports else clinical_sentences(case.report or "")
    metadata: dict[str, Any] = {
        "case_id": case.case_id,
        "rank": hit.rank,
        "score": hit.score,
        "findings": present,
        "age": case.age,
        "sex": case.sex,
        "shared_findings": list(hit.why.shared_findings),
    }
    return Document(page_content=text, metadata=metadata, id=str(case.case_id))


def draft_text(draft: Draft) -> str:
    """A draft as plain text with its evidence, for an agent: why nothing is claimed, what is said, what must not be missed."""
    lines = [draft.unsure] if draft.abstained else []
    lines += [_line(s, f"; support {s.support:.0%}") for s in draft.statements]
    lines += [f"To consider: {_line(s)}" for s in draft.consider]
    return "\n".join(lines)


def _line(statement: Statement, support: str = "") -> str:
    evidence = _evidence(statement.measurements, [c.case_id for c in statement.citations])
    warnings = "".join(f" Warning: {clean(warning).text}." for warning in statement.warnings)
    return f"{statement.text} [{evidence}{support}]{warnings}"


def _evidence(measurements: Sequence[str], cases: Sequence[int]) -> str:
    parts = [f"measured {', '.join(measurements)}"] if measurements else []
    parts += [f"cases {', '.join(map(str, cases))}"] if cases else []
    return "; ".join(parts) or "no evidence"
