"""What is relied on: objectives that read reports reward what they claim to, and a batch without reports costs nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from precordia.core.errors import UsageError
from precordia.encoders.architecture import Architecture
from precordia.encoders.augment import Glimpse
from precordia.encoders.corpus import Corpus
from precordia.encoders.network import Inputs, Outputs
from precordia.encoders.objectives import OBJECTIVES, Objective
from precordia.encoders.objectives.objective import Step, View
from precordia.encoders.objectives.optimal_transport import sinkhorn
from precordia.encoders.objectives.texts import (
    ReportTexts,
    frequent_statements,
    nearest_negatives,
    report_texts,
    statements,
)
from precordia.encoders.text import load_text_encoder

pytestmark = pytest.mark.usefixtures("text_extra")

SIZES = Architecture(dim=16, channels=(8, 8, 8, 8))
ROWS = torch.arange(10)
KIND = ROWS % 4
"""Which of the four reports of ``conftest`` a row has; the last is none."""


def step(corpus: Corpus, embedding: torch.Tensor) -> Step:
    index = ROWS.numpy()
    clean = Inputs(
        *(torch.from_numpy(p[index]) for p in (corpus.signal, corpus.leads, corpus.samples, corpus.calibrated))
    )
    glimpse = Glimpse(clean, torch.zeros_like(clean.samples), clean)
    outputs = Outputs(torch.zeros(10, 32, 8), torch.ones(10, 32, dtype=torch.bool), embedding)
    return Step(ROWS, clean, (View(glimpse, outputs),), None)


def build(name: str, corpus: Corpus, **options: float | str) -> Objective:
    torch.manual_seed(0)
    return OBJECTIVES.get(name)(SIZES, corpus, options)


def of_kind(kind: torch.Tensor) -> torch.Tensor:
    """Embeddings that say which report the ECG has, and nothing else."""
    return torch.eye(16)[kind] * 4.0  # the scale of the network's: 16 numbers of unit variance


def learn(objective: Objective, corpus: Corpus, embedding: torch.Tensor, steps: int = 60) -> list[float]:
    optimizer = torch.optim.Adam(objective.parameters(), lr=5e-3)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = objective(step(corpus, embedding))
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())
    return losses


NAMES = [
    ("text_alignment", {}), ("text_alignment", {"loss": "infonce"}),
    ("text_alignment", {"loss": "infonce", "negatives": "nearest"}), ("ecg_text_matching", {}),
    ("text_alignment", {"loss": "infonce", "statements": 1.0, "min_reports": 1}),
    ("masked_text", {"min_reports": 1, "share": 1.0}), ("optimal_transport", {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options"), NAMES)
def test_what_an_ecg_says_is_learned_and_used(corpus: Corpus, name: str, options: dict[str, float | str]) -> None:
    """The loss falls well below what it is for embeddings that belong to other reports, and gradients reach embeddings."""
    objective = build(name, corpus, **options)
    losses = learn(objective, corpus, of_kind(KIND))
    assert losses[-1] < 0.8 * losses[0]
    torch.manual_seed(1)
    own = of_kind(KIND).requires_grad_()
    loss = objective(step(corpus, own))
    torch.autograd.backward(loss)
    assert own.grad is not None
    assert own.grad[KIND < 3].abs().sum(1).min() > 0
    torch.manual_seed(1)
    wrong = objective(step(corpus, of_kind(torch.where(KIND < 3, (KIND + 1) % 3, 3))))
    assert wrong > 1.2 * loss


@pytest.mark.parametrize(("name", "options"), NAMES)
def test_a_batch_without_reports_costs_nothing(corpus: Corpus, name: str, options: dict[str, float | str]) -> None:
    silent = replace(corpus, texts=(None,) * len(corpus))
    embedding = of_kind(KIND).requires_grad_()
    loss = build(name, silent, **options)(step(silent, embedding))
    assert loss.item() == 0.0
    torch.autograd.backward(loss)
    assert embedding.grad is not None
    assert embedding.grad.abs().max() == 0


def test_options_that_are_not_there_are_errors(corpus: Corpus) -> None:
    with pytest.raises(UsageError, match="sigmoid or infonce"):
        build("text_alignment", corpus, loss="softmax")


def test_negatives_are_near_but_wrong() -> None:
    """Never as good as equal, never a text that merely says less; nearest first."""
    texts = ("Sinus rhythm.", "Sinus rhythm. LVH.", "Sinus rhythm. LVH. AFIB.", "AFIB.", "Sinus rhythm. RVH.")
    vectors = np.array([[1, 0, 0], [0.9, 0.435, 0], [0.8, 0.6, 0], [0.1, 0.2, 0.97], [0.88, 0.43, 0.2]], np.float32)
    known = ReportTexts(texts, vectors, np.arange(5), "")
    found = nearest_negatives(known, 0.95, 3)
    # "Sinus rhythm." is true of an ECG with "Sinus rhythm. LVH."; the text with RVH and the one with AFIB are as good as equal.
    assert found[1].tolist() == [3, -1, -1]
    assert found[0].tolist() == [1, 4, 2]
    assert found[3].tolist() == [4, 1, 2] or found[3].tolist() == [4, 2, 1]
    assert nearest_negatives(known, 0.95, 0).shape == (5, 0)


def test_statements_are_sentences() -> None:
    assert statements("Sinus rhythm. Rate 0.5 Hz. LVH.") == ("Sinus rhythm.", "Rate 0.5 Hz.", "LVH.")
    assert statements("") == ()


def test_statements_that_are_frequent_are_found_in_every_text_that_says_them(corpus: Corpus) -> None:
    known = report_texts(corpus.texts)
    rows = known.rows[known.rows >= 0]
    found = frequent_statements(known, rows, 1, 0.95)
    said = [set(statements(text)) for text in known.texts]
    assert found.vectors.shape[0] == found.stated.shape[1] == len(set().union(*said))
    assert found.stated.sum(1).tolist() == [len(own) for own in said], (
        "the statements of the made-up reports are unlike"
    )
    often = frequent_statements(known, rows, max(np.bincount(rows)) + 1, 0.95)
    assert 0 < often.vectors.shape[0] < found.vectors.shape[0], "only what several reports share is left"
    assert frequent_statements(known, rows, len(rows) + 1, 0.95).stated.shape == (len(known.texts), 0)


def test_prompts_of_one_statement_find_its_ecgs(corpus: Corpus) -> None:
    """Single statements were never shown as texts; with their loss, each lies nearest to ECGs whose reports state it."""
    objective = build("text_alignment", corpus, loss="infonce", statements=1.0, min_reports=1)
    learn(objective, corpus, of_kind(KIND), steps=150)
    projection = torch.from_numpy(objective.projection)  # type: ignore[arg-type]
    signals = F.normalize(F.normalize(of_kind(torch.arange(3)), dim=1) @ projection.T, dim=1)
    texts = torch.from_numpy(load_text_encoder().embed(["Left bundle branch block.", "Atrial fibrillation."]))
    assert (signals @ texts.T).argmax(0).tolist() == [1, 2]


def test_nearest_negatives_are_pushed_away(corpus: Corpus) -> None:
    """An ECG that lies at a text like its own costs more once that text stands among the choices."""
    near, plain = (build("text_alignment", corpus, loss="infonce", negatives=n) for n in ("nearest", "batch"))
    alone = step(corpus, torch.randn(10, 16, generator=torch.Generator().manual_seed(0)))
    assert near(alone) > plain(alone)


def test_matching_tells_a_text_from_the_texts_like_it(corpus: Corpus) -> None:
    objective = build("ecg_text_matching", corpus)
    learn(objective, corpus, of_kind(KIND), steps=120)
    own = objective.text_row[ROWS[KIND < 3]]  # type: ignore[index]
    hard = objective.nearest[own][:, 0]  # type: ignore[index]
    assert bool((hard >= 0).all())
    embedding = of_kind(KIND)[KIND < 3]
    assert (objective.score(embedding, own) > objective.score(embedding, hard)).all()  # type: ignore[operator]


def test_masked_text_never_shows_what_it_asks_for(corpus: Corpus) -> None:
    """With all statements hidden and embeddings that say nothing, only frequencies and the number of statements are left."""
    objective = build("masked_text", corpus, min_reports=1, share=1.0)
    blind = learn(objective, corpus, torch.zeros(10, 16), steps=100)[-1]
    seeing = build("masked_text", corpus, min_reports=1, share=1.0)
    assert learn(seeing, corpus, of_kind(KIND), steps=100)[-1] < blind - 0.2


def test_the_plan_is_the_entropic_one() -> None:
    """Against Sinkhorn's algorithm on the plain scale, in float64."""
    generator = np.random.default_rng(0)
    similarity, mass = generator.uniform(-2, 2, (6, 4)), np.array([1.0, 2.0, 2.5, 0.5])
    kernel, right = np.exp(similarity), np.ones(4)
    for _ in range(500):
        left = 1.0 / (kernel @ right)
        right = mass / (kernel.T @ left)
    expected = left[:, None] * kernel * right
    plan = sinkhorn(torch.from_numpy(similarity), torch.from_numpy(mass).log(), 500).exp().numpy()
    np.testing.assert_allclose(plan, expected, atol=1e-9)
    np.testing.assert_allclose(plan.sum(0), mass, atol=1e-9)
    np.testing.assert_allclose(plan.sum(1), 1.0, atol=1e-9)


def test_transport_takes_equal_reports_as_one_and_leaves_ecgs_without_report_aside(corpus: Corpus) -> None:
    """Several ECGs share a text. When each lies at its own text there is nothing left to gain, whoever shares it, and
    wherever the ECGs without report lie."""
    objective = build("optimal_transport", corpus, entropy=0.02)
    texts = objective.vectors[objective.text_row[ROWS].clamp(min=0)]  # type: ignore[index]
    inverse = torch.linalg.pinv(objective.project.weight.detach())  # type: ignore[union-attr]
    away = -objective.vectors.mean(0, keepdim=True)  # type: ignore[union-attr]
    at = torch.where((KIND < 3)[:, None], F.normalize(texts), F.normalize(away)) @ inverse.T
    assert objective(step(corpus, at)).item() < 0.2
    swapped = torch.where((KIND < 3)[:, None], at[(KIND + 1) % 3], at)
    assert objective(step(corpus, swapped)).item() > 1.0
