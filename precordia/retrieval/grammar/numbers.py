"""Limits in words: "QTc over 500", "rate between 40 and 50", "wide QRS", "women over 60"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from precordia.retrieval.grammar.understood import Bound, Operator


@dataclass(frozen=True)
class Named:
    """How people write a measurement.

    Attributes:
        measure: A scalar of :class:`~precordia.core.findings.Measurements`.
        words: Its names, with which a limit may stand.
        asked: How a question names it without a limit, where that is not by ``words`` alone.
    """

    measure: str
    words: str
    asked: str | None = None


MEASURES: Final = (
    Named(
        "qtc_ms",
        r"qt[\s-]?c(?:[\s-]+(?:interval|time|zeit|intervall|duration))?|corrected qt(?:[\s-]+interval)?"
        r"|qt[\s-]+corrected(?:[\s-]+interval)?|korrigierte qt(?:[\s-]?zeit)?",
    ),
    Named("qt_ms", r"qt(?:[\s-]*(?:interval|intervall|zeit|time|duration))?"),
    Named("pr_ms", r"(?:pr|pq)(?:[\s-]*(?:interval|intervall|zeit|time|duration))?"),
    Named(
        "qrs_ms",
        r"qrs(?:[\s-]*(?:duration|width|complex(?:es)?|komplex\w*|interval|breite|dauer))?",
        # Of the complex much else can be asked than its width.
        r"qrs[\s-]*(?:duration|width|complex(?:es)? (?:duration|width)|interval|breite|dauer)|how (?:wide|broad)|wie breit"
        r"|qrs\b[^.?]{0,20}\b(?:wide[nr]?\w*|broad\w*|narrow\w*|lengthen\w*|chang\w*|prolonged|normal|abnormal|breit\w*|schmal\w*|verbreitert|verl(?:ä|ae)ngert)"
        r"|(?:wide|broad|narrow|breite\w*|schmale\w*)[\s-]+(?:qrs|complex(?:es)?|komplex\w*)(?![\s-]*ta[ck]h?y)",
    ),
    Named(
        "p_ms",
        r"p[\s-]*(?:wave\s*)?(?:duration|width|dauer)|p[\s-]?wellen[\s-]?dauer",
        r"p[\s-]*(?:wave\s*)?(?:duration|width|dauer)|p[\s-]?wellen[\s-]?dauer|p[\s-]?waves? (?:normal|abnormal|wide|long)",
    ),
    Named("rr_ms", r"rr[\s-]*intervals?|rr[\s-]*abstand"),
    Named(
        "heart_rate_bpm",
        r"(?:heart|ventricular|pulse|heartbeat)[\s-]*(?:rate|frequency)s?|heart[\s-]?beats?|herz[\s-]?frequenz|frequenz|hr|hf|pulse|puls|rate",
        r"(?:heart|ventricular|pulse)[\s-]*rates?|herz[\s-]?frequenz|frequenz|hr|hf|pulse|puls|rate|how fast|beats per minute"
        r"|(?:faster|slower|schneller|langsamer) (?:now|than|als|geworden)",
    ),
    Named(
        "axis_deg",
        r"(?:(?:qrs|heart|electrical|cardiac)\s+)?axis",
        r"(?:(?:qrs|heart|electrical|cardiac)\s+)?ax[ie]s(?!\s*deviation)|lagetyp|herzachse",
    ),
)
"""Names of measurements as people write them, the more special first: what one takes, no other names."""

OPERATORS: Final[tuple[tuple[str, Operator], ...]] = (
    (
        r">=|≥|=>|at least|no less than|not (?:below|under|(?:less|shorter|narrower|slower|lower|younger) than)|mindestens|from",
        ">=",
    ),
    (
        r"<=|≤|=<|at most|no more than|up to|h(?:ö|oe)chstens|bis zu"
        r"|not (?:above|over|(?:more|longer|wider|broader|faster|higher|greater|larger|older) than)",
        "<=",
    ),
    (
        r">|over|above|more than|exceed(?:s|ing)?|(?:great|long|fast|wid|broad|high|larg|old|bigg)er than|beyond|past"
        r"|(?:ü|ue)ber|mehr als|(?:l(?:ä|ae)ng|gr(?:ö|oe)(?:ß|ss)|(?:ä|ae)lt|h(?:ö|oe)h|schnell|breit)er als",
        ">",
    ),
    (
        r"<|below|under|less than|(?:short|slow|narrow|low|young|small)er than"
        r"|unter|weniger als|(?:k(?:ü|ue)rz|niedrig|langsam|j(?:ü|ue)ng|schmal|klein)er als",
        "<",
    ),
)
_OPERATOR: Final = "|".join(pattern for pattern, _ in OPERATORS)
_NUMBER: Final = r"-?\d+(?:[.,]\d+)?"
_PER_MINUTE: Final = r"(?:bpm|beats\s*(?:per|a|/)\s*min(?:ute)?|/\s*min|per minute|pro minute)"
_UNIT: Final = rf"(?:\s*(?:milliseconds?|msec|ms|{_PER_MINUTE}|s\b|sec(?:onds?)?|degrees?|°|grad))?"
_SECONDS: Final = re.compile(r"\d\s*(?:s|sec|seconds?)\b", re.I)
_FILL: Final = r"(?:\s+(?:is|are|was|were|of|the|a|ist|von|being|be|that|which|measur(?:es|ing)|value|to))*\s*[:=]?\s*"
_AFTER: Final = (
    r"(?:\s*\+|\s+(?:or|and|oder|und)\s+(?P<more>more|above|over|longer|higher|greater|faster|older|wider|mehr|l(?:ä|ae)nger|h(?:ö|oe)her|(?:ä|ae)lter|dar(?:ü|ue)ber)"
    r"|\s+(?:or|and|oder|und)\s+(?:less|below|under|shorter|lower|slower|younger|narrower|weniger|k(?:ü|ue)rzer|niedriger|j(?:ü|ue)nger))"
)
_TO: Final = r"\s*(?:-|–|and|to|und|bis)\s*"
_RANGE: Final = rf"(?:(?:between|from|zwischen|von)\s+)?(?P<low>{_NUMBER}){_UNIT}{_TO}(?P<high>{_NUMBER}){_UNIT}"
_LIMIT: Final = rf"(?P<operator>{_OPERATOR})\s*(?P<value>{_NUMBER}){_UNIT}"
_SUFFIX: Final = rf"(?P<least>{_NUMBER}){_UNIT}(?P<after>{_AFTER})"
_NOT: Final = r"(?P<negation>\b(?:no|not|without|kein\w*|ohne|nicht)\s+(?:a\s+|an\s+|the\s+|any\s+)?)?"


@lru_cache(maxsize=1)
def _measured() -> list[tuple[str, re.Pattern[str]]]:
    """Measures with a limit; read with the first query that holds a number, since compiling them takes as long as a search."""
    return [
        (
            named.measure,
            re.compile(rf"{_NOT}\b(?:{named.words})\b{_FILL}(?:{_RANGE}|{_SUFFIX}|{_LIMIT})(?![\w.])", re.I),
        )
        for named in MEASURES
    ]


@lru_cache(maxsize=2)
def _names(asked: bool) -> list[tuple[str, re.Pattern[str]]]:
    """Measures by their names, as they are asked for or as they stand anywhere."""
    words = [(named.measure, (asked and named.asked) or named.words) for named in MEASURES]
    return [(measure, re.compile(rf"\b(?:{names})\b", re.I)) for measure, names in words]


_RATE: Final = re.compile(rf"{_NOT}(?P<operator>{_OPERATOR})\s*(?P<value>\d+)\s*{_PER_MINUTE}(?!\w)", re.I)
_WIDTH: Final = re.compile(
    rf"{_NOT}(?:\b(?P<adjective>wide|broad|widened|breite\w*|narrow|schmale\w*)[\s-]+(?:qrs(?:[\s-]*(?:complex(?:es)?|komplex\w*))?"
    r"|complex(?:es)?|kammerkomplex\w*)\b(?![\s-]*(?:complex\s+)?(?:ta[ck]h?y|rhythm))"
    r"|\bqrs(?:[\s-]*(?:complex(?:es)?|komplex\w*|duration))?\s+(?:is\s+|are\s+|ist\s+|sind\s+)?"
    r"(?P<predicate>wide|broad|widened|narrow|breit|verbreitert|schmal)\b)",
    re.I,
)
_AGED: Final = r"(?:\s*[-–]?\s*(?:years?|yrs?|y\.?o\.?|jahre?n?|j(?:ä|ae)hrig\w*)(?:[\s-]*(?:of age|old|alt|olds?))?)?"
_AGE: Final = r"(?:\b(?:age[ds]?|alter)\s*(?:is|of|from|von)?\s*)?"
_AGES: Final = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"{_NOT}{_AGE}(?:between|zwischen|aged?|from|von)\s+(?P<low>\d{{1,3}}){_TO}(?P<high>\d{{1,3}}){_AGED}(?!\w)",
        rf"{_NOT}{_AGE}(?P<least>\d{{1,3}}){_AGED}(?P<after>{_AFTER})",
        rf"{_NOT}{_AGE}(?P<operator>{_OPERATOR})\s*(?:the age of\s+)?(?P<value>\d{{1,3}}){_AGED}(?![\w.])",
        r"(?P<bare>\d{1,3})[\s-]*(?:years?|yrs?|y\.?o\.?|j(?:ä|ae)hrig\w*)(?:[\s-]*(?:of age|olds?))?\b",
    )
)
_OLDEST: Final = 120
WIDE_MS: Final = 120.0
"""From here on a QRS complex is wide (Surawicz et al., AHA/ACCF/HRS part III, Circulation 2009;119:e235)."""


def bounds_in(text: str) -> Iterator[tuple[tuple[int, int], tuple[Bound, ...]]]:
    """Stretches of a text that limit a measurement, with the limits; stretches do not overlap.

    Without limits are those that cannot be told: "not between 40 and 50" is no one limit.
    """
    taken: list[tuple[int, int]] = []
    for name, pattern in _measured() if any(map(str.isdigit, text)) else ():
        for match in pattern.finditer(text):
            if _free(match.span(), taken):
                taken.append(match.span())
                yield match.span(), _limits(name, match)
    for match in _RATE.finditer(text):
        if _free(match.span(), taken):
            taken.append(match.span())
            yield match.span(), _limits("heart_rate_bpm", match)
    for match in _WIDTH.finditer(text):
        if _free(match.span(), taken):
            word = (match["adjective"] or match["predicate"]).lower()
            bound = Bound("qrs_ms", "<" if word.startswith(("narrow", "schmal")) else ">=", WIDE_MS)
            yield match.span(), (bound.opposite if match["negation"] else bound,)


def named_in(text: str, *, asked: bool = False) -> Iterator[tuple[tuple[int, int], str]]:
    """Stretches of a text that name a measurement, the first of each; stretches do not overlap.

    Args:
        text: Without what limits a measurement.
        asked: As questions name it: of the QRS complex or the axis much else can be asked.
    """
    taken: list[tuple[int, int]] = []
    for name, pattern in _names(asked):
        found = next((m.span() for m in pattern.finditer(text) if _free(m.span(), taken)), None)
        if found is not None:
            # What is named once may be named again: "QTc, the corrected QT" is one measurement.
            taken += [m.span() for m in pattern.finditer(text)]
            yield found, name


def ages_in(text: str) -> Iterator[tuple[tuple[int, int], tuple[Bound, ...]]]:
    """Stretches that limit the patient's age, in a text from which measurements were taken out; as :func:`bounds_in`."""
    taken: list[tuple[int, int]] = []
    for pattern in _AGES:
        for match in pattern.finditer(text):
            numbers = [
                float(v) for k, v in match.groupdict().items() if v and k in ("low", "high", "least", "value", "bare")
            ]
            if _free(match.span(), taken) and all(0 <= number <= _OLDEST for number in numbers):
                taken.append(match.span())
                yield match.span(), _limits("age", match)


def _limits(name: str, match: re.Match[str]) -> tuple[Bound, ...]:
    found = match.groupdict()
    scale = 1000.0 if name.endswith("_ms") and _SECONDS.search(match[0]) else 1.0
    if found.get("low"):
        if found.get("negation"):
            return ()
        low, high = sorted((_number(found["low"]) * scale, _number(found["high"]) * scale))
        return (Bound(name, ">=", low), Bound(name, "<=", high))
    if found.get("least"):
        up = found["after"].strip() == "+" or found["more"] is not None
        bound = Bound(name, ">=" if up else "<=", _number(found["least"]) * scale)
    elif found.get("bare"):
        value = _number(found["bare"])
        return (Bound(name, ">=", value), Bound(name, "<", value + 1))
    else:
        words = " ".join(found["operator"].lower().split())
        operator = next(op for pattern, op in OPERATORS if re.fullmatch(pattern, words))
        bound = Bound(name, operator, _number(found["value"]) * scale)
    return (bound.opposite if found.get("negation") else bound,)


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def _free(span: tuple[int, int], taken: list[tuple[int, int]]) -> bool:
    return all(span[1] <= first or last <= span[0] for first, last in taken)
