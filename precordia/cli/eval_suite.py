"""``precordia eval all`` and ``precordia eval report``: every task in one go, and results as a page."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from precordia.cli.console import note, print_json
from precordia.core.errors import UsageError
from precordia.eval.harness.task import Settings

PAGE = "index.html"
MARKDOWN = "results.md"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of both."""
    parser.add_argument("--workers", metavar="N", type=int, default=1, help="with all: processes")
    parser.add_argument(
        "--markdown", metavar="FILE", type=Path, help="with all and report: write its summary as Markdown too"
    )


def run_all(args: argparse.Namespace, settings_of: Callable[[argparse.Namespace], Settings]) -> int:
    """Run all tasks, or those named, and write documents, samples and pages to ``--out``."""
    from precordia.eval.suite import run_all as run_suite
    from precordia.eval.suite import runs_of

    if args.out is None:
        raise UsageError("say where results go: precordia eval all --out DIR")
    if args.workers < 1:
        raise UsageError(f"--workers {args.workers}: give at least 1")
    settings = settings_of(args)
    runs = runs_of(args.results)
    outcomes = []
    for outcome in run_suite(runs, settings, args.out, args.workers):
        outcomes.append(outcome)
        said = f": {outcome.message}" if outcome.message else ""
        time = (
            f" in {outcome.seconds:.0f} s ({outcome.cpu_seconds:.0f} s of one core)" if outcome.status == "done" else ""
        )
        note(f"[{len(outcomes)}/{len(runs)}] {outcome.run} {outcome.status}{time}{said}")
    _write_pages([args.out], args.out / PAGE, args.out / MARKDOWN, args.markdown)
    if args.json:
        print_json(outcomes)
    else:
        print(args.out / PAGE)
    return 1 if any(outcome.status == "failed" for outcome in outcomes) else 0


def run_report(args: argparse.Namespace) -> int:
    """Make the page of results that are there."""
    if not args.results:
        raise UsageError("name results: precordia eval report RESULTS... --out page.html")
    if args.out is None and args.markdown is None:
        raise UsageError("say what to write: --out page.html, --markdown page.md, or both")
    _write_pages([Path(name) for name in args.results], args.out, args.markdown)
    return 0


def _write_pages(sources: list[Path], html: Path | None, *markdown: Path | None) -> None:
    from precordia.eval.harness.page.content import content_of
    from precordia.eval.harness.page.html import page
    from precordia.eval.harness.page.markdown import write_markdown
    from precordia.eval.harness.results import read_every
    from precordia.eval.suite import skipped_in

    skipped = {run: reason for path in sources if path.is_dir() for run, reason in skipped_in(path).items()}
    content = content_of(read_every(sources, empty=bool(skipped)), skipped)
    if html is not None:
        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_text(page(content), "utf-8")
        note(f"wrote {html}")
    for path in markdown:
        if path is not None:
            write_markdown(content, path)
            note(f"wrote {path}")
