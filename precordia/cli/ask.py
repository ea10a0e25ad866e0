"""``precordia ask``: a question about an ECG, or about two."""

from __future__ import annotations

import argparse

from precordia.cli.console import add_json_option, add_kb_option, kb_path, print_json
from precordia.cli.report import print_draft
from precordia.cli.search import add_retrieval_options
from precordia.core.retrieval import PRECEDENTS


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument("question", help="in free words")
    parser.add_argument("recordings", nargs="+", metavar="recording", help="an ECG file, or two to compare")
    add_retrieval_options(parser, PRECEDENTS)
    parser.add_argument(
        "--llm", default="none", metavar="SPEC", help="openai:NAME@URL, ollama:NAME, hf:PATH, own:PATH or none"
    )
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
    from precordia.records.read import read_recording

    kb = KnowledgeBase.open(kb_path(args))
    recordings = [read_recording(path) for path in args.recordings]
    draft = kb.ask(args.question, *recordings, k=args.k, where=args.where, llm=args.llm, abstain=not args.always_answer)
    if args.json:
        print_json({"question": args.question, **draft_document(draft)})
    else:
        print_draft(draft)
    return 0
