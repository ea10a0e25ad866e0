"""``precordia search FILE --event``: the events of a long recording as questions to the archive, or what is like a place in it."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any

from precordia.cli.console import note, print_json, say

if TYPE_CHECKING:
    from precordia.knowledge_base import KnowledgeBase

_RANGE = re.compile(r"(?P<start>[\d:.]+)-(?P<end>[\d:.]+)")


def search_events(kb: KnowledgeBase, args: argparse.Namespace) -> int:
    """Print the events with the cases most like each, or the windows most like a place, each with start and end."""
    from precordia.core.errors import UsageError
    from precordia.signals.kind import KINDS

    if args.recording is None:
        raise UsageError("--event asks about a long recording: name its file")
    kind = KINDS.get("long")
    note(kind.limits)
    place = _RANGE.fullmatch(args.event)
    told: dict[str, Any] = {
        "query": {"recording": args.recording, "event": args.event, "k": args.k, "where": args.where}
    }
    told["signal"] = kind.document()
    if place is not None:
        found = kb.alike_within(args.recording, seconds_of(place["start"]), seconds_of(place["end"]), k=args.k)
        told["windows"] = [{"rank": n, "start_s": a, "end_s": b, "score": s} for n, (a, b, s) in enumerate(found, 1)]
        lines = [_line(n, s, a, b) for n, (a, b, s) in enumerate(found, 1)]
    else:
        told["events"], lines = _events(kb, args)
    if args.json:
        print_json(told)
        return 0
    for line in lines or ["no event found"]:
        say(line)
    return 0


def _events(kb: KnowledgeBase, args: argparse.Namespace) -> tuple[list[dict[str, Any]], list[str]]:
    from precordia.core.documents import hit_document
    from precordia.core.errors import UnknownNameError
    from precordia.generation.reports.long_report import event_document, place_in_words
    from precordia.signals.long.strips import NAMES

    wanted = None if args.event == ALL else args.event
    if wanted is not None and wanted not in NAMES:
        raise UnknownNameError("event", wanted, NAMES)
    documents, lines = [], []
    for shown in kb.moments(args.recording, k=args.k, where=args.where):
        strip, event = shown.strip, shown.strip.event
        if wanted is not None and event.kind != wanted:
            continue
        hits = [{**hit_document(hit), "start_s": strip.start_s, "end_s": strip.end_s} for hit in shown.hits]
        documents.append({**event_document(event), "hits": hits})
        lines.append(f"{NAMES[event.kind]}, {place_in_words(event)}, {event.n_beats} beats")
        for hit in shown.hits:
            lines.append(f"  {hit.rank:3d}  {hit.score:.3f}  {hit.case.title}  {hit.case.report or '(no report)'}")
    return documents, lines


ALL = "all"
"""Every kind of event."""


def seconds_of(text: str) -> float:
    """Seconds of a place written as seconds, ``m:ss`` or ``h:mm:ss``.

    >>> seconds_of("12.5"), seconds_of("1:02:03.4")
    (12.5, 3723.4)

    Raises:
        UsageError: it is none of these.
    """
    from precordia.core.errors import UsageError

    try:
        parts = [float(part) for part in text.split(":")]
    except ValueError:
        raise UsageError(f"{text!r} is no place in a recording: write seconds or h:mm:ss") from None
    total = 0.0
    for part in parts:
        total = total * 60 + part
    return round(total, 6)


def _line(rank: int, score: float, start_s: float, end_s: float) -> str:
    from precordia.core.recording import clock

    return f"{rank:3d}  {score:.3f}  {clock(start_s)} to {clock(end_s)}"
