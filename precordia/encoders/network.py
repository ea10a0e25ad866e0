"""The network: standardized windows to features a step and one embedding a window.

Leads are mixed by the first convolution, so that a network of 12 leads costs as much as one of a single lead would with
a few more input channels. Absent leads are zero, the rest is scaled up for it, and a small side input says which leads
are there and whether amplitudes are true millivolts. Convolutions run as 2-D ones of height 1 in channels-last order,
which is 2.5 times as fast on CPUs as the 1-D ones (docs/encoder.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from precordia.encoders.architecture import Architecture
from precordia.encoders.state_space import StateSpaceBlock


@dataclass(frozen=True, eq=False)
class Inputs:
    """A batch of windows.

    Attributes:
        signal: ``(n, n_leads, n_samples)`` float32, mV, zero where a mask is False.
        leads: ``(n, n_leads)`` bool, which leads are there.
        samples: ``(n, n_samples)`` bool, which samples are there.
        calibrated: ``(n,)`` bool, whether ``signal`` is in true mV rather than scaled lead by lead.
    """

    signal: Tensor
    leads: Tensor
    samples: Tensor
    calibrated: Tensor

    def __len__(self) -> int:
        return int(self.signal.shape[0])


@dataclass(frozen=True, eq=False)
class Outputs:
    """What the network says of a batch.

    Attributes:
        steps: ``(n, n_steps, channels)`` features in time.
        step_mask: ``(n, n_steps)`` bool, which steps hold signal.
        embedding: ``(n, dim)`` not normalised.
    """

    steps: Tensor
    step_mask: Tensor
    embedding: Tensor


class SignalNetwork(nn.Module):
    """See the module.

    Args:
        architecture: Sizes.
        n_leads: Leads of the signal spec.
    """

    def __init__(self, architecture: Architecture, n_leads: int = 12) -> None:
        super().__init__()
        self.architecture, self.n_leads = architecture, n_leads
        widths = architecture.channels
        self.stem = _convolution(n_leads, widths[0], architecture.stem_kernel, 2)
        self.side = nn.Linear(n_leads + 1, widths[0])
        self.stem_norm = nn.BatchNorm2d(widths[0])
        self.checkpointing = False
        """Keep only each stage's input for the backward pass and compute the rest again: less memory, a third more time."""
        stages, width = [], widths[0]
        for channels, count in zip(widths, architecture.blocks, strict=True):
            blocks = [_block(architecture, width if i == 0 else channels, channels, 2 if i == 0 else 1)
                      for i in range(count)]  # fmt: skip
            stages.append(nn.Sequential(*blocks))
            width = channels
        self.stages = nn.ModuleList(stages)
        self.mixer = nn.ModuleList(AttentionLayer(width, architecture) for _ in range(architecture.attention_layers))
        self.norm = nn.LayerNorm(width)
        self.pool = nn.Linear(width, architecture.heads)
        self.head = nn.Linear(3 * width, architecture.dim)
        # Without centring, embeddings share one direction and cosines say little.
        self.centre = nn.BatchNorm1d(architecture.dim, affine=False)

    def forward(self, inputs: Inputs) -> Outputs:
        """Features and embeddings of a batch."""
        steps, mask = self.steps(inputs.signal, inputs.leads, inputs.samples, inputs.calibrated)
        return Outputs(steps, mask, self.embed(steps, mask))

    def steps(self, signal: Tensor, leads: Tensor, samples: Tensor, calibrated: Tensor) -> tuple[Tensor, Tensor]:
        """Features in time ``(n, n_steps, channels)``, and the mask of the steps that hold signal."""
        present = leads.to(signal.dtype)
        crowd = (self.n_leads / present.sum(1).clamp(min=1.0)).sqrt()
        x = torch.asinh(signal * self.architecture.gain) * (present * crowd[:, None])[:, :, None]
        x = x.unsqueeze(2).contiguous(memory_format=torch.channels_last)
        side = self.side(torch.cat([present, calibrated.to(signal.dtype)[:, None]], dim=1))
        x = self.stem(x)
        valid = samples[:, None, None, ::2].to(x.dtype)
        x = F.relu(self.stem_norm(x + side[:, :, None, None].to(x.dtype))) * valid
        for stage in self.stages:
            valid = valid[..., ::2]
            x = self._kept(stage, x) if self.checkpointing and torch.is_grad_enabled() else stage(x)
            x = x * valid
        mask = samples[:, :: self.architecture.stride]
        steps = x.squeeze(2).transpose(1, 2)
        if len(self.mixer):
            steps = steps + _positions(steps.shape[1], steps.shape[2], steps)
        for layer in self.mixer:
            steps = layer(steps, mask)
        return self.norm(steps), mask

    def _kept(self, stage: nn.Module, x: Tensor) -> Tensor:
        """A stage whose insides are computed again in the backward pass, without counting in its statistics twice."""
        out: Tensor = checkpoint(
            stage, x, use_reentrant=False, context_fn=lambda: (nullcontext(), _statistics_kept(stage))
        )
        return out

    def embed(self, steps: Tensor, mask: Tensor) -> Tensor:
        """Embeddings ``(n, dim)``: attention, mean and maximum over time, joined and projected."""
        absent = ~mask[:, :, None]
        weights = self.pool(steps).masked_fill(absent, -1e4).softmax(dim=1)
        n, length, width = steps.shape
        heads = steps.reshape(n, length, weights.shape[2], -1)
        attended = (heads * weights[..., None]).sum(1).reshape(n, width)
        share = mask[:, :, None].to(steps.dtype)
        mean = (steps * share).sum(1) / share.sum(1).clamp(min=1.0)
        # One embedding of nothing at all, at -1e4, would drown a whole batch in the statistics of the centring.
        highest = steps.masked_fill(absent, -1e4).amax(1) * mask.any(1, keepdim=True)
        out: Tensor = self.centre(self.head(torch.cat([attended, mean, highest], dim=1)))
        return out


