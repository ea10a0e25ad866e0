"""Objectives and backbones at equal compute: ``python -m benchmarks.objectives OUT --data MIRROR``.

Trains recipes of ``precordia/encoders/recipes/ablation`` for the same processor time on one thread, each with several seeds,
into ``OUT/NAME-SEED``; a checkpoint that is there is left. How many epochs that time buys is found once for each recipe and
kept in ``OUT/epochs.json``, so that the trainings can be repeated exactly. ``precordia eval encoder-ablation --set folder=OUT``
asks them all, and ``python -m benchmarks.encoder_page`` puts the seeds together.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch

from precordia.encoders.corpus import Corpus
from precordia.encoders.recipe import Recipe, load_recipe
from precordia.encoders.training.processes import Processes
from precordia.encoders.training.run import Run
from precordia.fitting.encoders.training import Material, gather, train_on
from precordia.records.standardize import SignalSpec

RECIPES: Final = (
    "masked_signal", "joint_embedding", "predictive_coding", "contrast", "vicreg", "distillation", "signal_measurements",
    "measured_findings", "report_words", "report_findings", "text_infonce", "optimal_transport", "ecg_text_matching",
    "state_space", "state_space_measured",
)  # fmt: skip


def main() -> int:
    """Train what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--data", type=Path, action="append", required=True, metavar="MIRROR")
    parser.add_argument("--seconds", type=float, default=45.0, help="processor time of each training")
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44])
    parser.add_argument("--only", nargs="+", default=list(RECIPES), metavar="NAME", help="recipes, without ablation/")
    args = parser.parse_args()
    torch.set_num_threads(1)
    recipes = {name: load_recipe(f"ablation/{name}") for name in args.only}
    corpus = gather(Material(tuple(args.data), memory_gb=8.0), next(iter(recipes.values())), args.out)
    epochs = affordable(recipes, corpus, args.seconds, args.out / "epochs.json")
    for seed in args.seeds:
        for name, recipe in recipes.items():
            folder = args.out / f"{name}-{seed}"
            if (folder / "weights.safetensors").is_file():
                continue
            began = time.process_time()
            train_on(
                corpus, replace(recipe, seed=seed, epochs=epochs[name], evaluate_every=epochs[name]), folder, cpu=True
            )
            print(
                f"{folder.name}: {epochs[name]} epochs, {time.process_time() - began:.0f} s",
                file=sys.stderr,
                flush=True,
            )
    return 0


def affordable(recipes: dict[str, Recipe], corpus: Corpus, seconds: float, kept: Path) -> dict[str, int]:
    """Epochs of each recipe that take so much processor time, at least one."""
    known: dict[str, int] = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
    for name, recipe in recipes.items():
        if name not in known:
            known[name] = max(1, round(seconds / seconds_per_epoch(recipe, corpus)))
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    return known


def seconds_per_epoch(recipe: Recipe, corpus: Corpus, steps: Sequence[int] = range(2, 8)) -> float:
    """Processor time of an epoch, from a few steps; the first, which warm up, are not counted."""
    run = Run(replace(recipe, epochs=1), corpus, SignalSpec(), Processes())
    ticks: dict[int, float] = {}

    class Enough(Exception):
        """Of the steps."""

    def tick(step: int, loss: float) -> None:
        ticks[step] = time.process_time()
        if step == steps[-1]:
            raise Enough

    with contextlib.suppress(Enough):
        run.epoch(0, tick)
    return (ticks[steps[-1]] - ticks[steps[0]]) / (steps[-1] - steps[0]) * run.steps_per_epoch


if __name__ == "__main__":
    sys.exit(main())
