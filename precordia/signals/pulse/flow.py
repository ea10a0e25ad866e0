"""A rectified flow among latent ECGs, led by a pulse: what draws an ECG that nobody recorded.

After PPGFlowECG (Fang et al., arXiv 2509.19774): an autoencoder gives ECGs a latent space in which pulses are aligned with them,
and a flow whose paths are straight lines from noise to an ECG's latent (Liu et al., ICLR 2023) is led by the pulse's. Here latents
are standardised where the seed has a variational term, and everything is convolutional: a pulse of any length is drawn at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRIDE = 8
"""ECG samples of one latent: 80 ms."""

_PULSE_STRIDE = STRIDE // 2
"""Pulse samples of one latent, at half of the ECG's rate."""


@dataclass(frozen=True)
class FlowArchitecture:
    """Sizes.

    Attributes:
        latent: Numbers of each 80 ms of ECG.
        width: Of the convolutions.
        layers: Of the flow, each seeing twice as far as the one before.
        steps: Of Euler's method from noise to a latent.
    """

    latent: int = 6
    width: int = 48
    layers: int = 5
    steps: int = 10


class FlowNetwork(nn.Module):
    """An autoencoder of ECGs, an encoder of pulses, and the flow between.

    Args:
        architecture: Sizes.
    """

    def __init__(self, architecture: FlowArchitecture) -> None:
        super().__init__()
        self.architecture = architecture
        latent, width = architecture.latent, architecture.width
        self.ecg = nn.Sequential(
            *_halved(1, width // 2), *_halved(width // 2, width), *_halved(width, width), nn.Conv1d(width, latent, 3, padding=1)
        )  # fmt: skip
        self.standard = nn.BatchNorm1d(latent, affine=False)
        self.pulse = nn.Sequential(
            *_halved(1, width // 2), *_halved(width // 2, width), *(_Wider(width, k) for k in range(3))
        )
        self.aligned = nn.Conv1d(width, latent, 3, padding=1)
        self.back = nn.Sequential(
            nn.Conv1d(latent, width, 3, padding=1), nn.GELU(),
            *_doubled(width, width), *_doubled(width, width // 2), *_doubled(width // 2, width // 2),
            nn.Conv1d(width // 2, 1, 9, padding=4),
        )  # fmt: skip
        self.enter = nn.Conv1d(latent + width, width, 3, padding=1)
        self.times = nn.ModuleList(nn.Linear(8, width) for _ in range(architecture.layers))
        self.layers = nn.ModuleList(_Wider(width, k) for k in range(architecture.layers))
        self.leave = nn.Conv1d(width, latent, 1)

    def encoded(self, ecg: Tensor) -> Tensor:
        """Latents ``(n, latent, n_samples / STRIDE)``, each number standardised, of ECGs ``(n, n_samples)``."""
        out: Tensor = self.standard(self.ecg(ecg[:, None]))
        return out

    def decoded(self, latents: Tensor) -> Tensor:
        """ECGs of latents."""
        out: Tensor = self.back(latents)[:, 0]
        return out

    def led_by(self, pulse: Tensor) -> Tensor:
        """``(n, width, n_latents)`` that lead the flow, of pulses ``(n, 4 * n_latents)``."""
        out: Tensor = self.pulse(pulse[:, None])
        return out

    def velocity(self, at: Tensor, time: Tensor, lead: Tensor) -> Tensor:
        """Which way latents ``at`` a time ``(n,)`` between noise, 0, and an ECG, 1, go."""
        rates = torch.arange(1, 5, device=time.device) * torch.pi / 2.0
        angles = time[:, None] * rates
        clock = torch.cat([angles.sin(), angles.cos()], dim=1)
        x = self.enter(torch.cat([at, lead], dim=1))
        for told, layer in zip(self.times, self.layers, strict=True):
            x = layer(x + told(clock)[:, :, None])
        out: Tensor = self.leave(x)
        return out

    def drawn(self, pulse: Tensor, noise: Tensor) -> Tensor:
        """ECGs ``(n, n_samples)`` of pulses, from noise ``(n, latent, n_latents)``, by Euler's method."""
        lead, x, steps = self.led_by(pulse), noise, self.architecture.steps
        for step in range(steps):
            x = x + self.velocity(x, torch.full((len(x),), step / steps), lead) / steps
        return self.decoded(x)


class _Wider(nn.Module):
    """A convolution over 5 latents, ``2 ** reach`` apart, beside what was."""

    def __init__(self, width: int, reach: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(4, width)
        self.near = nn.Conv1d(width, width, 5, padding=2 * 2**reach, dilation=2**reach)
        self.mixed = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.mixed(F.gelu(self.near(self.norm(x))))
        return out


def _halved(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv1d(inputs, outputs, 7, 2, 3), nn.GroupNorm(4, outputs), nn.GELU()


def _doubled(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv1d(inputs, outputs, 5, padding=2), nn.GELU()
