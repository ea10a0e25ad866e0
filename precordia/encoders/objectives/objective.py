"""What an objective is: a head on the encoder and a loss on a step's views."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from precordia.encoders.architecture import Architecture
from precordia.encoders.augment import Glimpse
from precordia.encoders.corpus import Corpus
from precordia.encoders.network import Inputs, Outputs


@dataclass(frozen=True, eq=False)
class View:
    """One view of a batch and what the network made of it.

    Attributes:
        glimpse: What the network saw, and what was kept from it.
        outputs: What the network said.
    """

    glimpse: Glimpse
    outputs: Outputs


@dataclass(frozen=True, eq=False)
class Step:
    """One step of training.

    Attributes:
        rows: ``(n,)`` int64, rows of the corpus.
        clean: The recordings as they are.
        views: Views of them.
        teacher: What the running mean of the network says of ``clean``; no gradient. None unless an objective asks.
    """

    rows: Tensor
    clean: Inputs
    views: tuple[View, ...]
    teacher: Outputs | None


class Objective(nn.Module):
    """Base of every objective: subclasses give :meth:`forward`.

    Args:
        architecture: Of the network.
        corpus: The training data; targets are made from its rows (vocabularies from rows not held out).
        options: From the recipe.
    """

    min_views = 1
    needs_teacher = False

    def __init__(self, architecture: Architecture, corpus: Corpus, options: Mapping[str, float | str]) -> None:
        super().__init__()
        self.architecture, self.options = architecture, options

    def forward(self, step: Step) -> Tensor:
        """The loss, a scalar; zero (with gradient) where the batch says nothing on it."""
        raise NotImplementedError

    def option(self, name: str, default: float) -> float:
        """A number from the recipe."""
        return float(self.options.get(name, default))


def projector(inputs: int, outputs: int, hidden: int = 512) -> nn.Sequential:
    """Two layers with batch normalisation between, as in SimCLR and VICReg."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, outputs))


def frequency_head(inputs: int, targets: Tensor) -> nn.Linear:
    """A linear layer that starts out saying how frequent each target is, so that no step is spent on learning that.

    Args:
        inputs: Length of what it reads.
        targets: ``(n, n_targets)`` of the training part.
    """
    frequency = targets.float().sum(0).add(0.5) / (len(targets) + 1.0)
    head = nn.Linear(inputs, max(targets.shape[1], 1))
    head.weight = nn.Parameter(torch.zeros(targets.shape[1], inputs))
    head.bias = nn.Parameter(torch.logit(frequency.clamp(1e-4, 1 - 1e-4)))
    return head


def nothing(views: tuple[View, ...]) -> Tensor:
    """A zero that backpropagates."""
    return torch.stack([view.outputs.embedding.sum() * 0.0 for view in views]).sum()
