"""A small U-Net that draws the leads that are not given: what a weighted sum of the given ones misses.

It sees twelve leads, those not given as least squares draw them, and which are given; it says by how much the eight
independent leads differ from that. Convolutions run as 2-D ones of height 1 in channels-last order, as in the encoder.
After Ronneberger et al., U-Net, MICCAI 2015; masking any subset of leads in training is what makes one network serve all.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from precordia.core.leads import LEADS
from precordia.signals.leads.independent import INDEPENDENT


@dataclass(frozen=True)
class Sizes:
    """Of the network.

    Attributes:
        channels: Width of each level; each after the first halves the time resolution.
        kernel: Length of the convolutions, samples of their level.
        gain: Amplitudes enter as ``asinh(gain * mV)``.
    """

    channels: tuple[int, ...] = (24, 32, 48, 64, 96)
    kernel: int = 7
    gain: float = 4.0


class LeadNetwork(nn.Module):
    """See the module."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        widths = sizes.channels
        self.down = nn.ModuleList(
            _Level(inputs, outputs, len(LEADS), sizes.kernel, 1 if level == 0 else 2)
            for level, (inputs, outputs) in enumerate(zip((len(LEADS), *widths), widths, strict=False))
        )
        self.bottom = nn.ModuleList(_Level(widths[-1], widths[-1], len(LEADS), sizes.kernel, 1) for _ in range(2))
        self.up = nn.ModuleList(
            _Level(below + beside, beside, len(LEADS), sizes.kernel, 1)
            for below, beside in zip(reversed(widths[1:]), reversed(widths[:-1]), strict=True)
        )
        self.out = nn.Conv2d(widths[0], len(INDEPENDENT), 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def forward(self, filled: Tensor, given: Tensor) -> Tensor:
        """What is to be added to the least-squares leads, ``(n, 8, n_samples)``, mV.

        Args:
            filled: ``(n, 12, n_samples)`` mV: given leads, and the others as least squares draw them.
            given: ``(n, 12)`` bool.
        """
        present = given.to(filled.dtype)
        x = torch.asinh(filled * self.sizes.gain).unsqueeze(2).contiguous(memory_format=torch.channels_last)
        beside: list[Tensor] = []
        for level in self.down:
            x = level(x, present)
            beside.append(x)
        for level in self.bottom:
            x = x + level(x, present)
        for level, skipped in zip(self.up, reversed(beside[:-1]), strict=True):
            x = F.interpolate(x, size=skipped.shape[2:], mode="nearest")
            x = level(torch.cat([x, skipped], dim=1), present)
        out: Tensor = self.out(x).squeeze(2)
        return out


class _Level(nn.Module):
    """A convolution that is told which leads are given."""

    def __init__(self, inputs: int, outputs: int, n_leads: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, (1, kernel), (1, stride), (0, kernel // 2), bias=False)
        self.norm = nn.GroupNorm(8, outputs)
        self.side = nn.Linear(n_leads, outputs)

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        side = self.side(present)[:, :, None, None]
        out: Tensor = F.gelu(self.norm(self.convolution(x)) + side)
        return out
