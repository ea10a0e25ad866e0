"""``precordia eval TASK``: run an evaluation task; ``compare A B``: test two results against each other; ``all`` runs every
task, ``report`` makes a page of results."""

from __future__ import annotations

import argparse
from pathlib import Path

from precordia.cli import eval_suite
from precordia.cli.console import add_json_option, note, print_json, progress
from precordia.core.errors import UsageError
from precordia.eval.harness.task import Settings


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "task", nargs="?", metavar="TASK", help="the task to run (see --list), or 'all', 'compare', 'report'"
    )
    parser.add_argument(
        "results",
        nargs="*",
        metavar="RESULT",
        help="compare: two results, PATH or PATH@SYSTEM, written by --out; report: files or folders of results; all: tasks "
        "(default: every one)",
    )
    parser.add_argument("--list", action="store_true", help="list the tasks with their sources")
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        help="folder of the real ECGs (default: $PRECORDIA_DATA)",
    )
    parser.add_argument("--kb", metavar="DIR", type=Path, help="a knowledge base, for the tasks that need one")
    parser.add_argument("--encoder", metavar="NAME", default="default", help="an encoder's name or path")
    parser.add_argument("--llm", metavar="SPEC", help="a language model, for the tasks that use one")
    parser.add_argument("--seed", metavar="N", type=int, default=42, help="of every random draw")
    parser.add_argument("--limit", metavar="N", type=int, help="at most N samples")
    parser.add_argument(
        "--set", metavar="KEY=VALUE", action="append", default=[], dest="options", help="a setting of the task's own"
    )
    parser.add_argument("--metric", metavar="NAME", help="with compare: a column of the samples, or auroc:TRUTH:SCORE")
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        help="write TASK.json and the samples as TASK.parquet; report: the page to write",
    )
    parser.add_argument("--check", action="store_true", help="exit with 1 when a figure misses its goal")
    eval_suite.configure(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    if args.list:
        return _list(args.json)
    if args.task is None:
        raise UsageError("name a task; `precordia eval --list` lists them")
    if args.task == "compare":
        return _compare(args)
    if args.task == "all":
        return eval_suite.run_all(args, _settings)
    if args.task == "report":
        return eval_suite.run_report(args)
    if args.results:
        raise UsageError(
            f"task {args.task} takes no further arguments ({' '.join(args.results)}); settings go by --set"
        )
    return _run(args)


def _run(args: argparse.Namespace) -> int:
    from precordia.eval.harness import results, runner
    from precordia.eval.harness.registry import TASKS

    TASKS.get(args.task)  # a mistyped name is said before a folder that is not named
    settings = _settings(args)
    document, result = runner.run(args.task, settings)
    if args.json:
        print_json(document)
    else:
        print(runner.table(result.rows))
        for line in result.notes:
            print(f"note: {line}")
    if args.out:
        for path in results.write(document, result.samples, args.out):
            if path is not None:
                note(f"wrote {path}")
    missed = [row for row in result.rows if runner.goal_reached(row) is False]
    if args.check and missed:
        note(f"{len(missed)} of the goals missed: {', '.join(f'{row.system} {row.metric}' for row in missed)}")
        return 1
    return 0


def _settings(args: argparse.Namespace) -> Settings:
    from precordia.datasets.folder import default_data_dir

    if args.limit is not None and args.limit < 1:
        raise UsageError(f"--limit {args.limit}: give at least 1")
    return Settings(
        data=args.data or default_data_dir(),
        kb=args.kb,
        encoder=args.encoder,
        llm=args.llm,
        seed=args.seed,
        limit=args.limit,
        options=_options(args.options),
        out=args.out,
        progress=progress,
    )


def _list(as_json: bool) -> int:
    from precordia.eval.harness.registry import TASKS

    found = {}
    for name in TASKS:
        try:
            card = TASKS.get(name).card
        except ImportError as error:
            found[name] = {"name": name, "summary": f"not available: {error}", "source": ""}
            continue
        found[name] = {"name": card.name, "summary": card.summary, "protocol": card.protocol, "source": card.source}
    if as_json:
        print_json(list(found.values()))
        return 0
    width = max(len(name) for name in found)
    for name, task_facts in found.items():
        print(f"{name.ljust(width)}  {task_facts['summary']}")
        if task_facts["source"]:
            print(f"{' ' * width}  {' '.join(task_facts['source'].split())}")
    return 0


def _compare(args: argparse.Namespace) -> int:
    from precordia.eval.harness.compare import compare

    if len(args.results) != 2:
        raise UsageError("compare takes two results: precordia eval compare A B")
    first, second = args.results
    found = compare(first, second, args.metric, seed=args.seed)
    for warning in found.warnings:
        note(f"warning: {warning}")
    if args.json:
        print_json(found)
        return 0
    print(f"{found.metric}, {found.n} shared samples of {found.n_patients} patients")
    width = max(len(found.a), len(found.b), len("difference"))
    print(f"{found.a.ljust(width)}  {found.value_a:.4f}")
    print(f"{found.b.ljust(width)}  {found.value_b:.4f}")
    print(
        f"{'difference'.ljust(width)}  {found.difference:+.4f} ({found.low:+.4f} to {found.high:+.4f}), p = {found.p:.3g}"
    )
    if found.only_a or found.only_b:
        print(f"left out: {found.only_a} samples only in the first, {found.only_b} only in the second")
    return 0


def _options(pairs: list[str]) -> dict[str, str]:
    options = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"--set {pair}: write KEY=VALUE")
        options[key] = value
    return options
