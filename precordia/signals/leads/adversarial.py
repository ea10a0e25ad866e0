"""The seed's pair: a bidirectional recurrent generator, and a convolutional discriminator that tells drawn from measured leads.

After ECGNet (Bagga et al., arXiv 2310.03753), which draws twelve leads from one. Unlike there, the generator says by how much
leads differ from those of least squares, and any leads may be given.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from precordia.core.leads import LEADS
from precordia.signals.leads.independent import INDEPENDENT

STRIDE = 4
"""Samples that one step of the recurrence sees: 40 ms."""


class RecurrentGenerator(nn.Module):
    """A bidirectional LSTM over steps of :data:`STRIDE` samples.

    Args:
        hidden: Width in each direction.
        gain: Amplitudes enter as ``asinh(gain * mV)``.
    """

    def __init__(self, hidden: int, gain: float = 4.0) -> None:
        super().__init__()
        self.gain = gain
        self.recurrence = nn.LSTM(len(LEADS) * (STRIDE + 1), hidden, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * hidden, len(INDEPENDENT) * STRIDE)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, filled: Tensor, given: Tensor) -> Tensor:
        """As :meth:`~precordia.signals.leads.network.LeadNetwork.forward`."""
        n, leads, length = filled.shape
        x = F.pad(torch.asinh(filled * self.gain), (0, -length % STRIDE))
        steps = x.reshape(n, leads, -1, STRIDE).transpose(1, 2).flatten(2)
        present = given.to(x.dtype)[:, None].expand(-1, steps.shape[1], -1)
        hidden, _ = self.recurrence(torch.cat([steps, present], dim=2))
        out: Tensor = self.out(hidden).reshape(n, -1, len(INDEPENDENT), STRIDE).transpose(1, 2).flatten(2)
        return out[:, :, :length]


class Discriminator(nn.Module):
    """How far each stretch of independent leads looks measured: higher for measured ones.

    Args:
        channels: Width of each level.
        kernel: Length of the convolutions, samples.
        gain: Amplitudes enter as ``asinh(gain * mV)``.
    """

    def __init__(self, channels: tuple[int, ...], kernel: int, gain: float = 4.0) -> None:
        super().__init__()
        self.gain = gain
        widths = (len(INDEPENDENT), *channels)
        self.levels = nn.ModuleList(
            nn.Conv1d(inputs, outputs, kernel, 3, kernel // 2) for inputs, outputs in pairwise(widths)
        )
        self.out = nn.Conv1d(widths[-1], 1, 1)

    def forward(self, independent: Tensor) -> Tensor:
        """``(n, n_stretches)``.

        Args:
            independent: ``(n, 8, n_samples)`` mV.
        """
        x = torch.asinh(independent * self.gain)
        for level in self.levels:
            x = F.leaky_relu(level(x), 0.2)
        out: Tensor = self.out(x).squeeze(1)
        return out