class _Block(nn.Module):
    """Two convolutions, a squeeze-and-excitation gate and a shortcut (He et al. 2016; Hu et al. 2018)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.first = _convolution(inputs, outputs, kernel, stride)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = _convolution(outputs, outputs, kernel, 1)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.squeeze = nn.Linear(outputs, outputs // 8)
        self.excite = nn.Linear(outputs // 8, outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(_convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = self.second_norm(self.second(F.relu(self.first_norm(self.first(x)))))
        gate = torch.sigmoid(self.excite(F.relu(self.squeeze(y.mean((2, 3))))))
        return F.relu(torch.addcmul(self.shortcut(x), y, gate[:, :, None, None].to(y.dtype)))


class AttentionLayer(nn.Module):
    """A pre-norm transformer layer that looks at present steps only."""

    def __init__(self, width: int, architecture: Architecture) -> None:
        super().__init__()
        self.heads = architecture.heads
        self.attention_norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.feed_norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        n, length, width = x.shape
        qkv = self.qkv(self.attention_norm(x)).reshape(n, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], attn_mask=mask[:, None, None, :])
        x = x + self.out(attended.transpose(1, 2).reshape(n, length, width))
        out: Tensor = x + self.down(F.gelu(self.up(self.feed_norm(x))))
        return out


@contextmanager
def _statistics_kept(stage: nn.Module) -> Iterator[None]:
    """Batch normalisation by the batch's statistics that leaves the running ones alone."""
    norms = [module for module in stage.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    before = [
        (norm.momentum, norm.num_batches_tracked.clone()) for norm in norms if norm.num_batches_tracked is not None
    ]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, (momentum, seen) in zip(norms, before, strict=True):
            norm.momentum = momentum
            norm.num_batches_tracked = seen


def _block(architecture: Architecture, inputs: int, outputs: int, stride: int) -> nn.Module:
    if architecture.backbone == "state_space":
        return StateSpaceBlock(inputs, outputs, stride)
    return _Block(inputs, outputs, architecture.kernel, stride)


def _convolution(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, (1, kernel), (1, stride), (0, kernel // 2), bias=False)


def _positions(length: int, width: int, like: Tensor) -> Tensor:
    """Sine positions (Vaswani et al. 2017), ``(length, width)``, at a tenth of the features' scale."""
    rates = torch.exp(torch.arange(0, width, 2, device=like.device) * (-9.21 / width))
    angles = torch.arange(length, device=like.device)[:, None] * rates
    return (0.1 * torch.cat([angles.sin(), angles.cos()], dim=1)).to(like.dtype)
