"""Batch normalisation over the batches of all processes, so that a share of a batch is normalised like the whole.

On GPUs this is torch's ``SyncBatchNorm``, which does not run on CPUs; there, the same mathematics in a few lines.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from precordia.encoders.training.processes import Processes


def share_statistics(network: nn.Module, processes: Processes) -> None:
    """Let every batch normalisation below ``network`` work over all processes; its state keeps the same names."""
    if processes.count == 1:
        return
    for name, child in list(network.named_children()):
        if not isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
            share_statistics(child, processes)
        elif processes.device.type == "cuda":
            setattr(network, name, nn.SyncBatchNorm.convert_sync_batchnorm(child))  # type: ignore[no-untyped-call]
        else:
            setattr(network, name, _SharedBatchNorm(child))


class _SharedBatchNorm(nn.modules.batchnorm._BatchNorm):
    """``SyncBatchNorm`` for CPUs. Every process must hold as many rows."""

    def __init__(self, like: nn.modules.batchnorm._BatchNorm) -> None:
        super().__init__(like.num_features, like.eps, like.momentum, like.affine, like.track_running_stats)
        self.load_state_dict(like.state_dict())
        self.train(like.training)

    def _check_input_dim(self, input: Tensor) -> None:
        pass

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        return _Normalise.apply(input, self.weight, self.bias, self)  # type: ignore[no-untyped-call, no-any-return]


class _Normalise(torch.autograd.Function):
    """Ioffe & Szegedy 2015, sums taken over all processes, in float32 at least."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, norm: _SharedBatchNorm) -> Tensor:
        axes, shape = _axes(x), _shape(x)
        wide = _wide(x)
        count = x.numel() // x.shape[1] * dist.get_world_size()
        mean = _summed(wide.sum(axes)) / count
        centred = wide - mean.view(shape)
        variance = _summed(centred.square().sum(axes)) / count
        scale = (variance + norm.eps).rsqrt()
        normal = centred * scale.view(shape)
        if norm.running_mean is not None and norm.running_var is not None and norm.num_batches_tracked is not None:
            momentum = 0.1 if norm.momentum is None else norm.momentum
            norm.running_mean.lerp_(mean, momentum)
            norm.running_var.lerp_(variance * count / max(count - 1, 1), momentum)
            norm.num_batches_tracked.add_(1)
        ctx.save_for_backward(normal, scale, weight)
        ctx.count, ctx.has_bias = count, bias is not None
        out = normal
        if weight is not None:
            out = out * _wide(weight).view(shape)
        if bias is not None:
            out = out + _wide(bias).view(shape)
        return out.to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None, None]:
        normal, scale, weight = ctx.saved_tensors
        axes, shape = _axes(normal), _shape(normal)
        upstream = _wide(gradients[0])
        sums = torch.stack([upstream.sum(axes), (upstream * normal).sum(axes)])
        # Each process keeps its own part of the gradient of weight and bias: they are averaged with all others later.
        for_bias, for_weight = sums[0].clone(), sums[1].clone()
        dist.all_reduce(sums)
        means = sums / ctx.count
        factor = scale if weight is None else scale * _wide(weight)
        for_input = factor.view(shape) * (upstream - means[0].view(shape) - normal * means[1].view(shape))
        return (
            for_input.to(gradients[0].dtype),
            for_weight.to(weight.dtype) if weight is not None else None,
            for_bias if ctx.has_bias else None,
            None,
        )


def _summed(x: Tensor) -> Tensor:
    """Over all processes."""
    dist.all_reduce(x)
    return x


def _wide(x: Tensor) -> Tensor:
    """At least float32."""
    return x if x.dtype == torch.float64 else x.float()


def _axes(x: Tensor) -> list[int]:
    return [0, *range(2, x.ndim)]


def _shape(x: Tensor) -> list[int]:
    return [1, -1, *([1] * (x.ndim - 2))]
