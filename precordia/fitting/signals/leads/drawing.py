"""Trains networks that draw leads: the U-Net, and the generator against its discriminator."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from precordia.core.errors import CheckpointError
from precordia.core.leads import LEADS
from precordia.encoders.curve import Curve
from precordia.encoders.training.state import write_state
from precordia.fitting.signals.leads.material import Material
from precordia.fitting.signals.leads.subsets import subsets
from precordia.signals.leads.adversarial import Discriminator
from precordia.signals.leads.drawers import NetworkDrawer, build_network, fill
from precordia.signals.leads.independent import EXPANSION, INDEPENDENT
from precordia.signals.leads.linear import LinearDrawer
from precordia.signals.leads.recipe import Recipe, Training

ROWS = [LEADS.index(lead) for lead in INDEPENDENT]
WATCHED = (("I",), ("II",), ("V5",))
"""What is given when the held-out part is looked at."""

Watch = Callable[[int, int, Mapping[str, float]], None]
"""Told after each epoch: its number, of how many, and the figures of the curve."""


@dataclass(frozen=True, eq=False)
class Batch:
    """ECGs of which some leads are given.

    Attributes:
        filled: ``(n, 12, n_samples)`` mV: given leads, and the others as least squares draw them.
        given: ``(n, 12)`` bool.
        linear: ``(n, 8, n_samples)`` mV, independent leads of least squares.
        truth: ``(n, 8, n_samples)`` mV.
        sought: ``(n, 8)`` bool, independent leads that are not given.
        samples: ``(n, n_samples)`` bool.
        calibrated: ``(n,)`` bool.
    """

    filled: Tensor
    given: Tensor
    linear: Tensor
    truth: Tensor
    sought: Tensor
    samples: Tensor
    calibrated: Tensor


def train_drawer(
    material: Material, recipe: Recipe, linear: LinearDrawer, folder: Path, *, resume: bool, watch: Watch
) -> NetworkDrawer:
    """Train, with ``curve.csv`` and ``state.pt`` in ``folder`` from which a killed training goes on.

    Raises:
        CheckpointError: the state in ``folder`` is of another recipe or other data.
    """
    settings: Training = recipe.settings
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    trained = _Trained(recipe.mechanism, settings)
    rows = np.flatnonzero(~material.held_out)
    batches = max(len(rows) // settings.batch_size, 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        trained.optimiser, settings.learning_rate, total_steps=batches * settings.epochs + 1
    )
    identity, curve = f"{recipe.to_json()}{material.data_hash}", Curve(folder / "curve.csv")
    done = _restore(folder / "state.pt", identity, trained, schedule) if resume else 0
    curve.cut(done)
    for epoch in range(done, settings.epochs):
        rng = np.random.default_rng([recipe.seed, epoch])
        order = rng.permutation(rows)
        sums: dict[str, float] = {}
        for number in range(batches):
            chosen = order[number * settings.batch_size : (number + 1) * settings.batch_size]
            batch = batch_of(material, chosen, subsets(len(chosen), settings, rng), linear)
            for name, value in trained.step(batch).items():
                sums[name] = sums.get(name, 0.0) + value / batches
            schedule.step()
        sums |= watched(material, linear, trained.network)
        curve.add(epoch + 1, sums)
        state = {"identity": identity, "epoch": epoch + 1, "schedule": schedule.state_dict(), **trained.state()}
        write_state(folder / "state.pt", state)
        watch(epoch + 1, settings.epochs, sums)
    return NetworkDrawer(linear, trained.network, recipe.mechanism, settings)


class _Trained:
    """A network with its optimiser, and its adversary where it has one."""

    def __init__(self, mechanism: str, settings: Training) -> None:
        self.settings = settings
        self.network = build_network(mechanism, settings)
        self.adversary = Discriminator(settings.channels, settings.kernel) if settings.adversary else None
        options: dict[str, Any] = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay}
        self.optimiser = torch.optim.AdamW(self.network.parameters(), **options)
        self.other = (
            torch.optim.AdamW(self.adversary.parameters(), lr=settings.learning_rate / 4) if self.adversary else None
        )

    def step(self, batch: Batch) -> dict[str, float]:
        """One step of both."""
        self.network.train()
        drawn = batch.linear + self.network(batch.filled, batch.given)
        losses = _losses(drawn, batch)
        total = losses["error"] + self.settings.correlation * losses["correlation"]
        if self.adversary is not None and self.other is not None:
            drawn = torch.where(batch.sought[:, :, None], drawn, batch.truth)
            losses["adversary"] = -self.adversary(drawn).mean()
            total = total + self.settings.adversary * losses["adversary"]
        self.optimiser.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        if self.adversary is not None and self.other is not None:
            real, false = self.adversary(batch.truth), self.adversary(drawn.detach())
            losses["discriminator"] = F.relu(1 - real).mean() + F.relu(1 + false).mean()
            self.other.zero_grad()
            losses["discriminator"].backward()  # type: ignore[no-untyped-call]
            self.other.step()
        return {name: float(value.detach()) for name, value in losses.items()}

    def parts(self) -> dict[str, Any]:
        """Everything with a state."""
        pairs = {"network": self.network, "optimiser": self.optimiser, "adversary": self.adversary, "other": self.other}
        return {name: part for name, part in pairs.items() if part is not None}

    def state(self) -> dict[str, Any]:
        """What a file keeps."""
        return {name: part.state_dict() for name, part in self.parts().items()}


def batch_of(material: Material, rows: NDArray[np.int64], given: NDArray[np.bool_], linear: LinearDrawer) -> Batch:
    """Some ECGs, of which some leads are given."""
    whole = material.signal[rows]
    signal = whole * given[:, :, None]
    independent = linear.draw(signal, given)
    parts = (fill(signal, given, independent), given, independent, whole[:, ROWS], ~given[:, ROWS])
    return Batch(*(torch.from_numpy(np.ascontiguousarray(part)) for part in
                   (*parts, material.samples[rows], material.calibrated[rows])))  # fmt: skip


def watched(material: Material, linear: LinearDrawer, network: nn.Module) -> dict[str, float]:
    """Mean correlation of the leads that are drawn of held-out ECGs, by what is given; nothing without such ECGs."""
    out = {}
    rows = np.flatnonzero(material.held_out & material.calibrated)
    drawer = NetworkDrawer(linear, network, "network", Training())
    for leads in WATCHED if rows.size else ():
        given = np.tile(np.isin(LEADS, leads), (len(rows), 1))
        whole = np.matmul(EXPANSION.astype(np.float32), drawer.draw(material.signal[rows] * given[:, :, None], given))
        found = correlations(whole, material.signal[rows], material.samples[rows])
        out[f"held_out_{'_'.join(leads)}"] = float(np.nanmean(found[:, ~given[0]]))
    return out


def correlations(
    first: NDArray[np.float32], second: NDArray[np.float32], samples: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Pearson's correlation of each lead over the samples that are there, ``(n, n_leads)``; NaN where a lead is flat."""
    there = samples[:, None, :].astype(np.float64)
    count = there.sum(axis=2, keepdims=True)
    a, b = ((x - (x * there).sum(axis=2, keepdims=True) / count) * there for x in (first, second))
    size = np.sqrt((a * a).sum(axis=2) * (b * b).sum(axis=2))
    out: NDArray[np.float64] = np.full(size.shape, np.nan)
    np.divide((a * b).sum(axis=2), size, out=out, where=size > 1e-9)
    return out


