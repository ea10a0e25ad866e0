"""Why something was said: the same statements, with what bears them out."""

from __future__ import annotations

from dataclasses import replace

from precordia.core.drafts import Draft, Statement
from precordia.judgement.measured import MEASURES, in_words


def with_grounds(answer: Draft) -> Draft:
    """An answer whose statements tell the numbers, cases and probability that they rest on; nothing else is said."""
    told = (replace(s, text=f"{s.text.rstrip('.')}: {_borne_out(s, answer)}.") for s in answer.statements)
    return replace(answer, statements=tuple(told))


def _borne_out(statement: Statement, answer: Draft) -> str:
    numbers = [in_words(name, answer.measurements) for name in statement.measurements if name in MEASURES]
    cases = ", ".join(str(c.recording_id or c.case_id) for c in statement.citations)
    parts = [
        *(told for told in numbers if told not in statement.text),
        *(("measured on this ECG",) if numbers else ()),
        *((f"cases {cases}", f"support {statement.support:.0%}") if cases else ()),
        *((f"probability {statement.confidence:.0%}",) if statement.confidence is not None else ()),
        *(warning.rstrip(".") for warning in statement.warnings),
    ]
    return "; ".join(parts) or "as the record or the signal check has it"
