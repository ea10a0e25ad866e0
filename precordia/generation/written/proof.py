"""What a sentence says word for word: its findings, its numbers, and whether anything else is left over.

The labeller reads findings out of any prose, and passes over what it does not know. Who is to keep a sentence as it was
written needs the opposite as well: that nothing was passed over. A sentence is *whole* when each of its words is a word of a
finding that was read from it, of a qualifier that such a finding carries, of a number with its name and unit, or one of a
few dozen that link them (``linking_words.txt``). Nothing needs to be known of what it must not hold.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby, pairwise
from pathlib import Path
from typing import Final, Literal

from precordia.concepts.known_words import unknown_stretches
from precordia.concepts.lexicon import TOKEN, stem
from precordia.concepts.reading import read_items
from precordia.concepts.scanning import Item, scan
from precordia.concepts.territories import base_of
from precordia.core.findings import Finding
from precordia.generation.written.stated import StatedNumber, stated_numbers

Particle = Literal["", "yes", "no"]
Key = tuple[str, str, str | None, str | None, str | None]

MAX_CHARS: Final = 240
"""A longer sentence is no sentence of a report."""
LINKS_A_FINDING: Final = 5
"""Most linking words for each finding or number: prose, not a string of them."""

_WRITTEN: Final = re.compile(r"[A-Za-zÄÖÜäöüß0-9 .,:;()/°+−–-]*")
_BETWEEN: Final = re.compile(r"(?:[\s()]|(?<=\s)[−–-](?=\s))*")
"""What may stand between two words: a dash only with blanks beside it, for "in-complete" is another word than "complete"."""
_BEFORE_A_MARK: Final = re.compile(r"[\s()]*")
"""Nor does a dash end anything: "Sinus rhythm (-)" denies it."""
_EMPTY: Final = re.compile(r"\(\s*\)")
_PARTICLE: Final = re.compile(r"^(?:(yes|ja)|(no|nein))\s*[,:.]\s*(?=\S|$)", re.IGNORECASE)
_OF_NUMBERS: Final = frozenset(
    {
        "ventricular",
        "heart",
        "rate",
        "p",
        "wave",
        "pr",
        "pq",
        "qrs",
        "qt",
        "qtc",
        "interval",
        "duration",
        "complex",
        "axis",
        "bazett",
    }
    | {"bazett", "is", "of", "at", "ms", "bpm", "beats", "per", "a", "min", "deg", "degree", "degrees"}
)
_MARKS: Final = frozenset(",.:;/")
_ENDING: Final = ("mark", "stop")
_POSSIBLE: Final = re.compile(r"possibl[ey]|m(?:ö|oe)glich(?:e[rsn]?|erweise)?", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """A sentence, read.

    Attributes:
        findings: In its order, repetitions included.
        numbers: Measurements that it states, not held against what was measured.
        particle: The yes or no that it begins with.
        whole: Nothing else is in it.
    """

    findings: tuple[Finding, ...]
    numbers: tuple[StatedNumber, ...]
    particle: Particle
    whole: bool

    @property
    def keys(self) -> frozenset[Key]:
        """What it says of findings, comparable with another sentence's."""
        return frozenset(key_of(finding) for finding in self.findings)


def key_of(finding: Finding) -> Key:
    """All that is said of a finding; a place that its name tells already is not said twice."""
    place = None if base_of(finding.concept)[1] is not None else finding.territory
    return finding.concept, finding.status, place, finding.severity, finding.comparison


@lru_cache(maxsize=4096)
def read_sentence(text: str) -> Reading:
    """A sentence, read: once, however often it is held to something.

    >>> read_sentence("There is sinus rhythm.").whole
    True
    >>> read_sentence("Sinus rhythm; give aspirin.").whole
    False
    """
    opening = _PARTICLE.match(text)
    particle: Particle = "" if opening is None else "yes" if opening[1] else "no"
    said = text[opening.end() :] if opening is not None else text
    items = scan(said)
    found = read_items(items)
    numbers = tuple(stated_numbers(said))
    findings = tuple(replace(f, span=(0, 0)) for f in found)
    whole = (
        len(said) <= MAX_CHARS
        and _WRITTEN.fullmatch(said) is not None
        and not _misspelt(said, items)
        and len({key_of(f) for f in findings}) == len(findings)
        and _nothing_left(said, items, found, numbers)
        and _denies_plainly(items, found, numbers)
        and not _runs_together(said, items)
    )
    return Reading(findings, numbers, particle, whole)


