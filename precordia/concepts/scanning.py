"""From a report to items: the phrases of the lexicon, leads and sentence ends found in it, with their place."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from precordia.concepts.lexicon import LEAF, TOKEN, Entry, lexicon, stem
from precordia.concepts.terms import read_table, vocabulary

GAP = 3
"""This many blanks (or a line end) set off a further statement in the reports of some machines."""


_LIMB_LEADS = {
    "i": "I",
    "ii": "II",
    "iii": "III",
    "avr": "aVR",
    "avl": "aVL",
    "avf": "aVF",
    "vf": "aVF",
    "vl": "aVL",
    "f": "aVF",
    "l": "aVL",
}
_BARE_LEADS = frozenset({"i", "f", "l"})
_BEFORE_LEAD = frozenset({"in", "lead", "d", "abl", "ableit", "ableitung", "and", "und", "or", "oder"})
_JOINTS = frozenset({",", "+", "/", "&", "and", "und", "u", "or", "oder", "bi", "bis", "to"})
_LEAD_ORDER = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
_DIGITS = re.compile(r"[1-6]")
_CUT = re.compile(r"-\s{1,4}")
_RANGE = re.compile(r"([1-6])\s*(?:-|–|bis|to)\s*v?\s*([1-6])", re.IGNORECASE)


class Item(NamedTuple):
    """One thing found in a report.

    Attributes:
        kind: "concept", "territory", "negation", ..., "leads", "word", "number", "stop".
        value: Identifier or canonical value; the token itself for a word or a number.
        side: For a cue, on which side the finding stands: "before", "after" (the cue comes before, after) or "either".
        start, end: Its place in the text.
        gap: Whether it is set off from what precedes it by :data:`GAP` blanks or a line end.
    """

    kind: str
    value: str
    side: str
    start: int
    end: int
    gap: bool


class _Token(NamedTuple):
    """One word, number, mark or group of chest leads: its kind, its raw text and its place."""

    kind: str
    raw: str
    start: int
    end: int


def scan(text: str) -> list[Item]:
    """The items of a report, in order; spans lie within the text and do not overlap."""
    if not text.strip():
        return []
    tokens, values = _tokens(text)
    trie = lexicon().trie
    items: list[Item] = []
    i, n, last_end = 0, len(tokens), 0
    while i < n:
        start = tokens[i].start
        between = text[last_end:start]
        gap = len(between) >= GAP and (between.count(" ") >= GAP or "\n" in between)
        stop, entry = _longest(trie, values, i)
        if entry is not None:
            items.append(Item(entry.kind, entry.value, entry.side, start, tokens[stop - 1].end, gap))
        else:
            stop, item = _other(tokens, values, i, gap)
            if item.kind == "number" and items and _is_scp_code(text[items[-1].start : items[-1].end]):
                item = item._replace(kind="likelihood")
            items.append(item)
        last_end = tokens[stop - 1].end
        i = stop
    return items


def _tokens(text: str) -> tuple[list[_Token], list[str]]:
    """Tokens and their normal forms; a word that a hyphen and a line end cut in two is made whole."""
    lex = lexicon()
    tokens = [_Token(m.lastgroup or "", m.group(), m.start(), m.end()) for m in TOKEN.finditer(text)]
    values = [token.raw if token.kind == "mark" else lex.normal(token.raw) for token in tokens]
    if tokens and tokens[-1].kind == "word":
        values[-1] = lex.complete(tokens[-1].raw)
    for i in range(len(tokens) - 2, -1, -1):
        one, two = tokens[i], tokens[i + 1]
        if one.kind == two.kind == "word" and _CUT.fullmatch(text, one.end, two.start):
            whole = lex.normal(one.raw + two.raw)
            if lex.knows(whole) and not (lex.knows(values[i]) and lex.knows(values[i + 1])):
                tokens[i : i + 2] = [_Token("word", one.raw + two.raw, one.start, two.end)]
                values[i : i + 2] = [whole]
    return tokens, values


def _longest(trie: dict[str, object], tokens: list[str], i: int) -> tuple[int, Entry | None]:
    node: object = trie
    best, found = i, None
    j, n = i, len(tokens)
    while j < n:
        nxt = node.get(tokens[j])  # type: ignore[attr-defined]
        if nxt is None:
            # "supraventr. extrasystolen", "schenkelblock, links": marks inside a phrase.
            if j > i and tokens[j] in ".," and j + 1 < n:
                nxt = node.get(tokens[j + 1])  # type: ignore[attr-defined]
                if nxt is None or (tokens[j] == "." and tokens[j - 1] not in _abbreviations()):
                    break
                j += 1
            else:
                break
        node = nxt
        j += 1
        entry = node.get(LEAF)  # type: ignore[attr-defined]
        if entry is not None:
            best, found = j, entry
    return best, found


def _other(tokens: list[_Token], values: list[str], i: int, gap: bool) -> tuple[int, Item]:
    token, value = tokens[i], values[i]
    leads, stop = _leads(tokens, values, i)
    if leads:
        return stop, Item("leads", " ".join(leads), "", token.start, tokens[stop - 1].end, gap)
    kind = "word"
    if token.kind == "number":
        kind = "number"
    elif token.kind == "mark":
        kind = "mark"
        if value in ";!" or (value == "." and not _abbreviates(tokens, values, i)):
            kind = "stop"
    return i + 1, Item(kind, value, "", token.start, token.end, gap)


def _is_scp_code(words: str) -> bool:
    return (words.isupper() and words.replace("ISC", "ISC_") in _scp_codes()) or words in _scp_codes()


@lru_cache(maxsize=1)
def _abbreviations() -> frozenset[str]:
    """Words after which a full stop ends no sentence."""
    rows = [row["wording"] for row in read_table("cues.tsv") if row["kind"] == "abbreviation"]
    return frozenset(stem(word) for row in rows for word in row.split("; "))


@lru_cache(maxsize=1)
def _scp_codes() -> frozenset[str]:
    return frozenset(code for concept in vocabulary() for code in concept.codes.get("scp", ()))


def _abbreviates(tokens: list[_Token], values: list[str], i: int) -> bool:
    return i > 0 and tokens[i - 1].end == tokens[i].start and values[i - 1] in _abbreviations()


def _leads(tokens: list[_Token], values: list[str], i: int) -> tuple[list[str], int]:
    found: set[str] = set()
    j, stop = i, i
    n = len(tokens)
    while j < n:
        if tokens[j].kind == "chest":
            found.update(_chest_leads(tokens[j].raw))
        elif values[j] in _LIMB_LEADS and (found or _is_lead(tokens, values, j)):
            found.add(_LIMB_LEADS[values[j]])
        else:
            break
        stop = j = j + 1
        while j < n and values[j] in _JOINTS:
            j += 1
    return [lead for lead in _LEAD_ORDER if lead in found], stop


def _is_lead(tokens: list[_Token], values: list[str], j: int) -> bool:
    """Whether what may be a lead is one: a bare I, F or L needs a preposition before it or a lead after it."""
    if values[j] not in _BARE_LEADS or (j > 0 and values[j - 1] in _BEFORE_LEAD):
        return True
    return (
        j + 2 < len(tokens)
        and values[j + 1] in _JOINTS
        and (tokens[j + 2].kind == "chest" or values[j + 2] in _LIMB_LEADS)
    )


def _chest_leads(text: str) -> set[str]:
    numbers = {int(d) for d in _DIGITS.findall(text)}
    for first, last in _RANGE.findall(text):
        numbers.update(range(int(first), int(last) + 1))
    return {f"V{number}" for number in numbers}
