"""Teaches a larger local model by one of the recipes of ``language_models/tuned``, and writes what it learned."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from precordia.core.progress import Progress
from precordia.fitting.reports.material import gather
from precordia.fitting.trained import Trained
from precordia.language_models.own_model.recipe import Recipe
from precordia.language_models.own_model.training import Progress as Along
from precordia.language_models.tuned.checkpoint import load_base
from precordia.language_models.tuned.fit import fit_tuned
from precordia.language_models.tuned.recipe import TunedRecipe
from precordia.language_models.tuned.training import Point

LOCAL: Final = "local"
LLAMA: Final = "llama"


def base_of(llm: str) -> str | None:
    """The model that is taught, as its checkpoint names it; None where the spec is of another kind of training."""
    kind, _, folder = llm.partition(":")
    if kind == LLAMA and folder:
        return str(Path(folder).expanduser().resolve())
    return LOCAL if llm == LOCAL else None


def train_tuned(
    base: str,
    data: Path,
    out: Path | str | None,
    recipe: TunedRecipe,
    *,
    resume: bool,
    progress: Progress,
    tell: Callable[[str], None],
    watch: Callable[[Along], None] | None,
) -> Trained:
    """Teach a model on PTB-XL's training folds, and write the checkpoint.

    Args:
        base: From :func:`base_of`.
        data: Folder that holds ``ptbxl/`` and, if there, ``pretrain/``.
        out: The checkpoint's folder; by default ``runs/report-RECIPE``.
        recipe: How.
        resume: Go on from the state in ``out``.
        progress: Goes through what is read.
        tell: Told in words what it learns from.
        watch: Told each time the state is written.

    Raises:
        UsageError: the model is not there, or of another family than Llama.
        InputError: there is nothing to learn from.
        CheckpointError: the state in ``out`` belongs to another run.
    """
    begun = time.monotonic()
    model, tokenizer = load_base(base)
    read = Recipe(
        recipe.name, encoder=recipe.encoder, seed=recipe.seed, text_epochs=0, held_out=recipe.held_out,
        archive=recipe.archive,
    )  # fmt: skip
    material = gather(data, read, lambda items, total, label: progress(items, total, label))
    held = sum(e.held_out for e in material.ecgs)
    tell(f"{len(material.ecgs)} ECGs, {held} held out; data {material.data_hash[:12]}")
    folder = Path(out) if out else Path("runs") / f"report-{recipe.name}"

    def passed(point: Point) -> None:
        if watch is not None:
            losses = {point.stage: point.loss, "held out": point.held_out, "another's ECG": point.other_ecg}
            watch(Along(point.step, point.steps, {n: v for n, v in losses.items() if v == v}, "step"))

    taught = fit_tuned(recipe, base, model, tokenizer, material, folder, resume=resume, watch=passed)
    facts = {"checkpoint": str(folder), "parameters": taught.parameters, "encoder": material.encoder_fingerprint,
             "data_hash": material.data_hash, "end_bias": taught.end_bias,
             "seconds": round(time.monotonic() - begun, 1),
             "made": f"adapter by recipe {recipe.name}", "llm": f"tuned:{folder}"}  # fmt: skip
    return Trained("reports", folder, facts)


def chosen(recipe: TunedRecipe, *, limit: int | None, epochs: int | None, seed: int | None) -> TunedRecipe:
    """A recipe with what the command line says instead."""
    if limit is not None:
        recipe = replace(recipe, reports=min(recipe.reports, limit), questions=min(recipe.questions, limit))
    if epochs is not None:
        recipe = replace(recipe, epochs=epochs)
    return recipe if seed is None else replace(recipe, seed=seed)
