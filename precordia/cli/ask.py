"""``precordia ask``: a question about an ECG, or about several."""

from __future__ import annotations

import argparse

from precordia.cli.console import add_json_option, add_kb_option, kb_path, print_json
from precordia.cli.language_model import add_model_options, model_of
from precordia.cli.report import print_draft, watch_draft
from precordia.cli.search import add_retrieval_options, tell_understood
from precordia.core.retrieval import PRECEDENTS


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument("question", help="in free words")
    parser.add_argument(
        "recordings", nargs="+", metavar="recording", help="an ECG file, or several to compare, the earliest first"
    )
    add_retrieval_options(parser, PRECEDENTS)
    add_model_options(parser)
    parser.add_argument(
        "--always-answer",
        action="store_true",
        help="give the likeliest answer even where the evidence is too thin for one",
    )
    add_kb_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Answer and print."""
    from precordia.core.documents import draft_document
    from precordia.knowledge_base import KnowledgeBase
    from precordia.retrieval.grammar import read_query
    from precordia.signals.opening import as_long, open_signal

    kb = KnowledgeBase.open(kb_path(args))
    recordings = [as_long(path) or open_signal(path).recording for path in args.recordings]
    draft = kb.ask(
        args.question,
        *recordings,
        k=args.k,
        where=args.where,
        llm=model_of(args) or "none",
        abstain=not args.always_answer,
        watch=None if args.json else watch_draft(),
    )
    understood = read_query(args.question)
    if args.json:
        print_json({"question": args.question, "understood": understood.as_document(), **draft_document(draft)})
    else:
        tell_understood(understood)
        print_draft(draft)
    return 0
