"""``precordia search FILE --event``: the events of a long recording as questions to the archive, or what is like a place in it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from precordia.cli.console import note, print_json, say

if TYPE_CHECKING:
    from precordia.knowledge_base import KnowledgeBase


def search_events(kb: KnowledgeBase, args: argparse.Namespace) -> int:
    """Print the events with the cases most like each, or the windows most like a place, each with start and end."""
    from precordia.core.errors import UsageError
    from precordia.signals.kind import KINDS

    if args.recording is None:
        raise UsageError("--event asks about a long recording: name its file")
    found = kb.events(args.recording, args.event, k=args.k, where=args.where)
    note(KINDS.get("long").limits)
    if args.json:
        print_json(found.document(args.recording))
        return 0
    for line in found.lines():
        say(line)
    return 0
