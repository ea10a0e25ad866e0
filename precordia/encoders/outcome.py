"""How a training went, kept beside its weights as ``training.json``: what the model card says about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from precordia.core.errors import CheckpointError

if TYPE_CHECKING:
    import torch

_FILE = "training.json"
_PACKAGES = ("torch", "numpy", "scipy", "safetensors", "accelerate", "sentence-transformers")
"""Packages whose version can change what a training computes."""


@dataclass(frozen=True)
class Outcome:
    """How a training went.

    Attributes:
        epochs: Epochs done.
        best_epoch: The epoch whose weights were kept.
        steps: Steps of the optimizer.
        seconds: Wall-clock time, s, over all parts of an interrupted training.
        curve_end: Column of the curve to its last value.
        started_from: Fingerprint of the encoder it started from, or "".
        probe_findings: What the probe asked about.
        processes: How many shared the work.
        hardware: Kind of processor, without names of machines.
        versions: Package to version.
    """

    epochs: int
    best_epoch: int
    steps: int
    seconds: float
    curve_end: Mapping[str, float]
    started_from: str = ""
    probe_findings: tuple[str, ...] = ()
    processes: int = 1
    hardware: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write into a checkpoint's folder."""
        (folder / _FILE).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Outcome | None:
        """That of a checkpoint's folder; None if it has none.

        Raises:
            CheckpointError: the file is not one.
        """
        path = folder / _FILE
        if not path.is_file():
            return None
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{**values, "probe_findings": tuple(values["probe_findings"])})
        except (ValueError, TypeError, KeyError) as error:
            raise CheckpointError(f"{path}: not the outcome of a training ({type(error).__name__})") from error


def hardware(device: torch.device) -> str:
    """The kind of processor: a GPU's product name, or the CPU's architecture and threads."""
    import platform

    import torch

    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return f"CPU {platform.machine()}, {torch.get_num_threads()} threads"


def versions() -> dict[str, str]:
    """This package's version, Python's and those of the packages that compute."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    from precordia import __version__

    out = {"precordia": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            out[package] = version(package)
        except PackageNotFoundError:
            continue
    return out
