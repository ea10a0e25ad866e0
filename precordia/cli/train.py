"""``precordia train``: an encoder from a recipe and a folder of ECGs."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from precordia.cli.console import add_json_option, note, print_json, progress

if TYPE_CHECKING:
    from precordia.core.recording import Recording
    from precordia.encoders.training import Progress


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("recipe", metavar="RECIPE", help="a shipped recipe (tiny, base, default) or a JSON file")
    parser.add_argument(
        "--data", metavar="DIR", action="append", help="a folder of ECGs or a knowledge base; may be repeated"
    )
    parser.add_argument("--out", metavar="DIR", help="the checkpoint's folder (default: runs/RECIPE)")
    parser.add_argument("--resume", action="store_true", help="go on from the state in --out")
    parser.add_argument("--epochs", type=int, metavar="N", help="instead of the recipe's")
    parser.add_argument("--seed", type=int, metavar="N", help="instead of the recipe's")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: all)")
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Train; exit code."""
    from precordia.core.errors import UsageError
    from precordia.encoders.card import write_card
    from precordia.encoders.corpus import gather
    from precordia.encoders.recipe import load_recipe
    from precordia.records.standardize import SignalSpec

    recipe = load_recipe(args.recipe)
    if args.epochs is not None:
        recipe = replace(recipe, epochs=args.epochs)
    if args.seed is not None:
        recipe = replace(recipe, seed=args.seed)
    if not args.data and not recipe.simulated:
        raise UsageError("nothing to train on: name a folder of ECGs with --data DIR, or a recipe with simulated ECGs")
    import torch

    from precordia.encoders.training import train

    if args.threads:
        torch.set_num_threads(args.threads)
    spec = SignalSpec()
    sources = [Path(folder) for folder in args.data or []]
    recordings = progress(_recordings(sources, recipe.simulated, recipe.seed), None, "reading")
    corpus = gather(recordings, spec, exclude=recipe.exclude, hold_out=recipe.hold_out)
    note(
        f"{len(corpus)} recordings, {int(corpus.held_out.sum())} held out, {len(corpus.rejected)} left out; "
        f"data {corpus.data_hash[:12]}"
    )
    folder = Path(args.out) if args.out else Path("runs") / recipe.name
    begun = time.monotonic()
    encoder = train(recipe, corpus, folder, spec=spec, resume=args.resume, watch=_watch(begun))
    write_card(folder, recipe, corpus, encoder)
    if args.json:
        print_json({"checkpoint": str(folder), "fingerprint": encoder.fingerprint, "data_hash": corpus.data_hash,
                    "recordings": len(corpus), "held_out": int(corpus.held_out.sum()), "epochs": recipe.epochs,
                    "seconds": round(time.monotonic() - begun, 1)})  # fmt: skip
    else:
        print(f"{folder}: encoder {encoder.fingerprint}")
    return 0


def _recordings(sources: list[Path], simulated: int, seed: int) -> Iterator[Recording]:
    from precordia.encoders.sources import read_source
    from precordia.knowledge_base import is_knowledge_base

    for source in sources:
        yield from _cases(source) if is_knowledge_base(source) else read_source(source)
    yield from _simulated(simulated, seed)


def _cases(path: Path) -> Iterator[Recording]:
    """The recordings of a knowledge base, with their reports."""
    from precordia.indexing.store import DeltaCaseStore

    store = DeltaCaseStore(path)
    for case_id in store.select(None):
        case = store.get([int(case_id)])[0]
        recording = store.recording(int(case_id))
        yield replace(recording, report=case.report, patient_id=case.patient_key, metadata=case.metadata)


def _simulated(n: int, seed: int) -> Iterator[Recording]:
    """Simulated ECGs at 100 Hz, each of a patient of its own, with a report written from what is known of it."""
    if not n:
        return
    import numpy as np

    from precordia.core.leads import LEADS
    from precordia.core.recording import Recording
    from precordia.simulation.reports import write_report
    from precordia.simulation.simulator import simulate_batch

    for number in range(n):
        batch = simulate_batch(1, seed, first=number)
        yield Recording(
            signal=batch.signal[0],
            fs=batch.fs,
            leads=LEADS,
            recording_id=f"simulated:{seed}-{number}",
            report=write_report(batch.truths[0], np.random.default_rng([seed, number])),
            metadata={"dataset": "simulated"},
        )


def _watch(begun: float) -> Callable[[Progress], None]:
    def watch(at: Progress) -> None:
        shown = " ".join(f"{k} {v:.3f}" for k, v in at.losses.items() if k != "learning_rate")
        print(f"epoch {at.epoch}/{at.epochs} {time.monotonic() - begun:.0f} s {shown}", file=sys.stderr, flush=True)

    return watch
