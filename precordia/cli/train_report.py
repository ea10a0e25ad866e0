"""``precordia train reports``: the small language model of our own, or an adapter of a larger local one."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from precordia.cli.console import add_json_option, note, print_json, progress
from precordia.core.errors import UsageError

if TYPE_CHECKING:
    from precordia.language_models.own_model.training import Progress


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add = parser.add_argument
    add("recipe", nargs="?", metavar="RECIPE", default="default", help="a shipped recipe or a JSON file")
    add(
        "--llm",
        metavar="SPEC",
        default="own",
        help="own, local (SmolLM2), or hf:FOLDER for a LoRA adapter of that model",
    )
    add("--limit", type=int, metavar="N", help="with --llm local or hf:FOLDER: at most N reports")
    add("--data", metavar="DIR", action="append", help="the folder that holds ptbxl/")
    add("--out", metavar="DIR", help="the checkpoint's folder (default: runs/report-RECIPE)")
    add("--resume", action="store_true", help="go on from the state in --out")
    add("--epochs", type=int, metavar="N", help="instead of the recipe's")
    add("--seed", type=int, metavar="N", help="instead of the recipe's")
    add("--threads", type=int, metavar="N", help="CPU threads (default: all)")
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Train; exit code."""
    if not args.data or len(args.data) != 1:
        raise UsageError("train reports: name the one folder that holds ptbxl/ with --data DIR")
    data = Path(args.data[0])
    if args.threads:
        import torch

        torch.set_num_threads(args.threads)
    from precordia.fitting.reports.training import train_reports

    begun = time.monotonic()

    def watch(at: Progress) -> None:
        losses = " ".join(f"{name} {value:.3f}" for name, value in at.losses.items())
        note(f"{at.unit} {at.epoch}/{at.epochs} {time.monotonic() - begun:.0f} s {losses}")

    trained = train_reports(
        data, args.out, recipe=args.recipe, llm=args.llm, limit=args.limit, epochs=args.epochs, seed=args.seed,
        resume=args.resume, progress=progress, tell=note, watch=watch,
    )  # fmt: skip
    for line in trained.notes:
        note(line)
    if args.json:
        print_json(trained.facts)
    else:
        print(f"{trained.path}: {trained.facts['made']}; use it with --llm {trained.facts['llm']}")
    return 0
