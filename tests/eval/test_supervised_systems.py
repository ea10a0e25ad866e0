import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from precordia.core.errors import UsageError
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.eval.baselines.measured import fit_boosted, measured_features
from precordia.eval.baselines.openecg import openecg_vectors
from precordia.eval.baselines.resnet import ResNetRecipe, train_resnet
from precordia.eval.metrics.probe import macro_auroc
from precordia.simulation import simulate

SMALL = ResNetRecipe(widths=(4, 4), stretch=100, epochs=3, least_steps=12, batch_size=16)


def _waves(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise, with a sine in lead II of those that have the first label."""
    rng = np.random.default_rng(seed)
    labels = rng.random((n, 2)) > 0.5
    signal = rng.standard_normal((n, 12, 200)).astype(np.float32)
    signal[labels[:, 0], 1] += 3 * np.sin(np.arange(200) / 3)
    return signal, labels


def test_a_network_learns_what_is_there_and_not_what_is_not() -> None:
    signal, labels = _waves(160, 0)
    trained = train_resnet(signal, labels, np.arange(160) >= 120, SMALL)
    assert 1 <= trained.epochs <= 3
    fresh, truth = _waves(120, 1)
    scores = trained.scores(fresh)
    assert scores.shape == (120, 2)
    assert macro_auroc(truth[:, :1], scores[:, :1]) > 0.9
    assert 0.3 < macro_auroc(truth[:, 1:], scores[:, 1:]) < 0.7


def test_the_same_seed_trains_the_same_network_whatever_torch_drew_before(tmp_path: Path) -> None:
    import torch

    signal, labels = _waves(32, 0)
    first = train_resnet(signal, labels, None, SMALL, cache=tmp_path / "networks")
    # Ten recordings make one batch an epoch: the least number of steps decides.
    assert train_resnet(signal[:10], labels[:10], None, SMALL).epochs == SMALL.least_steps
    torch.manual_seed(7)
    again = train_resnet(signal, labels, None, SMALL)
    kept = train_resnet(signal, labels, None, SMALL, cache=tmp_path / "networks")
    assert len(list((tmp_path / "networks").iterdir())) == 1
    np.testing.assert_array_equal(first.scores(signal), again.scores(signal))
    np.testing.assert_allclose(first.scores(signal), kept.scores(signal), atol=1e-6)
    assert kept.epochs == first.epochs
    train_resnet(signal, labels, None, SMALL, seed=1, cache=tmp_path / "networks")
    assert len(list((tmp_path / "networks").iterdir())) == 2


def test_measurements_are_numbers_a_lead_and_missing_where_there_is_no_beat() -> None:
    flat = Recording(signal=np.zeros((12, 1000), np.float32), fs=100.0, leads=LEADS, recording_id="flat")
    features = measured_features([simulate(seed=0).recording, flat])
    assert features.shape[0] == 2
    assert np.isfinite(features[0]).mean() > 0.8
    assert np.isnan(features[1]).mean() > 0.8


def test_trees_use_missing_values_and_as_many_trees_as_help() -> None:
    rng = np.random.default_rng(0)
    features = rng.standard_normal((400, 4))
    labels = np.stack([features[:, 0] > 0, np.zeros(400, dtype=bool)], axis=1)
    features[~labels[:, 0] & (rng.random(400) < 0.5), 0] = np.nan
    fitted = fit_boosted(features[:300], labels[:300], np.arange(300) >= 200)
    scores = fitted.scores(features[300:])
    assert 1 <= fitted.trees <= 200
    assert macro_auroc(labels[300:, :1], scores[:, :1]) > 0.95
    assert not scores[:, 1].any()
    assert fit_boosted(features[:50], labels[:50], None).trees == 50
    with pytest.raises(ValueError, match="features"):
        fitted.scores(features[:, :3])


def test_another_backbone_gives_what_its_last_layer_holds_of_each_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    class Codec(torch.nn.Module):
        """Two numbers a step of ten samples: their mean, and their lead's number."""

        def __init__(self) -> None:
            super().__init__()
            self.upper_transformer = torch.nn.Identity()

        def forward(self, signal: torch.Tensor, lead: torch.Tensor) -> torch.Tensor:
            steps = signal.reshape(len(signal), -1, 10).mean(dim=2)
            numbers = torch.arange(len(signal))[:, None].expand_as(steps)
            up = self.upper_transformer(torch.stack([steps, numbers], dim=2))
            return up + self.refine(up)

    monkeypatch.setitem(
        sys.modules, "openecg", SimpleNamespace(load_codec=Codec, rank_normalize=lambda lead: lead * 0 + 3)
    )
    vectors = openecg_vectors([simulate(seed=0, fs=100.0).recording])
    np.testing.assert_allclose(vectors.reshape(12, 4), [[3, lead, 0, 0] for lead in range(12)], atol=1e-5)


def test_a_backbone_that_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openecg", None)
    with pytest.raises(UsageError, match="pip install openecg"):
        openecg_vectors([])
