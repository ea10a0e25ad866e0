"""Who the patients are, in words: "women over 60", "not women", "women over 60 or men over 70"."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from precordia.core.recording import Sex
from precordia.retrieval.grammar.ages import ages_in
from precordia.retrieval.grammar.understood import Groups, People

_NO: Final = (
    r"(?P<negation>\b(?:no|not|non|neither|without|excluding|except|kein\w*|nicht|weder|ohne)\s+"
    r"(?:(?:any|either)\s+)?)?"
)
SEXES: Final[tuple[tuple[str, Sex], ...]] = (
    (
        rf"{_NO}\b(?:wom[ae]n|females?|lad(?:y|ies)|girls?|frau(?:en)?|weiblich\w*|patientin(?:nen)?|m(?:ä|ae)dchen)\b",
        "F",
    ),
    (
        rf"{_NO}\b(?:m[ae]n|males?|gentlem[ae]n|boys?|m(?:ä|ae)nner\w*|mann|knaben?|jungs|jungen|m(?:ä|ae)nnlich\w*)\b",
        "M",
    ),
)
_OTHER: Final[dict[Sex, Sex]] = {"F": "M", "M": "F"}
_OR: Final = re.compile(
    r"\b(?:or|oder|nor|noch)\s+(?:(?:the|in|of|any|die|bei|patients?|patienten|people|persons?|aged)\s+)*$", re.I
)
"""Between two groups of people, right before the second."""


@dataclass(frozen=True)
class _Said:
    """One stretch that tells of people.

    Attributes:
        span: Where it stands.
        sex: That it names, or None.
        negated: Whether it is denied.
        ages: Limits that it names.
    """

    span: tuple[int, int]
    sex: Sex | None = None
    negated: bool = False
    ages: Groups = ()


def people_in(text: str, may_be_age: Callable[[str], bool]) -> tuple[list[tuple[int, int]], tuple[People, ...], bool]:
    """The stretches of a text that tell of people, the groups of which a patient is to be in one, and whether in none.

    Args:
        text: From which limits to measurements were taken out.
        may_be_age: Whether what stands before a number leaves it a patient's age: "EF < 35" does not.
    """
    said = [_Said(span, ages=ages) for span, ages in ages_in(text) if may_be_age(text[: span[0]])]
    for start, end in [one.span for one in said]:
        text = text[:start] + " " * (end - start) + text[end:]
    said += [
        _Said(match.span(), sex, match["negation"] is not None)
        for pattern, sex in SEXES
        for match in re.finditer(pattern, text, re.I)
    ]
    said.sort(key=lambda one: one.span)
    groups: list[list[_Said]] = []
    for one in said:
        if groups and not _OR.search(text[groups[-1][-1].span[1] : one.span[0]] + ("" if one.sex else " ")):
            groups[-1].append(one)
        else:
            groups.append([one])
    spans = [one.span for one in said]
    if len(groups) == 1:
        return spans, (_group(groups[0]),), False
    none = any(one.negated for one in said)
    people = [_group([_affirmed(one) for one in group] if none else group) for group in groups]
    return spans, _alternatives(people), none


def _affirmed(one: _Said) -> _Said:
    return _Said(one.span, one.sex, False, one.ages)


def _group(said: list[_Said]) -> People:
    sexes = {(_OTHER[one.sex] if one.negated else one.sex) for one in said if one.sex}
    return People(sexes.pop() if len(sexes) == 1 else None, tuple(limit for one in said for limit in one.ages))


def _alternatives(people: list[People]) -> tuple[People, ...]:
    """Groups with what one of them leaves to another: "women over 60 or under 20", "women or men over 60"."""
    for k in range(1, len(people)):
        if people[k].sex is None:
            people[k] = People(people[k - 1].sex, people[k].ages)
    for k in range(len(people) - 1, 0, -1):
        if not people[k - 1].ages:
            people[k - 1] = People(people[k - 1].sex, people[k].ages)
    distinct = tuple(dict.fromkeys(people))
    if {one.sex for one in distinct} == {"F", "M"} and len({one.ages for one in distinct}) == 1:
        return (People(None, distinct[0].ages),)
    return distinct
