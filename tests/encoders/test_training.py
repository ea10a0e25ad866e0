"""What is relied on: training learns, a kill changes nothing, and a state of something else is refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from precordia.core.errors import CheckpointError, UsageError
from precordia.encoders import load_encoder
from precordia.encoders.card import write_card
from precordia.encoders.corpus import Corpus
from precordia.encoders.recipe import Augmentation, ObjectiveSetting, Recipe, load_recipe, parse_recipe
from precordia.encoders.training import Progress, train


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def recipe(**changes: object) -> Recipe:
    tiny = load_recipe("tiny")
    names = ("masked_signal", "vicreg", "contrast", "distillation", "report_words")
    objectives = tuple(ObjectiveSetting(name, 1.0, {"min_reports": 3} if "words" in name else {}) for name in names)
    return dataclasses.replace(
        tiny,
        objectives=objectives,
        epochs=4,
        batch_size=8,
        evaluate_every=2,
        **changes,  # type: ignore[arg-type]
    )


def test_a_killed_training_goes_on_to_the_same_curve_and_weights(corpus: Corpus, tmp_path: Path) -> None:
    whole = train(recipe(), corpus, tmp_path / "whole")

    class Killed(Exception):
        pass

    def kill(progress: Progress) -> None:
        if progress.epoch == 2:
            raise Killed

    with pytest.raises(Killed):
        train(recipe(), corpus, tmp_path / "parts", watch=kill)
    # An epoch that was written to the curve but not kept is cut off again.
    with (tmp_path / "parts" / "curve.csv").open("a") as file:
        file.write("3,9,9,9,9,9,9,9\n")
    parts = train(recipe(), corpus, tmp_path / "parts", resume=True)
    assert (tmp_path / "whole" / "curve.csv").read_text() == (tmp_path / "parts" / "curve.csv").read_text()
    assert whole.fingerprint == parts.fingerprint


def test_the_loss_falls_and_the_checkpoint_is_whole(corpus: Corpus, tmp_path: Path) -> None:
    seen: list[Progress] = []
    words = (ObjectiveSetting("report_words", 1.0, {"min_reports": 3}),)
    wanted = dataclasses.replace(recipe(), objectives=words, views=(Augmentation(subset=0.0, noise=0.0),), epochs=12)
    encoder = train(wanted, corpus, tmp_path, watch=seen.append)
    write_card(tmp_path, wanted, corpus, encoder)
    assert seen[-1].losses["report_words"] < 0.8 * seen[0].losses["report_words"]
    assert "held_out_report_words" in seen[-1].losses
    assert load_encoder(tmp_path).fingerprint == encoder.fingerprint
    assert corpus.data_hash in (tmp_path / "card.md").read_text()
    assert load_recipe(tmp_path / "recipe.json") == wanted


def test_a_state_of_another_recipe_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    train(dataclasses.replace(recipe(), epochs=1), corpus, tmp_path)
    with pytest.raises(CheckpointError, match="another recipe"):
        train(dataclasses.replace(recipe(), epochs=1, seed=7), corpus, tmp_path, resume=True)


def test_a_seed_decides(corpus: Corpus, tmp_path: Path) -> None:
    one = dataclasses.replace(recipe(), epochs=1)
    first, again = (train(one, corpus, tmp_path / name) for name in "ab")
    other = train(dataclasses.replace(one, seed=1), corpus, tmp_path / "c")
    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_objectives_that_compare_views_need_two(corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="2 views"):
        train(dataclasses.replace(recipe(), views=(Augmentation(),)), corpus, tmp_path)


@pytest.mark.parametrize("name", ["tiny", "base", "default"])
def test_shipped_recipes_keep_the_test_folds_out(name: str) -> None:
    shipped = load_recipe(name)
    assert set(shipped.exclude["strat_fold"]) == {"9", "10"}
    assert shipped.hold_out["strat_fold"] == ("8",)
    assert parse_recipe(json.loads(shipped.to_json())) == shipped


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"name": "x", "epoch": 3}, "epoch"),
        ({"name": "x", "objectives": [{"nam": "y"}]}, "nam"),
        ({"name": "x", "architecture": {"dims": 3}}, "dims"),
        ({"name": "x", "precision": "fp8"}, "fp8"),
        ({"name": "x", "epochs": 0}, "epoch"),
        ({}, "name"),
    ],
)
def test_a_wrong_recipe_says_which_key(values: dict[str, object], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        parse_recipe(values)
