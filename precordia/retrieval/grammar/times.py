"""When ECGs were recorded, in words: "in summer 2017", "since March", "last winter", "in the last five years".

A time without a year is counted from the archive's newest recording and not from today, so that the same words find the same
cases on any day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

_MONTHS: Final = (
    r"jan(?:uary?|uar)?", r"feb(?:ruary|ruar)?", r"mar(?:ch)?|m(?:ä|ae)rz", r"apr(?:il)?", r"ma[yi]", r"june?|juni", r"july?|juli",
    r"aug(?:ust)?", r"sept?(?:ember)?", r"o[ck]t(?:ober)?", r"nov(?:ember)?", r"de[cz](?:ember)?",
)  # fmt: skip
_PERIODS: Final = (
    *((pattern, number, 1) for number, pattern in enumerate(_MONTHS, start=1)),
    (r"spring|fr(?:ü|ue)hling|fr(?:ü|ue)hjahr", 3, 3),
    (r"summer|sommer", 6, 3),
    (r"autumn|fall|herbst", 9, 3),
    (r"winter", 12, 3),
    (r"years?|jahr(?:es)?", 1, 12),
    (r"months?|monats?", 0, 1),
)
"""Names, the month that they begin with (0: any), and how many months they last; seasons as meteorologists count them."""
_DAYS: Final = {"d": 1, "t": 1, "w": 7}
_MONTHS_OF: Final = {"m": 1, "y": 12, "j": 12}
_YEAR: Final = r"(?:19|20)\d\d"
_NAME: Final = "|".join(pattern for pattern, _, _ in _PERIODS)
_DATED: Final = "|".join(pattern for pattern, _, months in _PERIODS if months < 12)
_CALENDAR: Final = "|".join(_MONTHS)
_LAST: Final = r"last|past|previous|preceding|letzte[nrms]?|vergangene[nrms]?|vorige[nrms]?"
_FINDERS: Final = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"\b(?:in|during|over|within|from|of|w(?:ä|ae)hrend)?\s*(?:the|den|der|des)?\s*(?<!since )(?<!seit )\b(?:{_LAST})\s+"
        r"(?P<n>\d{1,3})\s+(?P<unit>days?|weeks?|months?|years?|tage[n]?|wochen|monate[n]?|jahre[n]?)\b",
        rf"\b(?:(?:between|from|zwischen|von)\s+)?(?P<first>{_CALENDAR})\s*(?:-|–|and|to|until|und|bis)\s*(?P<until>{_CALENDAR})"
        rf"\s+(?P<year>{_YEAR})\b",
        rf"\b(?P<side>since|after|seit|ab|nach|before|until|till|vor|bis|in|during|from|of|im)\s+(?:the\s+)?(?P<first>{_DATED})\s+"
        rf"(?:of\s+)?(?P<year>{_YEAR})\b",
        rf"\b(?P<side>since|seit|ab|before|until|till|vor|bis|in|during|from|im)\s+(?P<first>{_CALENDAR})\b(?!\s*\d)",
        rf"(?<!since )(?<!since the )(?<!seit )\b(?:(?:in|during|from|of|im)\s+)?(?:the\s+)?(?P<which>{_LAST}|this|diese[nrms]?)\s+"
        rf"(?P<first>{_NAME})\b",
        r"\b(?:(?:in|from|during|of|aus)\s+)?(?:the\s+|den\s+)?(?P<decade>(?:19|20)\d0)(?:'?s|er[n]?)\b",
    )
)
_OPENS: Final = ("since", "after", "seit", "ab", "nach")
_CLOSES: Final = ("before", "until", "till", "vor", "bis")


@dataclass(frozen=True)
class Time:
    """A stretch of time.

    Attributes:
        words: As it was said.
        month: The month that it begins with; 0 for any.
        months: How many months it lasts.
        year: In which it begins; None where it is counted from the newest recording.
        ended: Counted so: the last that is over, and not the last that has begun.
        side: "in" it, "since" it began, "before" it began.
        ago: Days and months before the newest recording in which it begins, instead of a month.
    """

    words: str
    month: int = 0
    months: int = 1
    year: int | None = None
    ended: bool = False
    side: str = "in"
    ago: tuple[int, int] | None = None

    def limits(self, newest: date) -> tuple[date | None, date | None]:
        """Its first day, and the first day behind it; None is open.

        Args:
            newest: Of the archive's recordings, from which a time without a year is counted.

        >>> Time("last winter", 12, 3, ended=True).limits(date(2020, 5, 4))
        (datetime.date(2019, 12, 1), datetime.date(2020, 3, 1))
        """
        if self.ago is not None:
            days, months = self.ago
            begun = _month(newest.year * 12 + newest.month - 1 - months)
            return begun + timedelta(days=newest.day - 1 - days), None
        first = self._first(newest)
        begun, over = _month(first), _month(first + self.months)
        return {"in": (begun, over), "since": (begun, None), "before": (None, begun)}[self.side]

    def _first(self, newest: date) -> int:
        if self.year is not None:
            return self.year * 12 + self.month - 1
        now = newest.year * 12 + newest.month - 1
        latest = now if not self.month else now - (now - (self.month - 1)) % 12
        if not self.ended or latest + self.months <= now:
            return latest
        return latest - (12 if self.month else 1)


def times_in(text: str) -> Iterator[tuple[tuple[int, int], Time]]:
    """Stretches of a text that say when, with the time; stretches do not overlap."""
    taken: list[tuple[int, int]] = []
    for finder in _FINDERS:
        for match in finder.finditer(text):
            span = match.span()
            if all(span[1] <= first or last <= span[0] for first, last in taken):
                taken.append(span)
                yield span, _time(match)


def _time(match: re.Match[str]) -> Time:
    said = match.groupdict()
    words = " ".join(match[0].split())
    if said.get("n"):
        unit, n = said["unit"][0].lower(), int(said["n"])
        return Time(words, ago=(n * _DAYS.get(unit, 0), n * _MONTHS_OF.get(unit, 0)))
    if said.get("decade"):
        return Time(words, 1, 120, int(said["decade"]))
    time = _named(words, said["first"])
    time = replace(time, year=int(said["year"]) if said.get("year") else None)
    if said.get("until"):
        return replace(time, months=(_named(words, said["until"]).month - time.month) % 12 + 1)
    if said.get("which"):
        return replace(time, ended=said["which"].lower()[:3] not in ("thi", "die"))
    side = said["side"].lower()
    return replace(time, side="since" if side in _OPENS else "before" if side in _CLOSES else "in")


def _named(words: str, name: str) -> Time:
    return next(Time(words, month, n) for pattern, month, n in _PERIODS if re.fullmatch(pattern, name, re.I))


def _month(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)
