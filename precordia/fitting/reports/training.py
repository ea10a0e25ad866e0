"""Makes a language model for reports: the small one of our own, written with its card, or an adapter of a larger one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from precordia.core.errors import UsageError
from precordia.core.progress import Progress, silent
from precordia.fitting.reports import tuned
from precordia.fitting.reports.material import gather
from precordia.fitting.trained import Trained
from precordia.language_models.own_model.card import write_card
from precordia.language_models.own_model.checkpoint import save_model
from precordia.language_models.own_model.fit import fit
from precordia.language_models.own_model.recipe import load_recipe
from precordia.language_models.own_model.training import Progress as Epoch
from precordia.language_models.tuned.recipe import load_tuned

OWN: Final = ("own", "precordia")
"""The model of our own, as specs name it."""


def train_reports(
    data: Path | str,
    out: Path | str | None = None,
    *,
    recipe: str | Path = "default",
    llm: str = "own",
    limit: int | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    resume: bool = False,
    progress: Progress = silent,
    tell: Callable[[str], None] = lambda line: None,
    watch: Callable[[Epoch], None] | None = None,
) -> Trained:
    """Train a language model for reports on PTB-XL, and write its checkpoint, or its adapter.

    Args:
        data: Folder that holds ``ptbxl/`` and, if there, ``pretrain/``.
        out: The checkpoint's folder; by default ``runs/report-RECIPE``, of an adapter ``runs/report-MODEL``.
        recipe: A shipped one's name, or a JSON file.
        llm: "own" for the small model of our own; "local" for the recipes that teach SmolLM2, "llama:FOLDER" for the same on
            another model of its family; "hf:FOLDER" for a LoRA adapter of any local model, on prompts in words.
        limit: Of a larger model: at most so many reports, and as many questions.
        epochs: Instead of the recipe's; of an adapter, instead of one.
        seed: Instead of the recipe's.
        resume: Go on from the state in ``out``.
        progress: Goes through what is read.
        tell: Told in words what it learns from.
        watch: Told after each epoch.

    Raises:
        UsageError: ``llm`` is neither, or ``limit`` is given and it is our own.
        InputError: there is nothing to train on.
        CheckpointError: the state in ``out`` belongs to another run.
        MissingExtraError: an adapter is wanted, and peft is not installed.
    """
    taught = tuned.base_of(llm)
    if taught is not None:
        how = load_tuned("refine" if str(recipe) == "default" else str(recipe))
        return tuned.train_tuned(
            taught, Path(data), out, tuned.chosen(how, limit=limit, epochs=epochs, seed=seed), resume=resume,
            progress=progress, tell=tell, watch=watch,
        )  # fmt: skip
    begun, base, chosen = time.monotonic(), _base_of(llm), load_recipe(str(recipe))
    if base is not None:
        from precordia.fitting.reports.adapter import train_adapter

        return train_adapter(
            base, Path(data), out, chosen, limit=limit, epochs=epochs, seed=seed, resume=resume, tell=tell, watch=watch
        )
    if limit is not None:
        raise UsageError(
            "train reports: a limit of reports goes with hf:FOLDER or local; a model of our own learns from all"
        )
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
             "seconds": round(time.monotonic() - begun, 1),
             "made": f"language model {model.fingerprint}", "llm": f"own:{folder}"}  # fmt: skip
    return Trained("reports", folder, facts)


def _base_of(llm: str) -> Path | None:
    """The folder of the model that an adapter is wanted of; None for the model of our own."""
    if llm in OWN:
        return None
    kind, _, folder = llm.partition(":")
    if kind != "hf" or not folder:
        raise UsageError(f"train reports: {llm!r} cannot be trained; give local, llama:FOLDER, hf:FOLDER, or own")
    return Path(folder).expanduser()
