"""A query with what people leave out spelled out: short words, alternatives that share a name, misspelt words of the grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Final

from precordia.concepts import label_report, vocabulary
from precordia.retrieval.grammar.short_words import SHORT

_OF_THE_GRAMMAR: Final = frozenset(
    {
        *(
            "above",
            "below",
            "between",
            "without",
            "women",
            "female",
            "females",
            "older",
            "younger",
            "longer",
            "shorter",
        ),
        *("wider", "narrower", "faster", "slower", "greater", "larger", "higher", "lower", "under", "since", "before"),
        *(
            "atrial",
            "inferior",
            "anterior",
            "lateral",
            "bundle",
            "branch",
            "rhythm",
            "infarct",
            "elevation",
            "depression",
        ),
        *("longest", "shortest", "slowest", "fastest", "highest", "lowest", "oldest", "youngest"),
        *("left", "right"),
        *("after", "either", "neither", "excluding", "except", "patients", "exceeding"),
    }
)
_ALIKE: Final = 5
"""Letters that a kind begins with in English and in German: "complete" and "komplett", "ventricular" and "ventrikulär"."""
_OTHER: Final = frozenset(["sine", "oder", "blow", "bellow", "patents", "let", "lift", "fight", "night"])
"""Words of their own, a slip away from one of the grammar."""
_WORD: Final = re.compile(r"[^\W\d_]+")
_EITHER: Final = re.compile(
    r"(?P<one>[\w°-]+)(?:\s+(?:or|oder|versus|vs\.?)|(?P<denied>\s*,?\s*(?:(?:but|and|aber)\s+)?(?:not|nicht)))\s+(?P<other>[\w°-]+)"
    r"(?P<tail>(?:\s+[\w°-]+){0,3})",
    re.I,
)
_ELSEWHERE: Final = re.compile(
    r"\s*,?\s*\b(?:but\s+)?(?:not|nicht)\s+(?P<place>[^\W\d_]{4,})(?=\s*(?:$|[,;.?]|(?:in|bei|and|und)\b))", re.I
)
_BEHIND: Final = re.compile(
    r"(?P<name>[\w-]+(?:\s+[\w-]+){0,2}?)\s+(?:(?:is|are|ist|sind)\s+)?(?P<kind>[^\W\d_]{6,})(?=\s*(?:$|[?.,;]))", re.I
)
"""A kind behind what it is a kind of: "Is the RBBB complete?", "extra beats, are they ventricular?"."""
_BEFORE: Final = re.compile(r"(?P<name>[\w-]+(?:\s+[\w-]+){0,2})\s*[\s,:]\s*$")


def spelled_out(text: str) -> str:
    """The query, spelled out.

    >>> spelled_out("womn with first or second degree AV block w/o LBBB")
    'women with first degree AV block or second degree AV block without LBBB'
    >>> spelled_out("Is the RBBB complete or incomplete?")
    'Is the complete RBBB or incomplete RBBB?'
    """
    for pattern, words in SHORT:
        text = pattern.sub(words, text)
    text = _WORD.sub(lambda match: _meant(match[0]), text)
    return _kind_first(_apart(_ELSEWHERE.sub(lambda match: _not_there(match, text), text)))


def _kind_first(text: str) -> str:
    """A kind that stands behind a finding, before it, where the two name a more special one."""
    match = next((m for m in _BEHIND.finditer(text) if _is_kind(m["kind"])), None)
    for name in _endings(match["name"]) if match else ():
        kind = match["kind"] if match else ""
        general, special = _concepts(name), _concepts(f"{kind} {name}")
        narrower = len(general) == len(special) == 1 and general[0] in vocabulary().ancestors(special[0])
        if match and narrower and special != _concepts(f"{name} {kind}"):
            start = match.end("name") - len(name)
            return f"{text[:start]}{kind} {name}{text[match.end() :]}"
    return text


@cache
def _kinds() -> frozenset[str]:
    """Words that the names of more special findings begin with, by the letters that languages share."""
    return frozenset(
        concept.name.split()[0].lower().replace("k", "c")[:_ALIKE] for concept in vocabulary() if " " in concept.name
    )


def _is_kind(word: str) -> bool:
    return word.lower().replace("k", "c")[:_ALIKE] in _kinds()


def _not_there(match: re.Match[str], text: str) -> str:
    """ "Anterior infarct, not inferior" denies an infarct there."""
    infarct = f"{match['place']} infarction"
    places = not label_report(match["place"]) and _concepts(infarct) not in ((), _concepts("infarction"))
    about_one = any("MI" in vocabulary().ancestors(concept) for concept in _concepts(text[: match.start()]))
    return f", no {infarct}" if places and about_one else match[0]


def _apart(text: str) -> str:
    """Alternatives that share a name, each with the name."""
    for match in _EITHER.finditer(text):
        one, other, tail = match["one"], match["other"], match["tail"].split()
        if label_report(one):
            continue
        for n in range(len(tail), 0, -1):
            shared = " ".join(tail[:n])
            if _names_two(f"{one} {shared}", f"{other} {shared}", shared):
                end = match.start("tail") + len(" ".join(["", *tail[:n]]))
                joined = ", no" if match["denied"] else " or"
                return f"{text[: match.start()]}{one} {shared}{joined} {other} {shared}{text[end:]}"
        before = None if match["denied"] else _BEFORE.search(text[: match.start()])
        for name in _endings(before["name"]) if before else ():
            degree = " ".join(tail[:1]) if tail[:1] in (["degree"], ["grade"]) else ""
            first, second = (" ".join(filter(None, (word, degree, name))) for word in (one, other))
            if label_report(name) and _names_two(first, second, name):
                start = text[: match.start()].rindex(name)
                end = match.end("other") + (len(degree) + 1 if degree else 0)
                return f"{text[:start]}{first} or {second}{text[end:]}"
    return text


def _names_two(one: str, other: str, shared: str) -> bool:
    """Whether two names are of two findings, both more special than what they share."""
    named = [_concepts(words) for words in (one, other, shared)]
    return bool(named[0] and named[1]) and named[0] != named[1] and named[2] not in named[:2]


@lru_cache(maxsize=64)  # a query is spelled out twice, and a name stands in several pairs
def _concepts(words: str) -> tuple[str, ...]:
    return tuple(finding.concept for finding in label_report(words))


def _endings(words: str) -> Iterator[str]:
    parts = words.split()
    yield from (" ".join(parts[k:]) for k in range(len(parts)))


def _meant(word: str) -> str:
    """The word of the grammar from which one letter within is missing, too many or in its neighbour's place; else the word."""
    low = word.lower()
    known = _slips().get(low)
    if known is None and low not in _OF_THE_GRAMMAR:
        known = next((short for short in _shorter(low) if short in _OF_THE_GRAMMAR), None)
    return word if known is None or low in _OTHER or label_report(word) else known


@cache
def _slips() -> dict[str, str]:
    """Word with a letter missing or in its neighbour's place, to the word that is meant; none that could be two."""
    slips: dict[str, set[str]] = {}
    for known in _OF_THE_GRAMMAR:
        swapped = (known[:i] + known[i + 1] + known[i] + known[i + 2 :] for i in range(len(known) - 1))
        for slip in (*_shorter(known), *swapped):
            slips.setdefault(slip, set()).add(known)
    return {slip: known.pop() for slip, known in slips.items() if len(known) == 1 and slip not in _OF_THE_GRAMMAR}


def _shorter(word: str) -> Iterator[str]:
    """The word without one letter, its first and last kept: without the last "wider" is a word of its own."""
    yield from (word[:i] + word[i + 1 :] for i in range(1, len(word) - 1))
