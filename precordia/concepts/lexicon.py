"""Words of reports: how text becomes tokens, and the trie of every wording in the tables of ``data/``.

A token is folded (lower case, umlauts and their spellings alike) and loses its inflection, so that "inferiorer",
"inferiore" and "inferior" are one word; wordings in the tables go through the same function.

Wording in a table: ``a b; c d`` two phrases, ``(a|b)`` one of, ``[a]`` optional.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from functools import cache, cached_property, lru_cache
from typing import Any, NamedTuple

from precordia.concepts.terms import read_table, vocabulary
from precordia.concepts.territories import regional_findings

LEAF = ""
"""Key of a trie node under which its entry stands."""

TOKEN = re.compile(
    r"(?P<chest>(?:in)?v\s?[1-6](?![\d\w])(?:\s{0,2}(?:-|–|,|\+|/|&|bis|und|and|to)\s{0,2}v?\s?[1-6](?![\d\w]))*)"
    r"|(?P<word>#?[^\W\d_]+(?:#[^\W\d_]+)*)"
    r"|(?P<number>\d+(?:[.,]\d+)*)"
    r"|(?P<mark>[.,;:!?&/+<>=])",
    re.IGNORECASE,
)
"""``f#r`` and ``#bergang``: some PTB-XL reports lost their umlauts to a number sign."""

_FOLD = str.maketrans(
    {"ä": "a", "ö": "o", "ü": "u", "ß": "ss", "å": "a", "é": "e", "è": "e", "#": "u", "æ": "a", "ø": "o"}
)
_SPELLED = re.compile(r"ae|oe|ue(?!nz)|aa")
_INFLECTED = ("moeglich", "wahrscheinlich", "fraglich")
_ENDINGS = ("em", "en", "er", "es", "e", "s", "n")
_MIN_STEM = 4
_SHORT = 3
"""Words no longer than this are abbreviations (LAE), in which "ae" is no umlaut."""
_FUZZY_LENGTH = 6
_LONGEST = 40
"""No word of a report is longer; a longer one is not looked up as a misspelling."""
_CACHE_LIMIT = 50_000


class Entry(NamedTuple):
    """What a wording stands for: kind ("concept", "territory", "negation", ...), value, and side for cues."""

    kind: str
    value: str
    side: str = ""


def fold(word: str) -> str:
    """A word in lower case with umlauts, their two-letter spellings and the sz alike."""
    lower = word.lower().translate(_FOLD)
    return _SPELLED.sub(lambda m: m.group()[0], lower) if len(lower) > _SHORT else lower


def stem(word: str) -> str:
    """A folded word without its inflection; at least four letters stay."""
    folded = fold(word)
    if folded in _codes():
        return folded
    for kept in _KEPT:
        if folded.startswith(kept):
            return kept if folded == kept else (kept + "e" if folded[len(kept) :] in _ENDINGS else folded)
    while len(folded) > _MIN_STEM:
        for ending in _ENDINGS:
            if folded.endswith(ending) and len(folded) - len(ending) >= _MIN_STEM:
                folded = folded[: -len(ending)]
                break
        else:
            return folded
    return folded


@cache
def _stems_in_table(piece: str) -> tuple[str, ...]:
    """The stemmed tokens of a piece of a wording; the same few stand in tens of thousands of phrases."""
    return tuple(stem(m.group()) for m in TOKEN.finditer(piece))


_KEPT = tuple(_SPELLED.sub(lambda m: m.group()[0], w) for w in _INFLECTED)
"""Words whose inflection tells on which side the finding stands ("infarkt möglich", "möglicher infarkt")."""


@lru_cache(maxsize=1)
def _codes() -> frozenset[str]:
    """SCP-ECG codes in lower case: ISCAS and ISCAN must not lose their ends."""
    return frozenset(code.lower().strip("_") for concept in vocabulary() for code in concept.codes.get("scp", ()))


def expand(wording: str) -> Iterator[tuple[str, ...]]:
    """Every phrase of a wording, as stemmed tokens.

    >>> sorted(expand("st (segment|) depression [s]"))
    [('st', 'depressio'), ('st', 'depressio', 's'), ('st', 'segment', 'depressio'), ('st', 'segment', 'depressio', 's')]
    """
    for part in _split(wording, ";"):
        yield from filter(None, _phrases(part))


