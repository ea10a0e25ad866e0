"""Recipes of lead drawing and alignment: everything that decides how each mechanism is fitted, as one JSON file each."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from precordia.core.errors import UsageError
from precordia.core.recipe_files import built, read_recipe_file
from precordia.core.registry import Registry

_FOLDER: Final = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Linear:
    """Least squares over samples: nothing is chosen."""


@dataclass(frozen=True)
class Training:
    """How a network that draws leads is trained.

    Attributes:
        channels: Width of each level of the network (of the discriminator's, for the adversarial one).
        kernel: Length of the convolutions, samples.
        hidden: Width of the recurrent generator in each direction; 0 for the U-Net.
        epochs: Passes over the training part.
        batch_size: ECGs a step.
        learning_rate: Highest rate of AdamW's one-cycle schedule.
        weight_decay: Of AdamW.
        correlation: Weight of one less the correlation of each lead, beside the error in mV.
        adversary: Weight of what the discriminator says; 0 without one.
        single: Share of ECGs of which a single lead is given; the others are given two to six.
        favoured: How often each of the single leads in ``favourites`` is drawn, against 1 for all others together.
        favourites: Leads of watches, patches and Holters.
        simulated: Phantom ECGs that are added.
    """

    channels: tuple[int, ...] = (32, 48, 64, 96, 128)
    kernel: int = 7
    hidden: int = 0
    epochs: int = 24
    batch_size: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 1e-3
    correlation: float = 0.5
    adversary: float = 0.0
    single: float = 0.6
    favoured: tuple[float, ...] = (2.0, 1.5, 1.0)
    favourites: tuple[str, ...] = ("I", "II", "V5")
    simulated: int = 400


@dataclass(frozen=True)
class Alignment:
    """How vectors of few leads are brought to those of all.

    Attributes:
        leads: The groups of leads that are cut out; "I,II" stands for both.
        hidden: Width of the head.
        epochs: Passes.
        batch_size: ECGs a step, each the others' negatives.
        learning_rate: Highest rate.
        weight_decay: Of AdamW.
        dropout: Share of the input and the hidden layer that is left out.
        contrast: Weight of the contrastive part beside one less the cosine.
        temperature: Of the contrastive part.
        drawer: Name or folder of what draws the missing leads.
        shares: Weights of the direct, the drawn and the aligned vector that held-back patients choose from.
    """

    leads: tuple[str, ...] = ("I", "II", "V5", "I,II")
    hidden: int = 512
    epochs: int = 60
    batch_size: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    dropout: float = 0.3
    contrast: float = 0.0
    temperature: float = 0.1
    drawer: str = "network"
    shares: tuple[float, ...] = (0.0, 0.5, 1.0)


Settings = Linear | Training | Alignment

MECHANISMS: Final[Registry[Any]] = Registry(
    "mechanism",
    {"linear": Linear, "network": Training, "adversarial": Training, "aligned": Alignment},
)
"""Name to the settings that its recipes have."""


@dataclass(frozen=True)
class Recipe:
    """How one mechanism is fitted.

    Attributes:
        name: The recipe's name.
        mechanism: A name in :data:`MECHANISMS`.
        settings: Its own.
        seed: Of every random draw.
        exclude: Folds of PTB-XL that are never read.
        hold_out: Folds that are only watched, and choose.
    """

    name: str
    mechanism: str
    settings: Any = field(default_factory=Linear)
    seed: int = 42
    exclude: tuple[int, ...] = (9, 10)
    hold_out: tuple[int, ...] = (8,)

    def to_json(self) -> str:
        """As its file holds it."""
        return json.dumps(asdict(self), indent=2) + "\n"


def load_recipe(name_or_path: str | Path) -> Recipe:
    """A recipe by the name of one that is shipped, or from a JSON file.

    Raises:
        UnknownNameError: neither, or its mechanism is none.
        UsageError: it is not JSON, or has unknown keys.
    """
    values, path = read_recipe_file(name_or_path, _FOLDER, "recipe")
    if not isinstance(values, dict) or "mechanism" not in values:
        raise UsageError(f"{path}: a recipe is an object with name, mechanism and settings")
    settings = built(MECHANISMS.get(str(values["mechanism"])), values.get("settings", {}))
    try:
        recipe: Recipe = built(Recipe, {**values, "settings": settings})
    except TypeError as error:
        raise UsageError(f"{path}: {error}") from None
    return recipe
