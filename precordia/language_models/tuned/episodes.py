"""Learning to learn an ECG's mouth from a few answered examples (Tang et al., CHIL 2025), by first-order MAML.

An episode has N classes, each a question with an answer, K examples of each (support) and some further questions (query). A copy
of the mouth goes down the slope of the examples' loss; the slope of the queries' loss there is what the mouth itself
learns from (Finn et al. 2017, first order). The language model stays as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from precordia.core.errors import InputError
from precordia.language_models.own_model.context import Example
from precordia.language_models.tuned.recipe import Episodes

Loss = Callable[[Sequence[Example], Callable[[Tensor], Tensor]], Tensor]
"""Of examples, the ECG's vectors made by the function given."""


@dataclass(frozen=True)
class Episode:
    """One small task: examples, and questions of the same classes about other ECGs."""

    support: tuple[Example, ...]
    query: tuple[Example, ...]


def by_class(examples: Sequence[Example], least: int) -> list[list[Example]]:
    """Questions by wording and answer: classes with at least so many ECGs, in order."""
    found: dict[tuple[str, str], list[Example]] = defaultdict(list)
    for example in examples:
        if example.question is not None:
            found[example.question, example.answer].append(example)
    return [found[key] for key in sorted(found) if len(found[key]) >= least]


def draw(classes: Sequence[Sequence[Example]], shape: Episodes, number: int, seed: int) -> Episode:
    """An episode, the same for the same number and seed.

    Raises:
        InputError: there are fewer classes than ways.
    """
    if len(classes) < shape.ways:
        raise InputError(f"episodes of {shape.ways} classes need as many, {len(classes)} have ECGs enough")
    rng = np.random.default_rng([seed, number])
    support: list[Example] = []
    query: list[Example] = []
    for i in rng.choice(len(classes), shape.ways, replace=False).tolist():
        order = rng.permutation(len(classes[i]))[: shape.shots + shape.queries].tolist()
        support += [classes[i][j] for j in order[: shape.shots]]
        query += [classes[i][j] for j in order[shape.shots :]]
    return Episode(tuple(support), tuple(query))


def adapted(mouth: nn.Module, examples: Sequence[Example], shape: Episodes, loss: Loss) -> dict[str, Tensor]:
    """The mouth's weights after some steps down the slope of the examples' loss."""
    weights = {n: p.detach().clone().requires_grad_() for n, p in mouth.named_parameters() if p.requires_grad}
    for _ in range(shape.steps):
        of_support = loss(examples, _with(mouth, weights))
        slopes = torch.autograd.grad(of_support, list(weights.values()))
        weights = {
            n: (p - shape.rate * slope).detach().requires_grad_()
            for (n, p), slope in zip(weights.items(), slopes, strict=True)
        }
    return weights


def learn_from(mouth: nn.Module, episode: Episode, shape: Episodes, loss: Loss) -> float:
    """Leave the slope of the queries' loss, at the weights that the examples led to, with the mouth; that loss."""
    weights = adapted(mouth, episode.support, shape, loss)
    of_query = loss(episode.query, _with(mouth, weights))
    slopes = torch.autograd.grad(of_query, list(weights.values()))
    named = dict(mouth.named_parameters())
    for name, slope in zip(weights, slopes, strict=True):
        named[name].grad = slope
    return float(of_query.detach())


def _with(mouth: nn.Module, weights: dict[str, Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda steps: torch.func.functional_call(mouth, weights, (steps,))
