"""What an objective is: a head on the encoder and a loss on a step's views."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from precordia.core.errors import UsageError
from precordia.encoders.architecture import Architecture
from precordia.encoders.augment import Augmenter, Glimpse
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
        looks: What the network made of the inputs that this objective asked for with :meth:`Objective.looks`, one each.
    """

    rows: Tensor
    clean: Inputs
    views: tuple[View, ...]
    teacher: Outputs | None
    looks: tuple[Outputs, ...] = ()


class Objective(nn.Module):
    """Base of every objective: subclasses give :meth:`forward`.

    Args:
        architecture: Of the network.
        corpus: The training data; targets are made from its rows (vocabularies from rows not held out).
        options: From the recipe.

    Attributes:
        min_views: Views that a step must have.
        needs_teacher: Whether it reads :attr:`Step.teacher`.
        wants_visits: Whether a batch should hold several recordings of a patient, where there are several.
        text_fingerprint: Of the text encoder that :attr:`projection` leads to, or "".
    """

    min_views = 1
    needs_teacher = False
    wants_visits = False
    text_fingerprint = ""

    def __init__(self, architecture: Architecture, corpus: Corpus, options: Mapping[str, float | str]) -> None:
        super().__init__()
        self.architecture, self.options = architecture, options

    def forward(self, step: Step) -> Tensor:
        """The loss, a scalar; zero (with gradient) where the batch says nothing on it."""
        raise NotImplementedError

    def looks(self, clean: Inputs, augmenter: Augmenter, generator: torch.Generator) -> tuple[Inputs, ...]:
        """Further inputs for the network, each of as many recordings as ``clean``; none unless a subclass asks.

        They go through the network together with the views. Gradients flow back into them, so that they may depend on the
        objective's own parameters. Every draw comes from ``generator``.
        """
        return ()

    @property
    def projection(self) -> np.ndarray | None:
        """``(text_dim, dim)`` float32 from unit embeddings to a text encoder's space, or None if it learns none."""
        return None

    def option(self, name: str, default: float) -> float:
        """A number from the recipe."""
        return float(self.options.get(name, default))

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """A word from the recipe, the first of ``choices`` where it says nothing.

        Raises:
            UsageError: it is none of ``choices``.
        """
        chosen = str(self.options.get(name, choices[0]))
        if chosen not in choices:
            raise UsageError(f"{type(self).__name__}: option {name} is {chosen!r}; use {' or '.join(choices)}")
        return chosen


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


def patient_numbers(corpus: Corpus) -> Tensor:
    """``(n,)`` int64, equal where the patient is the same."""
    names = {name: i for i, name in enumerate(dict.fromkeys(corpus.patients))}
    return torch.tensor([names[patient] for patient in corpus.patients])


def nothing(views: tuple[View, ...]) -> Tensor:
    """A zero that backpropagates."""
    return torch.stack([view.outputs.embedding.sum() * 0.0 for view in views]).sum()
