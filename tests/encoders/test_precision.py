"""What is relied on: float16 is refused on CPUs in a line, and its loss scaling changes no gradient and leaves overflows out."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from precordia.core.errors import UsageError
from precordia.encoders.training.precision import Precision


def test_fp16_needs_a_gpu() -> None:
    with pytest.raises(UsageError, match="fp16 needs a GPU"):
        Precision("fp16", "cpu")


def stepped(precision: Precision, loss: float) -> Tensor:
    """A weight of one after a step of plain descent on ``loss * weight``."""
    layer = nn.Linear(1, 1, bias=False)
    nn.init.ones_(layer.weight)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.5)
    precision.backward(layer(torch.ones(1, 1)).sum() * loss)
    precision.step(optimizer, layer.parameters(), lambda parameters: None)
    return layer.weight.detach().flatten()


def scaled() -> Precision:
    """fp32 on the CPU with the scaler of fp16."""
    precision = Precision("fp32", "cpu")
    precision.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    return precision


def test_scaling_changes_no_step() -> None:
    assert stepped(Precision("fp32", "cpu"), 0.25).item() == stepped(scaled(), 0.25).item() == 0.875


def test_an_overflow_is_left_out_and_the_scale_lowered() -> None:
    precision = scaled()
    assert stepped(precision, float("inf")).item() == 1.0
    assert precision.scaler.get_scale() == 512.0


def test_steps_are_clipped() -> None:
    assert stepped(Precision("fp32", "cpu"), 100.0).item() == pytest.approx(1.0 - 0.5 * 3.0, abs=1e-4)


def test_bf16_computes_in_bf16() -> None:
    with Precision("bf16", "cpu").autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
