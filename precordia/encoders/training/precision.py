"""Number formats of training: float32, bfloat16, or float16 with loss scaling (Micikevicius et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from precordia.core.errors import UsageError

_CLIP = 3.0
"""Largest norm of a step's gradient."""


class Precision:
    """How a forward pass, a backward pass and a step are computed.

    Args:
        name: "fp32", "bf16" or "fp16".
        device: "cpu" or "cuda".

    Raises:
        UsageError: "fp16" without a GPU.
    """

    def __init__(self, name: str, device: str) -> None:
        if name == "fp16" and device == "cpu":
            raise UsageError("precision fp16 needs a GPU: CPUs compute in bf16 or fp32, change the recipe's precision")
        self.device = device
        self._format = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}[name]
        self.scaler = torch.amp.GradScaler(device, enabled=name == "fp16")

    def autocast(self) -> AbstractContextManager[Any]:
        """The forward pass runs in this."""
        return torch.autocast(self.device, self._format) if self._format is not None else nullcontext()

    def backward(self, loss: Tensor) -> None:
        """Add the loss's gradients, scaled in fp16."""
        torch.autograd.backward(self.scaler.scale(loss) if self.scaler.is_enabled() else loss)

    def step(
        self,
        optimizer: torch.optim.Optimizer,
        parameters: Iterable[nn.Parameter],
        average: Callable[[Iterable[nn.Parameter]], None],
    ) -> None:
        """One step of the optimizer: gradients averaged over processes, unscaled, clipped.

        In fp16 a step whose gradients overflowed is left out, in all processes alike, and the scale is lowered.
        """
        held = list(parameters)
        average(held)
        self.scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(held, _CLIP)
        self.scaler.step(optimizer)
        self.scaler.update()
