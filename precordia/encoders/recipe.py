"""Recipes: everything that decides how an encoder is trained, as one JSON file (``precordia/encoders/recipes``)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from precordia.core.errors import UsageError
from precordia.core.recipe_files import built, read_recipe_file
from precordia.encoders.architecture import Architecture

_FOLDER = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class ObjectiveSetting:
    """One objective.

    Attributes:
        name: Which.
        weight: In the sum.
        options: Its own.
        start: Share of the epochs that pass before it counts. What learns by heart, as words of few reports do, may wait
            until what does not has shaped the network.
    """

    name: str
    weight: float = 1.0
    options: Mapping[str, float | str] = field(default_factory=dict)
    start: float = 0.0


@dataclass(frozen=True)
class Augmentation:
    """How a view differs from the recording; see ``precordia.encoders.augment``.

    Attributes:
        subset: Share of views with a random subset of the leads.
        single: Share of those subsets that are a single lead.
        noise: Share of views with added noise.
        snr_db: Lowest and highest signal-to-noise ratio of that noise, dB.
        crop: Share of views cut to a random part of the window.
        shortest_s: Shortest part, s.
        gain: Standard deviation of the log of a factor on all leads.
        lead_gain: Standard deviation of the log of a factor on each lead.
        stretch: Largest relative change of the time axis.
        hide: Share of the time blanked, in blocks, for masked modelling.
        uncalibrate: Share of views whose leads are scaled to typical amplitudes, with the flag that says so.
    """

    subset: float = 0.5
    single: float = 0.25
    noise: float = 0.5
    snr_db: tuple[float, float] = (0.0, 24.0)
    crop: float = 0.2
    shortest_s: float = 2.5
    gain: float = 0.1
    lead_gain: float = 0.05
    stretch: float = 0.08
    hide: float = 0.0
    uncalibrate: float = 0.2


@dataclass(frozen=True)
class WeightSearch:
    """How the weights of the objectives are learned; see ``precordia.encoders.training.task_weights``.

    Attributes:
        by: The objective whose loss, on half of the patients held out, the weights are to lower.
        every: Steps from one change to the next; each costs some six passes of a batch.
        speed: Largest change of the logarithm of a weight at a time.
        terms: Of the series for the inverse Hessian; 0 looks one step ahead only.
    """

    by: str
    every: int = 25
    speed: float = 0.05
    terms: int = 2


@dataclass(frozen=True)
class Recipe:
    """How an encoder is trained.

    Attributes:
        name: The recipe's name.
        architecture: Sizes of the network.
        objectives: What is minimised: the weighted sum.
        views: Augmentation of each view of a recording; objectives that compare views need two.
        seed: Of every random draw.
        epochs: Passes over the training part.
        batch_size: Recordings a forward pass, over all processes: what contrastive objectives compare.
        learning_rate: Highest rate of AdamW's one-cycle schedule (linear rise, cosine fall).
        warmup: Share of the steps in which the rate rises.
        weight_decay: Of AdamW, on matrices only.
        ema: Decay a step of the running mean of the weights, which is what is kept.
        precision: "bf16" or "fp16" (autocast; fp16 with loss scaling, on GPUs only), or "fp32".
        simulated: Number of simulated ECGs mixed in.
        exclude: Metadata key to the values whose recordings are left out altogether ("strat_fold": ["9", "10"]).
        hold_out: Metadata key to the values whose recordings are held out to watch the losses on; where a recording has
            none of these keys, an eighth of the patients, chosen by hash, is held out.
        evaluate_every: Epochs between looks at the held-out part.
        accumulate: Forward passes whose gradients are averaged into one step of the optimizer.
        checkpointing: Whether activations are computed again in the backward pass instead of kept: less memory, more time.
        probe: Most recordings of the training part that the probe is fitted on at each look; 0 for no probe.
        patience: Epochs without improvement of ``watch`` after which training stops and the best epoch is kept; 0 to train
            all epochs and keep the last. Counted from when every objective counts.
        watch: What ``patience`` watches: "held_out_loss", "held_out_OBJECTIVE" or "probe_auroc".
        init_from: Checkpoint to start from: a shipped name or a folder. "" for random weights.
        learned_weights: How the objectives' weights are learned, which then start from the recipe's; None keeps these.
    """

    name: str
    architecture: Architecture = field(default_factory=Architecture)
    objectives: tuple[ObjectiveSetting, ...] = ()
    views: tuple[Augmentation, ...] = (Augmentation(),)
    seed: int = 42
    epochs: int = 10
    batch_size: int = 64
    learning_rate: float = 1e-3
    warmup: float = 0.1
    weight_decay: float = 0.05
    ema: float = 0.995
    precision: str = "bf16"
    simulated: int = 0
    exclude: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hold_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    evaluate_every: int = 5
    accumulate: int = 1
    checkpointing: bool = False
    probe: int = 2000
    patience: int = 0
    watch: str = "held_out_loss"
    init_from: str = ""
    learned_weights: WeightSearch | None = None

    def __post_init__(self) -> None:
        if self.precision not in ("bf16", "fp16", "fp32"):
            raise UsageError(f"recipe {self.name}: precision {self.precision!r}; use bf16, fp16 or fp32")
        if self.epochs < 1 or self.batch_size < 2:
            raise UsageError(f"recipe {self.name}: needs at least 1 epoch and batches of 2")
        if self.accumulate < 1 or self.evaluate_every < 1:
            raise UsageError(f"recipe {self.name}: accumulate and evaluate_every must be at least 1")
        if self.probe < 0 or self.patience < 0:
            raise UsageError(f"recipe {self.name}: probe and patience must not be negative")
        if not any(o.start <= 0 for o in self.objectives) and self.objectives:
            raise UsageError(f"recipe {self.name}: no objective counts from the start (start 0)")
        if any(not 0 <= o.start < 1 for o in self.objectives):
            raise UsageError(f"recipe {self.name}: an objective's start must be at least 0 and below 1")
        watchable = [
            "held_out_loss",
            *(f"held_out_{o.name}" for o in self.objectives),
            *(["probe_auroc"] * bool(self.probe)),
        ]
        if self.watch not in watchable:
            raise UsageError(f"recipe {self.name}: cannot watch {self.watch!r} (choices: {', '.join(watchable)})")
        if self.learned_weights is not None and self.learned_weights.by not in {o.name for o in self.objectives}:
            raise UsageError(
                f"recipe {self.name}: learned_weights.by is no objective of it: {self.learned_weights.by!r}"
            )
        if not self.views:
            raise UsageError(f"recipe {self.name}: needs at least one view")

    @property
    def complete_from(self) -> int:
        """Epochs that pass before every objective counts."""
        return math.ceil(max((o.start for o in self.objectives), default=0.0) * self.epochs)

    def to_json(self) -> str:
        """The recipe as text; :func:`parse_recipe` reads it back."""
        return json.dumps(asdict(self) | {"architecture": self.architecture.to_mapping()}, indent=2) + "\n"


def load_recipe(name_or_path: str | Path) -> Recipe:
    """A recipe by the name of one that is shipped, or from a JSON file.

    Raises:
        UnknownNameError: neither a shipped name nor a file.
        UsageError: the file is not a recipe; says which key.
    """
    values, where = read_recipe_file(name_or_path, _FOLDER, "recipe")
    return parse_recipe(values, where)


def parse_recipe(values: Mapping[str, Any], where: str = "recipe") -> Recipe:
    """A recipe from JSON values.

    Raises:
        UsageError: a key is unknown or a value does not fit.
    """
    plain = dict(values)
    try:
        if "architecture" in plain:
            plain["architecture"] = Architecture.from_mapping(plain["architecture"])
        plain["objectives"] = tuple(built(ObjectiveSetting, o) for o in plain.get("objectives", ()))
        if "views" in plain:
            plain["views"] = tuple(built(Augmentation, v) for v in plain["views"])
        if plain.get("learned_weights") is not None:
            plain["learned_weights"] = built(WeightSearch, plain["learned_weights"])
        for key in ("exclude", "hold_out"):
            plain[key] = {k: tuple(map(str, v)) for k, v in plain.get(key, {}).items()}
        recipe: Recipe = built(Recipe, plain)
        return recipe
    except (UsageError, TypeError, AttributeError) as error:
        raise UsageError(f"{where}: {error}") from error
