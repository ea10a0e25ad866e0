"""What is relied on: an adapter changes vectors only as trained, merges without a trace, and is refused where it does not fit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from precordia.core.errors import CheckpointError
from precordia.encoders import SignalEncoder, create, load_encoder, save_encoder
from precordia.encoders.adapter import DESCRIPTION, FACTORS, Adapter, load_adapter
from precordia.encoders.low_rank import (
    Factors,
    activate,
    branches_of,
    deactivate,
    layers_of,
    share_out,
    with_branches,
)
from precordia.encoders.network import Inputs
from tests.encoders.conftest import recordings


@pytest.fixture(scope="module")
def base() -> SignalEncoder:
    return create("tiny", seed=3)


@pytest.fixture(scope="module")
def adapter(base: SignalEncoder) -> Adapter:
    """An update of every layer, strong enough to be seen."""
    rng = np.random.default_rng(0)

    def some(*shape: int) -> np.ndarray:
        return (0.1 * rng.standard_normal(shape)).astype(np.float32)

    factors = {
        name: Factors(some(2, layer.weight[0].numel()), some(len(layer.weight), 2))
        for name, layer in layers_of(base.network).items()
    }
    return Adapter(factors, "base", base.fingerprint, "labels")


def test_merged_and_beside_give_the_same_vectors(base: SignalEncoder, adapter: Adapter) -> None:
    ecgs = list(recordings(6))
    before = base.embed(ecgs)
    merged, beside = adapter.adapted(base), adapter.adapted(base, merge=False)
    assert merged.fingerprint == beside.fingerprint != base.fingerprint
    np.testing.assert_allclose(merged.embed(ecgs), beside.embed(ecgs), atol=1e-5)
    assert np.abs(merged.embed(ecgs) - before).max() > 0.05
    np.testing.assert_array_equal(base.embed(ecgs), before)


def test_is_loaded_like_any_encoder(base: SignalEncoder, adapter: Adapter, tmp_path: Path) -> None:
    save_encoder(base, tmp_path / "base")
    stood = Adapter(adapter.factors, str(tmp_path / "base"), base.fingerprint, "labels", {"seed": 1}, {"n": 2}, True)
    stood.save(tmp_path / "adapter")
    read = load_adapter(tmp_path / "adapter")
    assert (read.recipe, read.check, read.recommended) == ({"seed": 1}, {"n": 2}, True)
    loaded = load_encoder(tmp_path / "adapter")
    assert loaded.fingerprint == read.fingerprint == adapter.fingerprint
    ecgs = list(recordings(2))
    np.testing.assert_array_equal(loaded.embed(ecgs), adapter.adapted(base).embed(ecgs))
    save_encoder(create("tiny", seed=4), tmp_path / "base")
    with pytest.raises(CheckpointError, match="stands on encoder"):
        load_encoder(tmp_path / "adapter")


def test_what_was_damaged_is_refused(adapter: Adapter, tmp_path: Path) -> None:
    adapter.save(tmp_path)
    content = bytearray((tmp_path / FACTORS).read_bytes())
    content[-1] ^= 1
    (tmp_path / FACTORS).write_bytes(content)
    with pytest.raises(CheckpointError, match="checksum"):
        load_adapter(tmp_path)
    stated = json.loads((tmp_path / DESCRIPTION).read_text())
    (tmp_path / DESCRIPTION).write_text(json.dumps({**stated, "version": 9}))
    with pytest.raises(CheckpointError, match="version 9"):
        load_adapter(tmp_path)
    with pytest.raises(CheckpointError, match="precordia adapt"):
        load_adapter(tmp_path / "nowhere")


def test_an_adapter_of_other_sizes_is_refused(base: SignalEncoder, adapter: Adapter) -> None:
    name = next(iter(adapter.factors))
    wrong = {name: Factors(adapter.factors[name].down[:, 1:], adapter.factors[name].up)}
    with pytest.raises(CheckpointError, match=name):
        Adapter(wrong, "base", base.fingerprint, "").adapted(base)


def test_what_is_deactivated_takes_no_part(base: SignalEncoder, adapter: Adapter) -> None:
    network = with_branches(base.network, adapter.factors)
    branches = branches_of(network)
    inputs = Inputs(
        torch.randn(2, 12, 1000), torch.ones(2, 12).bool(), torch.ones(2, 1000).bool(), torch.ones(2).bool()
    )
    deactivate(branches.values(), 1.0, torch.Generator().manual_seed(0))
    left = [name for name, branch in branches.items() if branch.active]
    assert len(left) == 1
    network(inputs).embedding.square().sum().backward()
    assert {name for name, branch in branches.items() if branch.up.grad is not None} == set(left)
    branches[left[0]].active = False
    torch.testing.assert_close(network(inputs).embedding, base.network(inputs).embedding)
    activate(branches.values())
    assert all(branch.active for branch in branches.values())
    trained = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    assert trained == {f"{name}.{part}" for name in branches for part in ("down", "up")}


def test_ranks_go_where_the_gradient_is(base: SignalEncoder) -> None:
    inputs = Inputs(
        torch.randn(4, 12, 1000), torch.ones(4, 12).bool(), torch.ones(4, 1000).bool(), torch.ones(4).bool()
    )
    # The masks of the heads alone decide this loss: nothing behind the steps can help.
    factors = share_out(
        base.network, (base.network.steps(*vars(inputs).values())[0].square()[..., 0].sum() for _ in range(1)), 2
    )
    n_layers = len(layers_of(base.network))
    assert not {"pool", "head"} & set(factors)
    assert sum(each.rank for each in factors.values()) == 2 * n_layers
    assert max(each.rank for each in factors.values()) <= 8
    assert {each.rank for each in factors.values()} != {2}
    assert all(not each.up.any() for each in factors.values())
    fresh = Adapter(factors, "base", base.fingerprint, "").adapted(base)
    ecgs = list(recordings(2))
    np.testing.assert_array_equal(fresh.embed(ecgs), base.embed(ecgs))
