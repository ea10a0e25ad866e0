"""What was understood of a query in words, and how that is said back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from precordia.concepts import vocabulary
from precordia.core.case import Case
from precordia.core.recording import Sex
from precordia.core.retrieval import Hit
from precordia.retrieval.grammar.times import Time

Operator = Literal[">", ">=", "<", "<="]
OPPOSITE: Final[dict[Operator, Operator]] = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}
_WORDS: Final = {">": "over", ">=": "at least", "<": "below", "<=": "at most"}
_NAMES: Final = {
    "heart_rate_bpm": ("heart rate", "bpm"),
    "rr_ms": ("RR", "ms"),
    "p_ms": ("P duration", "ms"),
    "pr_ms": ("PR", "ms"),
    "qrs_ms": ("QRS", "ms"),
    "qt_ms": ("QT", "ms"),
    "qtc_ms": ("QTc", "ms"),
    "qtc_fridericia_ms": ("QTc by Fridericia", "ms"),
    "p_rate_bpm": ("atrial rate", "bpm"),
    "axis_deg": ("axis", "°"),
    "age": ("", ""),
}


@dataclass(frozen=True)
class Wish:
    """A finding that is wanted, or not.

    Attributes:
        concept: Of the vocabulary.
        territory: A wall, where the words name one that the concept does not say itself.
        severity: "acute", "old", "severe", ... or None.
    """

    concept: str
    territory: str | None = None
    severity: str | None = None

    def __str__(self) -> str:
        name = vocabulary().concept(self.concept).name
        placed = f"{self.territory} {name}" if self.territory and self.territory not in name else name
        return f"{self.severity} {placed}" if self.severity and self.severity not in placed else placed

    def stated_by(self, case: Case) -> bool:
        """Whether a case states it as it is wished for."""
        return any(
            f.status == "present"
            and self.concept in (f.concept, *vocabulary().ancestors(f.concept))
            and self.severity in (None, f.severity)
            and (self.territory is None or self.territory in (f.territory or vocabulary().concept(f.concept).name))
            for f in case.findings
            if f.concept in vocabulary()
        )


@dataclass(frozen=True)
class Bound:
    """A limit to a number.

    Attributes:
        measure: A scalar of :class:`~precordia.core.findings.Measurements` ("qtc_ms"), or "age" in years.
        operator: On which side of ``value`` it is to lie.
        value: In the unit that the measure's name ends with.
    """

    measure: str
    operator: Operator
    value: float

    @property
    def opposite(self) -> Bound:
        """What does not meet this one meets that one."""
        return Bound(self.measure, OPPOSITE[self.operator], self.value)

    def holds(self, value: float) -> bool:
        """Whether a number meets it."""
        return {
            ">": value > self.value,
            ">=": value >= self.value,
            "<": value < self.value,
            "<=": value <= self.value,
        }[self.operator]

    def __str__(self) -> str:
        name, unit = _NAMES[self.measure]
        return f"{name} {_WORDS[self.operator]} {self.value:g} {unit}".strip()


Groups = tuple[tuple[Bound, ...], ...]
"""Limits of which one of each group holds."""


@dataclass(frozen=True)
class People:
    """A group of patients.

    Attributes:
        sex: Of all of them, or None.
        ages: Limits to their age.
    """

    sex: Sex | None = None
    ages: Groups = ()

    @property
    def chips(self) -> tuple[str, ...]:
        """Whom it is, piece by piece."""
        return (
            *(("women" if self.sex == "F" else "men",) if self.sex else ()),
            *(" or ".join(map(str, group)) for group in self.ages),
        )

    def __str__(self) -> str:
        flat = [bound for group in self.ages for bound in group]
        if len(self.ages) == len(flat) == 2 and [bound.operator for bound in flat] == [">=", "<="]:
            # As a range, so that it is no part of a longer one.
            return " ".join((*People(self.sex).chips, f"aged {flat[0].value:g} to {flat[1].value:g}"))
        return " ".join(self.chips)


@dataclass(frozen=True)
class Order:
    """What comes first.

    Attributes:
        measure: A scalar of :class:`~precordia.core.findings.Measurements`, "age" or "time".
        highest: The largest number, the oldest patient or the newest recording first; else the other way round.
    """

    measure: str
    highest: bool = True

    def __str__(self) -> str:
        if self.measure == "time":
            return "newest first" if self.highest else "earliest first"
        if self.measure == "age":
            return "oldest patients first" if self.highest else "youngest patients first"
        return f"{'highest' if self.highest else 'lowest'} {_NAMES[self.measure][0]} first"


@dataclass(frozen=True)
class Understood:
    """A query in words, read.

    Attributes:
        text: The words.
        wanted: Findings that all are wanted.
        excluded: Findings of which none may be stated.
        either: Groups of findings of which one is wanted.
        bounds: Limits to measurements and to the age, which all hold.
        outside: Groups of limits of which one holds: "not between 100 and 120", "below 50 or over 120".
        sex: Of the patient, or None.
        people: Groups of patients of whom one is asked for, where ``sex`` and limits to the age cannot say it; else none.
        nobody_of: The groups are those that are not asked for.
        order: What comes first, or None.
        years: First and last calendar year of the recording; None is open. A first that lies behind the last leaves out what is
            between them: "before 2010 or after 2018".
        time: A stretch of time finer than years, or one that is counted from the newest recording; or None.
        regularity: Of the RR intervals as they are measured, "regular" or "irregular", or None.
        device: Words of the cart's name, or None.
        change: "new", "unchanged" or "resolved" where the words ask for a change, else None.
        measures: Measurements named without a limit.
        leads: Leads named.
        rest: Words that were not understood, in their order.
        sides: What is asked for on either side of an "or" that parts whole wishes, each with its own people and findings:
            "women with AF or men with LBBB"; all else is empty then.
    """

    text: str
    wanted: tuple[Wish, ...] = ()
    excluded: tuple[Wish, ...] = ()
    either: tuple[tuple[Wish, ...], ...] = ()
    bounds: tuple[Bound, ...] = ()
    outside: Groups = ()
    sex: Sex | None = None
    people: tuple[People, ...] = ()
    nobody_of: bool = False
    order: Order | None = None
    years: tuple[int | None, int | None] = (None, None)
    time: Time | None = None
    regularity: str | None = None
    device: str | None = None
    change: str | None = None
    measures: tuple[str, ...] = ()
    leads: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()
    sides: tuple[Understood, ...] = ()

    @property
    def chips(self) -> tuple[str, ...]:
        """What was understood, piece by piece, for people.

        >>> from precordia.retrieval.grammar import read_query
        >>> read_query("sinus rhythm without ST depression in women over 60").chips
        ('sinus rhythm', 'without ST depression', 'women', 'over 60')
        """
        if self.sides:
            return (" or ".join(map(_side, self.sides)),)
        return (
            *(str(wish) for wish in self.wanted),
            *(" or ".join(str(wish) for wish in group) for group in self.either),
            *(f"without {wish}" for wish in self.excluded),
            *(str(bound) for bound in self.bounds if bound.measure != "age"),
            *(" or ".join(map(str, group)) for group in self.outside if group[0].measure != "age"),
            *(_NAMES[name][0] for name in self.measures),
            *((f"{self.regularity} RR intervals",) if self.regularity else ()),
            *(f"lead {lead}" for lead in self.leads),
            *((self.change,) if self.change else ()),
            *People(self.sex, tuple((bound,) for bound in self.bounds if bound.measure == "age")).chips,
            *(" or ".join(map(str, group)) for group in self.outside if group[0].measure == "age"),
            *(_one_of(self.people, nobody_of=self.nobody_of),)[: len(self.people)],
            *_in_years(*self.years),
            *((self.time.words,) if self.time else ()),
            *((f"device {self.device}",) if self.device else ()),
            *((str(self.order),) if self.order else ()),
        )

    def note_on(self, hits: Sequence[Hit]) -> str | None:
        """What is to be said of hits that do not state what is wanted; None where they do, or nothing is wanted."""
        missing = [str(wish) for wish in self.wanted if hits and not wish.stated_by(hits[0].case)]
        for group in self.either:
            if hits and not any(wish.stated_by(hits[0].case) for wish in group):
                missing.append(" or ".join(str(wish) for wish in group))
        return f"no case found states {', '.join(missing)}; the nearest by words and meaning:" if missing else None

    def as_document(self, hits: Sequence[Hit] = ()) -> dict[str, Any]:
        """As it stands in JSON, with what is to be said of hits where there is anything."""
        note = self.note_on(hits)
        said = {"chips": list(self.chips), "not_understood": list(self.rest)}
        return {**said, "note": note} if note else said


def _side(side: Understood) -> str:
    """One of several wishes, its people first."""
    people = People(side.sex, tuple((bound,) for bound in side.bounds if bound.measure == "age")).chips
    others = [chip for chip in side.chips if chip not in people]
    return " ".join((*people, "with", *others) if people else others)


def _in_years(first: int | None, last: int | None) -> tuple[str, ...]:
    """Years, as pieces."""
    if first is not None and last is not None and first >= last:
        return (f"in {first}" if first == last else f"until {last} or from {first}",)
    return (*((f"from {first}",) if first is not None else ()), *((f"until {last}",) if last is not None else ()))


def _one_of(people: Sequence[People], *, nobody_of: bool) -> str:
    """Groups of patients, as one piece."""
    return f"neither {' nor '.join(map(str, people))}" if nobody_of else " or ".join(map(str, people))
