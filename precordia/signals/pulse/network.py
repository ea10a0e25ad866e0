"""The pulse encoder's network: convolutions over some beats, then what is usual and how much it varies over the window."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class PulseArchitecture:
    """Sizes.

    Attributes:
        dim: Length of a vector: the ECG encoder's.
        channels: Of each halving of the rate.
        context: Dilated layers after them, each over 5 steps, 1, 2, 4 ... apart.
    """

    dim: int = 256
    channels: tuple[int, ...] = (24, 48, 64, 96)
    context: int = 3


class PulseNetwork(nn.Module):
    """``(n, samples)`` to ``(n, dim)``, not yet of unit norm."""

    def __init__(self, architecture: PulseArchitecture) -> None:
        super().__init__()
        self.architecture = architecture
        layers: list[nn.Module] = []
        before = 1
        for number, width in enumerate(architecture.channels):
            kernel = 9 if number == 0 else 5
            layers += [nn.Conv1d(before, width, kernel, 2, kernel // 2), nn.GroupNorm(4, width), nn.GELU()]
            before = width
        self.stem = nn.Sequential(*layers)
        self.context = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(before, before, 5, padding=2 * 2**k, dilation=2**k), nn.GroupNorm(4, before), nn.GELU()
            )
            for k in range(architecture.context)
        )
        self.head = nn.Sequential(nn.Linear(3 * before, 256), nn.GELU(), nn.Linear(256, architecture.dim))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x[:, None])
        for layer in self.context:
            x = x + layer(x)
        pooled = torch.cat([x.mean(-1), x.std(-1), x.amax(-1)], dim=1)
        out: Tensor = self.head(pooled)
        return out
