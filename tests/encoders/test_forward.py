"""What is relied on: without torch a network says what it says with torch, whatever it is made of."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from precordia.encoders import create, load_encoder
from precordia.encoders.architecture import Architecture
from precordia.encoders.arithmetic import gelu
from precordia.encoders.checkpoint import untrained
from precordia.encoders.convolution import Convolution
from precordia.encoders.cores import over_cores
from precordia.encoders.encoder import SignalEncoder, Weights
from precordia.encoders.forward import Forward, shapes_of
from precordia.encoders.network import Inputs, SignalNetwork
from precordia.simulation import simulate

ARCHITECTURES = [
    Architecture(),
    Architecture(dim=24, channels=(16, 32), blocks=(2, 1), kernel=5, stem_kernel=9, attention_layers=2, heads=2),
    Architecture(dim=16, channels=(16, 16), blocks=(1, 2), kernel=3, attention_layers=0, heads=4),
]


def network_of(architecture: Architecture) -> SignalNetwork:
    """Random weights, and statistics that are not those of a fresh network."""
    network = untrained(architecture, seed=0).network
    with torch.no_grad():
        torch.manual_seed(1)
        for name, value in network.state_dict().items():
            if value.dtype.is_floating_point:
                value.add_(0.1 * torch.rand_like(value) if "var" in name else 0.05 * torch.randn_like(value))
    return network.eval()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("length", [1000, 999])
def test_it_is_torchs(architecture: Architecture, length: int) -> None:
    network, rng = network_of(architecture), np.random.default_rng(2)
    leads, samples = np.ones((3, 12), np.bool_), np.ones((3, length), np.bool_)
    leads[1, 4:], samples[2, 400:] = False, False
    signal = rng.normal(size=(3, 12, length)).astype(np.float32) * leads[:, :, None] * samples[:, None]
    with torch.inference_mode():
        inputs = Inputs(*(torch.from_numpy(a) for a in (signal, leads, samples)), torch.ones(3, dtype=torch.bool))
        expected = network(inputs).embedding.numpy()
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    np.testing.assert_allclose(Forward(architecture, state).embedding(signal, leads, samples), expected, atol=2e-4)


STATE_SPACE = Architecture(dim=16, channels=(16, 16, 24), blocks=(1, 2, 1), backbone="state_space")


@pytest.mark.parametrize("architecture", [*ARCHITECTURES, STATE_SPACE])
def test_the_shapes_are_those_of_the_network(architecture: Architecture) -> None:
    state = SignalNetwork(architecture, 12).state_dict()
    assert shapes_of(architecture, 12) == {name: tuple(value.shape) for name, value in state.items()}


def test_the_shipped_encoder_gives_the_same_vectors_with_torch_and_without() -> None:
    ecgs = [simulate("NORM", seed=seed).recording for seed in range(9)]
    ecgs.append(replace(ecgs[0], signal=ecgs[0].signal[:2], leads=ecgs[0].leads[:2]))
    encoder, other = load_encoder(), load_encoder()
    assert other.network is not None
    by_torch = other.embed(ecgs)
    for rows in (encoder.embed(ecgs), np.concatenate([encoder.embed([ecg]) for ecg in ecgs])):
        np.testing.assert_allclose(rows, by_torch, atol=1e-5)
        ranks = [np.argsort(-(those @ those.T), axis=1, kind="stable") for those in (rows, by_torch)]
        np.testing.assert_array_equal(*ranks)


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (5, 2), (7, 1), (7, 2), (9, 1), (15, 2)])
def test_convolutions_are_torchs(kernel: int, stride: int) -> None:
    rng = np.random.default_rng(3)
    x, weight, bias = (rng.normal(size=shape).astype(np.float32) for shape in ((2, 61, 6), (5, 6, kernel), (5,)))
    args = (torch.from_numpy(x.swapaxes(1, 2).copy()), torch.from_numpy(weight), torch.from_numpy(bias))
    expected = torch.nn.functional.conv1d(*args, stride=stride, padding=kernel // 2).numpy().swapaxes(1, 2)
    np.testing.assert_allclose(Convolution(weight, bias, stride)(x), expected, atol=1e-3)


def test_long_kernels_are_left_to_torch() -> None:
    ecg = [simulate("NORM", seed=1).recording]
    made = untrained(Architecture(dim=8, channels=(8, 8), blocks=(1, 1), kernel=11, heads=2), seed=0)
    state = {name: value.numpy() for name, value in made.network.state_dict().items()}
    encoder = SignalEncoder(Weights(made.architecture, 12, state), made.spec, made.fingerprint)
    np.testing.assert_array_equal(encoder.embed(ecg), made.embed(ecg))


def test_work_over_cores_comes_in_order_and_leaves_their_number() -> None:
    pieces = list(range(20))
    with threadpool_limits(limits=2, user_api="blas"):
        assert over_cores(lambda piece: piece * piece, pieces) == [piece * piece for piece in pieces]
        after = {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}
    assert after == {2}


def test_who_is_given_the_network_may_change_it() -> None:
    ecg = [simulate("NORM", seed=1).recording]
    made = create("tiny", seed=1)
    state = {name: value.numpy() for name, value in made.network.state_dict().items()}
    encoder = SignalEncoder(Weights(made.architecture, 12, state), made.spec, made.fingerprint)
    before = encoder.embed(ecg)
    np.testing.assert_allclose(before, made.embed(ecg), atol=1e-5)
    with torch.no_grad():
        encoder.network.head.bias += 1.0
    assert np.abs(encoder.embed(ecg) - before).max() > 1e-3


def test_what_gave_features_can_be_trained() -> None:
    encoder = load_encoder()
    encoder.features([simulate("NORM", seed=1).recording])
    assert not any(parameter.is_inference() for parameter in encoder.network.parameters())


def test_gelu_is_torchs() -> None:
    x = np.linspace(-9, 9, 1001, dtype=np.float32)
    np.testing.assert_allclose(gelu(x), torch.nn.functional.gelu(torch.from_numpy(x)).numpy(), atol=1e-6)


def test_embedding_needs_no_torch() -> None:
    code = (
        "import sys; from precordia import load_encoder; from precordia.simulation import simulate\n"
        "load_encoder().embed([simulate('NORM', seed=seed).recording for seed in range(9)]); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