def _nothing_left(text: str, items: Sequence[Item], found: Sequence[Finding], numbers: Sequence[StatedNumber]) -> bool:
    at, links, marked = 0, 0, True
    for item in items:
        number = next((n for n in numbers if n.start <= item.start and item.end <= n.end), None)
        start, end = (item.start, item.end) if number is None else (number.start, number.end)
        between = _BEFORE_A_MARK if item.kind in _ENDING else _BETWEEN
        if at < start and not between.fullmatch(text, at, start):
            return False
        at = max(at, end)
        if number is not None and _is_of_a_number(text, item):
            marked = False
            continue
        if item.kind == "word":
            links += 1
        if not _is_accounted_for(text, item, items, found) or (marked and item.kind in _ENDING):
            return False
        marked = item.kind in _ENDING
    ends = _BEFORE_A_MARK.fullmatch(text, at) and not _EMPTY.search(text)
    return bool(ends) and links <= LINKS_A_FINDING * (len(found) + len(numbers))


def _denies_plainly(items: Sequence[Item], found: Sequence[Finding], numbers: Sequence[StatedNumber]) -> bool:
    """Whether each clause denies once at most, and a finding: "not no" affirms what is read as denied. A number limits a denial."""
    if numbers and any(f.status == "absent" for f in found):
        return False
    for apart, clause in groupby(items, lambda item: item.kind in (*_ENDING, "link")):
        kinds = Counter() if apart else Counter(item.kind for item in clause)
        if kinds["negation"] > min(1, kinds["concept"] + kinds["predicate"]):
            return False
    return True


def _runs_together(text: str, items: Sequence[Item]) -> bool:
    """Whether a linking word makes another finding of the words after it: "in complete" can be read as "incomplete"."""
    for word, after in pairwise(items):
        if word.kind == "word" and after.kind == "concept":
            first = scan(text[word.start : word.end] + text[after.start : after.end])[0]
            if first.kind == "concept" and first.start == 0 and first.value != after.value:
                return True
    return False


def _is_of_a_number(text: str, item: Item) -> bool:
    if item.kind in ("number", "mark"):
        return True
    return all(match.group().lower() in _OF_NUMBERS for match in TOKEN.finditer(text, item.start, item.end))


def _is_accounted_for(text: str, item: Item, items: Sequence[Item], found: Sequence[Finding]) -> bool:
    """Whether what was found in a sentence is part of what was read from it."""
    match item.kind:
        case "concept" | "predicate":
            return any(f.span[0] <= item.start and item.end <= f.span[1] for f in found)
        case "subject":
            # "T waves inverted": the predicate is where the finding was read.
            predicates = {other.start for other in items if other.kind == "predicate" and other.start > item.start}
            return any(f.span[0] in predicates for f in found)
        case "negation":
            return any(f.status == "absent" for f in found)
        case "uncertain":
            # "Probable" is more than the "possible" that the judgement says.
            return _POSSIBLE.fullmatch(text, item.start, item.end) is not None and any(
                f.status == "uncertain" for f in found
            )
        case "territory":
            return any(f.territory == item.value for f in found)
        case "age" | "grade" | "nature":
            return any(item.value in _severities(f) for f in found)
        case "change":
            return any(f.comparison == item.value for f in found)
        case "link":
            return item.value == "and"
        case "mark":
            return item.value in _MARKS
        case "stop":
            return item.value == "."
        case "word":
            return item.value in _linking_words()
        case _:
            # Leads (a finding's place is judged by territory), bare numbers, and cues that silence or turn a finding.
            return False


def _severities(finding: Finding) -> Iterator[str]:
    if finding.severity:
        yield finding.severity
        yield from finding.severity.split()


def _misspelt(text: str, items: Sequence[Item]) -> bool:
    """Whether a word was read as one that it only resembles."""
    unknown = unknown_stretches(text)
    return any(a < item.end and item.start < b for a, b in unknown for item in items if item.kind == "concept")


@lru_cache(maxsize=1)
def _linking_words() -> frozenset[str]:
    lines = (Path(__file__).parent / "linking_words.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(stem(word) for line in lines if not line.startswith("#") for word in line.split())
