"""How an ECG enters a language model: as soft tokens of a query-transformer, or as discrete tokens of its own."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from precordia.language_models.own_model.fsq import FiniteScalarQuantiser


class QueryTransformer(nn.Module):
    """An encoder's features in time to soft tokens, by queries that attend to them (Q-Heart, Pham et al. 2025).

    Args:
        channels: Of a step's features.
        width: Of the language model.
        queries: Soft tokens.
        noise: Standard deviation of what is added to normalised features in training.
    """

    def __init__(self, channels: int, width: int, queries: int, noise: float = 0.0) -> None:
        super().__init__()
        inner = 128
        self.noise = noise
        self.queries = nn.Parameter(0.02 * torch.randn(queries, inner))
        self.norm = nn.LayerNorm(channels)
        self.steps = nn.Linear(channels, inner)
        self.attention = nn.ModuleList(nn.MultiheadAttention(inner, 4, batch_first=True) for _ in range(2))
        self.feeds = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(inner), nn.Linear(inner, 2 * inner), nn.GELU(), nn.Linear(2 * inner, inner))
            for _ in range(2)
        )
        self.out = nn.Sequential(nn.LayerNorm(inner), nn.Linear(inner, width))

    def forward(self, steps: Tensor) -> Tensor:
        """``(n, n_steps, channels)`` to ``(n, queries, width)``."""
        normed = self.norm(steps)
        if self.training and self.noise:
            normed = normed + self.noise * torch.randn_like(normed)
        seen = self.steps(normed)
        x = self.queries.expand(len(steps), -1, -1)
        for attend, feed in zip(self.attention, self.feeds, strict=True):
            x = x + attend(x, seen, seen, need_weights=False)[0]
            x = x + feed(x)
        out: Tensor = self.out(x)
        return out


class TokenTable(nn.Module):
    """Discrete ECG tokens as words of their own (DiagECG 2025): finite scalar quantisation, a vector a token, and what foretells
    the next one.

    Args:
        quantiser: Of features in time; stays as it is.
        width: Of the language model.
    """

    def __init__(self, quantiser: FiniteScalarQuantiser, width: int) -> None:
        super().__init__()
        self.quantiser = quantiser.requires_grad_(False)
        self.table = nn.Embedding(quantiser.n_tokens, width)
        nn.init.normal_(self.table.weight, std=1.0)
        # Not the table again: what a layer hands on is above all its own token, which would be foretold with certainty.
        self.ahead = nn.Linear(width, quantiser.n_tokens)
        nn.init.zeros_(self.ahead.weight)
        nn.init.zeros_(self.ahead.bias)

    def tokens(self, steps: Tensor) -> Tensor:
        """``(n, n_tokens)`` of features ``(n, n_steps, channels)``."""
        with torch.no_grad():
            return self.quantiser.tokens(steps)

    def forward(self, steps: Tensor) -> Tensor:
        """``(n, n_steps, channels)`` to ``(n, n_tokens, width)``."""
        out: Tensor = self.table(self.tokens(steps))
        return out


Mouth = QueryTransformer | TokenTable
