"""``train("leads", RECIPE)``: makes what a recipe of lead drawing or alignment describes, and writes it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from precordia.core.errors import UsageError
from precordia.core.progress import Progress, silent
from precordia.core.registry import Registry
from precordia.fitting.signals.leads.drawing import Watch, train_drawer
from precordia.fitting.signals.leads.material import Material, gather
from precordia.fitting.trained import Trained
from precordia.signals.leads.drawers import save_drawer
from precordia.signals.leads.linear import LinearDrawer, fit_linear
from precordia.signals.leads.recipe import Recipe, Training, load_recipe


@dataclass(frozen=True)
class Order:
    """What is to be made.

    Attributes:
        recipe: How.
        data: Folder of ECGs.
        folder: Where it is written.
        encoder: Name or folder of the encoder whose vectors are aligned.
        resume: Go on from the state in ``folder``.
        progress: Goes through what is read.
        watch: Told after each epoch.
    """

    recipe: Recipe
    data: Path
    folder: Path
    encoder: str
    resume: bool
    progress: Progress
    watch: Watch


def train_leads(
    recipe: str | Path | Recipe,
    data: Path | str,
    out: Path | str | None = None,
    *,
    encoder: str = "default",
    epochs: int | None = None,
    seed: int | None = None,
    resume: bool = False,
    progress: Progress = silent,
    watch: Watch = lambda epoch, epochs, figures: None,
) -> Trained:
    """Fit what draws leads from others, or what aligns vectors of few leads with those of all, and write its folder.

    Args:
        recipe: A shipped one's name ("linear", "network", "gan", "aligned"), a JSON file, or a recipe.
        data: Folder of ECGs, as for an encoder.
        out: The folder that is written; by default ``runs/leads-RECIPE``.
        encoder: Whose vectors are aligned; drawing leads needs none.
        epochs: Instead of the recipe's.
        seed: Instead of the recipe's.
        resume: Go on from the state in ``out``.
        progress: Goes through what is read.
        watch: Told after each epoch.

    Raises:
        UsageError: the recipe has no epochs, and some are asked for.
        InputError: there is nothing to learn from.
        CheckpointError: the state in ``out`` is of another recipe or other data.
    """
    chosen = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    if seed is not None:
        chosen = replace(chosen, seed=seed)
    if epochs is not None:
        if not hasattr(chosen.settings, "epochs"):
            raise UsageError(f"recipe {chosen.name}: has no epochs; leave --epochs out")
        chosen = replace(chosen, settings=replace(chosen.settings, epochs=epochs))
    folder = Path(out) if out else Path("runs") / f"leads-{chosen.name}"
    order = Order(chosen, Path(data), folder, encoder, resume, progress, watch)
    begun = time.monotonic()
    made = _MAKERS.get(chosen.mechanism)(order)
    (folder / "recipe.json").write_text(chosen.to_json(), encoding="utf-8")
    return replace(made, facts={**made.facts, "seconds": round(time.monotonic() - begun, 1)})


def _linear(order: Order) -> Trained:
    material = gather(order.data, order.recipe, 0, order.progress)
    return _written(order, save_drawer(linear_of(material), order.recipe.name, order.folder).fingerprint, material)


def _network(order: Order) -> Trained:
    settings: Training = order.recipe.settings
    material = gather(order.data, order.recipe, settings.simulated, order.progress)
    drawer = train_drawer(
        material, order.recipe, linear_of(material), order.folder, resume=order.resume, watch=order.watch
    )
    return _written(order, save_drawer(drawer, order.recipe.name, order.folder).fingerprint, material)


def linear_of(material: Material) -> LinearDrawer:
    """Least squares over the ECGs whose mV are known, phantoms left out."""
    real = np.array([not recording.startswith("simulated:") for recording in material.ids])
    rows = np.flatnonzero(~material.held_out & material.calibrated & real)
    rows = rows if rows.size else np.flatnonzero(~material.held_out)
    return fit_linear(material.signal[rows], material.samples[rows])


def _written(order: Order, fingerprint: str, material: Material) -> Trained:
    learned, watched = int((~material.held_out).sum()), int(material.held_out.sum())
    facts = {"fingerprint": fingerprint, "recordings": learned, "held_out": watched, "data_hash": material.data_hash}
    return Trained(
        "leads", order.folder, facts, (f"{learned} ECGs, {watched} held out; data {material.data_hash[:12]}",)
    )


_MAKERS: Final[Registry[Callable[[Order], Trained]]] = Registry(
    "mechanism",
    {
        "linear": _linear,
        "network": _network,
        "adversarial": _network,
        "aligned": "precordia.fitting.signals.leads.aligning:make_aligned",
    },
)
