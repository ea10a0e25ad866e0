"""Recipes: everything that decides how a larger model is taught, as one JSON file (``recipes/``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from precordia.core.errors import UsageError
from precordia.core.recipe_files import parsed, read_recipe_file
from precordia.language_models.own_model.context import Sees

_FOLDER: Final = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Episodes:
    """How a mouth is meta-learned (Tang et al., CHIL 2025; first-order MAML, Finn et al. 2017).

    Attributes:
        number: Episodes in all.
        ways, shots, queries: Classes of an episode, examples and questions of each.
        steps: Of gradient descent on the examples.
        rate: Of those steps.
    """

    number: int = 100
    ways: int = 2
    shots: int = 5
    queries: int = 2
    steps: int = 2
    rate: float = 0.05


@dataclass(frozen=True)
class TunedRecipe:
    """How the model is taught.

    Attributes:
        name: The recipe's name.
        sees: Inputs: of the ECG "queries" (soft tokens of a query-transformer over features in time, Q-Heart), discrete
            "tokens" (DiagECG), or "none".
        depth: Layers that learn, from the top; the ECG enters below them, and what lies below stays as it is.
        rank, alpha: Of the adapters on every linear layer of those.
        queries: Soft tokens of the ECG.
        noise: Standard deviation of what is added to the encoder's features, against their own: an encoder knows the
            ECGs that it was trained on too well.
        reports, questions: Most of them, drawn once.
        balanced: Questions drawn so that, among ECGs alike in severity, no answer to a question is commoner than another.
        forecasts: Passes of forecasting ECG tokens before anything else (DiagECG).
        epochs: Passes over reports and questions.
        episodes: Of meta-learning after that; None for none.
        batch_size, learning_rate: Of AdamW, the rate falling linearly.
        precision: Of the language model: "bf16" while it is taught, and in use where the processor computes with it; or "fp32".
        encoder: Whose features it sees.
        seed: Of every draw.
        save_every: Steps between two states that training can go on from.
        held_out, archive: Folds, as in the recipes of our own model.
    """

    name: str
    sees: Sees = field(default_factory=lambda: Sees("none", 5))
    depth: int = 8
    rank: int = 16
    alpha: int = 32
    queries: int = 8
    noise: float = 0.3
    reports: int = 1500
    questions: int = 0
    balanced: bool = False
    forecasts: int = 0
    epochs: int = 3
    episodes: Episodes | None = None
    batch_size: int = 8
    learning_rate: float = 1e-3
    precision: str = "bf16"
    encoder: str = "default"
    seed: int = 42
    save_every: int = 20
    held_out: tuple[int, ...] = (8,)
    archive: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)

    def __post_init__(self) -> None:
        if self.sees.ecg not in ("queries", "tokens", "none"):
            raise UsageError(f"recipe {self.name}: sees.ecg {self.sees.ecg!r}; use queries, tokens or none")
        if self.precision not in ("bf16", "fp32"):
            raise UsageError(f"recipe {self.name}: precision {self.precision!r}; use bf16 or fp32")
        if self.forecasts and self.sees.ecg != "tokens":
            raise UsageError(f"recipe {self.name}: forecasts need sees.ecg tokens")
        if self.episodes is not None and (self.sees.ecg == "none" or not self.questions):
            raise UsageError(f"recipe {self.name}: episodes need an ECG that is seen, and questions")
        if min(self.depth, self.rank, self.batch_size, self.save_every) < 1 or self.epochs < 0:
            raise UsageError(f"recipe {self.name}: depth, rank, batch_size and save_every are at least 1")
        if set(self.held_out) & set(self.archive):
            raise UsageError(f"recipe {self.name}: a fold is both held out and trained on")

    def to_json(self) -> str:
        """The recipe as text; :func:`parse_tuned` reads it back."""
        return json.dumps(asdict(self), indent=2) + "\n"


def load_tuned(name_or_path: str | Path) -> TunedRecipe:
    """A recipe by the name of one that is shipped, or from a JSON file.

    Raises:
        UnknownNameError: neither a shipped name nor a file.
        UsageError: the file is not a recipe; says which key.
    """
    values, where = read_recipe_file(name_or_path, _FOLDER, "recipe of a tuned language model")
    return parse_tuned(values, where)


def parse_tuned(values: Mapping[str, Any], where: str = "recipe") -> TunedRecipe:
    """A recipe from JSON values.

    Raises:
        UsageError: a key is unknown or a value does not fit.
    """
    recipe: TunedRecipe = parsed(TunedRecipe, values, where, sees=Sees, episodes=Episodes)
    return recipe
