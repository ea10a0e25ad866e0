"""What is relied on: an objective that helps the patients set aside gains weight, one that harms them loses it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from precordia.core.errors import UsageError
from precordia.encoders.corpus import Corpus
from precordia.encoders.recipe import ObjectiveSetting, Recipe, WeightSearch
from precordia.encoders.training import Progress, train
from precordia.encoders.training.processes import Processes
from precordia.encoders.training.run import Run
from precordia.encoders.training.task_weights import TaskWeights, guiding_rows
from precordia.records.standardize import SignalSpec

from .test_training import quick

NAMES = ("guide", "helps", "harms")
WEIGHTS = dict.fromkeys(NAMES, 1.0)


def searched(terms: int, **changes: object) -> TaskWeights:
    asked = Recipe("made", objectives=tuple(ObjectiveSetting(name) for name in NAMES))
    setting = WeightSearch(by="guide", terms=terms)
    return TaskWeights(dataclasses.replace(asked, **changes), setting, torch.arange(4))  # type: ignore[arg-type]


def pulls(network: nn.Linear) -> dict[str, Tensor]:
    """Squared distances to three places; the second is where the guide wants to go, the third on the other side."""
    x = network.weight[0]
    scale = torch.tensor([1.0, 4.0])
    places = {"guide": torch.tensor([1.0, 1.0]), "helps": torch.tensor([1.5, 1.0]), "harms": torch.tensor([-1.0, -1.0])}
    return {name: (scale * (x - place).square()).sum() for name, place in places.items()}


@pytest.mark.parametrize("terms", [0, 3])
def test_weight_goes_to_what_helps_and_the_network_stays_as_it_is(terms: int) -> None:
    network = nn.Linear(2, 1, bias=False)
    nn.init.constant_(network.weight, 0.1)
    optimizer, search = torch.optim.AdamW(network.parameters()), searched(terms)
    before = network.weight.detach().clone()
    for number in range(1, 4):
        search.learn(network, optimizer, lambda rows, draw: pulls(network), torch.arange(2), number, WEIGHTS)
    now = search.now(WEIGHTS)
    assert now["helps"] > 1.0 > now["harms"]
    assert sum(now.values()) == pytest.approx(sum(WEIGHTS.values()))
    assert torch.equal(network.weight, before)


def test_the_series_nears_the_inverse_hessian() -> None:
    """Twice as curved along the second axis by the scale of 4: the inverse Hessian takes that back."""
    network = nn.Linear(2, 1, bias=False)
    nn.init.constant_(network.weight, 0.1)
    shared = list(network.parameters())
    wanted = [torch.tensor([[1.0, 4.0]])]
    given = [torch.ones(1, 2)], shared, lambda rows, draw: pulls(network), torch.arange(2), 1, {"helps": 1.0}
    ratios = []
    for terms in (0, 1, 40):
        (found,) = searched(terms)._solved(wanted, *given)
        ratios.append(float(found[0, 1] / found[0, 0]))
    assert ratios[0] > ratios[1] > ratios[2]
    assert ratios[2] == pytest.approx(1.0, abs=0.05)


def test_a_kill_changes_neither_weights_nor_curve(corpus: Corpus, tmp_path: Path) -> None:
    words = ObjectiveSetting("report_words", 1.0, {"min_reports": 3})
    asked = quick(
        objectives=(words, ObjectiveSetting("masked_signal")),
        learned_weights=WeightSearch(by="report_words", every=2, terms=1),
    )
    whole = train(asked, corpus, tmp_path / "whole")

    class Killed(Exception):
        pass

    def kill(progress: Progress) -> None:
        raise Killed

    with pytest.raises(Killed):
        train(asked, corpus, tmp_path / "parts", watch=kill)
    parts = train(asked, corpus, tmp_path / "parts", resume=True)
    curve = (tmp_path / "whole" / "curve.csv").read_text()
    assert curve == (tmp_path / "parts" / "curve.csv").read_text()
    assert "weight_masked_signal" in curve
    assert whole.fingerprint == parts.fingerprint


def test_who_guides_is_neither_learned_from_nor_watched(corpus: Corpus) -> None:
    asked = quick(learned_weights=WeightSearch(by="report_words"))
    run = Run(asked, corpus, SignalSpec(), Processes())
    assert run.search is not None
    guides, watched, learned = (
        set(run.search.rows.tolist()),
        set(run.held_out_rows.tolist()),
        set(run.batches.rows.tolist()),
    )
    assert guides
    assert watched
    assert not guides & watched
    assert not learned & (guides | watched)
    assert guides | watched == set(np.flatnonzero(corpus.held_out).tolist())
    assert guides == set(np.flatnonzero(guiding_rows(corpus)).tolist())


def test_a_guide_must_be_an_objective_and_have_patients(corpus: Corpus) -> None:
    with pytest.raises(UsageError, match="no objective of it: 'fame'"):
        quick(learned_weights=WeightSearch(by="fame"))
    alone = dataclasses.replace(corpus, held_out=np.zeros(len(corpus), dtype=np.bool_))
    with pytest.raises(UsageError, match="hold out more"):
        Run(quick(learned_weights=WeightSearch(by="report_words")), alone, SignalSpec(), Processes())
