"""``precordia search FILE --event``: the events of a long recording as questions to the archive, or what is like a place in it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from precordia.cli.console import note, print_json, say

if TYPE_CHECKING:
    from precordia.generation.reports.event_search import EventSearch
    from precordia.knowledge_base import KnowledgeBase


def search_events(kb: KnowledgeBase, args: argparse.Namespace) -> int:
    """Print the events with the cases most like each, or the windows most like a place, each with start and end."""
    from precordia.core.errors import UsageError
    from precordia.generation.reports import event_search
    from precordia.signals.kind import KINDS

    if args.recording is None:
        raise UsageError("--event asks about a long recording: name its file")
    note(KINDS.get("long").limits)
    found = event_search.search_events(
        kb, args.recording, args.event, k=args.k, where=args.where, source=args.recording
    )
    if args.json:
        print_json(found.document)
        return 0
    for line in list(_lines(found)) or ["no event found"]:
        say(line)
    return 0


def _lines(found: EventSearch) -> Iterator[str]:
    from precordia.core.recording import clock
    from precordia.generation.reports.long_report import place_in_words
    from precordia.signals.long.strips import NAMES

    for rank, (start_s, end_s, score) in enumerate(found.windows, 1):
        yield f"{rank:3d}  {score:.3f}  {clock(start_s)} to {clock(end_s)}"
    for shown in found.shown:
        event = shown.strip.event
        yield f"{NAMES[event.kind]}, {place_in_words(event)}, {event.n_beats} beats"
        for hit in shown.hits:
            yield f"  {hit.rank:3d}  {hit.score:.3f}  {hit.case.title}  {hit.case.report or '(no report)'}"
