"""Limits to measurements in words: "QTc over 500", "rate between 40 and 50", "QRS not between 100 and 120", "wide QRS"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from precordia.retrieval.grammar.understood import Bound, Groups, Operator


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


_RR: Final = r"(?:r-?r[\s-]*(?:intervals?|intervalle?|abst(?:a|ä)nde?)|r-?r)"
MEASURES: Final = (
    Named(
        "qtc_fridericia_ms",
        r"(?:qt[\s-]?c(?:[\s-]+interval)?(?: by| after| according to| nach)?[\s-]+\(?fridericia"
        r"|fridericia(?:[\s-]+qt[\s-]?c)?|qt[\s-]?cf(?:ri)?)\b\)?",
    ),
    Named(
        "qtc_ms",
        r"qt[\s-]?cb?(?:[\s-]+(?:interval|time|zeit|intervall|duration))?|corrected qt(?:[\s-]+interval)?"
        r"|qt[\s-]+corrected(?:[\s-]+interval)?|korrigierte qt(?:[\s-]?zeit)?",
    ),
    Named("qt_ms", r"qt(?:[\s-]*(?:interval|intervall|zeit|time|duration))?"),
    Named("pr_ms", r"(?:pr|pq)(?:[\s-]*(?:interval|intervall|zeit|time|duration))?|(?:ü|ue)berleitungszeit"),
    Named(
        "qrs_ms",
        r"qrs(?:[\s-]*(?:duration|width|complex(?:es)?|komplex\w*|interval|breite|dauer))?",
        # Of the complex much else can be asked than its width.
        r"qrs[\s-]*(?:duration|width|complex(?:es)? (?:duration|width)|interval|breite|dauer)"
        r"|how many (?:ms|milliseconds) (?:is|are|does) the qrs|how (?:wide|broad)|wie breit|how long (?:is|are|was"
        r"|were)(?: the)? qrs|wie lang (?:ist|sind)(?: der| die)? qrs"
        r"|qrs\b[^.?]{0,20}\b(?:wide[nr]?\w*|broad\w*|narrow\w*|lengthen\w*|chang\w*|prolonged|normal|abnormal|breit\w*|schmal\w*|verbreitert|verl(?:ä|ae)ngert)"
        r"|(?:wide|broad|narrow|breite\w*|schmale\w*)[\s-]+(?:qrs|complex(?:es)?|komplex\w*)(?![\s-]*ta[ck]h?y)",
    ),
    Named(
        "p_ms",
        r"p[\s-]*(?:wave\s*)?(?:duration|width|dauer)|p[\s-]?wellen[\s-]?dauer",
        r"p[\s-]*(?:wave\s*)?(?:duration|width|dauer)|p[\s-]?wellen[\s-]?dauer|p[\s-]?waves? (?:normal|abnormal|wide|long)",
    ),
    # Measured, but no column of the case table: they can be asked for, and limit no search.
    Named("rr_max_ms", r"(?!)", rf"(?:longest|max(?:imum|imal)?|l(?:ä|ae)ngste[rs]?)\s+{_RR}"),
    Named("rr_min_ms", r"(?!)", rf"(?:shortest|min(?:imum|imal)?|k(?:ü|ue)rzeste[rs]?)\s+{_RR}"),
    Named("rr_ms", rf"{_RR}"),
    Named(
        "heart_rate_bpm",
        r"(?:heart|ventricular|pulse|heartbeat)[\s-]*(?:rate|frequency)s?|heart[\s-]?beats?|herz[\s-]?frequenz|frequenz|hr|hf|pulse|puls"
        r"|(?<!atrial )rate",
        r"(?:heart|ventricular|pulse)[\s-]*rates?|herz[\s-]?frequenz|frequenz|hr|hf|pulse|puls|(?<!atrial )rate"
        r"|how (?:fast|slow|many (?:heart)?beats)|ventricular response|beats per minute|wie (?:schnell|langsam)|schl(?:ä"
        r"|ae)ge pro minute"
        r"|(?:faster|slower|schneller|langsamer) (?:now|than|als|geworden)",
    ),
    Named("p_rate_bpm", r"(?!)", r"atrial[\s-]*(?:rate|frequency)|p[\s-]?wave rate|vorhof[\s-]?frequenz"),
    Named(
        "axis_deg",
        r"(?:(?:qrs|heart|electrical|cardiac)\s+)?axis",
        r"(?:(?:qrs|heart|electrical|cardiac)\s+)?ax[ie]s(?!\s*deviation)|lagetyp|herzachse",
    ),
)
"""Names of measurements as people write them, the more special first: what one takes, no other names."""

OPERATORS: Final[tuple[tuple[str, Operator], ...]] = (
    (
        r">=|≥|=>|at least|no less than|not (?:below|under|(?:less|shorter|narrower|slower|lower|younger) than)|mindestens|from|ab",
        ">=",
    ),
    (
        r"<=|≤|=<|at most|no more than|up to|h(?:ö|oe)chstens|bis zu"
        r"|not (?:above|over|(?:more|longer|wider|broader|faster|higher|greater|larger|older) than)",
        "<=",
    ),
    (
        r">|over|above|more than|exceed(?:s|ing)?|(?:great|long|fast|wid|broad|high|larg|old|bigg)er than|(?:great"
        r"|larg)er|beyond|past"
        r"|(?:ü|ue)ber|mehr als|(?:l(?:ä|ae)ng|gr(?:ö|oe)(?:ß|ss)|(?:ä|ae)lt|h(?:ö|oe)h|schnell|breit)er(?: als)?",
        ">",
    ),
    (
        r"<|below|under|(?:less|fewer) than|(?:short|slow|narrow|low|young|small)er than"
        r"|unter|weniger als|(?:k(?:ü|ue)rz|niedrig|langsam|j(?:ü|ue)ng|schmal|klein)er(?: als)?",
        "<",
    ),
)
OPERATOR: Final = "|".join(pattern for pattern, _ in OPERATORS)
_NUMBER: Final = r"-?\d+(?:[.,]\d+)?"
_PER_MINUTE: Final = r"(?:bpm|beats\s*(?:per|a|/)\s*min(?:ute)?|/\s*min|per minute|pro minute)"
_UNIT: Final = rf"(?:\s*(?:milliseconds?|msec|ms|{_PER_MINUTE}|s\b|sec(?:onds?)?|degrees?|°|grad))?"
_SECONDS: Final = re.compile(r"\d\s*(?:s|sec|seconds?)\b", re.I)
_BARE: Final = re.compile(r"\b\d[.,]\d+\b(?!\s*m)", re.I)
_LONGEST_S: Final = 3.0
_FILL: Final = (
    r"(?:\s+(?:is|are|was|were|of|the|a|ist|liegt|von|being|be|that|which|measur(?:es|ing)|value|to|(?:dropp?|fall|stay|go|rise|climb|remain|get|run)(?:e?s|ed|ing)?|bleibt|sinkt|f(?:ä|ae)llt|steigt|lies|within|inside|in|range|"
    r"innerhalb))*\s*[:=]?\s*"
)
_OUTSIDE: Final = (
    r"(?P<outside>(?:not(?:\s+(?:in|within|inside))?|nicht(?:\s+(?:in|innerhalb))?|outside(?:\s+of)?|out of"
    r"|au(?:ß|ss)erhalb(?:\s+von)?)\s+(?:the\s+range\s+(?:of\s+)?)?)?"
)
AFTER: Final = (
    r"(?:\s*\+|\s+(?:or|and|oder|und)\s+(?P<more>more|above|over|longer|higher|greater|faster|older|wider|mehr|l(?:ä|ae)nger|h(?:ö|oe)her|(?:ä|ae)lter|dar(?:ü|ue)ber)"
    r"|\s+(?:or|and|oder|und)\s+(?:less|below|under|shorter|lower|slower|younger|narrower|weniger|k(?:ü|ue)rzer|niedriger|j(?:ü|ue)nger))(?!\s*\d)"
)
TO: Final = r"(?:-(?=\s))?\s*(?:-|–|and|to|und|bis)\s*"
_RANGE: Final = rf"(?:(?:between|from|zwischen|von)\s+)?(?P<low>{_NUMBER}){_UNIT}{TO}(?P<high>{_NUMBER}){_UNIT}"
_LIMIT: Final = rf"(?P<operator>{OPERATOR})\s*(?P<value>{_NUMBER}){_UNIT}"
_JOINED: Final = r"\s*,?\s*\b(?P<join>and|but|or|und|aber|oder)\s+"
_SECOND: Final = rf"(?P<operator2>{OPERATOR})\s*(?P<value2>{_NUMBER})(?!\s*(?:y|j(?:ah|ä|ae))){_UNIT}"
"""A second limit to the same measurement, whose name may stand before it once more."""
_SUFFIX: Final = rf"(?P<least>{_NUMBER}){_UNIT}(?P<after>{AFTER})"
_NEAR: Final = (
    r"(?<!in )(?:exactly|equal to|around|about|approx\w*|circa|ca\.?|roughly|genau|etwa|rund|~)?\s*"
    rf"(?P<near>\d{{2,3}}(?:[.,]\d+)?){_UNIT}(?:\s?ish)?(?!\s*(?:leads?|y|j(?:ah|ä|ae)))"
)
"""A number alone."""
_DECADES: Final = r"(?<=in the )(?P<decade>\d{1,2}0)['’]?s\b"
NEAR: Final = 0.05
"""How far, as a share of it, a number may lie from one that is named alone: nobody measures to the millisecond."""
NOT: Final = r"(?P<negation>\b(?:no|not|without|kein\w*|ohne|nicht)\s+(?:a\s+|an\s+|the\s+|any\s+)?)?"


@lru_cache(maxsize=1)
def _measured() -> list[tuple[str, re.Pattern[str]]]:
    """Measures with a limit; read with the first query that holds a number, since compiling them takes as long as a search."""
    return [
        (
            named.measure,
            re.compile(
                rf"{NOT}\b(?:{named.words})\b{_FILL}{_OUTSIDE}(?:{_DECADES}|{_RANGE}|{_SUFFIX}|{_LIMIT}"
                rf"(?:{_JOINED}(?:(?:{named.words})\b{_FILL})?{_SECOND})?|{_NEAR})(?![\w.])",
                re.I,
            ),
        )
        for named in MEASURES
    ]


@lru_cache(maxsize=2)
def _names(asked: bool) -> list[tuple[str, re.Pattern[str]]]:
    """Measures by their names, as they are asked for or as they stand anywhere."""
    words = [(named.measure, (asked and named.asked) or named.words) for named in MEASURES]
    return [(measure, re.compile(rf"\b(?:{names})\b", re.I)) for measure, names in words]


_RATE: Final = re.compile(rf"{NOT}(?P<operator>{OPERATOR})\s*(?P<value>\d+)\s*{_PER_MINUTE}(?!\w)", re.I)
_OF_A_RATE: Final = re.compile(
    r"\b(?:bradycardi\w*|bradykard\w*|brady)\s+(?:of\s+|at\s+)?(?P<operator>below|under|<|less than"
    r"|unter)\s*(?P<value>[2-6]\d)(?![\w.])"
    r"|\b(?:tachycardi\w*|tachykard\w*|tachy)\s+(?:of\s+|at\s+)?(?P<operator2>above|over|>|more than|(?:ü"
    r"|ue)ber)\s*(?P<value2>\d{3})(?![\w.])",
    re.I,
)
"""A number behind a finding of the rate is one of the rate, where it can be."""
_WIDTH: Final = re.compile(
    rf"{NOT}(?:\b(?P<adjective>wide|broad|widened|breite\w*|narrow|schmale\w*)[\s-]+(?:qrs(?:[\s-]*(?:complex(?:es)?|komplex\w*))?"
    r"|complex(?:es)?|kammerkomplex\w*)\b(?![\s-]*(?:complex\s+)?(?:ta[ck]h?y|rhythm))"
    r"|\b(?:qrs(?:[\s-]*(?:complex(?:es)?|komplex\w*|duration))?|kammerkomplexe?)\s+(?:is\s+|are\s+|ist\s+|sind\s+)?"
    r"(?P<predicate>wide|broad|widened|narrow|breit|verbreitert|schmal)\b)",
    re.I,
)
_SIZE: Final = re.compile(
    rf"(?:(?P<operator>{OPERATOR})\s*)?(?<![\d.,])(?P<value>\d+(?:[.,]\d+)?)\s*(?P<unit>mm|mv|millimet(?:er|re)s?|millivolts?)\b(?!\s*/)",
    re.I,
)
_MILLIMETRES: Final = ("mm", "millimeter", "millimeters", "millimetre", "millimetres")
_MV_PER_MM: Final = 0.1
"""Of paper at 10 mm/mV."""
_DECADE: Final = 10
WIDE_MS: Final = 120.0
"""From here on a QRS complex is wide (Surawicz et al., AHA/ACCF/HRS part III, Circulation 2009;119:e235)."""


def bounds_in(text: str) -> Iterator[tuple[tuple[int, int], Groups]]:
    """Stretches of a text that limit a measurement, with the limits; stretches do not overlap."""
    taken: list[tuple[int, int]] = []
    for name, pattern in _measured() if any(map(str.isdigit, text)) else ():
        for match in pattern.finditer(text):
            if is_free(match.span(), taken):
                taken.append(match.span())
                yield match.span(), limits(name, match)
    for match in _RATE.finditer(text):
        if is_free(match.span(), taken):
            taken.append(match.span())
            yield match.span(), limits("heart_rate_bpm", match)
    for match in _OF_A_RATE.finditer(text):
        which = "" if match["operator"] else "2"
        span = (match.start(f"operator{which}"), match.end(f"value{which}"))
        if is_free(span, taken):
            taken.append(span)
            yield span, (_limit("heart_rate_bpm", match[f"operator{which}"], match[f"value{which}"], 1.0),)
    for match in _WIDTH.finditer(text):
        if is_free(match.span(), taken):
            word = (match["adjective"] or match["predicate"]).lower()
            bound = Bound("qrs_ms", "<" if word.startswith(("narrow", "schmal")) else ">=", WIDE_MS)
            yield match.span(), ((bound.opposite if match["negation"] else bound,),)


def named_in(text: str, *, asked: bool = False) -> Iterator[tuple[tuple[int, int], str]]:
    """Stretches of a text that name a measurement, the first of each; stretches do not overlap.

    Args:
        text: Without what limits a measurement.
        asked: As questions name it: of the QRS complex or the axis much else can be asked.
    """
    taken: list[tuple[int, int]] = []
    for name, pattern in _names(asked):
        found = next((m.span() for m in pattern.finditer(text) if is_free(m.span(), taken)), None)
        if found is not None:
            # What is named once may be named again: "QTc, the corrected QT" is one measurement.
            taken += [m.span() for m in pattern.finditer(text)]
            yield found, name


def size_in(text: str) -> float | None:
    """The least height or depth of a wave that a text names, mV; None where it names none, or a greatest.

    >>> size_in("ST elevation of at least 2 mm"), size_in("0,15 mV ST depression"), size_in("ST elevation below 1 mm")
    (0.2, 0.15, None)
    """
    match = _SIZE.search(text)
    if match is None or (match["operator"] and _limit("", match["operator"], "0", 1.0)[0].operator in ("<", "<=")):
        return None
    return round(_number(match["value"]) * (_MV_PER_MM if match["unit"].lower() in _MILLIMETRES else 1.0), 3)


def limits(name: str, match: re.Match[str]) -> Groups:
    """The limits that a match of a limit's pattern says."""
    found = match.groupdict()
    scale = 1000.0 if name.endswith("_ms") and _in_seconds(match[0]) else 1.0
    if found.get("low"):
        low, high = sorted((_number(found["low"]) * scale, _number(found["high"]) * scale))
        said: Groups = ((Bound(name, ">=", low),), (Bound(name, "<=", high),))
    elif found.get("least"):
        up = found["after"].strip() == "+" or found["more"] is not None
        said = ((Bound(name, ">=" if up else "<=", _number(found["least"]) * scale),),)
    elif found.get("near"):
        value = _number(found["near"]) * scale
        said = ((Bound(name, ">=", value * (1 - NEAR)),), (Bound(name, "<=", value * (1 + NEAR)),))
    elif found.get("bare") or found.get("decade"):
        value, width = (_number(found["bare"]), 1) if found.get("bare") else (_number(found["decade"]), _DECADE)
        said = ((Bound(name, ">=", value),), (Bound(name, "<", value + width),))
    else:
        said = (_limit(name, found["operator"], found["value"], scale),)
        if found.get("join"):
            second = _limit(name, found["operator2"], found["value2"], scale)
            said = ((*said[0], *second),) if found["join"].lower() in ("or", "oder") else (*said, second)
    return _denied(said) if found.get("negation") or found.get("outside") else said


def _limit(name: str, words: str, value: str, scale: float) -> tuple[Bound, ...]:
    words = " ".join(words.lower().split())
    operator = next(op for pattern, op in OPERATORS if re.fullmatch(pattern, words))
    return (Bound(name, operator, _number(value) * scale),)


def _in_seconds(words: str) -> bool:
    """Whether a limit to an interval is one in seconds: by its unit, or, without one, because no interval is as short in ms."""
    bare = _BARE.search(words)
    return _SECONDS.search(words) is not None or (bare is not None and _number(bare[0]) < _LONGEST_S)


def _denied(groups: Groups) -> Groups:
    """Not in a range is below or above it; neither below nor above is in it."""
    if len(groups) > 1:
        return (tuple(bound.opposite for group in groups for bound in group),)
    return tuple((bound.opposite,) for bound in groups[0])


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def is_free(span: tuple[int, int], taken: list[tuple[int, int]]) -> bool:
    """Whether a stretch overlaps none of others."""
    return all(span[1] <= first or last <= span[0] for first, last in taken)
