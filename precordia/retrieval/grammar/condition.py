"""What was understood, as conditions over the case table: what must hold, what is to be stated, what comes first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from precordia.concepts import statement_of, vocabulary
from precordia.core.findings import Finding
from precordia.retrieval.grammar.times import Time
from precordia.retrieval.grammar.understood import Bound, Understood, Wish


def must_hold(understood: Understood, newest: date | None = None) -> str | None:
    """Numbers, people, times, devices and absences: a case that does not meet them is no answer; None without any.

    An unknown value meets nothing. An absence is met by a case that does not state the finding, possible or not.

    Args:
        understood: What was asked for.
        newest: Day of the archive's newest recording, from which "in the last five years" is counted; None where none is known.
    """
    parts = [
        *(_limit(bound) for bound in understood.bounds),
        *(" or ".join(_limit(bound) for bound in group) for group in understood.outside),
        *((f"sex = '{understood.sex}'",) if understood.sex else ()),
        *_of_people(understood),
        *_in_years(*understood.years),
        *((_within(understood.time, newest),) if understood.time else ()),
        *((f"rhythm_regularity = '{understood.regularity}'",) if understood.regularity else ()),
        *((f"contains(lower(device), '{understood.device.lower()}')",) if understood.device else ()),
        *(_not_stated(wish) for wish in understood.excluded),
        *((_one_side(understood.sides, newest),) if understood.sides else ()),
    ]
    return " and ".join(f"({part})" for part in parts) or None


def is_wanted(understood: Understood) -> str | None:
    """The findings that are wanted, stated without doubt; None without any."""
    parts = [
        *(f"findings has '{wish.concept}'" for wish in understood.wanted),
        *(f"findings has any ({_listed([wish.concept for wish in group])})" for group in understood.either),
    ]
    return " and ".join(f"({part})" for part in parts) or None


def wanted(understood: Understood) -> tuple[str, ...]:
    """What cases must state, the strictest first, each less strict one for where no case meets the one before.

    As said, with territory, degree and change; the findings at all; at least as possible; one of several findings. Empty
    where no finding is wanted.
    """
    groups = [(wish,) for wish in understood.wanted] + list(understood.either)
    at_all = is_wanted(understood)
    if at_all is None:
        return ()
    as_said = [_any_of([_as_said(wish, understood.change) for wish in group]) for group in groups]
    each = [_any_of([_possibly(wish) for wish in group]) for group in groups]
    levels = (" and ".join(as_said), at_all, " and ".join(each), " or ".join(each))
    return tuple(dict.fromkeys(levels))


def not_denied(understood: Understood) -> str | None:
    """A report that denies what is wanted is no answer, however well its words match; None where nothing is wanted."""
    parts = (
        f"findings has '{w.concept}' or not (findings_absent has any ({_listed(_lineage(w))}))"
        for w in understood.wanted
    )
    return " and ".join(f"({part})" for part in parts) or None


def denies(understood: Understood) -> str | None:
    """The absences that are wanted, as a report that denies them says it; None without any."""
    return " and ".join(f"(findings_absent has '{wish.concept}')" for wish in understood.excluded) or None


def _one_side(sides: Sequence[Understood], newest: date | None) -> str:
    """One of several wishes, each with all that belongs to it."""
    each = [filter(None, (must_hold(side, newest), is_wanted(side))) for side in sides]
    return " or ".join(f"({' and '.join(f'({part})' for part in parts)})" for parts in each)


def _in_years(first: int | None, last: int | None) -> tuple[str, ...]:
    parts = [f"year(time) {operator} {year}" for operator, year in ((">=", first), ("<=", last)) if year is not None]
    outside = first is not None and last is not None and first > last
    return (" or ".join(parts),) if outside else tuple(parts)


def possibly(understood: Understood) -> str | None:
    """The findings that are wanted, at least as possible; None without any."""
    groups = [(wish,) for wish in understood.wanted] + list(understood.either)
    return " and ".join(_any_of([_possibly(wish) for wish in group]) for group in groups) or None


def _limit(bound: Bound) -> str:
    return f"{bound.measure} {bound.operator} {bound.value:g}"


def _of_people(understood: Understood) -> list[str]:
    """One of several groups of patients, or none of them."""
    groups = [must_hold(Understood("", sex=group.sex, outside=group.ages)) for group in understood.people]
    said = [f"({group})" for group in groups if group]
    if understood.nobody_of:
        return [f"not {group}" for group in said]
    return [" or ".join(said)] if said else []


def _within(time: Time, newest: date | None) -> str:
    if newest is None and time.year is None:
        return "case_id < 0"
    first, behind = time.limits(newest or date.min)
    parts = ((">=", first), ("<", behind))
    return " and ".join(f"time {operator} '{day.isoformat()}'" for operator, day in parts if day is not None)


def _as_said(wish: Wish, change: str | None) -> str:
    """Of the canonical words of a case's report: they tell place, degree and change of each finding."""
    plain = Finding(wish.concept)
    told = Finding(wish.concept, territory=wish.territory, severity=wish.severity, comparison=change)
    words = [statement_of(finding).lower().rstrip(".").replace("'", "''") for finding in (plain, told)]
    stated = f"findings has '{wish.concept}'"
    return stated if words[0] == words[1] else f"{stated} and contains(lower(statements), '{words[1]}')"


def _not_stated(wish: Wish) -> str:
    """Not even as possible; who excludes an old infarct, or one in a place, excludes no other."""
    stated = f"findings has '{wish.concept}'"
    placed = _as_said(wish, None)
    if placed != stated:
        return f"not ({placed})"
    return f"not ({stated}) and not (findings_uncertain has any ({_listed(_family(wish))}))"


def _possibly(wish: Wish) -> str:
    return f"findings has '{wish.concept}' or findings_uncertain has any ({_listed(_family(wish))})"


def _any_of(conditions: Sequence[str]) -> str:
    return "(" + " or ".join(f"({condition})" for condition in conditions) + ")"


def _family(wish: Wish) -> tuple[str, ...]:
    """The finding and all that imply it: what is only possible is not stored with what it implies."""
    return (wish.concept, *vocabulary().descendants(wish.concept))


def _lineage(wish: Wish) -> tuple[str, ...]:
    return tuple(sorted({wish.concept, *vocabulary().ancestors(wish.concept)}))


def _listed(concepts: Sequence[str]) -> str:
    return ", ".join(f"'{concept}'" for concept in concepts)
