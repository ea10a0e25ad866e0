"""What was understood, as a condition over the case table: what must hold, and what is wanted first."""

from __future__ import annotations

from precordia.concepts import vocabulary
from precordia.retrieval.grammar.understood import Understood, Wish


def must_hold(understood: Understood) -> str | None:
    """Numbers, people, times, devices and absences: a case that does not meet them is no answer; None without any.

    An unknown value meets nothing. An absence is met by a case that does not state the finding, possible or not.
    """
    first, last = understood.years
    parts = [
        *(f"{b.measure} {b.operator} {b.value:g}" for b in understood.bounds),
        *((f"sex = '{understood.sex}'",) if understood.sex else ()),
        *((f"year(time) >= {first}",) if first is not None else ()),
        *((f"year(time) <= {last}",) if last is not None else ()),
        *((f"contains(lower(device), '{understood.device.lower()}')",) if understood.device else ()),
        *(
            f"not (findings has '{w.concept}') and not (findings_uncertain has '{w.concept}')"
            for w in understood.excluded
        ),
    ]
    return " and ".join(f"({part})" for part in parts) or None


def is_wanted(understood: Understood) -> str | None:
    """The findings that are wanted: cases that state them come first, the others after; None without any."""
    parts = [
        *(f"findings has '{wish.concept}'" for wish in understood.wanted),
        *(f"findings has any ({_listed(group)})" for group in understood.either),
    ]
    return " and ".join(f"({part})" for part in parts) or None


def not_denied(understood: Understood) -> str | None:
    """A report that denies what is wanted is no answer, however well its words match; None where nothing is wanted."""
    parts = (f"findings has '{w.concept}' or not (findings_absent has any ({_lineage(w)}))" for w in understood.wanted)
    return " and ".join(f"({part})" for part in parts) or None


def denies(understood: Understood) -> str | None:
    """The absences that are wanted, as a report that denies them says it; None without any."""
    return " and ".join(f"(findings_absent has '{wish.concept}')" for wish in understood.excluded) or None


def _lineage(wish: Wish) -> str:
    return ", ".join(f"'{c}'" for c in sorted({wish.concept, *vocabulary().ancestors(wish.concept)}))


def _listed(group: tuple[Wish, ...]) -> str:
    return ", ".join(f"'{wish.concept}'" for wish in group)
