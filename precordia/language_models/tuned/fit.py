"""From material to a taught model: quantiser where it is wanted, network, teaching, and when a report is to end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from precordia.language_models.own_model import fsq
from precordia.language_models.own_model.material import Ecg, Material, statements_in
from precordia.language_models.tuned.card import write_card
from precordia.language_models.tuned.checkpoint import fingerprint_of, load_tuned_model, network_of, save_tuned
from precordia.language_models.tuned.lessons import shown_of, tuned_lessons
from precordia.language_models.tuned.model import TunedModel
from precordia.language_models.tuned.recipe import TunedRecipe
from precordia.language_models.tuned.training import Point, Teaching

BIASES: Final = (0.0, -1.0, -2.0)
"""Added to the score of ending a report: the likeliest report says less than the one of the best F1."""
CHOSEN_ON: Final = 48
"""Reports of the held-out folds that it is chosen on."""


def fit_tuned(
    recipe: TunedRecipe,
    base: str,
    model: Any,
    tokenizer: Any,
    material: Material,
    folder: Path,
    *,
    resume: bool = False,
    watch: Callable[[Point], None] | None = None,
) -> TunedModel:
    """A model taught by a recipe and written to ``folder``, the same each time.

    Args:
        recipe: How.
        base: Names the language model, for the checkpoint.
        model, tokenizer: The language model; changed in place, and of no other use afterwards.
        material: On what.
        folder: For checkpoint, state and curve.
        resume: Go on from the state that is there.
        watch: Told along the way.

    Raises:
        InputError: there is nothing to learn from.
        CheckpointError: the state belongs to another run.
    """
    lessons = tuned_lessons(material, recipe)
    channels = int(material.ecgs[0].steps.shape[-1])
    quantiser = None
    if recipe.sees.ecg == "tokens":
        steps = np.stack([e.steps for e in material.ecgs if not e.held_out]).astype(np.float32)
        quantiser = fsq.fit(torch.from_numpy(steps), seed=recipe.seed)
    if recipe.precision == "bf16":
        model.to(torch.bfloat16)
    network = network_of(model, recipe, channels, quantiser)
    teaching = Teaching(network, tokenizer, recipe, lessons, folder, material.data_hash)
    if resume:
        teaching.go_on()
    teaching.run(watch)
    known = (material.statements(), material.concepts(), material.encoder, material.encoder_fingerprint)
    save_tuned(TunedModel(network, tokenizer, recipe.sees, *known), recipe, base, channels, folder)
    taught = load_tuned_model(folder)
    if recipe.reports:
        taught.end_bias = best_bias(taught, [e for e in material.ecgs if e.held_out and e.report][:CHOSEN_ON])
        save_tuned(taught, recipe, base, channels, folder)
        taught.fingerprint = fingerprint_of(folder)
    (folder / "recipe.json").write_text(recipe.to_json(), encoding="utf-8")
    write_card(folder, recipe, base, material, taught)
    return taught


def best_bias(model: TunedModel, held_out: Sequence[Ecg]) -> float:
    """The bias of the highest micro F1 of statements on ECGs that are held out; the mildest of equally good ones."""
    shown, wanted = [shown_of(e) for e in held_out], [set(statements_in(e.report)) for e in held_out]

    def score(bias: float) -> float:
        model.end_bias = bias
        said = [set(statements_in(text)) for text in model.report(shown)]
        right = sum(len(a & b) for a, b in zip(said, wanted, strict=True))
        return 2 * right / max(1, sum(len(a) + len(b) for a, b in zip(said, wanted, strict=True)))

    return max(BIASES, key=lambda bias: (score(bias), bias))
