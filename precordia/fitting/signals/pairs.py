"""``precordia train pairs``: a head on the ECG encoder's vectors, taught by any table of a second modality."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from precordia.core.progress import Progress, silent
from precordia.core.registry import Registry
from precordia.encoders import load_encoder
from precordia.fitting.signals.contrastive import Schedule, contrastive_loss, fit
from precordia.fitting.signals.recipe import load_recipe
from precordia.fitting.trained import Trained
from precordia.records.read import read_recording
from precordia.signals.paired.space import PairedSpace, Rows, save_space
from precordia.signals.paired.table import read_pairs


@dataclass(frozen=True)
class PairsRecipe(Schedule):
    """How the two heads are trained.

    Attributes:
        mechanism: A name in :data:`MECHANISMS`.
        shared: Length of a vector in the shared space: few, since an ECG foretells little of another modality.
        penalty: Of the regression, over the mean variance of an ECG vector's numbers.
        hidden: Width of the other side's hidden layer; this and what follows is of the contrastive mechanism.
        noise: Standard deviation of noise on the values, over their spread, drawn anew each time.
    """

    mechanism: str = "contrastive"
    shared: int = 4
    penalty: float = 0.3
    hidden: int = 32
    noise: float = 0.1
    epochs: int = 40
    batch: int = 128
    learning_rate: float = 3e-3
    weight_decay: float = 1.0
    temperature: float = 0.5


def train_pairs(
    pairs: Path | str,
    recipe: str = "contrastive",
    out: Path | str = "runs/pairs",
    *,
    encoder: str = "default",
    progress: Progress = silent,
) -> Trained:
    """Teach a head on the vectors of an ECG encoder, which is not changed, and write the shared space.

    Args:
        pairs: CSV file with a column ``ecg`` and columns of numbers; see :func:`~precordia.signals.paired.table.read_pairs`.
        recipe: Name or file.
        out: The folder to write.
        encoder: Name or folder of the ECG encoder.
        progress: Shows how far it is.

    Raises:
        InputError: the table or an ECG cannot be read.
    """
    wanted: PairsRecipe = load_recipe("pairs", recipe, PairsRecipe)
    table, base, folder = read_pairs(pairs), load_encoder(encoder), Path(out)
    recordings = [read_recording(path) for path in progress(table.ecgs, len(table.ecgs), "reading")]
    vectors = base.embed(recordings)
    space, curve = fit_space(vectors, table.values, table.columns, base.fingerprint, wanted, progress=progress)
    save_space(space, folder)
    facts: dict[str, Any] = {
        "pairs": len(vectors),
        "columns": list(table.columns),
        "encoder_fingerprint": base.fingerprint,
        "loss": [round(value, 4) for value in curve],
        "recipe": asdict(wanted),
    }
    fell = f", loss {curve[0]:.3f} to {curve[-1]:.3f}" if curve else ""
    note = f"{len(vectors)} pairs of {len(table.columns)} columns, {wanted.mechanism}{fell}"
    return Trained("pairs", folder, facts, (note,))


def fit_space(
    vectors: NDArray[np.float32],
    values: NDArray[np.float64],
    columns: tuple[str, ...],
    fingerprint: str,
    recipe: PairsRecipe,
    *,
    progress: Progress = silent,
) -> tuple[PairedSpace, list[float]]:
    """The shared space of ECG vectors ``(n, dim)`` and values ``(n, n_columns)`` row by row, and the loss of each epoch.

    Raises:
        UnknownNameError: the recipe's mechanism is none.
    """
    mean, spread = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    scaled = np.nan_to_num((values - mean) / spread).astype(np.float32)
    ecg_mean = vectors.mean(axis=0)
    heads, curve = MECHANISMS.get(recipe.mechanism)(vectors - ecg_mean, scaled, recipe, progress)
    space = PairedSpace(
        columns, fingerprint, ecg_mean, heads.ecg, mean.astype(np.float32), spread.astype(np.float32),
        heads.hidden, heads.bias, heads.other,
    )  # fmt: skip
    return space, curve


@dataclass(frozen=True, eq=False)
class Heads:
    """Both sides of a shared space, as :class:`~precordia.signals.paired.space.PairedSpace` has them."""

    ecg: Rows
    hidden: Rows
    bias: Rows
    other: Rows


def contrastive_heads(
    vectors: Rows, values: Rows, recipe: PairsRecipe, progress: Progress
) -> tuple[Heads, list[float]]:
    """Heads by which partners find each other; the loss of each epoch."""
    ecgs, scaled = torch.from_numpy(vectors), torch.from_numpy(values)
    torch.manual_seed(recipe.seed)
    ecg = nn.Linear(vectors.shape[1], recipe.shared, bias=False)
    other = nn.Sequential(
        nn.Linear(values.shape[1], recipe.hidden), nn.Tanh(), nn.Linear(recipe.hidden, recipe.shared, bias=False)
    )
    heads = nn.ModuleList([ecg, other])

    def loss(rows: NDArray[np.intp], rng: np.random.Generator) -> Tensor:
        noisy = scaled[rows] + recipe.noise * torch.from_numpy(
            rng.standard_normal((rows.size, values.shape[1])).astype(np.float32)
        )
        mine, theirs = (nn.functional.normalize(side, dim=1) for side in (ecg(ecgs[rows]), other(noisy)))
        return contrastive_loss(mine, theirs, recipe.temperature)

    curve = fit(heads, len(vectors), loss, recipe, progress=progress, label="pairs")
    first, last = other[0], other[2]
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    arrays = [layer.detach().numpy().copy() for layer in (ecg.weight, first.weight, first.bias, last.weight)]
    return Heads(*arrays), curve


def regression_heads(vectors: Rows, values: Rows, recipe: PairsRecipe, progress: Progress) -> tuple[Heads, list[float]]:
    """What an ECG foretells of the values, along the directions that it foretells most of.

    Reduced-rank regression (Izenman, J Multivariate Anal 1975;5:248) upon a ridge, in closed form: nothing is left to chance.
    """
    n, dim = vectors.shape
    covariance = vectors.T @ vectors / n
    slope = np.linalg.solve(
        covariance + recipe.penalty * np.trace(covariance) / dim * np.eye(dim), vectors.T @ values / n
    )
    _, _, axes = np.linalg.svd(vectors @ slope, full_matrices=False)
    kept = axes[: recipe.shared]
    none = np.zeros((0, values.shape[1]), np.float32)
    return Heads((slope @ kept.T).T.astype(np.float32), none, none[:, 0], kept.astype(np.float32)), []


MECHANISMS: Final[Registry[Any]] = Registry(
    "mechanism", {"contrastive": contrastive_heads, "regression": regression_heads}
)  # fmt: skip
"""Name to what fits the two heads."""
