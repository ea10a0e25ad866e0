"""``precordia train``: an encoder from a recipe and a folder of ECGs."""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from precordia.cli.console import add_json_option, note, print_json, progress
from precordia.core.errors import UsageError

if TYPE_CHECKING:
    from precordia.encoders.corpus import Corpus
    from precordia.encoders.encoder import SignalEncoder
    from precordia.encoders.recipe import Recipe
    from precordia.encoders.training import Progress
    from precordia.records.standardize import SignalSpec


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add = parser.add_argument
    add("recipe", nargs="?", metavar="RECIPE", help="a shipped recipe (tiny, base, large, default) or a JSON file")
    add("--task", choices=("encoder", "report"), default="encoder", help="an encoder, or a language model for reports")
    add(
        "--llm", metavar="SPEC", help="with --task report: own (default), or hf:FOLDER for a LoRA adapter of that model"
    )
    add("--limit", type=int, metavar="N", help="with --llm hf:FOLDER: at most N reports")
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
    add(
        "--memory",
        type=float,
        default=4.0,
        metavar="GB",
        help="most memory for the signals; more go to --cache",
    )
    add("--cache", metavar="DIR", help="where signals are kept that do not fit (default: corpora, beside --out)")
    add("--workers", type=int, metavar="N", help="processes that read files into --cache (default: one a core)")
    add("--tensorboard", action="store_true", help="write TensorBoard logs beside curve.csv")
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Train; exit code."""
    if args.task == "report":
        from precordia.cli import train_report

        return train_report.run(args)
    if args.recipe is None:
        raise UsageError("name a recipe (tiny, base, large, default) or a JSON file")
    from precordia.encoders.training.processes import check_batch, launched_count

    count = launched_count() if args.devices is None else args.devices
    if count < 1 or launched_count() not in (1, count):
        raise UsageError(f"--devices {args.devices}: give at least 1, and nothing else than the launcher was given")
    recipe = _recipe(args)
    check_batch(recipe.name, recipe.batch_size, count)
    if not args.data and not recipe.simulated:
        raise UsageError("nothing to train on: name a folder of ECGs with --data DIR, or a recipe with simulated ECGs")
    import torch

    from precordia.records.standardize import SignalSpec

    if args.threads:
        torch.set_num_threads(args.threads)
    folder, spec = Path(args.out) if args.out else Path("runs") / recipe.name, SignalSpec()
    if args.cross_fit is not None:
        if count > 1:
            raise UsageError("--cross-fit trains in one process: leave --devices away")
        return _cross_fit(args, recipe, spec, folder)
    corpus = _corpus(args, recipe, spec, folder, on_disk=count > 1)
    if count > 1 and launched_count() == 1:
        from precordia.cli.training_launch import launch

        return launch(args, count)
    return _train(args, recipe, corpus, spec, folder)


def _cross_fit(args: argparse.Namespace, recipe: Recipe, spec: SignalSpec, folder: Path) -> int:
    """An encoder for each part; with --resume, those that are done are only looked at."""
    from precordia.encoders.checkpoint import load_encoder
    from precordia.encoders.cross_fitting import Part, parts_of, write_manifest

    done: list[Part] = []
    for name, (unseen, without) in parts_of(recipe, args.cross_fit).items():
        corpus = _corpus(args, without, spec, folder / name, on_disk=False)
        if any(corpus.data_hash == part.data_hash for part in done):
            raise UsageError("--cross-fit: leaving folds out changes nothing; the data has no strat_fold")
        _train(args, without, corpus, spec, folder / name)
        fingerprint = load_encoder(folder / name).fingerprint
        done.append(Part(name, unseen, corpus.data_hash, fingerprint, without.seed))
        write_manifest(folder, recipe, done)
    return 0


def _recipe(args: argparse.Namespace) -> Recipe:
    from precordia.encoders.recipe import load_recipe

    recipe = load_recipe(args.recipe)
    if args.epochs is not None:
        recipe = replace(recipe, epochs=args.epochs)
    if args.seed is not None:
        recipe = replace(recipe, seed=args.seed)
    return recipe


def _corpus(args: argparse.Namespace, recipe: Recipe, spec: SignalSpec, folder: Path, *, on_disk: bool) -> Corpus:
    """The training data: in memory where it fits and one process trains, else on disk."""
    from precordia.cli.training_sources import source_of
    from precordia.encoders.corpus import gather
    from precordia.encoders.corpus_on_disk import bytes_of, key_of, open_corpus
    from precordia.encoders.sources import readings
    from precordia.encoders.training.processes import launched_count, launched_rank

    reports, mapping = (Path(p) if p else None for p in (args.reports, args.mapping))
    source = source_of([Path(folder) for folder in args.data or []], recipe, reports, mapping)
    if not on_disk and bytes_of(len(source), spec) <= args.memory * 1e9:
        recordings = progress(readings(source), len(source), "reading")
        corpus = gather(recordings, spec, exclude=recipe.exclude, hold_out=recipe.hold_out)
    else:
        from precordia.engine.local import LocalExecutor, available_cores

        cache = Path(args.cache) if args.cache else folder.parent / "corpora"
        workers = min(args.workers or available_cores(), -(-len(source) // 256) or 1)

        def show(blocks: Iterable[Any], total: int) -> Iterator[Any]:
            note(f"reading {len(source)} recordings into {cache / key_of(source, spec)}")
            return progress(blocks, total, "reading", "block")

        corpus = open_corpus(cache, source, spec, exclude=recipe.exclude, hold_out=recipe.hold_out,
                             executor=LocalExecutor(workers=workers), show=show)  # fmt: skip
    if launched_rank() == 0 and not (on_disk and launched_count() == 1):
        note(
            f"{len(corpus)} recordings, {int(corpus.held_out.sum())} held out, {len(corpus.rejected)} left out; "
            f"data {corpus.data_hash[:12]}"
        )
    return corpus


def _train(args: argparse.Namespace, recipe: Recipe, corpus: Corpus, spec: SignalSpec, folder: Path) -> int:
    from precordia.cli.training_display import Display, tensorboard
    from precordia.encoders.card import write_card
    from precordia.encoders.seen import write_seen
    from precordia.encoders.training import train
    from precordia.encoders.training.processes import join

    display, begun, processes = Display(), time.monotonic(), join(cpu=args.cpu)
    also = tensorboard(folder) if args.tensorboard and processes.first else None

    def watch(at: Progress) -> None:
        display.epoch(at)
        if also is not None:
            also(at)

    try:
        encoder = train(
            recipe, corpus, folder, spec=spec, resume=args.resume, tick=display.tick, processes=processes,
            watch=watch,
        )  # fmt: skip
        if processes.first:
            write_card(folder, recipe, corpus, encoder)
            write_seen(folder, encoder, corpus)
            _write_left_out(folder / "left_out.csv", corpus)
            _print(args, recipe, corpus, encoder, folder, time.monotonic() - begun)
    finally:
        processes.leave()
    return 0


def _print(
    args: argparse.Namespace, recipe: Recipe, corpus: Corpus, encoder: SignalEncoder, folder: Path, seconds: float
) -> None:
    from precordia.encoders.outcome import Outcome

    outcome = Outcome.load(folder)
    if outcome is not None and outcome.epochs < recipe.epochs:
        note(
            f"stopped after epoch {outcome.epochs} of {recipe.epochs}; the weights are those of epoch {outcome.best_epoch}"
        )
    if not args.json:
        print(f"{folder}: encoder {encoder.fingerprint}")
        return
    print_json({"checkpoint": str(folder), "fingerprint": encoder.fingerprint, "data_hash": corpus.data_hash,
                "recordings": len(corpus), "held_out": int(corpus.held_out.sum()), "left_out": len(corpus.rejected),
                "epochs": outcome.epochs if outcome else recipe.epochs,
                "best_epoch": outcome.best_epoch if outcome else recipe.epochs,
                "curve_end": dict(outcome.curve_end) if outcome else {}, "seconds": round(seconds, 1)})  # fmt: skip


def _write_left_out(path: Path, corpus: Corpus) -> None:
    """Which recordings were not used, and why."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["recording", "reason"])
        writer.writerows(corpus.rejected)
