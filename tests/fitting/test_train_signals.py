"""``precordia train pulse``: pairs that belong together, a loss that falls, and a training that goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from precordia.cli.main import main
from precordia.core.errors import UnknownNameError, UsageError
from precordia.encoders import load_encoder
from precordia.fitting.signals.contrastive import Schedule, contrastive_loss, fit
from precordia.fitting.signals.pulse import PulseRecipe
from precordia.fitting.signals.pulse_pairs import phantom_pairs, rhythm_of
from precordia.fitting.signals.recipe import load_recipe
from precordia.signals.pulse.encoder import load_pulse_encoder


def test_partners_that_are_alike_have_a_smaller_loss_than_strangers() -> None:
    rows = torch.nn.functional.normalize(torch.randn(8, 4, generator=torch.Generator().manual_seed(0)), dim=1)
    assert contrastive_loss(rows, rows, 0.1) < contrastive_loss(rows, rows.roll(1, 0), 0.1)


def _line(state: Path | None, epochs: int, stop_after: int | None = None) -> tuple[torch.Tensor, list[float]]:
    torch.manual_seed(1)
    network, x = torch.nn.Linear(3, 1), torch.randn(64, 3, generator=torch.Generator().manual_seed(2))
    calls = 0

    def loss(rows: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if stop_after is not None and calls > stop_after:
            raise KeyboardInterrupt
        return ((network(x[rows]) - x[rows].sum(1, keepdim=True)) ** 2).mean()

    curve = fit(network, 64, loss, Schedule(epochs=epochs, batch=16, learning_rate=0.1), state=state)
    return network.weight.detach(), curve


def test_a_killed_training_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    whole, curve = _line(None, 6)
    with pytest.raises(KeyboardInterrupt):
        _line(tmp_path / "state.pt", 6, stop_after=14)
    again, curve_again = _line(tmp_path / "state.pt", 6)
    torch.testing.assert_close(again, whole)
    assert curve_again == pytest.approx(curve)
    assert curve[-1] < 0.1 * curve[0]
    assert not (tmp_path / "state.pt").exists()


def test_pairs_are_one_heart_each_and_the_same_again() -> None:
    encoder = load_encoder("default")
    pairs, again = (phantom_pairs(6, encoder, first=40) for _ in range(2))
    np.testing.assert_array_equal(pairs.windows, again.windows)
    assert pairs.windows.shape[0] == pairs.vectors.shape[0] == pairs.rhythms.size
    np.testing.assert_allclose(np.linalg.norm(pairs.vectors, axis=1), 1.0, atol=1e-5)


def test_a_rhythm_is_told_of_diagnoses_and_codes() -> None:
    assert rhythm_of(("AFIB", "IMI:old")) == "fibrillation"
    assert rhythm_of(("SR", "LVH")) == "sinus"
    assert rhythm_of(("SR", "PACE")) == "other"
    assert rhythm_of(("AFLT",)) == "other"


def test_a_recipe_is_a_name_or_a_file_and_its_keys_are_checked(tmp_path: Path) -> None:
    assert isinstance(load_recipe("pulse", "align", PulseRecipe), PulseRecipe)
    with pytest.raises(UnknownNameError, match="pulse recipe"):
        load_recipe("pulse", "none", PulseRecipe)
    odd = tmp_path / "odd.json"
    odd.write_text('{"phantom": 3}')
    with pytest.raises(UsageError, match="unknown phantom"):
        load_recipe("pulse", str(odd), PulseRecipe)


def test_the_command_trains_and_stores_the_encoders_fingerprint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "tiny.json"
    recipe.write_text('{"phantoms": 8, "epochs": 1, "batch": 4}')
    assert main(["train", "pulse", str(recipe), "--out", str(tmp_path / "out"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    fingerprint = load_encoder("default").fingerprint
    assert told["encoder_fingerprint"] == fingerprint
    assert load_pulse_encoder(fingerprint, tmp_path / "out").dim == load_encoder("default").dim
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["pulse.json", "pulse.safetensors"]
