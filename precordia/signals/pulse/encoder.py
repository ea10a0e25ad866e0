"""Pulses as vectors in an ECG encoder's space: a pulse asks an archive of ECGs.

A folder holds ``pulse.safetensors`` and ``pulse.json`` (format, version, architecture, and the fingerprint of the ECG encoder
whose space it is). Vectors of two spaces do not compare, hence it is refused beside any other encoder.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import CheckpointError, MismatchError
from precordia.core.recipe_files import built
from precordia.signals.pulse import windows

if TYPE_CHECKING:
    from precordia.signals.pulse.network import PulseNetwork

FORMAT: Final = "precordia-pulse-encoder"
VERSION: Final = 1
SHIPPED: Final = Path(__file__).parent / "weights"
COMMAND: Final = "precordia train pulse align --data DIR --out DIR"
_BATCH: Final = 256


class PulseEncoder:
    """A trained network with the space it is in.

    Args:
        network: In evaluation mode.
        encoder_fingerprint: Of the ECG encoder.
    """

    def __init__(self, network: PulseNetwork, encoder_fingerprint: str) -> None:
        self.network = network.eval()
        self.encoder_fingerprint = encoder_fingerprint

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.network.architecture.dim

    def embed(self, pulses: Sequence[NDArray[np.float64]], fs: float) -> NDArray[np.float32]:
        """``(len(pulses), dim)`` float32, each row of unit L2 norm, comparable with the ECG encoder's by inner product.

        A pulse longer than the window is the mean of its windows.

        Args:
            pulses: ``(n,)`` each, any unit, more blood upwards.
            fs: Hz.

        Raises:
            UnusableSignalError: one is too short, or empty.
        """
        if not pulses:
            return np.zeros((0, self.dim), dtype=np.float32)
        cut = [windows.pulse_windows(pulse, fs) for pulse in pulses]
        rows = self.embed_windows(np.concatenate(cut))
        ends = np.cumsum([len(piece) for piece in cut])
        return unit(np.stack([part.mean(axis=0) for part in np.split(rows, ends[:-1])]))

    def embed_windows(self, prepared: NDArray[np.float32]) -> NDArray[np.float32]:
        """``(n, SAMPLES)`` as :func:`~precordia.signals.pulse.windows.pulse_windows` gives them to ``(n, dim)`` of unit norm."""
        import torch

        with torch.inference_mode():
            parts = [
                self.network(torch.from_numpy(prepared[start : start + _BATCH])).numpy()
                for start in range(0, len(prepared), _BATCH)
            ]
        return unit(np.concatenate(parts))


def save_pulse_encoder(encoder: PulseEncoder, folder: Path) -> None:
    """Write the folder's two files."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    state = {name: np.array(value.numpy(), dtype=np.float16) for name, value in encoder.network.state_dict().items()}
    save_file(state, folder / "pulse.safetensors")
    description = {
        "format": FORMAT,
        "version": VERSION,
        "windows": windows.VERSION,
        "architecture": asdict(encoder.network.architecture),
        "encoder_fingerprint": encoder.encoder_fingerprint,
    }
    (folder / "pulse.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def load_pulse_encoder(encoder_fingerprint: str, folder: Path | str = SHIPPED) -> PulseEncoder:
    """The pulse encoder of a folder, for one ECG encoder.

    Args:
        encoder_fingerprint: Of the ECG encoder whose vectors it is to be compared with.
        folder: Its place; by default what is shipped.

    Raises:
        CheckpointError: a file is missing or damaged.
        MismatchError: it was trained for another ECG encoder.
    """
    place = Path(folder)
    try:
        description = json.loads((place / "pulse.json").read_text(encoding="utf-8"))
        stated = (description["format"], description["version"], description["windows"])
        trained_for = str(description["encoder_fingerprint"])
        shape = description["architecture"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{place}: no pulse encoder that can be read; make it with `{COMMAND}`") from error
    if stated != (FORMAT, VERSION, windows.VERSION):
        raise CheckpointError(f"{place}: a pulse encoder of another version; make it anew with `{COMMAND}`")
    if trained_for != encoder_fingerprint:
        raise MismatchError(
            f"{place}: the pulse encoder was trained for ECG encoder {trained_for}, not {encoder_fingerprint}; make it anew "
            f"with `{COMMAND}`"
        )
    return PulseEncoder(_network(place, shape), trained_for)


def _network(place: Path, shape: dict[str, object]) -> PulseNetwork:
    import torch
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    from precordia.signals.pulse.network import PulseArchitecture, PulseNetwork

    network = PulseNetwork(built(PulseArchitecture, shape))
    try:
        state = load_file(place / "pulse.safetensors")
        network.load_state_dict({name: torch.from_numpy(value.astype(np.float32)) for name, value in state.items()})
    except (OSError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(
            f"{place}: the weights are damaged or of another shape; make them with `{COMMAND}`"
        ) from error
    return network


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of unit L2 norm."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), dtype=np.float32)
