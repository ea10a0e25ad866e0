"""``precordia build``: an archive of ECG files to a knowledge base."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from precordia.cli.console import add_json_option, add_kb_option, kb_path, note, print_json, progress
from precordia.core.errors import UsageError

if TYPE_CHECKING:
    from precordia.knowledge_base import KnowledgeBase


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument("archive", nargs="?", help="a folder, file or glob of ECG recordings")
    parser.add_argument("--reports", metavar="FILE", help="a CSV or Parquet table with reports, joined by id")
    parser.add_argument("--mapping", metavar="JSON", help="which column of --reports is what (PTB-XL's is known)")
    parser.add_argument("--where", metavar="SQL", help="take only the rows of --reports for which this is true")
    parser.add_argument("--encoder", default="default", help="name or folder of the ECG encoder (default: default)")
    parser.add_argument("--workers", type=int, help="processes (default: one a core)")
    parser.add_argument(
        "--refit", action="store_true", help="fit the models of the archive's findings anew, also where little is new"
    )
    add_kb_option(parser)
    add_json_option(parser)
    parser.epilog = (
        "Running it again adds what is new; an interrupted build goes on where it stopped. "
        "Recordings that cannot be used are kept with their reason: precordia inspect --kb DIR --rejects."
    )


def run(args: argparse.Namespace) -> int:
    """Build or add."""
    from precordia.knowledge_base import KnowledgeBase

    path = kb_path(args)
    if args.archive is None:
        if not args.refit:
            raise UsageError("name an archive to build from, or --refit to learn anew from what is there")
        return _refit(args, KnowledgeBase.open(path))
    kb = KnowledgeBase.open_or_create(path, encoder=args.encoder)
    report = kb.add(
        args.archive,
        reports=args.reports,
        mapping=args.mapping,
        where=args.where,
        workers=args.workers,
        progress=lambda shards, total: progress(shards, total, "building", "shard"),
    )
    if args.refit:
        kb.refit()
    if args.json:
        print_json({"kb": path, "n_cases": len(kb), **report.document()})
    else:
        note(report.summary())
        print(path)
    return 0


def _refit(args: argparse.Namespace, kb: KnowledgeBase) -> int:
    kb.refit()
    taught = kb.knowledge().document()
    if args.json:
        print_json({"kb": kb.path, "n_cases": len(kb), "taught": taught})
    else:
        for name, value in taught.items():
            note(f"{name}: {value}")
        print(kb.path)
    return 0
