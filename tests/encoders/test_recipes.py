"""What is relied on: every shipped recipe reads back as itself, keeps the test folds out, and takes two steps."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import pytest
import torch

from precordia.core.errors import UsageError
from precordia.encoders import recipe as recipes
from precordia.encoders.corpus import Corpus
from precordia.encoders.recipe import Recipe, load_recipe, parse_recipe
from precordia.encoders.training.processes import Processes
from precordia.encoders.training.run import Run
from precordia.records.standardize import SignalSpec

FOLDER = Path(__file__).parents[2] / "precordia" / "encoders" / "recipes"
SHIPPED = sorted(path.stem for path in FOLDER.glob("*.json"))


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_recipes_keep_the_test_folds_out(name: str) -> None:
    shipped = load_recipe(name)
    assert shipped.name == name
    assert set(shipped.exclude["strat_fold"]) == {"9", "10"}
    assert shipped.hold_out["strat_fold"] == ("8",)
    assert parse_recipe(json.loads(shipped.to_json())) == shipped


@pytest.mark.parametrize("name", ["base", "large"])
def test_it_takes_two_steps(name: str, corpus: Corpus) -> None:
    torch.set_num_threads(1)
    shipped = load_recipe(name)
    fewer = {"batch_size": 2, "patience": 0, "watch": "held_out_loss", "probe": 0, "precision": "fp32"}
    run = Run(dataclasses.replace(shipped, **fewer), corpus, SignalSpec(), Processes())  # type: ignore[arg-type]
    before = [parameter.detach().clone() for parameter in run.network.parameters()]
    run.batches.rows = run.batches.rows[:4]
    losses = run.epoch(0)
    assert run.steps_per_epoch == 2
    assert set(losses) == {"loss", "learning_rate", *(o.name for o in shipped.objectives)}
    assert all(math.isfinite(value) for value in losses.values())
    assert not any(torch.equal(a, b) for a, b in zip(before, run.network.parameters(), strict=True))


TRIALS = sorted(path.stem for path in (Path(recipes.__file__).parent / "recipes" / "trials").glob("*.json"))


@pytest.mark.parametrize("name", TRIALS)
def test_a_trial_is_the_chosen_one_but_for_what_was_tried(name: str) -> None:
    """The same network, data and seed, so that the table of docs/encoder.md compares recipes alone."""
    trial, chosen = load_recipe(f"trials/{name}"), load_recipe("trials/reports_late")
    assert trial.name == f"trials/{name}"
    for key in ("architecture", "seed", "batch_size", "learning_rate", "simulated", "exclude", "hold_out"):
        assert getattr(trial, key) == getattr(chosen, key)


def test_large_is_for_gpus() -> None:
    large, base = load_recipe("large"), load_recipe("base")
    assert large.checkpointing
    assert large.batch_size % 8 == 0
    assert sum(large.architecture.blocks) > sum(base.architecture.blocks)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"name": "x", "epoch": 3}, "epoch"),
        ({"name": "x", "objectives": [{"nam": "y"}]}, "nam"),
        ({"name": "x", "architecture": {"dims": 3}}, "dims"),
        ({"name": "x", "precision": "fp8"}, "fp8"),
        ({"name": "x", "epochs": 0}, "epoch"),
        ({"name": "x", "epochs": "ten"}, "recipe"),
        ({"name": "x", "accumulate": 0}, "accumulate"),
        ({"name": "x", "patience": -1}, "patience"),
        ({"name": "x", "objectives": [{"name": "vicreg", "start": 0.5}]}, "start"),
        ({"name": "x", "objectives": [{"name": "vicreg"}, {"name": "visits", "start": 1.0}]}, "start"),
        ({"name": "x", "watch": "loss"}, "held_out_loss"),
        ({"name": "x", "watch": "probe_auroc", "probe": 0}, "probe_auroc"),
        ({}, "name"),
    ],
)
def test_a_wrong_recipe_says_which_key(values: dict[str, object], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        parse_recipe(values)


def test_what_may_be_watched_follows_from_the_objectives() -> None:
    assert Recipe("x", objectives=load_recipe("tiny").objectives, watch="held_out_vicreg").watch == "held_out_vicreg"
