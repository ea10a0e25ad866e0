"""Epochs, looks at the held-out part, and what is written when."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from precordia.encoders.checkpoint import save_encoder
from precordia.encoders.corpus import Corpus
from precordia.encoders.curve import Curve
from precordia.encoders.encoder import SignalEncoder
from precordia.encoders.outcome import Outcome, hardware, versions
from precordia.encoders.recipe import Recipe
from precordia.encoders.training.patience import Patience
from precordia.encoders.training.processes import Processes
from precordia.encoders.training.run import Run
from precordia.encoders.training.state import read_state, write_state
from precordia.records.standardize import SignalSpec

_STATE = "state.pt"


@dataclass(frozen=True)
class Progress:
    """Where training stands after an epoch: number, of how many, and the losses and scores by name."""

    epoch: int
    epochs: int
    losses: dict[str, float]


@dataclass(frozen=True)
class Tick:
    """Where training stands within an epoch: its number, the pass, of how many, and that batch's loss."""

    epoch: int
    batch: int
    batches: int
    loss: float


def train(
    recipe: Recipe,
    corpus: Corpus,
    folder: Path,
    *,
    spec: SignalSpec | None = None,
    resume: bool = False,
    watch: Callable[[Progress], None] | None = None,
    tick: Callable[[Tick], None] | None = None,
    processes: Processes | None = None,
) -> SignalEncoder:
    """Train and write the checkpoint; the encoder with the running mean of the weights.

    Args:
        recipe: What to do.
        corpus: What to learn from.
        folder: Gets ``weights.safetensors``, ``encoder.json``, ``recipe.json``, ``curve.csv``, ``training.json`` and
            ``state.pt``.
        spec: The signal contract the corpus was made with.
        resume: Go on from ``state.pt`` if it is there.
        watch: Called after each epoch, in the first process.
        tick: Called after each batch, in the first process.
        processes: Who computes; by default this process alone, on the CPU.

    Raises:
        CheckpointError: the state in ``folder`` is of another recipe or other data.
        UsageError: the recipe does not fit the data, the processes or the device.
        PrecordiaError: the loss is not finite.
    """
    spec, processes = spec or SignalSpec(), processes or Processes()
    run, patience, begun = (
        Run(recipe, corpus, spec, processes),
        Patience(recipe.watch, recipe.patience),
        time.monotonic(),
    )
    folder.mkdir(parents=True, exist_ok=True)
    curve, start, spent = Curve(folder / "curve.csv"), 0, 0.0
    if resume and (folder / _STATE).is_file():
        state = read_state(folder / _STATE, run.identity)
        run.load_state(state)
        start, spent = int(state["epochs"]), float(state.get("seconds", 0.0))
        if "patience" in state:
            patience.load_state(state["patience"])
    processes.wait()
    if processes.first:
        curve.cut(start)
        (folder / "recipe.json").write_text(recipe.to_json(), encoding="utf-8")
    done = start
    for epoch in range(start, recipe.epochs):
        if patience.is_over(epoch):
            break
        losses = run.epoch(epoch, _ticker(tick, epoch + 1, run.batches.per_epoch) if processes.first else None)
        done = epoch + 1
        if done % recipe.evaluate_every == 0 or done == recipe.epochs:
            losses |= run.look()
            if epoch >= recipe.complete_from:
                patience.see(done, losses, mean=run.mean, objectives=run.objectives)
        if processes.first:
            curve.add(done, losses)
            seconds = spent + time.monotonic() - begun
            kept = {"epochs": done, "seconds": seconds, "patience": patience.state()}
            write_state(folder / _STATE, run.state() | kept)
            if watch is not None:
                watch(Progress(done, recipe.epochs, losses))
    patience.restore_best(mean=run.mean, objectives=run.objectives)
    encoder = run.encoder()
    if processes.first:
        save_encoder(encoder, folder)
        Outcome(
            epochs=done,
            best_epoch=patience.best_epoch or done,
            steps=done * run.steps_per_epoch,
            seconds=round(spent + time.monotonic() - begun, 1),
            curve_end=curve.latest(),
            started_from=run.started_from,
            probe_findings=run.probe.findings if run.probe else (),
            processes=processes.count,
            hardware=hardware(processes.device),
            versions=versions(),
        ).save(folder)
    processes.wait()
    return encoder


def _ticker(tick: Callable[[Tick], None] | None, epoch: int, batches: int) -> Callable[[int, float], None] | None:
    if tick is None:
        return None
    return lambda batch, loss: tick(Tick(epoch, batch, batches, loss))
