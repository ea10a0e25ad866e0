"""A small transformer that says hidden words of an electrogram, in both directions at once.

Text-EGM's models attend sparsely, since sentences are long. Here four neighbouring samples make one place of attention, and each
sample's own vector comes back for what is said of it: a sixteenth of the work.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from precordia.signals.catheter.tokens import LEVELS, SAMPLES, SIGNAL, WORDS

PLACE = 4
"""Samples of one place of attention: 20 ms, about half of a deflection."""

_PLACES = SAMPLES // PLACE + 2


@dataclass(frozen=True)
class CatheterArchitecture:
    """Sizes.

    Attributes:
        width: Of a word's vector.
        layers: Of attention.
        heads: Of each.
        kernel: Samples that a convolution sees.
    """

    width: int = 64
    layers: int = 3
    heads: int = 4
    kernel: int = 9


class CatheterNetwork(nn.Module):
    """``(n, LENGTH)`` words to ``(n, LENGTH, WORDS)`` logits."""

    def __init__(self, architecture: CatheterArchitecture) -> None:
        super().__init__()
        self.architecture = architecture
        width, kernel = architecture.width, architecture.kernel
        self.words = nn.Embedding(WORDS, width)
        with torch.no_grad():
            self.words.weight.mul_(0.02)
            self.words.weight[:LEVELS] += _waves(torch.linspace(0.0, 1.0, LEVELS), width)
        self.before, self.after = _Near(width, kernel), _Near(width, kernel)
        self.gathered, self.spread = nn.Linear(PLACE * width, width), nn.Linear(width, PLACE * width)
        self.layers = nn.ModuleList(_Layer(width, architecture.heads) for _ in range(architecture.layers))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, WORDS)
        self.register_buffer("angles", _angles(width // architecture.heads), persistent=False)

    def forward(self, words: Tensor) -> Tensor:
        x = self.words(words)
        site, samples, rhythm = x[:, :1], self.before(x[:, SIGNAL]), x[:, -1:]
        n, length, width = samples.shape
        places = self.gathered(samples.reshape(n, length // PLACE, PLACE * width))
        places = torch.cat([site, places, rhythm], dim=1)
        for layer in self.layers:
            places = layer(places, self.angles)
        samples = self.after(samples + self.spread(places[:, 1:-1]).reshape(n, length, width))
        out: Tensor = self.out(self.norm(torch.cat([places[:, :1], samples, places[:, -1:]], dim=1)))
        return out


class _Near(nn.Module):
    """What neighbouring samples are."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.near = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.mixed = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        near = self.near(self.norm(x).transpose(1, 2)).transpose(1, 2)
        out: Tensor = x + self.mixed(F.gelu(near))
        return out


class _Layer(nn.Module):
    """Attention, then each place for itself."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries, self.joined = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor, angles: Tensor) -> Tensor:
        n, length, width = x.shape
        parts = self.queries(self.first(x)).view(n, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(_turned(parts[0], angles), _turned(parts[1], angles), parts[2])
        x = x + self.joined(seen.transpose(1, 2).reshape(n, length, width))
        out: Tensor = x + self.narrow(F.gelu(self.wide(self.second(x))))
        return out


def _waves(levels: Tensor, width: int) -> Tensor:
    """Levels as sines and cosines, so that near levels begin with like vectors; training moves them."""
    rates = math.pi * torch.exp2(torch.linspace(-1.0, 4.0, width // 2))
    at = levels[:, None] * rates
    return torch.cat([at.sin(), at.cos()], dim=1) * 0.5


def _angles(size: int) -> Tensor:
    """``(_PLACES, size / 2)``: how far each place is turned (Su et al., RoFormer, Neurocomputing 2024;568:127063)."""
    return torch.arange(_PLACES)[:, None] * torch.exp(torch.linspace(0.0, -math.log(50.0), size // 2))


def _turned(x: Tensor, angles: Tensor) -> Tensor:
    first, second = x.chunk(2, dim=-1)
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)
