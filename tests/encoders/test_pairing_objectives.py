"""What is relied on: objectives that pair recordings reward what they claim to; every objective learns, the same each time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from precordia.encoders.architecture import Architecture
from precordia.encoders.augment import Augmenter, Glimpse
from precordia.encoders.corpus import Corpus
from precordia.encoders.network import Inputs, Outputs
from precordia.encoders.objectives import OBJECTIVES
from precordia.encoders.objectives.contrast import nt_xent
from precordia.encoders.objectives.learned_views import LARGEST, LearnedViews
from precordia.encoders.objectives.objective import Step, View, patient_numbers
from precordia.encoders.objectives.self_cut import SelfCut
from precordia.encoders.objectives.visits import Visits
from precordia.encoders.recipe import Augmentation, ObjectiveSetting, Recipe, load_recipe
from precordia.encoders.training.processes import Processes
from precordia.encoders.training.run import Run
from precordia.records.standardize import SignalSpec

SIZES = Architecture(dim=16, channels=(8, 8, 8, 8))
ROWS = torch.arange(12)
"""Two recordings of each of six patients, side by side."""


@pytest.fixture(scope="module")
def augmenter(corpus: Corpus) -> Augmenter:
    return Augmenter(SignalSpec(), torch.from_numpy(corpus.typical_mv), seed=0)


def clean(corpus: Corpus) -> Inputs:
    index = ROWS.numpy()
    return Inputs(
        *(torch.from_numpy(p[index]) for p in (corpus.signal, corpus.leads, corpus.samples, corpus.calibrated))
    )


def outputs(embedding: torch.Tensor) -> Outputs:
    return Outputs(torch.zeros(12, 32, 8), torch.ones(12, 32, dtype=torch.bool), embedding)


def step(corpus: Corpus, *embeddings: torch.Tensor, look: torch.Tensor | None = None) -> Step:
    whole = clean(corpus)
    glimpse = Glimpse(whole, torch.zeros_like(whole.samples), whole)
    views = tuple(View(glimpse, outputs(e)) for e in embeddings)
    return Step(ROWS, whole, views, None, () if look is None else (outputs(look),))


def draw(seed: int) -> torch.Tensor:
    return torch.randn(12, 16, generator=torch.Generator().manual_seed(seed))


def test_a_self_cut_is_a_stretch_of_one_lead_that_is_there(corpus: Corpus, augmenter: Augmenter) -> None:
    whole = clean(corpus)
    leads = whole.leads.clone()
    leads[0, 0] = leads[1, :11] = False
    whole = replace(whole, signal=whole.signal * leads[:, :, None], leads=leads)
    cut = SelfCut(SIZES, corpus, {"lead_one": 1.0, "cut": 1.0})
    (look,) = cut.looks(whole, augmenter, torch.Generator().manual_seed(0))
    assert look.leads.sum(1).tolist() == [1] * 12
    assert (look.leads & ~whole.leads).sum() == 0
    assert look.leads[2:, 0].all()  # lead I wherever it is there
    assert look.leads[1, 11]
    assert look.signal[~look.leads].abs().max() == 0
    assert 200 <= int(look.samples.sum(1).min()) < 900
    # What is left is a stretch of that lead as it was.
    row = int(look.samples[5].sum())
    windows = np.lib.stride_tricks.sliding_window_view(whole.signal[5, 0].numpy(), row - 1)
    distance = np.abs(windows - look.signal[5, 0, : row - 1].numpy()).max(axis=1).min()
    assert distance < 0.2
    (any_lead,) = SelfCut(SIZES, corpus, {"lead_one": 0.0}).looks(
        clean(corpus), augmenter, torch.Generator().manual_seed(0)
    )
    assert int(any_lead.leads[:, 0].sum()) < 6


def test_a_single_lead_should_mean_what_all_leads_mean(corpus: Corpus) -> None:
    cut = SelfCut(SIZES, corpus, {})
    assert cut(step(corpus, draw(1), look=5 * draw(1))) < cut(step(corpus, draw(1), look=draw(2)))
    # Between patients: another recording of the patient is no negative.
    swapped = draw(1).reshape(6, 2, 16).flip(1).reshape(12, 16)
    one_patient = replace(corpus, patients=("p",) * len(corpus))
    assert SelfCut(SIZES, one_patient, {})(step(corpus, draw(1), look=swapped)).item() == pytest.approx(0.0, abs=1e-4)


def test_visits_of_a_patient_lie_together(corpus: Corpus) -> None:
    assert patient_numbers(corpus)[ROWS].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    torch.manual_seed(0)
    visits = Visits(SIZES, corpus, {})
    assert visits.wants_visits
    together = draw(1)[::2].repeat_interleave(2, 0)
    assert visits(step(corpus, together)) < visits(step(corpus, draw(1))) - 0.5
    # Without own_views a recording's second view is neither wanted near nor pushed away.
    strangers = replace(corpus, patients=corpus.ids)
    assert Visits(SIZES, strangers, {})(step(strangers, draw(1), draw(1))).item() == 0.0
    own = Visits(SIZES, strangers, {"own_views": 1})
    assert own(step(strangers, draw(1), draw(1))) < own(step(strangers, draw(1), draw(2))) - 0.5


def smooth(corpus: Corpus) -> Inputs:
    """Slow sines, whose value between samples has a slope that differences can be compared with."""
    rate, lead = torch.linspace(0.6, 1.4, 12)[:, None, None], torch.arange(12)[None, :, None]
    return replace(clean(corpus), signal=0.3 * torch.sin(0.0628 * rate * torch.arange(1000) + lead))


def test_strengths_are_differentiable_and_none_changes_nothing(corpus: Corpus, augmenter: Augmenter) -> None:
    zero = torch.zeros(())
    same = augmenter.vary(clean(corpus), zero, zero, zero, zero, torch.Generator().manual_seed(0))
    torch.testing.assert_close(same.signal[:, :, :990], clean(corpus).signal[:, :, :990])
    window = torch.hann_window(1000, dtype=torch.float64)

    def energy(strengths: torch.Tensor) -> torch.Tensor:
        view = augmenter.vary(smooth(corpus), *strengths, torch.Generator().manual_seed(3))
        return (view.signal.double() * window).square().mean()

    at = torch.tensor([0.1, 0.1, 0.1, 0.02])
    leaf = at.clone().requires_grad_()
    (slope,) = torch.autograd.grad(energy(leaf), leaf)
    for index, small in enumerate((1e-3 * torch.eye(4)).unbind()):
        small = small * (0.1 if index == 3 else 1.0)
        difference = (energy(at + small) - energy(at - small)) / (2 * small.max())
        assert slope[index].item() == pytest.approx(difference.item(), rel=0.1)
        assert slope[index].abs() > 0


def test_strengths_follow_the_look_ahead_only(corpus: Corpus, augmenter: Augmenter) -> None:
    """The slope they get is that of the contrast after a step on the learned views; between looks ahead they get none."""
    torch.manual_seed(0)
    objective = LearnedViews(SIZES, corpus, {"every": 2, "speed": 1.0, "ahead": 5.0})
    mix = torch.randn(12, 1000, 16, generator=torch.Generator().manual_seed(1)) / 50
    # The last samples come and go as time is stretched, which has no slope.
    mix = (mix * torch.hann_window(1000)[None, :, None]).flatten(0, 1)

    def embed(inputs: Inputs) -> torch.Tensor:
        return torch.tanh(inputs.signal.flatten(1) @ mix)

    first, second = embed(smooth(corpus)), embed(smooth(corpus)) + 0.3 * draw(5)

    def looked() -> Step:
        (inputs,) = objective.looks(smooth(corpus), augmenter, torch.Generator().manual_seed(7))
        return step(corpus, first, second, look=embed(inputs))

    torch.autograd.backward(objective(looked()))
    assert objective.strength.grad is not None
    slope = objective.strength.grad.clone()
    objective.zero_grad()
    torch.autograd.backward(objective(looked()))
    assert objective.strength.grad.abs().max() == 0
    assert set(objective.strengths) == set(LARGEST)

    def ahead(strength: torch.Tensor) -> float:
        """The same look ahead from its definition, without a gradient through the views."""
        with torch.no_grad():
            objective.strength.copy_(strength)
        varied = looked().looks[0].embedding.detach()
        a, b, c = objective.hidden(torch.cat([first, second, varied])).split(12)
        weight, patient = objective.last.weight, objective.patient[ROWS]
        now = nt_xent(c[:6] @ weight.T, a[:6] @ weight.T, patient[:6], 0.1)
        then = (weight - 5.0 * torch.autograd.grad(now, weight)[0]).detach()
        return nt_xent(b[6:] @ then.T, a[6:] @ then.T, patient[6:], 0.1).item()

    differences = [(ahead(small) - ahead(-small)) / 0.04 for small in (0.02 * torch.eye(4)).unbind()]
    largest = max(abs(d) for d in differences)
    assert largest > 1e-3
    np.testing.assert_allclose(slope.numpy(), differences, atol=0.15 * largest)


def recipe(name: str) -> Recipe:
    options = {"min_reports": 3} if name in ("masked_text", "report_words", "report_findings") else {}
    views = (Augmentation(subset=0.0, noise=0.3, hide=0.3, crop=0.0), Augmentation(subset=0.5, noise=0.3, crop=0.0))
    tiny = load_recipe("tiny")
    smaller = replace(tiny.architecture, channels=(8, 16, 24, 32), dim=32)
    objectives = (ObjectiveSetting(name, 1.0, options),)
    return replace(tiny, architecture=smaller, objectives=objectives, views=views, epochs=20, batch_size=16)


@pytest.mark.parametrize("name", sorted(OBJECTIVES))
def test_each_alone_learns_reaches_the_network_and_repeats(
    corpus: Corpus, name: str, request: pytest.FixtureRequest
) -> None:
    if "text" in name or name == "optimal_transport":
        request.getfixturevalue("text_extra")
    run, again = (Run(recipe(name), corpus, SignalSpec(), Processes()) for _ in range(2))
    losses = [run.epoch(number)["loss"] for number in range(6)]
    assert np.mean(losses[-2:]) < np.mean(losses[:2])
    gradient = run.network.stem.weight.grad
    assert gradient is not None
    assert gradient.abs().max() > 0
    assert again.epoch(0)["loss"] == losses[0]
    assert again.epoch(1)["loss"] == losses[1]


@pytest.mark.parametrize("name", sorted(OBJECTIVES))
def test_there_is_a_recipe_of_each_alone(name: str) -> None:
    alone = load_recipe(f"ablation/{name}")
    assert [o.name for o in alone.objectives] == [name]
    assert alone.name == f"ablation/{name}"
    assert alone.architecture == load_recipe("base").architecture
    assert (alone.seed, alone.epochs, alone.batch_size, alone.precision, alone.simulated) == (42, 20, 64, "bf16", 0)
    assert {"9", "10"} <= set(alone.exclude["strat_fold"])
    assert OBJECTIVES.get(name).min_views <= len(alone.views)


def test_predictive_coding_keeps_the_future_from_the_past(corpus: Corpus) -> None:
    objective = OBJECTIVES.get("predictive_coding")(load_recipe("tiny").architecture, corpus, {})
    index = np.arange(6)
    parts = (corpus.signal, corpus.leads, corpus.samples, corpus.calibrated)
    clean = Inputs(*(torch.from_numpy(part[index]) for part in parts))
    augmenter = Augmenter(SignalSpec(), torch.from_numpy(corpus.typical_mv), 0)
    past, future = objective.looks(clean, augmenter, torch.Generator().manual_seed(1))
    assert not (past.samples & future.samples).any()
    assert torch.equal(past.samples | future.samples, clean.samples)
    assert torch.equal(past.signal + future.signal, clean.signal)


def test_joint_embedding_shows_no_hidden_step(corpus: Corpus) -> None:
    objective = OBJECTIVES.get("joint_embedding")(load_recipe("tiny").architecture, corpus, {"hide": 1.0})
    index = np.arange(6)
    parts = (corpus.signal, corpus.leads, corpus.samples, corpus.calibrated)
    clean = Inputs(*(torch.from_numpy(part[index]) for part in parts))
    augmenter = Augmenter(SignalSpec(), torch.from_numpy(corpus.typical_mv), 0)
    (look,) = objective.looks(clean, augmenter, torch.Generator().manual_seed(1))
    assert not look.signal.any()
    assert look.leads.any(1).all()
