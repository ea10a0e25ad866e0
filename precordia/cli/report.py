"""``precordia report``: a report in which every statement cites its precedents."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from precordia.cli.console import add_json_option, add_kb_option, file_to_write, kb_path, note, print_json, say
from precordia.cli.language_model import add_model_options, model_of
from precordia.cli.search import add_retrieval_options
from precordia.core.drafts import Draft, Statement
from precordia.core.retrieval import PRECEDENTS


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument(
        "recordings",
        nargs="+",
        metavar="recording",
        help="an ECG file (a WFDB record with or without its extension); of several of one patient, the earliest first, the last "
        "is reported, with what changed on the way",
    )
    add_retrieval_options(parser, PRECEDENTS)
    add_model_options(parser)
    parser.add_argument(
        "--html",
        type=file_to_write,
        metavar="FILE",
        help="also write one self-contained page with the ECG and its precedents",
    )
    add_kb_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Report and print."""
    from precordia.core.documents import draft_document
    from precordia.knowledge_base import KnowledgeBase
    from precordia.signals.opening import as_long, open_signal

    kb = KnowledgeBase.open(kb_path(args))
    *earlier, recording = (as_long(path) or open_signal(path).recording for path in args.recordings)
    draft = kb.report(
        recording,
        k=args.k,
        where=args.where,
        llm=model_of(args) or "none",
        watch=None if args.json else watch_draft(),
        earlier=earlier,
    )
    if args.html:
        args.html.write_text(kb.page(draft, recording), encoding="utf-8")
        note(f"wrote {args.html}")
    if args.json:
        print_json(draft_document(draft))
    else:
        print_draft(draft)
    return 0


def watch_draft() -> Callable[[Statement], None] | None:
    """Shows statements while a model writes, to who sits there; the whole draft with its evidence follows."""
    return (lambda statement: note(f"… {statement.text}")) if sys.stderr.isatty() else None


def print_draft(draft: Draft) -> None:
    """A draft as text: each statement with its support and citations, what must not be missed, then warnings."""
    if draft.signal:
        note(" ".join((draft.signal["limits"], *(f"{told[0].upper()}{told[1:]}." for told in draft.signal["notes"]))))
    if draft.abstained:
        say(draft.unsure)
    for statement in draft.statements:
        _print_statement(statement, f"; support {statement.support:.0%}")
    if draft.consider:
        say("To consider:")
    for statement in draft.consider:
        _print_statement(statement)
    of_the_signal = (draft.signal.get("limits"), *draft.signal.get("notes", ()))
    for warning in draft.warnings:
        if warning not in of_the_signal:
            say(f"! {warning}")


def _print_statement(statement: Statement, support: str = "") -> None:
    cited = ", ".join(citation.recording_id or str(citation.case_id) for citation in statement.citations[:5])
    more = len(statement.citations) - 5
    evidence = [f"precedents {cited}{f' and {more} more' if more > 0 else ''}"] if cited else []
    evidence += [f"at {'; '.join(str(place) for place in statement.places)}"] if statement.places else []
    evidence += [f"measured {', '.join(statement.measurements)}"] if statement.measurements else []
    say(f"- {statement.text}  [{'; '.join(evidence) or 'no evidence'}{support}]")
    for warning in statement.warnings:
        say(f"    ! {warning}")