def _losses(drawn: Tensor, batch: Batch) -> dict[str, Tensor]:
    """The error in mV of what is not given, and one less its correlation; mV only where they are known."""
    there = batch.samples[:, None, :].to(drawn.dtype)
    count = there.sum(dim=2).clamp(min=1.0)
    sought = batch.sought.to(drawn.dtype)
    known = sought * batch.calibrated.to(drawn.dtype)[:, None]
    error = ((drawn - batch.truth).abs() * there).sum(dim=2) / count
    a, b = ((x - (x * there).sum(dim=2, keepdim=True) / count[:, :, None]) * there for x in (drawn, batch.truth))
    size = ((a * a).sum(dim=2) * (b * b).sum(dim=2)).clamp(min=1e-6).sqrt()
    correlation = (a * b).sum(dim=2) / size
    return {
        "error": (error * known).sum() / known.sum().clamp(min=1.0) * 10,
        "correlation": ((1 - correlation) * sought).sum() / sought.sum().clamp(min=1.0),
    }


def _restore(path: Path, identity: str, trained: _Trained, schedule: Any) -> int:
    """How many epochs are done, with everything as it was after them; 0 where nothing was kept."""
    if not path.is_file():
        return 0
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state.get("identity") != identity:
        said = json.dumps(str(path))
        raise CheckpointError(
            f"{said}: is of another recipe or other data; train into another folder or without --resume"
        )
    for name, part in trained.parts().items():
        part.load_state_dict(state[name])
    schedule.load_state_dict(state["schedule"])
    return int(state["epoch"])