def _split(text: str, mark: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for i, ch in enumerate(text):
        depth += (ch in "([") - (ch in ")]")
        if ch == mark and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [*parts, text[start:]]


def _phrases(text: str) -> list[tuple[str, ...]]:
    """The phrases of one wording: what stands before the first bracket, each of its options, each end that may follow."""
    opening = next((i for i, ch in enumerate(text) if ch in "(["), None)
    if opening is None:
        return [_stems_in_table(text)]
    depth = 0
    for closing in range(opening, len(text)):
        depth += (text[closing] in "([") - (text[closing] in ")]")
        if depth == 0:
            break
    inner = text[opening + 1 : closing]
    options = [phrase for part in _split(inner, "|") for phrase in _phrases(part)]
    if text[opening] == "[":
        options.append(())
    head, tails = _stems_in_table(text[:opening]), _phrases(text[closing + 1 :])
    return [(*head, *option, *tail) for option in options for tail in tails]


class Lexicon:
    """The trie of wordings, and the normal form of any word.

    Attributes:
        trie: Nested mappings from token to node; an entry stands under :data:`LEAF`.
    """

    def __init__(self) -> None:
        self.trie: dict[str, Any] = {}
        self._uses: Counter[str] = Counter()
        self._normal: dict[str, str] = {}

    def add(self, wording: str, entry: Entry) -> None:
        """Add every phrase of a wording; the first entry of a phrase stays."""
        for tokens in expand(wording):
            node = self.trie
            for token in tokens:
                node = node.setdefault(token, {})
            node.setdefault(LEAF, entry)
            self._uses.update(tokens)

    @cached_property
    def _shortened(self) -> dict[str, set[str]]:
        """What is left of each word without one letter, to find misspellings by: made with the first of them."""
        out: dict[str, set[str]] = {}
        for word in self._uses:
            if len(word) >= _FUZZY_LENGTH - 1:
                for shorter in _deletions(word):
                    out.setdefault(shorter, set()).add(word)
        return out

    @cached_property
    def _in_order(self) -> list[str]:
        return sorted(self._uses)

    def normal(self, word: str) -> str:
        """The token of a word: its stem, or the one known word that a single misspelling is away from it."""
        known = self._normal.get(word)
        if known is None:
            known = stem(word)
            if known not in self._uses and _FUZZY_LENGTH <= len(known) <= _LONGEST:
                known = self._nearest(known)
            if len(self._normal) >= _CACHE_LIMIT:
                self._normal.clear()
            self._normal[word] = known
        return known

    def complete(self, word: str) -> str:
        """The token of a word cut off at the end of a text, where only one known word begins so."""
        token = stem(word)
        if token in self._uses or len(token) < _FUZZY_LENGTH:
            return self.normal(word)
        folded = fold(word)
        at = bisect_left(self._in_order, folded)
        begin_so = [known for known in self._in_order[at : at + 2] if known.startswith(folded)]
        return begin_so[0] if len(begin_so) == 1 else self.normal(word)

    def knows(self, token: str) -> bool:
        """Whether a token is part of any wording."""
        return token in self._uses

    def _nearest(self, token: str) -> str:
        candidates = set(self._shortened.get(token, ()))
        for shorter in _deletions(token):
            if shorter in self._uses:
                candidates.add(shorter)
            candidates.update(self._shortened.get(shorter, ()))
        # Misspellings that reports are full of are wordings of their own: what is near to them is the word that they stand for.
        likely = max(sorted(candidates), key=self._uses.__getitem__, default=token)
        return likely if all(_is_slip(likely, other) for other in candidates - {likely}) else token


def _is_slip(word: str, other: str) -> bool:
    """Whether one letter that is missing, too many or another tells two words apart."""
    return bool(({word} | _deletions(word)) & ({other} | _deletions(other)))


def _deletions(word: str) -> set[str]:
    return {word[:i] + word[i + 1 :] for i in range(len(word))}


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The lexicon of the tables that ship with Precordia."""
    result = Lexicon()
    for row in read_table("wording.tsv"):
        result.add(row["wording"], Entry("concept", row["concept"], row["status"] or ""))
    regional = set(regional_findings().values())
    for concept in vocabulary():
        if concept.id not in regional:
            result.add(re.sub(r"[()\[\]|;]", " ", concept.name), Entry("concept", concept.id))
        for code in concept.codes.get("scp", ()):
            if len(code.strip("_")) >= _MIN_STEM - 1 and code.strip("_").isalnum():
                result.add(code.strip("_"), Entry("concept", concept.id))
    for row in read_table("cues.tsv"):
        if row["kind"] in ("negation", "uncertain", "sequel", "general"):
            result.add(row["wording"], Entry(row["kind"], row["kind"], row["value"]))
        elif row["kind"] != "abbreviation":
            result.add(row["wording"], Entry(row["kind"], row["value"]))
    return result
