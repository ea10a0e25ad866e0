"""Makes the small language model of our own: gathers what it learns from, trains it, and writes it with its card."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from precordia.core.progress import Progress, silent
from precordia.fitting.reports.material import gather
from precordia.fitting.trained import Trained
from precordia.language_models.own_model.card import write_card
from precordia.language_models.own_model.checkpoint import save_model
from precordia.language_models.own_model.fit import fit
from precordia.language_models.own_model.recipe import load_recipe
from precordia.language_models.own_model.training import Progress as Epoch


def train_reports(
    data: Path | str,
    out: Path | str | None = None,
    *,
    recipe: str | Path = "default",
    epochs: int | None = None,
    seed: int | None = None,
    resume: bool = False,
    progress: Progress = silent,
    tell: Callable[[str], None] = lambda line: None,
    watch: Callable[[Epoch], None] | None = None,
) -> Trained:
    """Train a language model for reports on PTB-XL, and write its checkpoint.

    Args:
        data: Folder that holds ``ptbxl/`` and, if there, ``pretrain/``.
        out: The checkpoint's folder; by default ``runs/report-RECIPE``.
        recipe: A shipped one's name, or a JSON file.
        epochs: Instead of the recipe's.
        seed: Instead of the recipe's.
        resume: Go on from the state in ``out``.
        progress: Goes through what is read.
        tell: Told in words what it learns from.
        watch: Told after each epoch.

    Raises:
        InputError: there is nothing to train on.
        CheckpointError: the state in ``out`` belongs to another run.
    """
    begun, chosen = time.monotonic(), load_recipe(str(recipe))
    if epochs is not None:
        chosen = replace(chosen, epochs=epochs)
    if seed is not None:
        chosen = replace(chosen, seed=seed)
    material = gather(Path(data), chosen, lambda items, total, label: progress(items, total, label))
    held = sum(e.held_out for e in material.ecgs)
    tell(
        f"{len(material.ecgs)} ECGs, {held} held out, {len(material.texts)} reports without a signal; "
        f"data {material.data_hash[:12]}"
    )
    folder = Path(out) if out else Path("runs") / f"report-{chosen.name}"
    model = save_model(fit(chosen, material, folder, resume=resume, watch=watch), folder)
    (folder / "recipe.json").write_text(chosen.to_json(), encoding="utf-8")
    write_card(folder, chosen, material, model)
    facts = {"checkpoint": str(folder), "fingerprint": model.fingerprint, "parameters": model.parameters,
             "encoder": model.encoder_fingerprint, "data_hash": material.data_hash,
             "seconds": round(time.monotonic() - begun, 1)}  # fmt: skip
    return Trained("reports", folder, facts)
