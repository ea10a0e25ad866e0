"""Adapters: what an encoder has learned of one archive, as a small folder beside weights that stay as they are.

A folder holds ``adapter.safetensors`` (two factors a layer) and ``adapter.json`` (format, version, checksum, the encoder it
stands on, the hash of the labels, how it was trained, what its check gave). :func:`~precordia.encoders.load_encoder` opens it
like any checkpoint. Its fingerprint is made of the base's and of the adapter's content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from precordia.core.errors import CheckpointError
from precordia.encoders.encoder import SignalEncoder

if TYPE_CHECKING:
    from precordia.encoders.low_rank import Factors

FORMAT: Final = "precordia-adapter"
VERSION: Final = 1
DESCRIPTION: Final = "adapter.json"
FACTORS: Final = "adapter.safetensors"


@dataclass(frozen=True, eq=False)
class Adapter:
    """Low-rank updates of an encoder's layers.

    Attributes:
        factors: Layer to its update.
        base: Name or folder of the encoder that it stands on.
        base_fingerprint: Of that encoder.
        labels_hash: Of the labels that it was trained on.
        recipe: How it was trained, seed included, as plain values.
        check: What it was worth on held-back patients of the archive, as plain values; empty where it was not checked.
        recommended: Whether the check was good enough to use it.
    """

    factors: Mapping[str, Factors]
    base: str
    base_fingerprint: str
    labels_hash: str
    recipe: Mapping[str, Any] = field(default_factory=dict)
    check: Mapping[str, Any] = field(default_factory=dict)
    recommended: bool = False

    def __repr__(self) -> str:
        return f"Adapter({self.n_parameters} parameters on {self.base_fingerprint})"

    @property
    def n_parameters(self) -> int:
        """Numbers in all factors."""
        return sum(each.down.size + each.up.size for each in self.factors.values())

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits, of the base's fingerprint and the factors: the adapted encoder's own."""
        digest = hashlib.sha256(json.dumps([FORMAT, VERSION, self.base_fingerprint]).encode())
        for name in sorted(self.factors):
            for array in (self.factors[name].down, self.factors[name].up):
                digest.update(f"{name}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:16]

    def adapted(self, base: SignalEncoder, *, merge: bool = True) -> SignalEncoder:
        """The encoder with the adapter.

        Args:
            base: The encoder that it stands on.
            merge: Add the updates to the weights, which is faster; else they run as branches beside. The vectors are the
                same to 1e-5.

        Raises:
            CheckpointError: the adapter stands on another encoder, or does not fit its layers.
        """
        from precordia.encoders.low_rank import layers_of, merged, with_branches

        if base.fingerprint != self.base_fingerprint:
            raise CheckpointError(
                f"the adapter stands on encoder {self.base!r} of fingerprint {self.base_fingerprint}, not on "
                f"{base.fingerprint}: bring that encoder back, or adapt again"
            )
        layers = layers_of(base.network)
        for name, each in self.factors.items():
            rows = len(layers[name].weight) if name in layers else 0
            if not rows or each.up.shape[0] != rows or each.down.shape[1] * rows != layers[name].weight.numel():
                raise CheckpointError(f"the adapter does not fit the encoder's layer {name}: adapt again")
        network = (merged if merge else with_branches)(base.network, self.factors)
        return SignalEncoder(
            network,
            base.spec,
            self.fingerprint,
            text_projection=base.text_projection,
            text_fingerprint=base.text_fingerprint,
            batch_size=base.batch_size,
        )

    def save(self, folder: Path) -> None:
        """Write it; the description comes last, so that a folder with one is whole."""
        from safetensors.numpy import save

        folder.mkdir(parents=True, exist_ok=True)
        content = save(
            {f"{name}.{part}": np.ascontiguousarray(getattr(each, part)) for name, each in sorted(self.factors.items())
             for part in ("down", "up")}
        )  # fmt: skip
        _put(folder / FACTORS, content)
        description = {
            "format": FORMAT,
            "version": VERSION,
            "checksum": hashlib.sha256(content).hexdigest(),
            "fingerprint": self.fingerprint,
            "base": self.base,
            "base_fingerprint": self.base_fingerprint,
            "labels_hash": self.labels_hash,
            "n_parameters": self.n_parameters,
            "recipe": dict(self.recipe),
            "check": dict(self.check),
            "recommended": self.recommended,
        }
        _put(folder / DESCRIPTION, (json.dumps(description, indent=2, sort_keys=True) + "\n").encode())


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter."""
    return (folder / DESCRIPTION).is_file()


def load_adapter(folder: Path | str) -> Adapter:
    """Read an adapter.

    Raises:
        CheckpointError: a file is missing, damaged or of another version.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    from precordia.encoders.low_rank import Factors

    folder = Path(folder)
    try:
        stated = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        written = (stated["format"], stated["version"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{folder / DESCRIPTION}: cannot be read as an adapter's description ({type(error).__name__}); "
            "is this what precordia adapt wrote?"
        ) from None
    if written != (FORMAT, VERSION):
        raise CheckpointError(
            f"{folder}: written as {written[0]!r} version {written[1]!r}, this release reads {FORMAT!r} version {VERSION}: "
            "adapt again"
        )
    try:
        content = (folder / FACTORS).read_bytes()
        if hashlib.sha256(content).hexdigest() != stated["checksum"]:
            raise ValueError("its checksum is another")
        tensors = load(content)
        names = sorted({name.rpartition(".")[0] for name in tensors})
        adapter = Adapter(
            {name: Factors(tensors[f"{name}.down"], tensors[f"{name}.up"]) for name in names},
            str(stated["base"]), str(stated["base_fingerprint"]), str(stated["labels_hash"]),
            dict(stated["recipe"]), dict(stated["check"]), stated["recommended"] is True,
        )  # fmt: skip
        if adapter.fingerprint != stated["fingerprint"]:
            raise ValueError("its fingerprint is another")
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        reason = str(error) if type(error) is ValueError else type(error).__name__
        raise CheckpointError(
            f"{folder / FACTORS}: is not what was written ({reason}): copy the folder again, or adapt again"
        ) from None
    return adapter


def _put(file: Path, content: bytes) -> None:
    part = file.with_name(f"{file.name}.part")
    part.write_bytes(content)
    part.replace(file)
