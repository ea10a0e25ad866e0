"""Run by test_training_processes.py, becomes two processes: the gradients of a shared batch against those of one process."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import accelerate  # noqa: F401  here, as all else that both processes import: it is imported once
import torch
import torch.multiprocessing

from precordia.encoders.corpus_on_disk import open_corpus
from precordia.encoders.recipe import load_recipe
from precordia.encoders.training.processes import Processes, join
from precordia.encoders.training.run import Run
from precordia.fitting.encoders.sources import source_of
from precordia.records.standardize import SignalSpec


def gradients(run: Run) -> list[torch.Tensor]:
    """Of the first batch of the first epoch, averaged over the processes."""
    clean = run._clean
    run._clean = lambda rows: replace(clean(rows), signal=clean(rows).signal.double())  # type: ignore[method-assign]
    losses = run._losses(run.batches.epoch(0)[0], 0, training=True)
    torch.autograd.backward(torch.stack(list(losses.values())).sum())
    run.processes.average_gradients(run._parameters())
    return [p.grad for p in run._parameters() if p.grad is not None]


def main(rank: int, recipe_path: str, cache: str, out: str) -> None:
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank)}
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)  # so that what differs is not rounding
    torch.Tensor.float = torch.Tensor.double  # type: ignore[method-assign]
    recipe, spec = load_recipe(recipe_path), SignalSpec()
    corpus = open_corpus(Path(cache), source_of([], recipe, None, None), spec)
    together, alone = join(cpu=True), Processes()
    runs = [Run(recipe, corpus, spec, processes) for processes in (together, alone)]
    shared, single = (gradients(run) for run in runs)
    a, b = (torch.cat([g.flatten() for g in found]) for found in (shared, single))
    worst = float((a - b).norm() / b.norm())
    norms = [n.running_var for run in runs for n in run.network.modules() if hasattr(n, "running_var")]
    half = len(norms) // 2
    drift = max(float((a - b).abs().max()) for a, b in zip(norms[:half], norms[half:], strict=True))
    if together.first:
        Path(out).write_text(json.dumps({"count": together.count, "worst": worst, "drift": drift}))
    together.leave()


if __name__ == "__main__":
    torch.multiprocessing.start_processes(main, tuple(sys.argv[1:]), nprocs=2, start_method="fork")
