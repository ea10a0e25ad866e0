"""``precordia train pulse-flow``: draws an ECG beside a pulse, for looking at only."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.signal import butter, resample_poly, sosfiltfilt
from torch import Tensor

from precordia.core.leads import LEADS
from precordia.core.progress import Progress, silent
from precordia.datasets import bidmc
from precordia.datasets.folder import default_data_dir
from precordia.fitting.signals.contrastive import Schedule, fit
from precordia.fitting.signals.pulse_pairs import FEWEST_BEATS
from precordia.fitting.signals.recipe import load_recipe
from precordia.fitting.trained import Trained
from precordia.signals.pulse import windows
from precordia.signals.pulse.flow import FlowArchitecture, FlowNetwork
from precordia.signals.pulse.synthetic import FS, LEAD, SHORTEST_S, save_flow
from precordia.simulation import simulate_batch
from precordia.simulation.pulse import new_vessels, simulate_pulse

SEED: Final = 1919
HELD_BACK: Final = 10_000_000
"""Number from which phantoms are patients that nothing is trained on."""

FIRST_HALF_S: Final = 240.0
"""Of BIDMC 01: training sees no more of it."""

_LENGTH_S: Final = 10.0
_UNDER_WAY_S: Final = 1.0
"""At the beginning of an ECG, the wave of a beat before it is not known."""

_ECG_BAND_HZ: Final = (0.5, 40.0)
_MOST: Final = 2.0
_BATCH: Final = 200
_TRAINED_ECG, _TRAINED_PULSE = round(SHORTEST_S * FS), round(SHORTEST_S * windows.FS)
_EVERY: Final = round(FS / windows.FS)


@dataclass(frozen=True)
class FlowRecipe:
    """How the autoencoder and the flow are trained, both at once.

    Attributes:
        phantoms: Patients of the phantom hospital.
        bidmc: Whether the first half of BIDMC 01 is added, as often as makes a sixth of all.
        latent, width, layers, steps: Of :class:`~precordia.signals.pulse.flow.FlowArchitecture`.
        aligned: Weight of pulses' latents lying where their ECGs' do.
        crossed: Weight of ECGs decoded from pulses' latents.
        flow: Weight of the flow.
        epochs, batch, learning_rate, weight_decay, seed: As :class:`~precordia.fitting.signals.contrastive.Schedule` has them.
    """

    phantoms: int = 1500
    bidmc: bool = True
    latent: int = 6
    width: int = 48
    layers: int = 5
    steps: int = 10
    aligned: float = 0.2
    crossed: float = 0.5
    flow: float = 0.5
    epochs: int = 24
    batch: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    seed: int = 42


@dataclass(frozen=True, eq=False)
class Beside:
    """ECGs and pulses of the same hearts, one a row.

    Attributes:
        ecgs: ``(n, n_samples)`` float32 of lead II at 100 Hz, no unit.
        pulses: ``(n, n_samples / 2)`` float32 at 50 Hz, as :func:`~precordia.signals.pulse.windows.prepared` gives them.
    """

    ecgs: NDArray[np.float32]
    pulses: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ecgs)


def train_pulse_flow(
    recipe: str = "latent",
    out: Path | str = "runs/pulse-flow",
    *,
    data: Path | str | None = None,
    progress: Progress = silent,
) -> Trained:
    """Train what draws an ECG beside a pulse, and write its folder. Killed, it goes on when called again.

    Args:
        recipe: Name or file.
        out: The folder.
        data: Folder that holds ``modalities/bidmc``, for recipes that take it; $PRECORDIA_DATA when None.
        progress: Shows how far it is.

    Raises:
        UnknownNameError: there is no such recipe.
        UsageError: the recipe takes real recordings and no folder of data is named.
    """
    wanted: FlowRecipe = load_recipe("pulse-flow", recipe, FlowRecipe)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    pairs = phantoms_beside(wanted.phantoms, progress=progress)
    n_real = 0
    if wanted.bidmc:
        real = monitored_beside(default_data_dir() if data is None else Path(data), last_half=False)
        n_real = len(real)
        again = np.resize(np.arange(n_real), max(n_real, len(pairs) // 5))
        pairs = Beside(
            np.concatenate([pairs.ecgs, real.ecgs[again]]), np.concatenate([pairs.pulses, real.pulses[again]])
        )  # fmt: skip
    torch.manual_seed(wanted.seed)
    network = FlowNetwork(FlowArchitecture(wanted.latent, wanted.width, wanted.layers, wanted.steps))
    schedule = Schedule(wanted.epochs, wanted.batch, wanted.learning_rate, wanted.weight_decay, seed=wanted.seed)
    curve = fit(
        network, len(pairs), lambda rows, rng: flow_loss(network, pairs, rows, wanted, rng), schedule,
        state=folder / "state.pt", progress=progress, label="pulse-flow",
    )  # fmt: skip
    save_flow(network, folder)
    told = {"pairs": len(pairs), "real windows": n_real, "loss": [round(value, 4) for value in curve]}
    facts: dict[str, Any] = {"synthetic": True, **told, "recipe": asdict(wanted)}
    note = f"{len(pairs)} pairs, {n_real} real windows among them, loss {curve[0]:.3f} to {curve[-1]:.3f}"
    return Trained("pulse-flow", folder, facts, (note, "what it draws is synthetic: for looking at, never measured"))


def flow_loss(
    network: FlowNetwork, pairs: Beside, rows: NDArray[np.intp], recipe: FlowRecipe, rng: np.random.Generator
) -> Tensor:
    """Of one piece of each: the ECG through its latent, the pulse's latent beside it, and the way from noise to it."""
    ecg, pulse = pieces(pairs, rows, rng)
    latent = network.encoded(ecg)
    seed = torch.Generator().manual_seed(int(rng.integers(2**62)))
    loose = latent + 0.1 * torch.randn(latent.shape, generator=seed)
    lead, goal = network.led_by(pulse), latent.detach()
    said = network.aligned(lead)
    noise, time = torch.randn(latent.shape, generator=seed), torch.rand(len(rows), generator=seed)
    at = time[:, None, None] * goal + (1.0 - time[:, None, None]) * noise
    parts = (
        _apart(network.decoded(loose), ecg),
        recipe.aligned * F.mse_loss(said, goal),
        recipe.crossed * _apart(network.decoded(said), ecg),
        recipe.flow * F.mse_loss(network.velocity(at, time, lead), goal - noise),
    )
    return torch.stack(parts).sum()


