"""The order that a superlative asks for: "longest QTc", "slowest heart rate", "oldest patient", "most recent", "sorted by age"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from precordia.retrieval.grammar.numbers import named_in
from precordia.retrieval.grammar.understood import Order

_MOST: Final = (
    r"longest|top\s+\d+|highest|fastest|widest|broadest|largest|greatest|biggest|maxim(?:um|al)|l(?:ä|ae)ngste[nrsm]?|h(?:ö|oe)chste[nrsm]?"
    r"|schnellste[nrsm]?|breiteste[nrsm]?|gr(?:ö|oe)(?:ß|ss)te[nrsm]?|maximale[nrsm]?"
)
_LEAST: Final = (
    r"shortest|lowest|slowest|narrowest|smallest|minim(?:um|al)|k(?:ü|ue)rzeste[nrsm]?|niedrigste[nrsm]?|langsamste[nrsm]?"
    r"|schmalste[nrsm]?|kleinste[nrsm]?|minimale[nrsm]?"
)
_OLD: Final = r"oldest|(?:ä|ae)lteste[nrsm]?"
_YOUNG: Final = r"youngest|j(?:ü|ue)ngste[nrsm]?"
_LATE: Final = (
    r"most recent|newest|latest|neu(?:e)?ste[nrsm]?"
    r"|(?<!since )(?<!than )(?<!the )(?<!to )(?<!from )(?<!with )(?<!as )(?:last|letzte[nrsm]?)(?:\s+\d+)?"
    r"(?=\s+(?:ecg|ekg|recording|tracing)s?\b)"
)
_EARLY: Final = r"earliest|fr(?:ü|ue)he?ste[nrsm]?"
_SUPERLATIVE: Final = re.compile(
    rf"\b(?:(?P<most>{_MOST})|(?P<least>{_LEAST})|(?P<old>{_OLD})|(?P<young>{_YOUNG})|(?P<late>{_LATE})|(?P<early>{_EARLY})"
    r"|(?:(?:sort(?:ed|iert)?|order(?:ed)?|ranked|geordnet)\s+(?:by|nach)|nach(?=\s+\S+\s+(?:sortiert|geordnet)\b))(?P<up>\s+(?:ascending|increasing|aufsteigend\w*))?)(?!\w)",
    re.I,
)
_OF_ITSELF: Final = (
    (re.compile(r"fast|slow|schnell|langsam", re.I), "heart_rate_bpm"),
    (re.compile(r"wid|broad|narrow|breit|schmal", re.I), "qrs_ms"),
)
"""What an adjective is about where no measurement follows it."""
_RECORDING: Final = re.compile(r"\W*(?:ecgs?|ekgs?|recordings?|tracings?|aufzeichnung\w*)\b", re.I)
_BY: Final = (
    (re.compile(r"\W*(?:the\s+)?(?:age|alter)\b", re.I), "age"),
    (re.compile(r"\W*(?:the\s+)?(?:date|time|day|datum|zeit)\b", re.I), "time"),
)
_NEAR: Final = 20
"""Characters between an adjective and the measurement that it is said of."""


def orders_in(text: str) -> Iterator[tuple[tuple[int, int], Order]]:
    """Stretches of a text that ask for an order, without the name of the measurement, with the order.

    >>> [order for _, order in orders_in("longest QTc in women")]
    [Order(measure='qtc_ms', highest=True)]
    """
    for match in _SUPERLATIVE.finditer(text):
        behind = text[match.end() :]
        said = match.lastgroup
        if said in ("old", "young"):
            is_time = _RECORDING.match(behind) is not None
            yield match.span(), Order("time" if is_time else "age", (said == "old") is not is_time)
        elif said in ("late", "early"):
            yield match.span(), Order("time", said == "late")
        else:
            measure, end = _measure(match[0], behind, by=said in (None, "up"))
            if measure is not None:
                yield (match.start(), match.end() + end), Order(measure, said not in ("least", "up"))


def _measure(words: str, behind: str, *, by: bool) -> tuple[str | None, int]:
    """What is ordered by, and how far behind the words that is to be taken out with them."""
    for pattern, name in _BY if by else ():
        match = pattern.match(behind)
        if match is not None:
            return name, match.end()
    named = min(((span[0], name) for span, name in named_in(behind)), default=(_NEAR, None))
    if named[0] < _NEAR and "," not in behind[: named[0]]:
        return named[1], 0
    return next((name for pattern, name in _OF_ITSELF if pattern.match(words)), None), 0
