"""The patient's age in words: "women over 60", "men in their 40s", "not between 30 and 50", "aged 54"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from precordia.retrieval.grammar.numbers import AFTER, NOT, OPERATOR, TO, is_free, limits
from precordia.retrieval.grammar.understood import Groups

_AGED: Final = (
    r"(?:\s*[-–]?\s*(?:years?|yrs?|y[./]?o\.?|y\b|jahre?n?|j\.|j(?:ä|ae)hrig\w*)(?:[\s-]*(?:of age|olds?|alt))?)?"
)
_AGE: Final = r"(?:\b(?:age[ds]?|alter)\s*(?:is|of|from|von)?\s*)?"
_SINCE: Final = r"(?<!last )(?<!past )(?<!previous )(?<!letzten )(?<!for )"
"""Years that are a stretch of time and nobody's age."""
_UNIT: Final = (
    r"\s?(?:%|mm|mv|mm?ol|m[glm]|[cµ]m|k?g\b|[np]g|percent|prozent|millim|milliv"
    r"|s\b|se[ck]|h\b|hours?|stunden?|min|days?|tage?|weeks?|wochen?|months?|monate?)"
)
"""Behind a number that is nobody's age."""
_OF: Final = "|".join(
    rf"(?<=\b{word} )"
    for word in (
        "men",
        "women",
        "male",
        "males",
        "female",
        "females",
        "man",
        "woman",
        "ladies",
        "patients",
        "frauen",
        "männer",
    )
)
"""Whose age a bare range is."""
_SECOND: Final = (
    rf"(?:\s*,?\s*(?P<join>and|but|or|und|aber|oder)\s+(?P<operator2>{OPERATOR})\s*(?P<value2>\d{{1,3}}){_AGED}(?!\w))?"
)
_AGES: Final = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"{NOT}{_AGE}(?:between|zwischen|aged?|from|von)\s+(?P<low>\d{{1,3}}){TO}(?P<high>\d{{1,3}}){_AGED}(?!\w)",
        rf"(?:{_OF})(?P<low>\d{{1,3}}){TO}(?P<high>\d{{1,3}}){_AGED}(?!\w)",
        rf"{NOT}{_AGE}\b(?P<low>\d{{1,3}}){TO}(?P<high>\d{{1,3}})[\s-]*"
        rf"(?:years?|yrs?|y[./]?o\b|jahre?n?|j(?:ä|ae)hrig\w*){_AGED}(?!\w)",
        rf"{NOT}{_AGE}(?P<least>\d{{1,3}}){_AGED}(?P<after>{AFTER})",
        rf"{NOT}{_AGE}(?P<operator>{OPERATOR})\s*(?:the age of\s+)?(?P<value>\d{{1,3}}){_AGED}(?!{_UNIT}|[\w.]){_SECOND}",
        r"(?:(?<=man, )|(?<=male, )|(?<=mann, )|(?<=frau, )|(?<=patientin, )|(?<=patient, ))"
        r"(?P<bare>\d{1,3})(?:\s*j\b\.?)?(?=\s*(?:,|$))",
        rf"{NOT}\b(?:in\s+)?(?:(?:their|his|her|the|den|ihren)\s+)?(?P<decade>\d?\d0)\s?['’]?(?:s|ern?)\b",
        rf"{_SINCE}\b(?P<bare>\d{{1,3}})[\s-]*(?:years?|yrs?|y[./]?o\.?|j(?:ä|ae)hrig\w*)(?:[\s-]*(?:of age|olds?))?\b",
        r"\bage[ds]?\s+(?P<bare>\d{1,3})(?![\w.])",
    )
)
_ANOTHER: Final = re.compile(
    rf"\s*,?\s*(?:or|oder)\s+(?P<low>\d{{1,3}}){TO}(?P<high>\d{{1,3}}){_AGED}(?!{_UNIT}|[\w.])", re.I
)
"""A second range, which leaves to the first of what it is one."""
_OLDEST: Final = 120
_NUMBERS: Final = ("low", "high", "least", "value", "value2", "bare", "decade")


def ages_in(text: str) -> Iterator[tuple[tuple[int, int], Groups]]:
    """Stretches that limit the patient's age, in a text from which measurements were taken out; as :func:`bounds_in`."""
    taken: list[tuple[int, int]] = []
    for pattern in _AGES:
        for match in pattern.finditer(text):
            numbers = [float(value) for name, value in match.groupdict().items() if value and name in _NUMBERS]
            if is_free(match.span(), taken) and all(0 <= number <= _OLDEST for number in numbers):
                taken.append(match.span())
                yield match.span(), limits("age", match)
                another = _ANOTHER.match(text, match.end()) if match.groupdict().get("high") else None
                if another is not None:
                    span = (another.start("low"), another.end())
                    taken.append(span)
                    yield span, limits("age", another)
