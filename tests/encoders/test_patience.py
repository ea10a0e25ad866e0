"""What is relied on: training stops when nothing improves any more, and the best weights are what is left."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from precordia.core.errors import UsageError
from precordia.encoders.training.patience import Patience


def watched(patience: Patience, values: list[float]) -> tuple[int, float]:
    """Epochs done, and the weight left, when each epoch sets the weight to its number."""
    layer, done = nn.Linear(1, 1, bias=False), 0
    for epoch, value in enumerate(values, start=1):
        nn.init.constant_(layer.weight, float(epoch))
        patience.see(epoch, {patience.name: value}, layer=layer)
        done = epoch
        if patience.is_over(epoch):
            break
    patience.restore_best(layer=layer)
    return done, layer.weight.item()


def test_losses_are_to_fall() -> None:
    assert watched(Patience("held_out_loss", 2), [3.0, 2.0, 2.5, 2.1, 1.0]) == (4, 2.0)


def test_probe_scores_are_to_rise() -> None:
    assert watched(Patience("probe_auroc", 2), [0.6, 0.7, 0.65, 0.66, 0.9]) == (4, 2.0)


def test_no_patience_keeps_the_last() -> None:
    assert watched(Patience("held_out_loss", 0), [1.0, 2.0, 3.0]) == (3, 3.0)


def test_going_on_remembers_the_best() -> None:
    first, second = Patience("held_out_loss", 2), Patience("held_out_loss", 2)
    watched(first, [1.0, 2.0])
    second.load_state(first.state())
    layer = nn.Linear(1, 1, bias=False)
    second.see(3, {"held_out_loss": 1.5}, layer=layer)
    assert second.is_over(3)
    second.restore_best(layer=layer)
    assert torch.equal(layer.weight, torch.ones(1, 1))


def test_what_is_not_measured_cannot_be_watched() -> None:
    with pytest.raises(UsageError, match="reports"):
        Patience("probe_auroc", 1).see(1, {"loss": 1.0})
