"""What is relied on: training learns, a kill changes nothing, and a state of something else is refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from precordia.core.errors import CheckpointError, UsageError
from precordia.core.recording import Recording
from precordia.encoders import load_encoder
from precordia.encoders.architecture import Architecture
from precordia.encoders.card import write_card
from precordia.encoders.corpus import Corpus, gather
from precordia.encoders.curve import Curve
from precordia.encoders.outcome import Outcome
from precordia.encoders.recipe import Augmentation, ObjectiveSetting, Recipe, load_recipe
from precordia.encoders.training import Progress, train
from precordia.encoders.training.processes import Processes
from precordia.encoders.training.run import Run
from precordia.records.standardize import SignalSpec


def quick(**changes: object) -> Recipe:
    """One objective, two epochs."""
    small = Architecture(dim=16, channels=(8, 16), blocks=(1, 1), attention_layers=1, heads=2)
    words = (ObjectiveSetting("report_words", 1.0, {"min_reports": 3}),)
    one = Recipe("quick", small, words, epochs=2, batch_size=8, precision="fp32", evaluate_every=2)
    return dataclasses.replace(one, **changes)  # type: ignore[arg-type]


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


def test_an_objective_counts_from_its_start(corpus: Corpus) -> None:
    """Of four epochs the words count in the last two; before, their head learns nothing, and their loss is told all along."""
    words = ObjectiveSetting("report_words", 1.0, {"min_reports": 3}, start=0.5)
    run = Run(quick(objectives=(ObjectiveSetting("vicreg"), words), epochs=4, views=(Augmentation(),) * 2), corpus,
              SignalSpec(), Processes())  # fmt: skip
    moved = []
    for epoch in range(4):
        before = run.objectives["report_words"].head.weight.detach().clone()  # type: ignore[union-attr]
        losses = run.epoch(epoch)
        moved.append(not torch.equal(before, run.objectives["report_words"].head.weight))  # type: ignore[union-attr, arg-type]
        counted = losses["vicreg"] + losses["report_words"] * (epoch >= 2)
        assert losses["loss"] == pytest.approx(counted)
    assert moved == [False, False, True, True]


def test_objectives_that_compare_views_need_two(corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="2 views"):
        train(dataclasses.replace(recipe(), views=(Augmentation(),)), corpus, tmp_path)


def test_a_state_of_an_earlier_release_goes_on(corpus: Corpus, tmp_path: Path) -> None:
    wanted = quick()
    whole = train(wanted, corpus, tmp_path)
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    identity = json.loads(state["identity"])
    values = json.loads(identity[0])
    for key in ("accumulate", "checkpointing", "probe", "patience", "watch", "init_from"):
        del values[key]
    for key in ("scaler", "patience", "seconds"):
        del state[key]
    torch.save({**state, "identity": json.dumps([json.dumps(values), *identity[1:]])}, tmp_path / "state.pt")
    assert train(wanted, corpus, tmp_path, resume=True).fingerprint == whole.fingerprint


def test_a_state_that_is_damaged_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "state.pt").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="without --resume"):
        train(quick(), corpus, tmp_path, resume=True)


def test_accumulated_gradients_are_those_of_all_recordings(corpus: Corpus) -> None:
    """Two passes over four recordings make the step of the mean of their gradients."""
    run = Run(quick(batch_size=4, accumulate=2), corpus, SignalSpec(), Processes())
    first, second = run.batches.epoch(0)[:2]
    expected = []
    for number, rows in enumerate((first, second)):
        run.network.zero_grad()
        loss = run._losses(rows, number, training=True)["report_words"]
        torch.autograd.backward(loss / 2)
        expected.append([p.grad.clone() for p in run.objectives.parameters() if p.grad is not None])
        run.objectives.zero_grad()
    seen: list[list[torch.Tensor]] = []
    again = Run(quick(batch_size=4, accumulate=2), corpus, SignalSpec(), Processes())
    again.batches.epoch = lambda seed: [first, second]  # type: ignore[method-assign]
    again.precision.step = lambda optimizer, parameters, average: seen.append(  # type: ignore[method-assign]
        [p.grad.clone() for p in again.objectives.parameters() if p.grad is not None]
    )
    again.batches.rows = again.batches.rows[:8]
    again.epoch(0)
    assert len(seen) == 1
    for found, one, two in zip(seen[0], *expected, strict=True):
        torch.testing.assert_close(found, one + two, rtol=1e-4, atol=1e-6)


def test_checkpointing_changes_nothing_but_memory(corpus: Corpus, tmp_path: Path) -> None:
    plain, kept = (train(quick(checkpointing=on), corpus, tmp_path / str(on)) for on in (False, True))
    assert plain.fingerprint == kept.fingerprint


def test_training_stops_when_nothing_improves_and_keeps_the_best(corpus: Corpus, tmp_path: Path) -> None:
    wanted = quick(epochs=12, evaluate_every=1, patience=2, learning_rate=0.5)
    encoder = train(wanted, corpus, tmp_path)
    outcome = Outcome.load(tmp_path)
    rows = Curve(tmp_path / "curve.csv").rows()
    assert outcome is not None
    assert len(rows) == outcome.epochs < 12
    assert outcome.best_epoch == 1 + int(np.argmin([float(row["held_out_loss"]) for row in rows]))
    assert outcome.epochs == outcome.best_epoch + 2
    write_card(tmp_path, wanted, corpus, encoder)
    assert f"epoch {outcome.best_epoch}, best held_out_loss" in (tmp_path / "card.md").read_text()
    # Going on after the stop does nothing more.
    assert train(wanted, corpus, tmp_path, resume=True).fingerprint == encoder.fingerprint


def test_nothing_stops_or_is_best_before_every_objective_counts(corpus: Corpus, tmp_path: Path) -> None:
    """With a rate at which nothing improves, patience would be over long before the words count."""
    words = ObjectiveSetting("report_words", 1.0, {"min_reports": 3}, start=0.5)
    late = (ObjectiveSetting("masked_signal"), words)
    wanted = quick(objectives=late, epochs=12, evaluate_every=1, patience=1, learning_rate=0.5)
    train(wanted, corpus, tmp_path)
    outcome = Outcome.load(tmp_path)
    assert wanted.complete_from == 6
    assert outcome is not None
    assert outcome.best_epoch > 6
    first = [float(row["held_out_loss"]) for row in Curve(tmp_path / "curve.csv").rows()[:6]]
    assert int(np.argmin(first)) < 5, "watched from the first epoch, it would have stopped"


def test_a_checkpoint_can_be_started_from(corpus: Corpus, tmp_path: Path) -> None:
    first = train(quick(), corpus, tmp_path / "first")
    wanted = quick(init_from=str(tmp_path / "first"), learning_rate=1e-12, ema=0.0)
    second = train(wanted, corpus, tmp_path / "second")
    write_card(tmp_path / "second", wanted, corpus, second)
    outcome = Outcome.load(tmp_path / "second")
    assert outcome is not None
    assert outcome.started_from == first.fingerprint
    assert first.fingerprint in (tmp_path / "second" / "card.md").read_text()
    torch.testing.assert_close(second.network.head.weight, first.network.head.weight, atol=1e-6, rtol=0)
    other = dataclasses.replace(wanted, architecture=load_recipe("base").architecture)
    with pytest.raises(CheckpointError, match="another architecture"):
        train(other, corpus, tmp_path / "third")


def test_the_probe_is_in_the_curve(made_recordings: list[Recording], tmp_path: Path) -> None:
    many = [dataclasses.replace(r, recording_id=f"{r.recording_id}-{i}", patient_id=f"{r.patient_id}-{i}")
            for i in range(2) for r in made_recordings]  # fmt: skip
    corpus = gather(many, SignalSpec(), hold_out={"strat_fold": ("3", "4")})
    seen: list[Progress] = []
    train(quick(epochs=2, evaluate_every=1), corpus, tmp_path, watch=seen.append)
    assert all(0.0 <= at.losses["probe_auroc"] <= 1.0 for at in seen)
    assert "probe_auroc" in (tmp_path / "curve.csv").read_text()


def test_watching_what_the_data_does_not_give_is_an_error(corpus: Corpus, tmp_path: Path) -> None:
    silent = dataclasses.replace(corpus, texts=(None,) * len(corpus))
    with pytest.raises(UsageError, match="probe_auroc"):
        train(quick(patience=1, watch="probe_auroc"), silent, tmp_path)
