"""``precordia train catheter``: a masked model of simulated electrograms."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from precordia.core.progress import Progress, silent
from precordia.fitting.signals.contrastive import Schedule, fit
from precordia.fitting.signals.recipe import load_recipe
from precordia.fitting.trained import Trained
from precordia.signals.catheter.model import CatheterModel, save_catheter_model
from precordia.signals.catheter.network import CatheterArchitecture, CatheterNetwork
from precordia.signals.catheter.tokens import (
    FS,
    LEVELS,
    RHYTHM_WORDS,
    RHYTHMS,
    SAMPLES,
    SIGNAL,
    UNKNOWN,
    prepare,
    sentences,
)  # fmt: skip
from precordia.simulation.electrogram import FS as SIMULATED_FS
from precordia.simulation.electrogram import USUAL, Laboratory, simulate_electrograms

SEED: Final = 2402
"""Of the patients."""

HELD_BACK: Final = 10_000_000
"""Number from which patients are those that nothing is trained on."""

SIMULATED: Final = "every electrogram is SIMULATED: nothing here was learned from or measured on a patient"
_BATCH: Final = 500


@dataclass(frozen=True)
class CatheterRecipe:
    """How the masked model is trained.

    Attributes:
        patients: Simulated ones, an electrogram each.
        width, layers, heads, kernel: Of the network.
        spans: Share of electrograms in which spans are hidden; of the others, half have :attr:`scattered` hidden, half one span.
        scattered: Share of single samples that are hidden in those: the seed's mask.
        rhythm: Weight of the rhythm's word beside the samples'.
        unnamed: Share of electrograms whose site is not told.
        epochs, batch, learning_rate, weight_decay, seed: As :class:`~precordia.fitting.signals.contrastive.Schedule` has them.
    """

    patients: int = 8000
    width: int = 64
    layers: int = 3
    heads: int = 4
    kernel: int = 9
    spans: float = 0.5
    scattered: float = 0.75
    rhythm: float = 0.3
    unnamed: float = 0.3
    epochs: int = 12
    batch: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    seed: int = 42

    @property
    def architecture(self) -> CatheterArchitecture:
        """Of the network."""
        return CatheterArchitecture(self.width, self.layers, self.heads, self.kernel)


@dataclass(frozen=True, eq=False)
class Ward:
    """Simulated patients, one a row.

    Attributes:
        rows: ``(n, SAMPLES)`` float32 as the model is fed.
        rhythms: ``(n,)`` names.
        sites: ``(n,)`` names.
    """

    rows: NDArray[np.float32]
    rhythms: NDArray[np.str_]
    sites: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.rows)


def simulated_ward(n: int, *, first: int = 0, laboratory: Laboratory = USUAL, progress: Progress = silent) -> Ward:
    """Patients from a number on."""
    rows, rhythms, sites = [], [], []
    starts = range(0, n, _BATCH)
    for start in progress(starts, len(starts), "simulating", "batch"):
        found = simulate_electrograms(min(_BATCH, n - start), SEED, first=first + start, laboratory=laboratory)
        rows += [prepare(row, SIMULATED_FS)[0] for row in found.signal.astype(np.float64)]
        rhythms.append(found.rhythms)
        sites.append(found.sites)
    return Ward(np.stack(rows), np.concatenate(rhythms), np.concatenate(sites))


def train_catheter(
    recipe: str = "masked", out: Path | str = "runs/catheter", *, progress: Progress = silent
) -> Trained:
    """Train the masked model on simulated patients, and write its folder. Killed, it goes on when called again.

    Args:
        recipe: Name or file.
        out: The folder.
        progress: Shows how far it is.

    Raises:
        UnknownNameError: there is no such recipe.
    """
    wanted: CatheterRecipe = load_recipe("catheter", recipe, CatheterRecipe)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    ward = simulated_ward(wanted.patients, progress=progress)
    torch.manual_seed(wanted.seed)
    network = CatheterNetwork(wanted.architecture)
    schedule = Schedule(
        wanted.epochs, wanted.batch, wanted.learning_rate, wanted.weight_decay, seed=wanted.seed
    )  # fmt: skip
    curve = fit(
        network, len(ward), lambda rows, rng: masked_loss(network, ward, rows, wanted, rng), schedule,
        state=folder / "state.pt", progress=progress, label="catheter",
    )  # fmt: skip
    save_catheter_model(CatheterModel(network), folder)
    facts: dict[str, Any] = {
        "simulated": True, "patients": len(ward), "loss": [round(value, 4) for value in curve], "recipe": asdict(wanted)
    }  # fmt: skip
    return Trained(
        "catheter", folder, facts, (f"{len(ward)} patients, loss {curve[0]:.3f} to {curve[-1]:.3f}", SIMULATED)
    )


def masked_loss(
    network: CatheterNetwork, ward: Ward, rows: NDArray[np.intp], recipe: CatheterRecipe, rng: np.random.Generator
) -> Tensor:
    """Cross-entropy of hidden samples, whose neighbouring levels count as nearly right, and of the rhythm's word."""
    hidden = hidden_samples(len(rows), recipe, rng)
    sites = np.where(rng.random(len(rows)) < recipe.unnamed, UNKNOWN, ward.sites[rows])
    said = sentences(ward.rows[rows], hidden, sites.tolist())
    logits = network(torch.from_numpy(said.words))
    sought = torch.from_numpy(hidden)
    near = _NEAR[torch.from_numpy(said.levels)[sought]]
    samples = F.cross_entropy(logits[:, SIGNAL][sought][:, :LEVELS], near)
    truth = torch.tensor([RHYTHMS.index(str(name)) for name in ward.rhythms[rows]])
    return samples + recipe.rhythm * F.cross_entropy(logits[:, -1, RHYTHM_WORDS], truth)


def hidden_samples(n: int, recipe: CatheterRecipe, rng: np.random.Generator) -> NDArray[np.bool_]:
    """``(n, SAMPLES)`` bool: spans of 25 to 300 ms over up to a third, scattered samples, or a single span."""
    out = np.zeros((n, SAMPLES), dtype=np.bool_)
    for row in out:
        kind = rng.random()
        if kind < recipe.spans:
            for _ in range(int(rng.integers(2, 6))):
                _hide(row, int(rng.integers(round(0.025 * FS), round(0.3 * FS) + 1)), rng)
        elif kind < 0.5 + 0.5 * recipe.spans:
            row[rng.permutation(SAMPLES)[: round(recipe.scattered * SAMPLES)]] = True
        else:
            _hide(row, int(rng.integers(round(0.025 * FS), round(0.1 * FS) + 1)), rng)
    return out


def _hide(row: NDArray[np.bool_], length: int, rng: np.random.Generator) -> None:
    start = int(rng.integers(0, SAMPLES - length + 1))
    row[start : start + length] = True


def _neighbouring() -> Tensor:
    """``(LEVELS, LEVELS)``: what is asked of each level, a bell one level wide around it."""
    at = torch.arange(LEVELS, dtype=torch.float32)
    return torch.softmax(-0.5 * (at[:, None] - at) ** 2, dim=1)


_NEAR: Final = _neighbouring()