def _apart(drawn: Tensor, ecg: Tensor) -> Tensor:
    return F.smooth_l1_loss(drawn, ecg, beta=0.1) * 5.0


def pieces(pairs: Beside, rows: NDArray[np.intp], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A piece of :data:`SHORTEST_S` of each, from somewhere: ECGs and pulses, the same time of both."""
    starts = rng.integers(0, pairs.pulses.shape[1] - _TRAINED_PULSE + 1, len(rows))
    ecgs = [
        pairs.ecgs[row, start * _EVERY : start * _EVERY + _TRAINED_ECG] for row, start in zip(rows, starts, strict=True)
    ]
    pulses = [pairs.pulses[row, start : start + _TRAINED_PULSE] for row, start in zip(rows, starts, strict=True)]
    return torch.from_numpy(np.stack(ecgs)), torch.from_numpy(np.stack(pulses))


def phantoms_beside(n: int, *, first: int = 0, progress: Progress = silent) -> Beside:
    """Phantoms from a number on, with simulated pulses; those of too few beats are left out."""
    ecgs, pulses = [], []
    starts = range(0, n, _BATCH)
    for start in progress(starts, len(starts), "simulating", "batch"):
        batch = simulate_batch(min(_BATCH, n - start), SEED, first=first + start, duration_s=_LENGTH_S)
        for row, truth in enumerate(batch.truths):
            qrs = np.array([beat.qrs_on_s for beat in truth.beats])
            if qrs.size < FEWEST_BEATS:
                continue
            rng = np.random.default_rng([SEED, first + start + row])
            pulse = simulate_pulse(qrs, _LENGTH_S, fs=FS, vessels=new_vessels(rng), rng=rng).signal
            ecgs.append(_ecg(batch.signal[row, LEADS.index(LEAD)].astype(np.float64))[round(_UNDER_WAY_S * FS) :])
            pulses.append(windows.prepared(pulse[round(_UNDER_WAY_S * FS) :], FS, SHORTEST_S))
    return Beside(np.stack(ecgs), np.stack(pulses))


def monitored_beside(data: Path, *, last_half: bool, every_s: float = 3.0) -> Beside:
    """Stretches as long as the phantoms' of one half of BIDMC 01, one behind the other in the last half, overlapping in the first.

    Raises:
        UnreadableRecordingError: it cannot be read.
    """
    one = bidmc.read_monitored(data / bidmc.CARD.place / "bidmc_01_Signals.csv")
    fs, length = one.ecg.fs, _LENGTH_S - _UNDER_WAY_S
    lead = one.ecg.signal[one.ecg.leads.index(LEAD)].astype(np.float64)
    ecg, pulse = (resample_poly(x, round(FS), round(fs)) for x in (lead - lead.mean(), one.pulse - one.pulse.mean()))
    begin, end = (FIRST_HALF_S, ecg.size / FS) if last_half else (0.0, FIRST_HALF_S)
    starts = np.arange(begin, end - length, length if last_half else every_s)
    parts = [slice(round(start * FS), round((start + length) * FS)) for start in starts]
    return Beside(
        np.stack([_ecg(ecg[part]) for part in parts]),
        np.stack([windows.prepared(pulse[part], FS, SHORTEST_S) for part in parts]),
    )


def _ecg(lead: NDArray[np.float64]) -> NDArray[np.float32]:
    """In the band of looking at it, at the height of what is usually highest: a pulse knows no millivolts."""
    sections = butter(2, _ECG_BAND_HZ, "band", fs=FS, output="sos")
    quiet = sosfiltfilt(sections, lead)
    height = max(float(np.quantile(np.abs(quiet), 0.99)), 1e-9)
    return np.asarray(np.clip(quiet / height, -_MOST, _MOST), dtype=np.float32)
