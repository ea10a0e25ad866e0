"""``precordia erase``: a patient's signals, texts and vectors, gone from the disk."""

from __future__ import annotations

import argparse
import sys

from precordia.cli.console import add_json_option, add_kb_option, kb_path, note, print_json, say


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument("--patient", required=True, metavar="ID", help="the patient, as the archive names them")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_kb_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Erase."""
    from precordia.core.errors import UsageError
    from precordia.knowledge_base import KnowledgeBase

    kb = KnowledgeBase.open(kb_path(args))
    if not args.yes:
        if not sys.stdin.isatty():
            raise UsageError("erasing cannot be undone: add --yes to do it without being asked")
        print("Erase this patient for good? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            note("nothing was erased")
            return 1
    erased = kb.erase(patient=args.patient)
    if args.json:
        print_json({"erased": erased, "n_cases": len(kb)})
    else:
        say(f"erased {erased} recording{'' if erased == 1 else 's'}")
    return 0
