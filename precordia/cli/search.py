"""``precordia search``: the cases most like an ECG, or like words."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from precordia.cli.console import add_json_option, add_kb_option, kb_path, note, print_json, say

if TYPE_CHECKING:
    from precordia.core.retrieval import Hit
    from precordia.knowledge_base import KnowledgeBase
    from precordia.retrieval.grammar import Understood
from precordia.core.retrieval import HITS


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument(
        "recording",
        nargs="?",
        help="an ECG file (a WFDB record with or without its extension), a pulse (a text table, a video's frame table), or "
        "with --pairs numbers: a CSV of one line, or name=number,...",
    )
    parser.add_argument(
        "--pairs",
        metavar="DIR",
        help="search by numbers of a second modality (echo, MRI, labs), through what precordia train pairs wrote to DIR",
    )
    parser.add_argument("--text", help="a description in words, English or German")
    add_retrieval_options(parser)
    parser.add_argument("--mode", choices=("signal", "words", "meaning", "hybrid"), help="default: what was given")
    parser.add_argument(
        "--event",
        nargs="?",
        const="all",
        metavar="WHAT",
        help="of a long recording: its events (AF, VT, SVT, pause, brady, tachy, V, S; default all) as questions to the archive, "
        "or START-END (s or h:mm:ss): the windows of the recording most like that place",
    )
    parser.add_argument("--include-self", action="store_true", help="do not leave out the query's own recording")
    parser.add_argument("--include-patient", action="store_true", help="do not leave out the query's own patient")
    parser.add_argument("--include-near-duplicates", action="store_true", help="do not leave out copies of the signal")
    parser.add_argument("--per-patient", type=int, metavar="N", help="at most N hits of one patient")
    add_kb_option(parser)
    add_json_option(parser)


def add_retrieval_options(parser: argparse.ArgumentParser, k: int = HITS) -> None:
    """``-k`` and ``--where``."""
    parser.add_argument("-k", type=int, default=k, help="number of cases")
    parser.add_argument(
        "--where", metavar="SQL", help="""filter on case columns: "age > 60 and sex = 'F' and findings has 'CLBBB'\""""
    )


def run(args: argparse.Namespace) -> int:
    """Search and print."""
    from precordia.core.documents import search_document
    from precordia.core.errors import UsageError
    from precordia.core.retrieval import Query
    from precordia.knowledge_base import KnowledgeBase
    from precordia.retrieval.grammar import read_query

    if args.recording is None and args.text is None:
        raise UsageError("nothing to search for: give an ECG file, --text, or both")
    kb = KnowledgeBase.open(kb_path(args))
    if args.event is not None:
        from precordia.cli.search_events import search_events

        return search_events(kb, args)
    if args.pairs is not None:
        return _by_pairs(kb, args)
    asked = kb.question(args.recording) if args.recording is not None else None
    if asked is not None and asked.told:
        note(asked.told)
    query = Query(
        None,
        args.text,
        k=args.k,
        where=args.where,
        mode=args.mode,
        exclude_self=not args.include_self,
        exclude_patient=not args.include_patient,
        exclude_near_duplicates=not args.include_near_duplicates,
        per_patient=args.per_patient,
    )
    query = query if asked is None else asked.put_into(query)
    hits = kb.search(query)
    signal = None if asked is None else asked.document
    understood = read_query(args.text or "")
    if args.json:
        print_json(search_document(query, hits, args.recording, understood.as_document(hits), signal))
        return 0
    tell_understood(understood)
    if not hits:
        say("no case found")
    elif args.mode in (None, "hybrid") and (told := understood.note_on(hits)):
        say(told)
    print_hits(hits)
    return 0


def _by_pairs(kb: KnowledgeBase, args: argparse.Namespace) -> int:
    """The cases whose second modality looked like some numbers."""
    from precordia.core.errors import UsageError
    from precordia.retrieval.paired import LIMITS, paired_document
    from precordia.signals.paired.table import read_values

    if args.recording is None or args.text is not None:
        raise UsageError("--pairs searches by numbers: give a CSV of one line, or name=number,... and no --text")
    values = read_values(args.recording)
    hits = kb.search_pairs(values, args.pairs, args.k, args.where)
    note(LIMITS)
    if args.json:
        print_json(paired_document(values, args.pairs, args.k, args.where, hits))
        return 0
    if not hits:
        say("no case found")
    print_hits(hits)
    return 0


def print_hits(hits: Sequence[Hit]) -> None:
    """Each with its score, its report and what it shares with what was asked."""
    for hit in hits:
        case = hit.case
        who = ", ".join(str(x) for x in (case.sex, None if case.age is None else f"{case.age:.0f} y") if x)
        say(f"{hit.rank:3d}  {hit.score:.3f}  {case.title}  {f'({who})' if who else ''}")
        said = f"events: {', '.join(case.events) or 'none'}" if case.is_stretch else case.report or "(no report)"
        say(f"     {said}")
        if hit.why.shared_findings:
            say(f"     shares: {', '.join(hit.why.shared_findings)}")


def tell_understood(understood: Understood) -> None:
    """One line each on what was made of the words, and on what was not."""
    if understood.chips:
        note(f"understood: {' · '.join(understood.chips)}")
    if understood.rest:
        note(f"not understood: {', '.join(understood.rest)}")
