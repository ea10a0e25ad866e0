"""Discrete ECG tokens: finite scalar quantisation of an encoder's features in time.

Each step's features are projected to a few numbers, each bounded and rounded to one of a few levels; the combination of
levels is the token (Mentzer et al., Finite Scalar Quantization, ICLR 2024; for ECGs DiagECG, 2025). Nothing collapses and
there is no codebook to learn: projection and reconstruction are trained on the squared error alone, gradients passing
through the rounding unchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn


class FiniteScalarQuantiser(nn.Module):
    """Features to tokens and back.

    Args:
        width: Of a step's features.
        levels: Levels of each number; their product is the number of tokens.
        pool: Steps that are averaged into one token.
    """

    def __init__(self, width: int, levels: Sequence[int] = (7, 5, 5, 5), pool: int = 4) -> None:
        super().__init__()
        if any(level % 2 == 0 or level < 3 for level in levels):
            raise ValueError(f"levels {tuple(levels)}: each must be odd and at least 3, so that zero is one of them")
        self.levels, self.pool = tuple(levels), pool
        self.down = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 128), nn.GELU(), nn.Linear(128, len(levels)))
        self.up = nn.Sequential(nn.Linear(len(levels), 128), nn.GELU(), nn.Linear(128, width))
        self.register_buffer("reach", torch.tensor([(level - 1) / 2 for level in levels]), persistent=False)

    @property
    def n_tokens(self) -> int:
        """Size of the implied codebook."""
        return prod(self.levels)

    def pooled(self, steps: Tensor) -> Tensor:
        """Features ``(n, n_steps, width)`` averaged to ``(n, n_steps // pool, width)``; steps left over are dropped."""
        n, length, width = steps.shape
        kept = length // self.pool * self.pool
        return steps[:, :kept].reshape(n, -1, self.pool, width).mean(2)

    def quantised(self, pooled: Tensor) -> Tensor:
        """Whole numbers from ``-reach`` to ``reach`` of each level, ``(n, length, n_levels)``, differentiable."""
        reach: Tensor = self.reach  # type: ignore[assignment]
        bounded = reach * torch.tanh(self.down(pooled))
        return bounded + (bounded.round() - bounded).detach()

    def tokens(self, steps: Tensor) -> Tensor:
        """Token numbers ``(n, n_steps // pool)``, int64, below :attr:`n_tokens`."""
        reach: Tensor = self.reach  # type: ignore[assignment]
        digits = (self.quantised(self.pooled(steps)) + reach).round().long()
        number = torch.zeros_like(digits[..., 0])
        for place, level in enumerate(self.levels):
            number = number * level + digits[..., place]
        return number

    def loss(self, steps: Tensor) -> Tensor:
        """Mean squared error of the reconstruction."""
        pooled = self.pooled(steps)
        reach: Tensor = self.reach  # type: ignore[assignment]
        return nn.functional.mse_loss(self.up(self.quantised(pooled) / reach), pooled)


def fit(steps: Tensor, *, seed: int, n_steps: int = 600, levels: Sequence[int] = (7, 5, 5, 5)) -> FiniteScalarQuantiser:
    """A quantiser trained on features ``(n, n_steps, width)``; the same for the same features and seed.

    Args:
        steps: Of the training part only.
        seed: Of the weights and batches.
        n_steps: Steps of AdamW.
        levels: See :class:`FiniteScalarQuantiser`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = FiniteScalarQuantiser(steps.shape[2], levels)
        optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
        for _ in range(n_steps):
            batch = steps[torch.randint(len(steps), (min(128, len(steps)),))]
            loss = model.loss(batch)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return model.eval()
