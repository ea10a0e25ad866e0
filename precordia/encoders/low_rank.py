"""Low-rank branches beside the layers of a frozen network (Hu et al., LoRA, ICLR 2022), and how many ranks each layer gets.

A layer's branch is two small layers in a row, down to a few channels and up again, whose product is an update of its
weights. In training, branches are deactivated at random (as in CE-SSL, Zhou et al. 2024): what is inactive costs nothing in the
backward pass, and no layer can lean on another's update. Ranks are shared out once, by the gradients of one pass.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from precordia.encoders.network import SignalNetwork

MOST_FOR_ONE = 4
"""A layer gets at most so many times the mean rank."""


@dataclass(frozen=True, eq=False)
class Factors:
    """An update of a layer's weights, seen as a matrix ``(outputs, inputs * kernel)``: ``up @ down``.

    Attributes:
        down: ``(rank, inputs * kernel)`` float32.
        up: ``(outputs, rank)`` float32.
    """

    down: NDArray[np.float32]
    up: NDArray[np.float32]

    @property
    def rank(self) -> int:
        """Of the update."""
        return int(self.down.shape[0])


class LowRankLayer(nn.Module):
    """A frozen convolution or linear layer with a branch beside it.

    Args:
        layer: The layer; its weights are not changed.
        factors: Of the branch.
    """

    def __init__(self, layer: nn.Conv2d | nn.Linear, factors: Factors) -> None:
        super().__init__()
        self.layer = layer
        self.active = True
        self.down = nn.Parameter(torch.from_numpy(np.array(factors.down)))
        self.up = nn.Parameter(torch.from_numpy(np.array(factors.up)))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layer(x)
        if not self.active:
            return out
        if isinstance(self.layer, nn.Linear):
            return out + F.linear(F.linear(x, self.down), self.up)
        layer, rank = self.layer, len(self.down)
        down = self.down.reshape(rank, *layer.weight.shape[1:])
        low = F.conv2d(x, down, None, layer.stride, layer.padding)
        return out + F.conv2d(low, self.up[:, :, None, None])

    def factors(self) -> Factors:
        """As arrays."""
        return Factors(self.down.detach().numpy().copy(), self.up.detach().numpy().copy())


def layers_of(network: nn.Module) -> dict[str, nn.Conv2d | nn.Linear]:
    """Name to layer, of all that may have a branch: convolutions, and linear layers, attention's among them."""
    return {name: m for name, m in network.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)}


def with_branches(network: SignalNetwork, factors: Mapping[str, Factors]) -> SignalNetwork:
    """A copy of a network in evaluation mode with branches beside its layers; only they can be trained."""
    branched = copy.deepcopy(network).eval().requires_grad_(False)
    for name, layer in layers_of(branched).items():
        if name in factors:
            parent, _, child = name.rpartition(".")
            setattr(branched.get_submodule(parent), child, LowRankLayer(layer, factors[name]))
    return branched


def branches_of(network: nn.Module) -> dict[str, LowRankLayer]:
    """Name of a layer to its branch."""
    return {name: m for name, m in network.named_modules() if isinstance(m, LowRankLayer)}


def merged(network: SignalNetwork, factors: Mapping[str, Factors]) -> SignalNetwork:
    """A copy of a network with the updates added to its weights: as fast as without them."""
    own = copy.deepcopy(network).eval()
    with torch.no_grad():
        for name, layer in layers_of(own).items():
            if name in factors:
                update = factors[name].up.astype(np.float64) @ factors[name].down.astype(np.float64)
                layer.weight += torch.from_numpy(update.astype(np.float32)).reshape(layer.weight.shape)
    return own


def deactivate(branches: Iterable[LowRankLayer], share: float, generator: torch.Generator) -> None:
    """Deactivate each branch with a probability; one drawn at random stays active where none would."""
    each = list(branches)
    draws = torch.rand(len(each), generator=generator)
    spared = int(draws.argmax())
    for number, branch in enumerate(each):
        branch.active = number == spared or bool(draws[number] >= share)


def activate(branches: Iterable[LowRankLayer]) -> None:
    """All of them."""
    for branch in branches:
        branch.active = True


def share_out(network: SignalNetwork, losses: Iterator[Tensor], mean_rank: int) -> dict[str, Factors]:
    """Factors for a network, ranks shared out by what one pass of a loss says that each layer's update is worth.

    The worth of a layer's next rank is how much the loss would fall, to first order, if the weights moved along the next
    singular vectors of its gradient by a given share of their own norm: singular value times norm. Branches begin with these
    vectors as ``down`` and zero as ``up``, so that they change nothing before training.

    Args:
        network: Whose weights' gradients are taken; as it was, afterwards.
        losses: Batch by batch, each with a graph that reaches the weights; drawn while gradients are on.
        mean_rank: Ranks a layer, in the mean.
    """
    layers = layers_of(network)
    wanted = {name: parameter.requires_grad for name, parameter in network.named_parameters()}
    network.requires_grad_(False)
    for layer in layers.values():
        layer.weight.requires_grad_(True)
        layer.weight.grad = None
    for loss in losses:
        loss.backward()  # type: ignore[no-untyped-call]
    worth: list[tuple[float, str]] = []
    directions: dict[str, Tensor] = {}
    for name, layer in layers.items():
        gradient = torch.zeros_like(layer.weight) if layer.weight.grad is None else layer.weight.grad
        _, values, vectors = torch.linalg.svd(gradient.flatten(1).double(), full_matrices=False)
        directions[name] = vectors
        size = float(layer.weight.detach().norm())
        worth += [(float(value) * size, name) for value in values[: MOST_FOR_ONE * mean_rank]]
        layer.weight.grad = None
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(wanted[name])
    best = sorted(worth, key=lambda one: (-one[0], one[1]))[: mean_rank * len(layers)]
    ranks = {name: sum(chosen == name for _, chosen in best) for name in layers}
    return {
        name: Factors(
            directions[name][:rank].float().numpy().copy(), np.zeros((len(layers[name].weight), rank), dtype=np.float32)
        )
        for name, rank in ranks.items()
        if rank
    }
