"""``precordia adapt``: the encoder of a knowledge base made more at home in its archive, and back."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from precordia.cli.console import add_json_option, kb_path, note, print_json, progress
from precordia.core.errors import UsageError

if TYPE_CHECKING:
    from precordia.knowledge_base import KnowledgeBase


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add = parser.add_argument
    add("kb", metavar="KB", nargs="?", help="the knowledge base's folder (default: $PRECORDIA_KB, else ./precordia.kb)")
    add("--out", metavar="DIR", help="train an adapter and write it into this folder")
    add("--labels", metavar="CSV", help="columns case_id or recording_id, and findings (default: what the reports say)")
    add("--rank", type=int, default=2, metavar="N", help="ranks a layer, in the mean")
    add("--epochs", type=int, default=20, metavar="N", help="passes over the labelled ECGs")
    add("--seed", type=int, default=42, metavar="N", help="of every random draw")
    add("--threads", type=int, metavar="N", help="of torch (default: one a core)")
    add("--apply", metavar="DIR", help="embed the knowledge base anew with the adapter of this folder")
    add("--rollback", action="store_true", help="embed it anew with the encoder that it had before")
    add("--force", action="store_true", help="recommend, or apply, an adapter that is not shown to be better")
    add_json_option(parser)
    parser.epilog = (
        "An adapter is checked on patients of the archive who are held back, and says so where it is not better. "
        "Interrupted training goes on where it stopped; an interrupted --apply leaves the knowledge base as it was."
    )


def run(args: argparse.Namespace) -> int:
    """Train, apply or roll back."""
    chosen = [name for name in ("out", "apply", "rollback") if getattr(args, name)]
    if len(chosen) != 1:
        raise UsageError("give one of --out DIR (train an adapter), --apply DIR and --rollback")
    if args.labels and not args.out:
        raise UsageError("--labels goes with --out: labels are what an adapter is trained on")
    if args.threads is not None:
        import torch

        if args.threads < 1:
            raise UsageError(f"--threads {args.threads}: give at least 1")
        torch.set_num_threads(args.threads)
    path = kb_path(args)
    if args.out:
        return _train(args, path)
    from precordia.fitting.adaptation.adapting import apply, roll_back

    if args.apply:
        return _told(args, apply(path, args.apply, force=args.force, progress=progress))
    return _told(args, roll_back(path, progress=progress))


def _train(args: argparse.Namespace, path: Path) -> int:
    from precordia.encoders.adapting import AdaptRecipe
    from precordia.fitting.adaptation.adapting import adapt

    recipe = AdaptRecipe(rank=args.rank, epochs=args.epochs, seed=args.seed)
    made = adapt(path, args.out, labels=args.labels, recipe=recipe, force=args.force, progress=progress)
    for line in made.notes:
        note(line)
    if args.json:
        print_json({"kb": path, **made.facts})
    else:
        print(made.path)
    return 0


def _told(args: argparse.Namespace, kb: KnowledgeBase) -> int:
    manifest = kb.manifest
    facts = {
        "kb": kb.path,
        "n_cases": len(kb),
        "encoder": manifest.encoder,
        "encoder_fingerprint": manifest.encoder_fingerprint,
        "base_encoder": manifest.base_encoder,
    }
    if args.json:
        print_json(facts)
    else:
        stands = f", on {manifest.base_encoder}" if manifest.base_encoder else ""
        note(f"{len(kb)} cases embedded anew with {manifest.encoder} ({manifest.encoder_fingerprint}{stands})")
        print(kb.path)
    return 0
