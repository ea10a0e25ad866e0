"""Weights of the objectives that are learned while training: what helps patients set aside gets more of the sum.

The seed is meta-learned pre-training (Raghu et al., NeurIPS 2021), whose gradient of a finished training in its settings comes
from the implicit function theorem; the inverse Hessian in it is a truncated Neumann series (Lorraine et al., AISTATS 2020),
here in the optimizer's own metric and with Hessian products by differences of gradients.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from precordia.core.errors import UsageError
from precordia.encoders.corpus import Corpus
from precordia.encoders.recipe import Recipe, WeightSearch

_MOST: Final = math.log(8.0)
"""A weight leaves the recipe's by at most this factor."""
_STEP: Final = 1e-3
"""Length of the difference of a Hessian product, relative to the weights' own norm."""

Losses = Callable[[Tensor, int], dict[str, Tensor]]
"""Rows of the corpus and the number of a draw to the loss of each objective."""


def guiding_rows(corpus: Corpus) -> NDArray[np.bool_]:
    """``(n,)``: half of the patients held out, by hash, whose losses guide the weights; the others stay for watching."""
    even = np.array([hashlib.sha256(p.encode()).digest()[0] % 2 == 0 for p in corpus.patients], dtype=np.bool_)
    return corpus.held_out & even


class TaskWeights:
    """The weights as they stand.

    Args:
        recipe: Has the weights to start from and how to search.
        setting: The recipe's search.
        rows: ``(n,)`` int64, rows of the corpus that guide.

    Raises:
        UsageError: nobody guides, or the precision has gradients that need scaling.
    """

    def __init__(self, recipe: Recipe, setting: WeightSearch, rows: Tensor) -> None:
        if len(rows) < 2:
            raise UsageError(
                f"recipe {recipe.name}: learned_weights needs two recordings held out to guide it; hold out more"
            )
        if recipe.precision == "fp16":
            raise UsageError(f"recipe {recipe.name}: learned_weights cannot be had with fp16; use bf16")
        self.setting, self.rows, self.batch_size = setting, rows, recipe.batch_size
        self.given = {o.name: o.weight for o in recipe.objectives}
        self.moved = dict.fromkeys(self.given, 0.0)

    def now(self, counting: Mapping[str, float]) -> dict[str, float]:
        """The weights of the objectives that count, of the same sum as the recipe's."""
        raw = {name: weight * math.exp(self.moved[name]) for name, weight in counting.items()}
        scale = sum(counting.values()) / sum(raw.values())
        return {name: weight * scale for name, weight in raw.items()}

    def learn(
        self,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        losses: Losses,
        batch: Tensor,
        number: int,
        weights: Mapping[str, float],
    ) -> None:
        """Move the weights a step: up where an objective's gradient lowers the guide's loss, down where it raises it.

        Args:
            network: Whose parameters the objectives share.
            optimizer: AdamW; its second moments give the metric.
            losses: Of rows under a numbered draw.
            batch: Rows that the training loss is taken on.
            number: Of the pass; decides every draw.
            weights: Of the objectives that count.
        """
        if self.setting.by not in weights:
            return  # the guide's head has learned nothing yet
        shared = [p for p in network.parameters() if p.requires_grad]
        metric = [_metric(optimizer, p) for p in shared]
        guide = self.rows[torch.randperm(len(self.rows), generator=torch.Generator().manual_seed(number))]
        wanted = _gradient([losses(guide[: self.batch_size], number)[self.setting.by]], [1.0], shared)
        direction = self._solved(wanted, metric, shared, losses, batch, number, weights)
        found = losses(batch, number)
        pull = {name: _dot(direction, _gradient([found[name]], [1.0], shared)) * weights[name] for name in weights}
        largest = max(map(abs, pull.values()))
        if not math.isfinite(largest) or largest == 0.0:
            return
        for name, value in pull.items():
            moved = self.moved[name] + self.setting.speed * value / largest
            self.moved[name] = min(max(moved, -_MOST), _MOST)

    def _solved(
        self,
        wanted: Sequence[Tensor],
        metric: Sequence[Tensor],
        shared: Sequence[nn.Parameter],
        losses: Losses,
        batch: Tensor,
        number: int,
        weights: Mapping[str, float],
    ) -> list[Tensor]:
        """The guide's gradient times the inverse Hessian of the training loss, by ``terms`` terms of its Neumann series."""
        term = [m * g for m, g in zip(metric, wanted, strict=True)]
        total, rate = list(term), 0.0
        for _ in range(self.setting.terms):
            curved = self._curved(term, shared, losses, batch, number, weights)
            if rate == 0.0:
                # Half the inverse of the curvature along the gradient, in the metric's units: the series converges.
                bend = abs(_dot(term, curved)) / max(_dot(term, wanted), 1e-30)
                if not 0.0 < bend < math.inf:
                    break
                rate = 0.5 / bend
            term = [t - rate * m * c for t, m, c in zip(term, metric, curved, strict=True)]
            total = [a + t for a, t in zip(total, term, strict=True)]
        return total

    def _curved(
        self,
        term: Sequence[Tensor],
        shared: Sequence[nn.Parameter],
        losses: Losses,
        batch: Tensor,
        number: int,
        weights: Mapping[str, float],
    ) -> list[Tensor]:
        """The Hessian of the training loss times a term, by the difference of two gradients under the same draws."""
        length = math.sqrt(_dot(term, term))
        if not 0.0 < length < math.inf:
            return [torch.zeros_like(t) for t in term]
        step = _STEP * math.sqrt(_dot(shared, shared)) / length
        before, ends = [p.detach().clone() for p in shared], []
        for size in (step, -step):
            _place(shared, before, term, size)
            found = losses(batch, number)
            ends.append(_gradient([found[n] for n in weights], list(weights.values()), shared))
        _place(shared, before, term, 0.0)
        return [(a - b) / (2 * step) for a, b in zip(*ends, strict=True)]

    def state(self) -> dict[str, float]:
        """What :meth:`load_state` needs."""
        return dict(self.moved)

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take up kept weights."""
        self.moved = {name: float(state[name]) for name in self.moved}


def _metric(optimizer: torch.optim.Optimizer, parameter: nn.Parameter) -> Tensor:
    moments = optimizer.state.get(parameter, {}).get("exp_avg_sq")
    return torch.ones_like(parameter) if moments is None else 1.0 / (moments.sqrt() + 1e-8)


def _gradient(losses: Sequence[Tensor], weights: Sequence[float], shared: Sequence[nn.Parameter]) -> list[Tensor]:
    total = torch.stack([loss * weight for loss, weight in zip(losses, weights, strict=True)]).sum()
    found = torch.autograd.grad(total, list(shared), retain_graph=True, allow_unused=True)
    return [torch.zeros_like(p) if g is None else g.detach() for p, g in zip(shared, found, strict=True)]


def _dot(a: Sequence[Tensor], b: Sequence[Tensor]) -> float:
    return float(sum(float((x.detach() * y.detach()).sum()) for x, y in zip(a, b, strict=True)))


def _place(shared: Sequence[nn.Parameter], at: Sequence[Tensor], direction: Sequence[Tensor], size: float) -> None:
    with torch.no_grad():
        for parameter, start, way in zip(shared, at, direction, strict=True):
            parameter.copy_(start if size == 0.0 else start + size * way)
