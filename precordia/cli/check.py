"""``precordia check``: is a knowledge base what was written, and if not, what can be mended and what is lost."""

from __future__ import annotations

import argparse

from precordia.cli.console import add_json_option, add_kb_option, kb_path, note, print_json, say


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument(
        "--repair",
        action="store_true",
        help="rebuild what is derived, and take out what is lost so that the rest works",
    )
    add_kb_option(parser)
    add_json_option(parser)
    parser.epilog = (
        "Exit code 1 means that something is lost, or that the knowledge base cannot be opened before a repair. What is "
        "lost comes back when its archive is built into the knowledge base again."
    )


def run(args: argparse.Namespace) -> int:
    """Check and print."""
    from precordia.indexing.integrity import check
    from precordia.judgement import models

    report = check(kb_path(args), args.repair, verifiers={models.FOLDER: models.damaged})
    if args.json:
        print_json(report.document())
    else:
        for problem in report.problems:
            state = "repaired" if problem.repaired else "can be made again" if problem.derived else "not repaired"
            lost = f", {problem.n_lost} rows lost" if problem.n_lost else ""
            say(f"{problem.what}: {problem.kind}, {state}{lost}: {problem.message}")
        for case_id in report.lost_cases:
            say(f"lost: case {case_id}")
        note(
            f"{report.n_files} files, {report.n_bytes / 1e6:.1f} MB: "
            + (
                f"{len(report.problems)} problems, {report.n_lost} rows lost"
                if report.problems
                else "all as it was written"
            )
        )
    return 0 if report.sound else 1
