"""From material to a trained model: tokenizer, discrete ECG tokens where they are wanted, decoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from precordia.language_models.own_model import fsq
from precordia.language_models.own_model.context import Example, Layout, Shown, edges_of
from precordia.language_models.own_model.material import Asked, Material
from precordia.language_models.own_model.model import OwnModel
from precordia.language_models.own_model.recipe import Recipe
from precordia.language_models.own_model.tokenizer import Tokenizer
from precordia.language_models.own_model.training import Lessons, Progress, train

WATCHED = 1500
"""Questions of the held-out folds that are looked at after each epoch."""


def fit(
    recipe: Recipe,
    material: Material,
    folder: Path,
    *,
    resume: bool = False,
    watch: Callable[[Progress], None] | None = None,
) -> OwnModel:
    """A model trained by a recipe, the same each time.

    Args:
        recipe: How.
        material: On what.
        folder: For the state and the curve of the training.
        resume: Go on from the state that is there.
        watch: Told after each epoch.

    Raises:
        InputError: there is nothing to train on.
        CheckpointError: the state belongs to another run.
    """
    import hashlib

    tokenizer = Tokenizer.train(material.words(), recipe.vocabulary)
    quantiser = None
    if recipe.sees.ecg == "tokens":
        steps = np.stack([e.steps for e in material.ecgs if not e.held_out]).astype(np.float32)
        quantiser = fsq.fit(torch.from_numpy(steps), seed=recipe.seed)
    n_tokens = len(tokenizer) + (quantiser.n_tokens if quantiser else 0)
    levels = [s for e in material.ecgs if not e.held_out for _, s in e.precedents]
    layout = Layout(tokenizer, edges_of(levels or [0.5]), recipe.size.context - recipe.size.soft_tokens - 64)
    sized = replace(recipe, size=replace(recipe.size, encoder_dim=material.ecgs[0].vector.size))
    lessons = _lessons(material, quantiser, recipe.seed)
    fingerprint = hashlib.sha256(f"{sized.to_json()}{material.data_hash}".encode()).hexdigest()[:16]
    decoder = train(sized, lessons, layout, n_tokens, folder, fingerprint=fingerprint, resume=resume, watch=watch)
    return OwnModel(
        decoder, layout, recipe.sees, material.statements(), material.concepts(),
        material.encoder, material.encoder_fingerprint, quantiser,
    )  # fmt: skip


def _lessons(material: Material, quantiser: fsq.FiniteScalarQuantiser | None, seed: int) -> Lessons:
    reports: list[Example] = []
    questions: list[Example] = []
    held: list[Example] = []
    asked: list[Example] = []
    for ecg in material.ecgs:
        tokens: tuple[int, ...] = ()
        if quantiser is not None:
            with torch.inference_mode():
                found = quantiser.tokens(torch.from_numpy(ecg.steps[None].astype(np.float32)))
            tokens = tuple(found[0].tolist())
        shown = Shown(ecg.vector, tokens, ecg.measured, ecg.precedents)
        if ecg.report:
            (held if ecg.held_out else reports).append(Example(shown, ecg.report))
        (asked if ecg.held_out else questions).extend(_about(shown, ecg.questions))
    chosen = np.random.default_rng([seed, 9]).permutation(len(asked))[:WATCHED]
    texts: list[Example] = []
    text_questions: list[Example] = []
    for text in material.texts:
        shown = Shown(precedents=text.precedents)
        texts.append(Example(shown, text.report, group="text"))
        text_questions += _about(shown, text.questions)
    return Lessons(texts, text_questions, reports, questions, [*held, *(asked[i] for i in sorted(chosen.tolist()))])


def _about(shown: Shown, questions: Asked) -> Sequence[Example]:
    return [Example(shown, answer, question, "question") for question, answer in questions]
