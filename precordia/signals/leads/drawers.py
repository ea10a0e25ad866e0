"""What draws leads, kept as a folder: ``drawer.safetensors`` and ``drawer.json``, read strictly or not at all."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import CheckpointError, UnknownNameError
from precordia.core.recipe_files import built
from precordia.records.standardize import SignalSpec
from precordia.signals.leads.independent import EXPANSION
from precordia.signals.leads.linear import LinearDrawer
from precordia.signals.leads.recipe import Training

if TYPE_CHECKING:
    from torch import nn

FORMAT: Final = "precordia-leads"
VERSION: Final = 1
DESCRIPTION: Final = "drawer.json"
TENSORS: Final = "drawer.safetensors"
_WEIGHTS: Final = Path(__file__).parent / "weights"
_COVARIANCE: Final = "covariance"
_BATCH: Final = 64


class Drawer(Protocol):
    """Draws leads from others."""

    def draw(self, signal: NDArray[np.float32], given: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Independent leads ``(n, 8, n_samples)``, mV.

        Args:
            signal: ``(n, 12, n_samples)`` mV at the rate and in the band of the signal contract, zero where not given.
            given: ``(n, 12)`` bool.
        """
        ...


class NetworkDrawer:
    """Least squares, and a network that says by how much leads differ from them.

    Args:
        linear: The least squares.
        network: ``(filled, given)`` to what is added, in evaluation mode.
        mechanism: "network" or "adversarial".
        settings: Of its training.
    """

    def __init__(self, linear: LinearDrawer, network: nn.Module, mechanism: str, settings: Training) -> None:
        self.linear, self.network = linear, network.eval()
        self.mechanism, self.settings = mechanism, settings

    def __repr__(self) -> str:
        return f"NetworkDrawer({self.mechanism})"

    def draw(self, signal: NDArray[np.float32], given: NDArray[np.bool_]) -> NDArray[np.float32]:
        """See :class:`Drawer`."""
        import torch

        out = self.linear.draw(signal, given)
        with torch.inference_mode():
            for start in range(0, len(signal), _BATCH):
                piece = slice(start, start + _BATCH)
                filled = torch.from_numpy(fill(signal[piece], given[piece], out[piece]))
                out[piece] += self.network(filled, torch.from_numpy(given[piece])).numpy()
        return out


@dataclass(frozen=True, eq=False)
class Stored:
    """A drawer with what is known of it.

    Attributes:
        drawer: Itself.
        name: Of its recipe.
        fingerprint: Sixteen hexadecimal digits of its content.
    """

    drawer: Drawer
    name: str
    fingerprint: str

    def __repr__(self) -> str:
        return f"Stored({self.name!r}, {self.fingerprint})"


def fill(
    signal: NDArray[np.float32], given: NDArray[np.bool_], independent: NDArray[np.float32]
) -> NDArray[np.float32]:
    """All leads ``(n, 12, n_samples)``: the given ones, and the others from independent leads."""
    whole = np.matmul(EXPANSION.astype(np.float32), independent)
    return np.where(given[:, :, None], signal, whole)


def build_network(mechanism: str, settings: Training) -> nn.Module:
    """A network without training."""
    from precordia.signals.leads.adversarial import RecurrentGenerator
    from precordia.signals.leads.network import LeadNetwork, Sizes

    if mechanism == "adversarial":
        return RecurrentGenerator(settings.hidden)
    return LeadNetwork(Sizes(settings.channels, settings.kernel))


def save_drawer(drawer: LinearDrawer | NetworkDrawer, name: str, folder: Path) -> Stored:
    """Write a drawer; the description comes last, so that a folder with one is whole."""
    from safetensors.numpy import save

    folder.mkdir(parents=True, exist_ok=True)
    linear = drawer if isinstance(drawer, LinearDrawer) else drawer.linear
    tensors = {_COVARIANCE: np.ascontiguousarray(linear.covariance)}
    said: dict[str, Any] = {"mechanism": "linear", "settings": {}}
    if isinstance(drawer, NetworkDrawer):
        tensors |= {k: np.array(v.numpy(), order="C") for k, v in drawer.network.state_dict().items()}
        said = {"mechanism": drawer.mechanism, "settings": asdict(drawer.settings)}
    content = save(tensors)
    fingerprint = hashlib.sha256(content).hexdigest()[:16]
    described = {"format": FORMAT, "version": VERSION, "name": name, **said, "spec": SignalSpec().fingerprint,
                 "fingerprint": fingerprint}  # fmt: skip
    for file, bytes_ in ((TENSORS, content), (DESCRIPTION, (json.dumps(described, indent=2) + "\n").encode())):
        part = folder / f"{file}.part"
        part.write_bytes(bytes_)
        part.replace(folder / file)
    return Stored(drawer, name, fingerprint)


@lru_cache(maxsize=4)
def load_drawer(name_or_path: str | Path = "network") -> Stored:
    """A drawer by the name of one that is shipped ("linear", "network"), or from its folder.

    Raises:
        UnknownNameError: neither a shipped name nor a folder.
        CheckpointError: a file is missing, damaged, of another version or of another signal contract.
    """
    shipped = _WEIGHTS / str(name_or_path)
    folder = shipped if (shipped / DESCRIPTION).is_file() else Path(name_or_path)
    if not folder.is_dir():
        raise UnknownNameError(
            "lead drawer", str(name_or_path), [p.parent.name for p in _WEIGHTS.glob(f"*/{DESCRIPTION}")]
        )
    try:
        said = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        content = (folder / TENSORS).read_bytes()
        written = (said["format"], said["version"], said["spec"])
        if written != (FORMAT, VERSION, SignalSpec().fingerprint):
            raise ValueError("written by another version, or for another signal contract")
        if hashlib.sha256(content).hexdigest()[:16] != said["fingerprint"]:
            raise ValueError("its weights are not those that were written")
        return Stored(_assembled(said, content), str(said["name"]), str(said["fingerprint"]))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        reason = str(error) if type(error) is ValueError else type(error).__name__
        raise CheckpointError(
            f"{folder}: cannot be read as a lead drawer ({reason}): make it again with precordia train leads"
        ) from None


def _assembled(said: dict[str, Any], content: bytes) -> Drawer:
    from safetensors.numpy import load

    tensors = load(content)
    linear = LinearDrawer(tensors.pop(_COVARIANCE))
    if said["mechanism"] == "linear":
        return linear
    import torch

    settings: Training = built(Training, said["settings"])
    with torch.random.fork_rng(devices=[]):
        network = build_network(str(said["mechanism"]), settings)
    network.load_state_dict({k: torch.from_numpy(v) for k, v in tensors.items()})
    return NetworkDrawer(linear, network, str(said["mechanism"]), settings)
