"""``precordia train pulse``: a pulse encoder in the space of an ECG encoder that stays as it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from precordia.core.progress import Progress, silent
from precordia.datasets.folder import default_data_dir
from precordia.encoders import load_encoder
from precordia.encoders.sources import read_ptbxl
from precordia.fitting.signals.contrastive import Schedule, contrastive_loss, fit
from precordia.fitting.signals.pulse_pairs import Pairs, phantom_pairs, real_pairs
from precordia.fitting.signals.recipe import load_recipe
from precordia.fitting.trained import Trained
from precordia.signals.pulse.encoder import PulseEncoder, save_pulse_encoder
from precordia.signals.pulse.network import PulseArchitecture, PulseNetwork

if TYPE_CHECKING:
    from precordia.encoders.encoder import SignalEncoder

TRAINING_FOLDS = frozenset("12345678")


@dataclass(frozen=True)
class PulseRecipe(Schedule):
    """How a pulse encoder is trained, and on what.

    Attributes:
        phantoms: Patients of the phantom hospital.
        ptbxl: Whether real ECGs of PTB-XL's folds 1-8 are added, their beats turned to pulses.
    """

    phantoms: int = 2500
    ptbxl: bool = False
    epochs: int = 16


def train_pulse(
    recipe: str = "align",
    out: Path | str = "runs/pulse",
    *,
    data: Path | str | None = None,
    encoder: str = "default",
    progress: Progress = silent,
) -> Trained:
    """Train a pulse encoder, and write its folder. Killed, it goes on where it was when called again.

    Args:
        recipe: Name or file.
        out: The folder.
        data: Folder that holds ``ptbxl/``, for recipes that take real ECGs; $PRECORDIA_DATA when None.
        encoder: Name or folder of the ECG encoder, which is not changed.
        progress: Shows how far it is.

    Raises:
        UnknownNameError: there is no such recipe or encoder.
        UsageError: the recipe takes real ECGs and no folder of data is named.
    """
    wanted: PulseRecipe = load_recipe("pulse", recipe, PulseRecipe)
    base, folder = load_encoder(encoder), Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"pairs-{base.fingerprint}.npz"
    pairs = Pairs.load(kept) if kept.is_file() else _pairs(wanted, base, data, progress)
    if not kept.is_file():
        pairs.save(kept)
    torch.manual_seed(wanted.seed)
    network = PulseNetwork(PulseArchitecture(dim=base.dim))
    windows, partners = torch.from_numpy(pairs.windows), torch.from_numpy(pairs.vectors)

    def loss(rows: NDArray[np.intp], rng: np.random.Generator) -> Tensor:
        seen = viewed(windows[rows], rng)
        return contrastive_loss(
            torch.nn.functional.normalize(network(seen), dim=1), partners[rows], wanted.temperature
        )  # fmt: skip

    curve = fit(
        network, len(pairs), loss, wanted, state=folder / "state.pt", progress=progress, label="pulse"
    )  # fmt: skip
    save_pulse_encoder(PulseEncoder(network, base.fingerprint), folder)
    kept.unlink()
    facts: dict[str, Any] = {
        "pairs": len(pairs),
        "encoder_fingerprint": base.fingerprint,
        "loss": [round(value, 4) for value in curve],
        "recipe": asdict(wanted),
    }
    note = f"{len(pairs)} pairs, loss {curve[0]:.3f} to {curve[-1]:.3f}, for ECG encoder {base.fingerprint}"
    return Trained("pulse", folder, facts, (note,))


def _pairs(wanted: PulseRecipe, base: SignalEncoder, data: Path | str | None, progress: Progress) -> Pairs:
    pairs = phantom_pairs(wanted.phantoms, base, progress=progress)
    if not wanted.ptbxl:
        return pairs
    place = default_data_dir() if data is None else Path(data)
    recordings = [r for r in read_ptbxl(place / "ptbxl") if r.metadata["strat_fold"] in TRAINING_FOLDS]
    return pairs.and_(real_pairs(recordings, base, progress=progress))


def viewed(windows: Tensor, rng: np.random.Generator) -> Tensor:
    """Pulses as another finger or sensor would give them: noise of some size, turned in time, a part faded out."""
    n, size = windows.shape
    seed = torch.Generator().manual_seed(int(rng.integers(2**62)))
    noise = torch.randn(n, size, generator=seed) * torch.rand(n, 1, generator=seed) * 0.3
    gain = 1.0 + 0.3 * torch.randn(n, 1, generator=seed)
    slope = torch.linspace(-1.0, 1.0, size) * torch.randn(n, 1, generator=seed) * 0.3
    return windows * (gain + slope) + noise
