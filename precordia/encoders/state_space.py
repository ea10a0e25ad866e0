"""A stage of diagonal state-space layers (S4D; Gu et al. 2022, arXiv 2206.11893) in the place of convolutions.

Each channel is filtered by a long kernel in either direction, sums of damped oscillations whose rates and weights are learned, by
fast Fourier transform: a layer sees the whole window, where a convolution sees ``kernel`` samples.
"""

from __future__ import annotations

import math
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from precordia.encoders.architecture import STATES

_SHORTEST: Final = 0.001
_LONGEST: Final = 0.1
"""Between which steps of time the kernels start, a sample."""


class StateSpaceBlock(nn.Module):
    """A pre-norm state-space layer and a gated linear one around a shortcut, like the residual block it stands for.

    Args:
        inputs: Channels that come in.
        outputs: Channels that go out.
        stride: 2 to halve the time resolution on the way in.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.enter: nn.Module = (
            nn.Identity() if stride == 1 and inputs == outputs else nn.Linear(inputs * stride, outputs)
        )
        self.norm = nn.LayerNorm(outputs)
        scales = torch.rand(2, outputs) * math.log(_LONGEST / _SHORTEST) + math.log(_SHORTEST)
        self.log_step = nn.Parameter(scales)
        self.log_decay = nn.Parameter(torch.full((2, outputs, STATES), math.log(0.5)))
        self.frequency = nn.Parameter(math.pi * torch.arange(STATES, dtype=torch.float32).repeat(2, outputs, 1))
        # Complex numbers as two arrays: the network is laid out for channels last, which would tear pairs apart.
        self.real = nn.Parameter(torch.randn(2, outputs, STATES) * math.sqrt(0.5))
        self.imaginary = nn.Parameter(torch.randn(2, outputs, STATES) * math.sqrt(0.5))
        self.through = nn.Parameter(torch.randn(outputs))
        self.gate = nn.Linear(outputs, 2 * outputs)

    def forward(self, x: Tensor) -> Tensor:
        """``(n, inputs, 1, length)`` to ``(n, outputs, 1, length / stride)``, the layout of the convolutions."""
        steps = x.squeeze(2).transpose(1, 2)
        if self.stride > 1:
            # An odd last sample keeps its step, as a convolution's stride would.
            steps = F.pad(steps, (0, 0, 0, -steps.shape[1] % self.stride))
            steps = steps.reshape(len(steps), steps.shape[1] // self.stride, -1)
        steps = self.enter(steps)
        mixed = self._filtered(self.norm(steps).transpose(1, 2).float()).transpose(1, 2)
        out: Tensor = steps + F.glu(self.gate(F.gelu(mixed)), dim=-1)
        return out.transpose(1, 2).unsqueeze(2)

    def _filtered(self, x: Tensor) -> Tensor:
        """``(n, channels, length)`` by the kernels of both directions; in single precision, where transforms are exact enough."""
        length = x.shape[2]
        with torch.autocast(x.device.type, enabled=False):
            forward, backward = self._kernels(length)
            # One circular kernel: what comes before a sample by the one, what comes after it by the other.
            kernel = torch.cat([forward, torch.zeros_like(forward[:, :1]), backward[:, :-1].flip(1)], dim=1)
            spectrum = torch.fft.rfft(x, n=2 * length) * torch.fft.rfft(kernel)
            out: Tensor = torch.fft.irfft(spectrum, n=2 * length)[..., :length] + self.through[:, None] * x
            return out

    def _kernels(self, length: int) -> Tensor:
        """``(2, channels, length)``, by zero-order hold."""
        rate = torch.complex(-self.log_decay.exp(), self.frequency)
        step = self.log_step.exp()[..., None]
        gain = torch.complex(self.real, self.imaginary) * torch.expm1(rate * step) / rate
        times = torch.arange(length, device=step.device)
        # Real and imaginary parts apart: a product of complex exponentials of all samples costs several times as much.
        damped = torch.exp((rate.real * step)[..., None] * times)
        angle = (rate.imag * step)[..., None] * times
        return 2 * ((gain.real[..., None] * angle.cos() - gain.imag[..., None] * angle.sin()) * damped).sum(2)
