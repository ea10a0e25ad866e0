"""The masked model as a folder, and what is asked of it: hidden samples of an electrogram, and its rhythm's word.

A folder holds ``catheter.safetensors`` and ``catheter.json`` (format, version, vocabulary, architecture, and that it was learned
from simulated electrograms alone).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import CheckpointError
from precordia.core.recipe_files import built
from precordia.signals.catheter import tokens
from precordia.signals.catheter.tokens import LEVELS, RHYTHM_WORDS, SIGNAL, sentences

if TYPE_CHECKING:
    from precordia.signals.catheter.network import CatheterNetwork

FORMAT: Final = "precordia-catheter-model"
VERSION: Final = 1
SHIPPED: Final = Path(__file__).parent / "weights"
COMMAND: Final = "precordia train catheter masked --out DIR"
_BATCH: Final = 64
Rows = NDArray[np.float32]


class CatheterModel:
    """A trained network.

    Args:
        network: In evaluation mode.
    """

    def __init__(self, network: CatheterNetwork) -> None:
        self.network = network.eval()

    def interpolate(self, rows: Rows, hidden: NDArray[np.bool_], sites: Sequence[str]) -> Rows:
        """The electrograms with their hidden samples said, ``(n, SAMPLES)``; shown ones are as they were.

        Args:
            rows: ``(n, SAMPLES)`` as :func:`~precordia.signals.catheter.tokens.prepare` gives them; hidden samples may be anything.
            hidden: ``(n, SAMPLES)`` bool; some samples are shown of each.
            sites: One of :data:`~precordia.signals.catheter.tokens.SITES` each.
        """
        said = sentences(np.where(hidden, 0.0, rows).astype(np.float32), hidden, sites)
        expected = self._chances(said.words, SIGNAL, slice(0, LEVELS)) @ np.arange(LEVELS, dtype=np.float32)
        return np.where(hidden, said.values(np.asarray(expected, dtype=np.float32)), rows).astype(np.float32)

    def rhythms(self, rows: Rows, sites: Sequence[str]) -> Rows:
        """``(n, len(RHYTHMS))``: how probable each rhythm's word is."""
        said = sentences(rows, np.zeros(rows.shape, dtype=np.bool_), sites)
        return self._chances(said.words, slice(tokens.LENGTH - 1, tokens.LENGTH), RHYTHM_WORDS)[:, 0]

    def _chances(self, words: NDArray[np.int64], places: slice, among: slice) -> Rows:
        import torch

        with torch.inference_mode():
            parts = [
                torch.softmax(self.network(torch.from_numpy(words[start : start + _BATCH]))[:, places, among], dim=-1)
                for start in range(0, len(words), _BATCH)
            ]
        out: Rows = torch.cat(parts).numpy()
        return out


def save_catheter_model(model: CatheterModel, folder: Path) -> None:
    """Write the folder's two files."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    state = {name: np.array(value.numpy(), dtype=np.float16) for name, value in model.network.state_dict().items()}
    save_file(state, folder / "catheter.safetensors")
    description = {
        "format": FORMAT,
        "version": VERSION,
        "vocabulary": tokens.VERSION,
        "simulated": True,
        "architecture": asdict(model.network.architecture),
    }
    (folder / "catheter.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def load_catheter_model(folder: Path | str = SHIPPED) -> CatheterModel:
    """The model of a folder; by default what is shipped.

    Raises:
        CheckpointError: a file is missing or damaged, or of another version.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    from precordia.signals.catheter.network import CatheterArchitecture, CatheterNetwork

    place = Path(folder)
    try:
        said = json.loads((place / "catheter.json").read_text(encoding="utf-8"))
        stated, shape = (said["format"], said["version"], said["vocabulary"]), said["architecture"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{place}: no catheter model that can be read; make it with `{COMMAND}`") from error
    if stated != (FORMAT, VERSION, tokens.VERSION):
        raise CheckpointError(f"{place}: a catheter model of another version; make it anew with `{COMMAND}`")
    network = CatheterNetwork(built(CatheterArchitecture, shape))
    try:
        state = load_file(place / "catheter.safetensors")
        network.load_state_dict({name: torch.from_numpy(value.astype(np.float32)) for name, value in state.items()})
    except (OSError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(
            f"{place}: the weights are damaged or of another shape; make them with `{COMMAND}`"
        ) from error
    return CatheterModel(network)
