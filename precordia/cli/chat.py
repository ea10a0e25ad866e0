"""``precordia chat``: questions about an ECG and its archive over several turns, a line each from the keyboard or a pipe."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from precordia.cli.console import add_json_option, add_kb_option, kb_path, note, print_json, say
from precordia.cli.language_model import WithModel, add_model_options, model_of, tool_caller_of
from precordia.cli.report import print_draft, watch_draft
from precordia.cli.search import print_hits, tell_understood
from precordia.core.retrieval import HITS

if TYPE_CHECKING:
    from precordia.integrations.agent import Colleague
    from precordia.integrations.conversation import Conversation, Turn


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument(
        "recordings", nargs="*", metavar="recording", help="an ECG file, or two to compare; none for the archive alone"
    )
    parser.add_argument("-k", type=int, default=HITS, help="number of cases of a search")
    add_model_options(parser)
    add_kb_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Talk until the input ends."""
    from precordia.core.errors import UsageError

    conversation = _conversation(args)
    for line in _lines():
        try:
            turn = conversation.say(line)
        except UsageError as error:
            note(str(error))
            continue
        if args.json:
            print_json(_document(turn))
        else:
            _print(turn)
    return 0


def _conversation(args: argparse.Namespace) -> Conversation | Colleague:
    """By the grammar, its answers phrased by a model where there is one; a model that can call tools leads the talk itself.

    Either way nothing is shown that cannot be shown to hold.
    """
    from precordia.integrations.conversation import Conversation
    from precordia.knowledge_base import KnowledgeBase
    from precordia.records.read import read_recording

    kb, model = KnowledgeBase.open(kb_path(args)), model_of(args)
    recordings = [read_recording(name) for name in args.recordings]
    if model is not None and (tools := tool_caller_of(model)) is not None:
        from precordia.integrations.langchain import agent

        return agent(tools, kb, *recordings, k=args.k)
    return Conversation(WithModel(kb, model, None if args.json else watch_draft()), *recordings, k=args.k)


def _lines() -> Iterator[str]:
    """What is typed; a prompt is shown to who sits there, and an empty line is no turn."""
    asks = sys.stdin.isatty()
    while True:
        if asks:
            print("> ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            return
        if line.strip():
            yield line.strip()


def _print(turn: Turn) -> None:
    tell_understood(turn.understood)
    if turn.answer is not None:
        print_draft(turn.answer)
    print_hits(turn.hits)
    if turn.note is not None:
        say(turn.note)


def _document(turn: Turn) -> dict[str, object]:
    from precordia.core.documents import draft_document, hit_document

    return {
        "said": turn.said,
        "understood": turn.understood.as_document(),
        "answer": None if turn.answer is None else draft_document(turn.answer),
        "hits": [hit_document(hit) for hit in turn.hits],
        "note": turn.note,
    }
