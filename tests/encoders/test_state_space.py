"""What is relied on: a state-space layer filters forwards and backwards, and its networks are encoders like others."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from precordia.encoders import load_encoder
from precordia.encoders.architecture import Architecture
from precordia.encoders.checkpoint import save_encoder, untrained
from precordia.encoders.recipe import load_recipe, parse_recipe
from precordia.encoders.state_space import StateSpaceBlock
from precordia.simulation import simulate

SMALL = Architecture(dim=16, channels=(16, 16), blocks=(1, 1), attention_layers=0, backbone="state_space")


def test_an_impulse_is_answered_by_the_kernel_of_either_direction() -> None:
    torch.manual_seed(0)
    block, signal = StateSpaceBlock(4, 4, 1), torch.zeros(1, 4, 50)
    signal[0, :, 20] = 1
    with torch.no_grad():
        answer, (forward, backward) = block._filtered(signal)[0], block._kernels(50)
    np.testing.assert_allclose(answer[:, 21:], forward[:, 1:30], atol=1e-5)
    np.testing.assert_allclose(answer[:, :20], backward[:, :20].flip(1), atol=1e-5)
    np.testing.assert_allclose(answer[:, 20], forward[:, 0] + block.through.detach(), atol=1e-5)


def test_it_halves_the_steps_that_convolutions_halve() -> None:
    for length in (50, 51):
        assert StateSpaceBlock(4, 6, 2)(torch.randn(2, 4, 1, length)).shape == (2, 6, 1, -(-length // 2))


def test_a_checkpoint_of_it_is_read_and_embeds_as_before(tmp_path: Path) -> None:
    encoder, patients = untrained(SMALL, seed=3), [simulate(seed=seed).recording for seed in range(6)]
    save_encoder(encoder, tmp_path)
    again = load_encoder(tmp_path)
    assert again.fingerprint == encoder.fingerprint != untrained(replace(SMALL, backbone="convolutions"), 3).fingerprint
    # A few windows, which networks of convolutions embed without torch, and many.
    np.testing.assert_allclose(again.embed(patients[:1])[0], again.embed(patients)[0], atol=1e-5)


def test_what_is_written_names_the_backbone_only_where_it_is_another() -> None:
    default, other = load_recipe("default"), load_recipe("ablation/state_space")
    assert '"backbone"' not in default.to_json()
    assert '"backbone": "state_space"' in other.to_json()
    assert parse_recipe(json.loads(other.to_json())) == other
