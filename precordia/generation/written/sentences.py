"""A language model's reply as statements, each with the evidence that the model claims for it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from precordia.generation.sanitize import visible

_CITED: Final = re.compile(
    r"\[(?:\s*(?:precedents?|cases?|refs?)?\s*#?\d+\s*[,;–-]?)+\]|\((?:see\s+)?(?:precedents?|cases?)\s+[\d,;\s and–-]+\)",
    re.I,
)
_BREAK: Final = re.compile(
    r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)(?<!approx\.)(?<!vs\.)(?<!\bv\.a\.)(?<!\bca\.)\s+(?=[A-ZÄÖÜ(\[\"*-])|\s*\n+\s*|;\s+(?=[A-ZÄÖÜ])"
)
_BULLET: Final = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)])\s+")
_STATEMENTS: Final = re.compile(r"\"statements\"\s*:\s*\[")
_COMMA: Final = re.compile(r"[\s,]*")
_ABSTAINS: Final = re.compile(r"\"abstain\"\s*:\s*true\b")
_JSON: Final = re.compile(r"\{\s*[\"'}]|\[\s*[\"'{]|^\s*\"")
_UNSURE: Final = re.compile(
    r"\b(not sure|i (?:do not|don.t) know|cannot (?:say|tell|answer|determine)|insufficient evidence|unable to)\b", re.I
)
MAX_CHARS: Final = 20_000
"""Of a reply that are read."""
MAX_STATEMENTS: Final = 40
"""A reply with more is cut: no ECG report has as many."""


@dataclass(frozen=True)
class Claimed:
    """One sentence of a model.

    Attributes:
        text: The sentence, without its citation marks.
        precedents: Numbers of the precedents that it names.
        measurements: Names of the measurements that it names.
    """

    text: str
    precedents: tuple[int, ...] = ()
    measurements: tuple[str, ...] = ()


@dataclass(frozen=True)
class ParsedReply:
    """A reply, taken apart.

    Attributes:
        claims: Its sentences.
        abstained: The model says that it is not sure.
    """

    claims: tuple[Claimed, ...]
    abstained: bool = False


def parse_reply(text: str) -> ParsedReply:
    """The sentences of a reply, which may be the JSON asked for, cut off or within prose, or plain text with ``[1]`` marks.

    >>> parse_reply("Sinus rhythm [1, 2]. Left bundle branch block [1].").claims[0]
    Claimed(text='Sinus rhythm.', precedents=(1, 2), measurements=())
    """
    text = visible(text[:MAX_CHARS])
    items = _items_of_json(text)
    if items is not None:
        claims = tuple(claim for item in items[:MAX_STATEMENTS] for claim in _from_item(item))
        return ParsedReply(claims, _ABSTAINS.search(text) is not None)
    if _JSON.search(text):
        return ParsedReply(())  # JSON of another shape: its values are no sentences
    claims = tuple(claim for piece in split(text)[:MAX_STATEMENTS] if (claim := _from_text(piece)) is not None)
    unsure = bool(claims) and all(_UNSURE.search(claim.text) for claim in claims)
    return ParsedReply(() if unsure else claims, unsure)


def split(text: str) -> list[str]:
    """Plain text as sentences; a bullet is a sentence, an abbreviation's point does not end one."""
    text = re.sub(r"\*\*|__|`", "", text)
    pieces = [_BULLET.sub("", piece).strip().strip("*_#`").strip() for piece in _BREAK.split(text)]
    return [piece for piece in pieces if any(c.isalpha() for c in piece)]


def _items_of_json(text: str) -> list[Any] | None:
    """The entries of the JSON asked for that are whole, also where the reply was cut off; None where it is not that JSON."""
    opening = _STATEMENTS.search(text)
    if opening is None:
        return None
    items: list[Any] = []
    decoder, at = json.JSONDecoder(), opening.end()
    while len(items) < MAX_STATEMENTS:
        comma = _COMMA.match(text, at)
        try:
            item, at = decoder.raw_decode(text, comma.end() if comma else at)
        except (ValueError, RecursionError):
            break
        items.append(item)
    return items


def _from_item(item: object) -> list[Claimed]:
    """Claims of one entry; an entry with several sentences gives several, each with the entry's evidence."""
    if isinstance(item, str):
        item = {"text": item}
    if not isinstance(item, dict) or not isinstance(item.get("text"), str):
        return []
    numbers = _list(item.get("precedents")) + _list(item.get("citations"))
    named = tuple(n for n in numbers if isinstance(n, int) and not isinstance(n, bool))
    measured = tuple(m for m in _list(item.get("measurements")) if isinstance(m, str))
    claims = []
    for piece in split(item["text"]):
        claim = _from_text(piece)
        if claim is not None:
            claims.append(Claimed(claim.text, tuple(dict.fromkeys((*named, *claim.precedents))), measured))
    return claims


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _from_text(piece: str) -> Claimed | None:
    numbers = [int(n) for mark in _CITED.findall(piece) for n in re.findall(r"\d{1,4}", mark)]
    text = re.sub(r"\s+([.,;!?])", r"\1", re.sub(r"\s+", " ", _CITED.sub("", piece))).strip()
    if not any(c.isalpha() for c in text):
        return None
    text = text if text.endswith((".", "!", "?")) else f"{text}."
    return Claimed(text, tuple(dict.fromkeys(numbers)))
