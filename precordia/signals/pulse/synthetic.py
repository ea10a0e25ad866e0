"""An ECG drawn from a pulse, for looking at only. It is no :class:`~precordia.core.recording.Recording`, and never becomes one.

A pulse has no P wave, no QRS and no ST segment: what is drawn is what is usual beside such a pulse. Hence it is a type of its own,
which nothing that measures, embeds, judges, stores or retrieves takes; its JSON says ``"synthetic": true``, its amplitude has no
unit, and its page carries a watermark (:mod:`precordia.generation.pages.synthetic_page`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import CheckpointError
from precordia.core.recipe_files import built
from precordia.signals.pulse import windows

if TYPE_CHECKING:
    from precordia.signals.pulse.flow import FlowNetwork

FS: Final = 100.0
LEAD: Final = "II"
LONGEST_S: Final = 60.0
SHORTEST_S: Final = 5.12
"""What was trained on."""

WATERMARK: Final = "SYNTHETIC"
WARNING: Final = (
    "Synthetic: a model drew this ECG from a pulse. Nobody recorded it. Nothing may be measured on it, and it is no evidence of "
    "anything: a pulse has no P wave, no QRS and no ST segment."
)
FORMAT: Final = "precordia-pulse-flow"
VERSION: Final = 1
SHIPPED: Final = Path(__file__).parent / "weights" / "flow"
COMMAND: Final = "precordia train pulse-flow --data DIR --out DIR"
_SAMPLES: Final = 8
"""A drawn ECG is a whole number of latents long."""


@dataclass(frozen=True, eq=False)
class SyntheticEcg:
    """What was drawn.

    Attributes:
        drawn: ``(n,)`` float32 at :data:`FS`, lead :data:`LEAD`, no unit: 1 is the height of what is usually highest.
        pulse: ``(m,)`` float32 at the pulse's rate, as the model was fed.
    """

    drawn: NDArray[np.float32]
    pulse: NDArray[np.float32]

    def __repr__(self) -> str:
        return f"SyntheticEcg({self.drawn.size / FS:.1f} s, drawn from a pulse)"

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "synthetic": True,
            "warning": WARNING,
            "lead": LEAD,
            "fs": FS,
            "unit": None,
            "samples": [round(float(value), 3) for value in self.drawn],
        }


def draw_ecg(pulse: NDArray[np.float64], fs: float, *, seed: int = 0, folder: Path | str = SHIPPED) -> SyntheticEcg:
    """An ECG as is usual beside a pulse; the first minute of it. The same seed gives the same.

    Args:
        pulse: ``(n,)``, any unit, more blood upwards; missing samples are NaN.
        fs: Hz.
        seed: Another gives another ECG that the pulse would go with as well.
        folder: Of the model.

    Raises:
        UnusableSignalError: too short, or nothing in it.
        CheckpointError: the model cannot be read.
    """
    prepared = windows.prepared(pulse[: round(LONGEST_S * fs)], fs, SHORTEST_S)
    prepared = prepared[: prepared.size * 2 // _SAMPLES * _SAMPLES // 2]
    drawn = draw_all(load_flow(folder), prepared[None], seed)[0]
    return SyntheticEcg(drawn, prepared)


def draw_all(network: FlowNetwork, pulses: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """``(n, 2 * n_samples)`` of pulses ``(n, n_samples)``, a multiple of four long, as :func:`windows.prepared` gives them."""
    import torch

    noise = torch.from_numpy(
        np.random.default_rng(seed)
        .standard_normal((len(pulses), network.architecture.latent, pulses.shape[1] * 2 // _SAMPLES))
        .astype(np.float32)
    )
    with torch.inference_mode():
        out: NDArray[np.float32] = network.drawn(torch.from_numpy(pulses), noise).numpy()
    return out


def save_flow(network: FlowNetwork, folder: Path) -> None:
    """Write the folder's two files."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    state = {name: np.array(value.numpy()) for name, value in network.state_dict().items()}
    halves = {name: value.astype(np.float16) if value.dtype == np.float32 else value for name, value in state.items()}
    save_file(halves, folder / "flow.safetensors")
    description = {
        "format": FORMAT,
        "version": VERSION,
        "windows": windows.VERSION,
        "synthetic": True,
        "architecture": asdict(network.architecture),
    }
    (folder / "flow.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


@lru_cache(maxsize=2)
def load_flow(folder: Path | str = SHIPPED) -> FlowNetwork:
    """The model of a folder, in evaluation mode; by default what is shipped.

    Raises:
        CheckpointError: a file is missing or damaged, or of another version.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    from precordia.signals.pulse.flow import FlowArchitecture, FlowNetwork

    place = Path(folder)
    try:
        said = json.loads((place / "flow.json").read_text(encoding="utf-8"))
        stated, shape = (said["format"], said["version"], said["windows"]), said["architecture"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{place}: no pulse flow that can be read; make it with `{COMMAND}`") from error
    if stated != (FORMAT, VERSION, windows.VERSION):
        raise CheckpointError(f"{place}: a pulse flow of another version; make it anew with `{COMMAND}`")
    network = FlowNetwork(built(FlowArchitecture, shape))
    try:
        state = load_file(place / "flow.safetensors")
        wide = {name: value.astype(np.float32) if value.dtype == np.float16 else value for name, value in state.items()}
        network.load_state_dict({name: torch.from_numpy(value) for name, value in wide.items()})
    except (OSError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(
            f"{place}: the weights are damaged or of another shape; make them with `{COMMAND}`"
        ) from error
    return network.eval()
