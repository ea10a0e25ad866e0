"""Vectors of few leads brought to where those of all leads lie, and fused with the vector of drawn leads (after SelfMIS).

The head was fitted on leads cut out of whole ECGs ("self-cut") against the same ECGs with all leads. It reads the encoder's
vector of the given leads and that of the twelve leads drawn from them. It belongs to one encoder and one drawer, whose
fingerprints it keeps: for others it is not used.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import CheckpointError, UnknownNameError
from precordia.core.leads import LIMB_LEADS

FORMAT: Final = "precordia-alignment"
VERSION: Final = 1
DESCRIPTION: Final = "alignment.json"
TENSORS: Final = "alignment.safetensors"
_WEIGHTS: Final = Path(__file__).parent / "weights"


@dataclass(frozen=True, eq=False)
class Head:
    """One hidden layer beside a direct way: numpy alone, so that a query needs no more than the encoder.

    Attributes:
        hidden: ``(width, inputs)``, and ``hidden_bias (width,)``.
        hidden_bias: See ``hidden``.
        out: ``(dim, width)``.
        direct: ``(dim, inputs)``.
        bias: ``(dim,)``.
    """

    hidden: NDArray[np.float32]
    hidden_bias: NDArray[np.float32]
    out: NDArray[np.float32]
    direct: NDArray[np.float32]
    bias: NDArray[np.float32]

    def __call__(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """``(n, dim)`` unit vectors of ``(n, inputs)``."""
        inner = np.maximum(inputs @ self.hidden.T + self.hidden_bias, 0.0)
        out = inner @ self.out.T + inputs @ self.direct.T + self.bias
        return _unit(out)


@dataclass(frozen=True, eq=False)
class Alignment:
    """Head and weights for one encoder.

    Attributes:
        head: From the direct vector, the drawn leads' vector and the group of leads to an aligned vector.
        groups: The groups of leads that it was fitted on, in the order of the head's last inputs.
        shares: Group to the weights of the direct, the drawn and the aligned vector in their sum.
        encoder: The encoder's fingerprint.
        drawer: Name or folder of what draws the missing leads.
        drawer_fingerprint: Its fingerprint.
        used: Whether it helped on held-back patients, and is used for searching.
    """

    head: Head
    groups: tuple[tuple[str, ...], ...]
    shares: dict[tuple[str, ...], tuple[float, float, float]]
    encoder: str
    drawer: str
    drawer_fingerprint: str
    used: bool

    def __repr__(self) -> str:
        return f"Alignment({'; '.join(', '.join(group) for group in self.groups)}, encoder {self.encoder})"

    def group_of(self, leads: Sequence[str]) -> tuple[str, ...] | None:
        """The group that a recording's leads are, or None. All limb leads are as many as I and II: the others follow."""
        there = frozenset(leads)
        if len(there & set(LIMB_LEADS)) >= 2:
            there = there - set(LIMB_LEADS) | {"I", "II"}
        return next((group for group in self.groups if frozenset(group) == there), None)

    def inputs(
        self, direct: NDArray[np.float32], drawn: NDArray[np.float32], group: tuple[str, ...]
    ) -> NDArray[np.float32]:
        """What the head reads, ``(n, 2 dim + n_groups)``, of unit vectors ``(n, dim)`` each."""
        which = np.zeros((len(direct), len(self.groups)), dtype=np.float32)
        which[:, self.groups.index(group)] = 1.0
        return np.concatenate([direct, drawn, which], axis=1)

    def fused(
        self, direct: NDArray[np.float32], drawn: NDArray[np.float32], group: tuple[str, ...]
    ) -> NDArray[np.float32]:
        """Unit vectors ``(n, dim)`` to search with among those of whole ECGs.

        Similarity to a fused vector is the same weighted sum of the three vectors' similarities, up to a factor a query.

        Args:
            direct: ``(n, dim)`` unit vectors of the given leads.
            drawn: ``(n, dim)`` unit vectors of the twelve leads drawn from them.
            group: One of :attr:`groups`.
        """
        parts = (direct, drawn, self.head(self.inputs(direct, drawn, group)))
        out = sum((share * part for share, part in zip(self.shares[group], parts, strict=True)), np.zeros_like(direct))
        return _unit(out)

    def save(self, folder: Path) -> str:
        """Write it, the description last; its fingerprint."""
        from safetensors.numpy import save

        folder.mkdir(parents=True, exist_ok=True)
        # Half precision moves a vector by about 1e-4, and halves what ships.
        content = save({name: np.ascontiguousarray(getattr(self.head, name), dtype=np.float16) for name in _PARTS})
        fingerprint = hashlib.sha256(content).hexdigest()[:16]
        described = {
            "format": FORMAT, "version": VERSION, "encoder": self.encoder, "drawer": self.drawer,
            "drawer_fingerprint": self.drawer_fingerprint, "used": self.used, "fingerprint": fingerprint,
            "groups": [list(group) for group in self.groups], "shares": [list(self.shares[g]) for g in self.groups],
        }  # fmt: skip
        for file, bytes_ in ((TENSORS, content), (DESCRIPTION, (json.dumps(described, indent=2) + "\n").encode())):
            part = folder / f"{file}.part"
            part.write_bytes(bytes_)
            part.replace(folder / file)
        return fingerprint


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    out: NDArray[np.float32] = (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)).astype(
        np.float32
    )
    return out


_PARTS: Final = ("hidden", "hidden_bias", "out", "direct", "bias")


@lru_cache(maxsize=4)
def load_alignment(name_or_path: str | Path = "aligned") -> Alignment:
    """The alignment that ships, or one from its folder.

    Raises:
        UnknownNameError: neither a shipped name nor a folder.
        CheckpointError: a file is missing, damaged or of another version.
    """
    from safetensors.numpy import load

    shipped = _WEIGHTS / str(name_or_path)
    folder = shipped if (shipped / DESCRIPTION).is_file() else Path(name_or_path)
    if not folder.is_dir():
        names = [p.parent.name for p in _WEIGHTS.glob(f"*/{DESCRIPTION}")]
        raise UnknownNameError("alignment", str(name_or_path), names)
    try:
        said = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        content = (folder / TENSORS).read_bytes()
        if (said["format"], said["version"]) != (FORMAT, VERSION):
            raise ValueError("written by another version")
        if hashlib.sha256(content).hexdigest()[:16] != said["fingerprint"]:
            raise ValueError("its weights are not those that were written")
        tensors = load(content)
        groups = tuple(tuple(group) for group in said["groups"])
        shares = {g: (float(s[0]), float(s[1]), float(s[2])) for g, s in zip(groups, said["shares"], strict=True)}
        return Alignment(
            Head(**{name: tensors[name].astype(np.float32) for name in _PARTS}), groups, shares, str(said["encoder"]),
            str(said["drawer"]), str(said["drawer_fingerprint"]), said["used"] is True,
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = str(error) if type(error) is ValueError else type(error).__name__
        raise CheckpointError(
            f"{folder}: cannot be read as an alignment ({reason}): make it again with precordia train leads aligned"
        ) from None
