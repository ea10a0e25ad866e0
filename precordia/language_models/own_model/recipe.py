"""Recipes: everything that decides how the model is trained, as one JSON file (``recipes/``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from precordia.core.errors import UsageError
from precordia.core.recipe_files import parsed, read_recipe_file
from precordia.language_models.own_model.context import Sees
from precordia.language_models.own_model.decoder import Size

_FOLDER = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Hidden:
    """Share of the examples, in training, from which an input is hidden, so that the model works without it too."""

    ecg: float = 0.15
    precedents: float = 0.25
    measurements: float = 0.15


@dataclass(frozen=True)
class Recipe:
    """How the model is trained.

    Attributes:
        name: The recipe's name.
        size: Of the network.
        sees: Inputs.
        hidden: How often each is hidden.
        encoder: Whose embeddings it sees; stays as it is.
        seed: Of every random draw.
        vocabulary: Most tokens of the tokenizer.
        text_epochs: Passes over reports without signals, with stand-in precedents.
        epochs: Passes over the ECGs' reports.
        texts: Reports without signals drawn for each pass over them.
        questions: Questions drawn for each epoch.
        pool: Precedents that each example's are drawn from, nearest first.
        batch_size: Examples a step.
        learning_rate: Highest rate of AdamW's one-cycle schedule.
        warmup: Share of the steps in which the rate rises.
        weight_decay: Of AdamW, on matrices only.
        ema: Decay a step of the running mean of the weights, which is what is kept.
        precision: "bf16" (autocast) or "fp32".
        simulated: Number of simulated ECGs mixed in.
        held_out: Folds to choose on; never trained on.
        archive: Folds trained on, and searched for precedents with those held out.
    """

    name: str
    size: Size = field(default_factory=Size)
    sees: Sees = field(default_factory=Sees)
    hidden: Hidden = field(default_factory=Hidden)
    encoder: str = "default"
    seed: int = 42
    vocabulary: int = 1536
    text_epochs: int = 1
    epochs: int = 6
    texts: int = 6000
    questions: int = 2000
    pool: int = 12
    batch_size: int = 64
    learning_rate: float = 2e-3
    warmup: float = 0.05
    weight_decay: float = 0.1
    ema: float = 0.99
    precision: str = "bf16"
    simulated: int = 0
    held_out: tuple[int, ...] = (8,)
    archive: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)

    def __post_init__(self) -> None:
        if self.precision not in ("bf16", "fp32"):
            raise UsageError(f"recipe {self.name}: precision {self.precision!r}; use bf16 or fp32")
        if self.epochs < 1 or self.batch_size < 1 or self.text_epochs < 0:
            raise UsageError(f"recipe {self.name}: needs at least one epoch and one example a batch")
        if self.sees.ecg not in ("embedding", "tokens", "none"):
            raise UsageError(f"recipe {self.name}: sees.ecg {self.sees.ecg!r}; use embedding, tokens or none")
        if set(self.held_out) & set(self.archive):
            raise UsageError(f"recipe {self.name}: a fold is both held out and trained on")

    def to_json(self) -> str:
        """The recipe as text; :func:`parse_recipe` reads it back."""
        return json.dumps(asdict(self), indent=2) + "\n"


def load_recipe(name_or_path: str | Path) -> Recipe:
    """A recipe by the name of one that is shipped, or from a JSON file.

    Raises:
        UnknownNameError: neither a shipped name nor a file.
        UsageError: the file is not a recipe; says which key.
    """
    values, where = read_recipe_file(name_or_path, _FOLDER, "recipe of a language model")
    return parse_recipe(values, where)


def parse_recipe(values: Mapping[str, Any], where: str = "recipe") -> Recipe:
    """A recipe from JSON values.

    Raises:
        UsageError: a key is unknown or a value does not fit.
    """
    recipe: Recipe = parsed(Recipe, values, where, size=Size, sees=Sees, hidden=Hidden)
    return recipe
