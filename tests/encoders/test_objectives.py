"""What is relied on: each objective rewards what it claims to, and nothing else moves it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from precordia.core.errors import UnknownNameError
from precordia.encoders.architecture import Architecture
from precordia.encoders.augment import Augmenter, Glimpse, lead_subsets
from precordia.encoders.corpus import Corpus
from precordia.encoders.network import Inputs, Outputs
from precordia.encoders.objectives import OBJECTIVES, Objective
from precordia.encoders.objectives.objective import Step, View
from precordia.encoders.objectives.text_alignment import TextAlignment
from precordia.encoders.recipe import Augmentation, ObjectiveSetting, load_recipe
from precordia.encoders.training.processes import Processes
from precordia.encoders.training.run import Run
from precordia.records.standardize import SignalSpec
from precordia.testing.objectives import ObjectiveContract

SIZES = Architecture(dim=16, channels=(8, 8, 8, 8))
ROWS = torch.arange(12)


def inputs(corpus: Corpus) -> Inputs:
    index = ROWS.numpy()
    parts = (corpus.signal, corpus.leads, corpus.samples, corpus.calibrated)
    return Inputs(*(torch.from_numpy(part[index].copy()) for part in parts))


def step(corpus: Corpus, *embeddings: torch.Tensor, teacher: torch.Tensor | None = None) -> Step:
    clean = inputs(corpus)
    mask = torch.ones(12, 32, dtype=torch.bool)
    glimpse = Glimpse(clean, torch.zeros_like(clean.samples), clean)
    views = tuple(View(glimpse, Outputs(torch.zeros(12, 32, 8), mask, e)) for e in embeddings)
    return Step(ROWS, clean, views, None if teacher is None else Outputs(torch.zeros(12, 32, 8), mask, teacher))


def draw(seed: int, dim: int = 16) -> torch.Tensor:
    return torch.randn(12, dim, generator=torch.Generator().manual_seed(seed))


def build(name: str, corpus: Corpus, **options: float | str) -> Objective:
    torch.manual_seed(0)
    return OBJECTIVES.get(name)(SIZES, corpus, options)


class TestContrast(ObjectiveContract):
    name = "contrast"

    @pytest.fixture(autouse=True)
    def _corpus(self, corpus: Corpus) -> None:
        self.corpus = corpus

    def make(self) -> tuple[Objective, Step]:
        return build(self.name, self.corpus), step(self.corpus, draw(1).requires_grad_(), draw(2).requires_grad_())


class TestVicreg(TestContrast):
    name = "vicreg"


class Still(Objective):
    """Wants embeddings to be small."""

    def forward(self, step: Step) -> torch.Tensor:
        return torch.stack([view.outputs.embedding.square().mean() for view in step.views]).mean()


def test_a_new_objective_is_one_line(corpus: Corpus, register: Callable[..., None]) -> None:
    register(OBJECTIVES, "still", Still)
    assert float(build("still", corpus)(step(corpus, torch.ones(12, 16)))) == 1.0


@pytest.mark.parametrize("name", ["contrast", "vicreg"])
def test_views_that_agree_cost_less(corpus: Corpus, name: str) -> None:
    objective = build(name, corpus)
    same, other = draw(1), draw(2)
    assert objective(step(corpus, same, same)) < objective(step(corpus, same, other))


def test_vicreg_charges_for_collapse(corpus: Corpus) -> None:
    objective = build("vicreg", corpus).eval()
    alike = draw(1)[:1].repeat(12, 1)
    assert objective(step(corpus, alike, alike)) > objective(step(corpus, draw(1), draw(1)))


def test_contrast_does_not_push_a_patients_ecgs_apart(corpus: Corpus) -> None:
    """Rows of one patient are no negatives: with only one patient in the batch there is nothing to tell apart."""
    one_patient = replace(corpus, patients=("p",) * len(corpus))
    loss = build("contrast", one_patient)(step(one_patient, draw(1), draw(2)))
    assert loss.item() == pytest.approx(0.0, abs=1e-4)


def test_distillation_wants_views_to_mean_what_their_own_whole_means(corpus: Corpus) -> None:
    objective = build("distillation", corpus)
    own = objective(step(corpus, 3 * draw(1), teacher=draw(1)))
    assert own < objective(step(corpus, draw(2), teacher=draw(1))) < objective(step(corpus, -draw(1), teacher=draw(1)))
    # A direction that all of the teacher's embeddings share says nothing of an ECG and is not followed.
    shared = 50 * draw(3)[:1]
    assert objective(step(corpus, 3 * draw(1), teacher=draw(1) + shared)).item() == pytest.approx(own.item(), abs=1e-4)
    assert objective(step(corpus, shared.repeat(12, 1), teacher=draw(1) + shared)) > 2 * own


def test_distillation_does_not_keep_others_from_learning(corpus: Corpus) -> None:
    """Attraction to the running mean alone made all embeddings one direction, and report words learned nothing beside it."""
    words = ObjectiveSetting("report_words", 1.0, {"min_reports": 3})
    recipe = replace(
        load_recipe("tiny"), objectives=(words, ObjectiveSetting("distillation")), epochs=30, batch_size=16
    )
    run = Run(recipe, corpus, SignalSpec(), Processes())
    losses = [run.epoch(number)["report_words"] for number in range(12)]
    assert losses[-1] < 0.85 * losses[0]


def test_masked_signal_counts_only_what_was_kept_from_the_network(corpus: Corpus) -> None:
    objective = build("masked_signal", corpus)
    clean = inputs(corpus)
    outputs = Outputs(torch.zeros(12, 32, 8), torch.ones(12, 32, dtype=torch.bool), draw(1))

    def loss(hidden: torch.Tensor, leads: torch.Tensor, whole: Inputs = clean) -> float:
        view = View(Glimpse(replace(clean, leads=leads), hidden, whole), outputs)
        return objective(Step(ROWS, clean, (view,), None)).item()

    nothing = torch.zeros_like(clean.samples)
    assert loss(nothing, clean.leads) == 0.0
    some = nothing.clone()
    some[:, :320] = True
    assert loss(some, clean.leads) > 0.0
    seen = replace(clean, signal=torch.where(some[:, None, :], clean.signal, clean.signal + 5))
    assert loss(some, clean.leads) == pytest.approx(loss(some, clean.leads, seen))
    fewer = clean.leads.clone()
    fewer[:, 3] = False
    assert loss(nothing, fewer) > 0.0


def test_report_words_start_at_their_frequency_and_learn_from_reports_only(corpus: Corpus) -> None:
    objective = build("report_words", corpus, min_reports=3).eval()
    assert {"normal ecg", "atrial fibrillation"} <= set(objective.vocabulary)  # type: ignore[arg-type]
    silent = replace(corpus, texts=(None,) * len(corpus))
    assert build("report_words", silent, min_reports=3)(step(silent, draw(1))).item() == 0.0
    before = objective(step(corpus, draw(1))).item()
    assert before == pytest.approx(objective(step(corpus, draw(2))).item())  # it looks at no feature yet


def test_report_findings_read_the_words(corpus: Corpus) -> None:
    objective = build("report_findings", corpus, min_reports=3)
    assert {"AFIB", "NORM"} <= set(objective.concepts)  # type: ignore[arg-type]
    held_out_only = replace(corpus, held_out=np.array([t is not None for t in corpus.texts]))
    assert not build("report_findings", held_out_only, min_reports=3).concepts


@pytest.mark.usefixtures("text_extra")
def test_text_alignment_rewards_lying_near_ones_own_report(corpus: Corpus) -> None:
    objective = build("text_alignment", corpus)
    assert isinstance(objective, TextAlignment)
    texts = objective.vectors[objective.text_row[ROWS].clamp(min=0)]
    inverse = torch.linalg.pinv(objective.project.weight.detach())
    near = texts @ inverse.T
    own, wrong = objective(step(corpus, near)), objective(step(corpus, near.roll(1, 0)))
    assert own < wrong
    assert objective.projection.shape == (384, 16)


def test_an_unknown_objective_lists_the_choices() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'vicreg'"):
        OBJECTIVES.get("vicregg")


def test_views_follow_their_generator_and_keep_absent_things_zero(corpus: Corpus) -> None:
    augmenter = Augmenter(SignalSpec(), torch.from_numpy(corpus.typical_mv), seed=0)
    settings = Augmentation(subset=1.0, noise=1.0, crop=1.0, hide=0.3)
    first, again = (augmenter.view(inputs(corpus), settings, torch.Generator().manual_seed(5)) for _ in range(2))
    torch.testing.assert_close(first.inputs.signal, again.inputs.signal)
    assert first.inputs.leads.any(1).all()
    assert first.inputs.signal[~first.inputs.leads].abs().max() == 0
    gone = ~first.inputs.samples | first.hidden
    assert first.inputs.signal.transpose(1, 2)[gone].abs().max() == 0
    assert first.inputs.samples.sum(1).min() >= 200


def test_what_is_left_of_a_short_recording_holds_some_of_it(corpus: Corpus) -> None:
    augmenter = Augmenter(SignalSpec(), torch.from_numpy(corpus.typical_mv), seed=0)
    given = inputs(corpus)
    short = replace(given, samples=given.samples & (torch.arange(given.samples.shape[1]) < 400))
    settings = Augmentation(crop=1.0, shortest_s=2.5)
    for seed in range(20):
        seen = augmenter.view(short, settings, torch.Generator().manual_seed(seed)).inputs
        assert seen.samples.sum(1).min() >= 200


def test_without_changes_a_view_is_the_recording(corpus: Corpus) -> None:
    augmenter = Augmenter(SignalSpec(), torch.from_numpy(corpus.typical_mv), seed=0)
    none = Augmentation(subset=0, noise=0, crop=0, gain=0, lead_gain=0, stretch=0, hide=0, uncalibrate=0)
    glimpse = augmenter.view(inputs(corpus), none, torch.Generator().manual_seed(0))
    torch.testing.assert_close(glimpse.inputs.signal[:, :, :990], inputs(corpus).signal[:, :, :990])


def test_lead_subsets_are_what_a_standardizer_can_give() -> None:
    subsets = lead_subsets(500, torch.Generator().manual_seed(0))
    limb = subsets[:, :6].sum(1)
    assert set(limb.tolist()) <= {0, 1, 6}
    assert (subsets.sum(1) == 1).any()
    assert (subsets[:, :6].all(1) & ~subsets[:, 6:].any(1)).any()
