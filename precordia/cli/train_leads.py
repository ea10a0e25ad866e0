"""``precordia train leads RECIPE``: what draws leads from others, and what aligns the vectors of few leads with those of all."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping

from precordia.cli.console import add_json_option, note, progress
from precordia.cli.train_fitted import told


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add = parser.add_argument
    add("recipe", metavar="RECIPE", help="linear, network, gan or aligned, or a JSON file")
    add("--data", metavar="DIR", help="a folder of ECGs, as for an encoder (default: $PRECORDIA_DATA)")
    add("--out", metavar="DIR", help="the folder that is written (default: runs/leads-RECIPE)")
    add("--encoder", metavar="NAME", default="default", help="name or folder of the encoder whose vectors are aligned")
    add("--resume", action="store_true", help="go on from the state in --out")
    add("--epochs", type=int, metavar="N", help="instead of the recipe's")
    add("--seed", type=int, metavar="N", help="instead of the recipe's")
    add("--threads", type=int, metavar="N", help="CPU threads (default: all)")
    add_json_option(parser)
    parser.epilog = (
        "What ships is made by these with --out precordia/signals/leads/weights/RECIPE: first linear and network, then aligned, "
        "again for each new encoder."
    )


def run(args: argparse.Namespace) -> int:
    """Fit; exit code."""
    from precordia.datasets.folder import default_data_dir
    from precordia.fitting.signals.leads.training import train_leads

    if args.threads:
        import torch

        torch.set_num_threads(args.threads)
    begun = time.monotonic()

    def watch(epoch: int, epochs: int, figures: Mapping[str, float]) -> None:
        said = " ".join(f"{name} {value:.3f}" for name, value in figures.items())
        note(f"epoch {epoch}/{epochs} {time.monotonic() - begun:.0f} s {said}")

    trained = train_leads(
        args.recipe, args.data or default_data_dir(), args.out, encoder=args.encoder, epochs=args.epochs, seed=args.seed,
        resume=args.resume, progress=progress, watch=watch,
    )  # fmt: skip
    return told(args, trained)
