"""``precordia train encoder``: an encoder from a recipe and a folder of ECGs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from precordia.cli.console import add_json_option, note, print_json, progress
from precordia.core.errors import UsageError

if TYPE_CHECKING:
    from precordia.encoders.training import Progress
    from precordia.fitting.encoders.training import Watched
    from precordia.fitting.trained import Trained


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add = parser.add_argument
    add("recipe", nargs="?", metavar="RECIPE", help="a shipped recipe (tiny, base, large, default) or a JSON file")
    add("--data", metavar="DIR", action="append", help="a folder of ECGs or a knowledge base; may be repeated")
    add("--reports", metavar="FILE", help="a CSV or Parquet table with reports, joined by id, as for precordia build")
    add("--mapping", metavar="JSON", help="which column of --reports is what (PTB-XL's is known)")
    add("--out", metavar="DIR", help="the checkpoint's folder (default: runs/RECIPE)")
    add("--resume", action="store_true", help="go on from the state in --out")
    add("--cross-fit", type=int, metavar="N", help="one encoder for each of N parts of folds 1-8, trained without it")
    add("--epochs", type=int, metavar="N", help="instead of the recipe's")
    add("--seed", type=int, metavar="N", help="instead of the recipe's")
    add("--devices", type=int, metavar="N", help="train in N processes, one a GPU (default: one process)")
    add("--cpu", action="store_true", help="do not use a GPU")
    add("--threads", type=int, metavar="N", help="CPU threads of each process (default: all)")
    add("--memory", type=float, default=4.0, metavar="GB", help="most memory for the signals; more go to --cache")
    add("--cache", metavar="DIR", help="where signals are kept that do not fit (default: corpora, beside --out)")
    add("--workers", type=int, metavar="N", help="processes that read files into --cache (default: one a core)")
    add("--tensorboard", action="store_true", help="write TensorBoard logs beside curve.csv")
    add_json_option(parser)
    parser.epilog = "A bare recipe means an encoder: precordia train tiny is precordia train encoder tiny."


def run(args: argparse.Namespace) -> int:
    """Train; exit code."""
    if args.recipe is None:
        raise UsageError("name a recipe (tiny, base, large, default) or a JSON file")
    from precordia.encoders.training.processes import check_batch, launched_count, launched_rank
    from precordia.fitting.encoders import training

    count = launched_count() if args.devices is None else args.devices
    if count < 1 or launched_count() not in (1, count):
        raise UsageError(f"--devices {args.devices}: give at least 1, and nothing else than the launcher was given")
    recipe = training.recipe_of(args.recipe, args.epochs, args.seed)
    check_batch(recipe.name, recipe.batch_size, count)
    material = training.Material(
        folders=tuple(Path(folder) for folder in args.data or ()),
        reports=Path(args.reports) if args.reports else None,
        mapping=Path(args.mapping) if args.mapping else None,
        memory_gb=args.memory,
        cache=Path(args.cache) if args.cache else None,
        workers=args.workers,
    )
    training.check_material(material, recipe)
    if args.threads:
        import torch

        torch.set_num_threads(args.threads)
    folder = Path(args.out) if args.out else Path("runs") / recipe.name
    if args.cross_fit is not None:
        if count > 1:
            raise UsageError("--cross-fit trains in one process: leave --devices away")
        for trained in training.cross_fitted_parts(
            material, recipe, folder, args.cross_fit, resume=args.resume, cpu=args.cpu,
            watched=lambda part: _watched(args, part),
        ):  # fmt: skip
            _print(args, trained)
        return 0
    watched = _watched(args, folder)
    corpus = training.gather(material, recipe, folder, watched, on_disk=count > 1)
    if count > 1 and launched_count() == 1:
        from precordia.cli.training_launch import launch

        return launch(args, count)
    trained = training.train_on(corpus, recipe, folder, resume=args.resume, cpu=args.cpu, watched=watched)
    if launched_rank() == 0:
        _print(args, trained)
    return 0


def _watched(args: argparse.Namespace, folder: Path) -> Watched:
    """A bar and a line an epoch on stderr, and TensorBoard if asked."""
    from precordia.cli.training_display import Display, tensorboard
    from precordia.fitting.encoders.training import Watched

    display = Display()
    also = tensorboard(folder) if args.tensorboard else None

    def epoch(at: Progress) -> None:
        display.epoch(at)
        if also is not None:
            also(at)

    return Watched(progress, note, epoch, display.tick)


def _print(args: argparse.Namespace, trained: Trained) -> None:
    for line in trained.notes:
        note(line)
    if args.json:
        print_json(trained.facts)
    else:
        print(f"{trained.path}: encoder {trained.facts['fingerprint']}")
