"""Teaches a network vectors that find their partner among others (Radford et al., ICML 2021), resumable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from precordia.core.progress import Progress, silent


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Attributes:
        epochs: Passes over all pairs.
        batch: Pairs among which each finds its own.
        learning_rate: Highest; rises over a tenth of the steps, then falls as a half cosine.
        weight_decay: Of AdamW.
        temperature: Cosines are divided by it.
        seed: Of the order, the first weights and the views.
    """

    epochs: int = 12
    batch: int = 192
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    temperature: float = 0.07
    seed: int = 42


def contrastive_loss(mine: Tensor, theirs: Tensor, temperature: float) -> Tensor:
    """Mean cross-entropy of finding the partner, in both directions.

    Args:
        mine: ``(n, dim)`` of unit norm.
        theirs: ``(n, dim)`` of unit norm, row by row the partners.
        temperature: Cosines are divided by it.
    """
    logits = mine @ theirs.T / temperature
    own = torch.arange(len(logits))
    return 0.5 * (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own))


def fit(
    network: nn.Module,
    n: int,
    loss: Callable[[NDArray[np.intp], np.random.Generator], Tensor],
    schedule: Schedule,
    *,
    state: Path | None = None,
    progress: Progress = silent,
    label: str = "training",
) -> list[float]:
    """Train a network; the mean loss of each epoch. Killed, it goes on after the last whole epoch.

    Args:
        network: Is changed.
        n: Number of samples.
        loss: Rows and a generator for views to the loss of a batch.
        schedule: How.
        state: File that keeps where it is; None keeps nothing. It is there no more when training is done.
        progress: Goes through epochs.
        label: For progress.
    """
    optimizer = torch.optim.AdamW(network.parameters(), schedule.learning_rate, weight_decay=schedule.weight_decay)
    per_epoch = max(1, n // schedule.batch)
    curve: list[float] = []
    if state is not None and state.is_file():
        kept: dict[str, Any] = torch.load(state, weights_only=True)
        network.load_state_dict(kept["network"])
        optimizer.load_state_dict(kept["optimizer"])
        curve = [float(value) for value in kept["curve"]]
    network.train()
    for epoch in progress(range(len(curve), schedule.epochs), schedule.epochs - len(curve), label, "epoch"):
        rng = np.random.default_rng([schedule.seed, epoch])
        order, total = rng.permutation(n), 0.0
        for step in range(per_epoch):
            share = (epoch * per_epoch + step + 1) / (schedule.epochs * per_epoch)
            rate = min(1.0, 10.0 * share) * 0.5 * (1.0 + np.cos(np.pi * share))
            for group in optimizer.param_groups:
                group["lr"] = schedule.learning_rate * float(rate)
            found = loss(order[step * schedule.batch : (step + 1) * schedule.batch], rng)
            optimizer.zero_grad()
            found.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total += float(found.detach())
        curve.append(total / per_epoch)
        if state is not None:
            part = state.with_name(state.name + ".part")
            torch.save({"network": network.state_dict(), "optimizer": optimizer.state_dict(), "curve": curve}, part)
            part.replace(state)
    network.eval()
    if state is not None:
        state.unlink(missing_ok=True)
    return curve
