"""What is relied on: saving memory changes neither what the network says nor what it learns."""

from __future__ import annotations

import pytest
import torch

from precordia.encoders.architecture import Architecture
from precordia.encoders.network import Inputs, SignalNetwork

SIZES = Architecture(dim=16, channels=(8, 8, 16, 16), attention_layers=1)


def network(*, checkpointing: bool) -> SignalNetwork:
    torch.manual_seed(0)
    made = SignalNetwork(SIZES)
    made.checkpointing = checkpointing
    return made.train()


def inputs(n: int = 6) -> Inputs:
    generator = torch.Generator().manual_seed(1)
    signal = torch.randn(n, 12, 1000, generator=generator)
    return Inputs(signal, torch.ones(n, 12).bool(), torch.ones(n, 1000).bool(), torch.ones(n).bool())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_checkpointing_gives_equal_outputs_gradients_and_statistics(precision: str) -> None:
    plain, saving = network(checkpointing=False), network(checkpointing=True)
    for _ in range(2):
        for made in (plain, saving):
            made.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                outputs = made(inputs())
            (outputs.embedding.float() * torch.linspace(-1, 1, 16)).square().sum().backward()
    for (name, a), b in zip(plain.named_parameters(), saving.parameters(), strict=True):
        assert a.grad is not None, name
        assert b.grad is not None, name
        torch.testing.assert_close(a.grad, b.grad, rtol=0, atol=0, msg=name)
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(saving.state_dict()[name], value, rtol=0, atol=0, msg=name)


def test_checkpointing_keeps_less_for_the_backward_pass() -> None:
    def kept(made: SignalNetwork) -> int:
        sizes: list[int] = []

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            made(inputs())
        return sum(sizes)

    assert kept(network(checkpointing=True)) < 0.6 * kept(network(checkpointing=False))


def test_without_gradients_nothing_is_computed_twice() -> None:
    saving = network(checkpointing=True).eval()
    with torch.inference_mode():
        torch.testing.assert_close(saving(inputs()).embedding, network(checkpointing=False).eval()(inputs()).embedding)
