"""The space that ECGs and a second modality share: a head for each side; the ECG encoder itself is not changed.

A folder holds ``pairs.npz`` and ``pairs.json`` (format, version, columns, and the fingerprint of the ECG encoder that the head
stands on, beside any other of which it is refused).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import CheckpointError, MismatchError, UsageError

FORMAT: Final = "precordia-paired-space"
VERSION: Final = 1
COMMAND: Final = "precordia train pairs FILE --out DIR"
Rows = NDArray[np.float32]
_ARRAYS: Final = ("ecg_mean", "ecg_head", "mean", "spread", "hidden", "bias", "head")


@dataclass(frozen=True, eq=False)
class PairedSpace:
    """Two heads.

    Attributes:
        columns: Of the second modality.
        encoder_fingerprint: Of the ECG encoder.
        ecg_mean: ``(dim,)`` taken off ECG vectors.
        ecg_head: ``(shared, dim)``.
        mean, spread: ``(n_columns,)`` of the training's values.
        hidden, bias: ``(h, n_columns)`` and ``(h,)``: first layer of the other side, a hyperbolic tangent after it; no rows
            where that side is linear.
        head: ``(shared, h)``, or ``(shared, n_columns)`` where that side is linear.
    """

    columns: tuple[str, ...]
    encoder_fingerprint: str
    ecg_mean: Rows
    ecg_head: Rows
    mean: Rows
    spread: Rows
    hidden: Rows
    bias: Rows
    head: Rows

    def coordinates(self, vectors: Rows) -> Rows:
        """The encoder's vectors ``(n, dim)`` in the shared space ``(n, shared)``, their lengths kept: what probes learn from."""
        return np.asarray((vectors - self.ecg_mean) @ self.ecg_head.T, dtype=np.float32)

    def of_ecgs(self, vectors: Rows) -> Rows:
        """The same of unit norm."""
        return _unit(self.coordinates(vectors))

    def of_values(self, values: NDArray[np.float64]) -> Rows:
        """Values ``(n, n_columns)`` in the shared space, unit norm; a missing one (NaN) counts as the training's mean."""
        scaled = np.nan_to_num((values - self.mean) / self.spread).astype(np.float32)
        inner = np.tanh(scaled @ self.hidden.T + self.bias) if self.hidden.size else scaled
        return _unit(inner @ self.head.T)

    def ecgs_like(self, values: Mapping[str, float], vectors: Rows, k: int = 10) -> tuple[NDArray[np.intp], Rows]:
        """ECGs whose second modality looked like this: rows of ``vectors`` and cosines, best first, ``(k,)`` each.

        Args:
            values: Column to number; a column left out counts as the training's mean.
            vectors: ``(n, dim)`` of an archive's ECGs, by the encoder of :attr:`encoder_fingerprint`.
            k: How many.

        Raises:
            UsageError: no column, or one that the pairs did not have.
        """
        if not values or (unknown := sorted(set(values) - set(self.columns))):
            named = ", ".join(unknown) if values else "nothing"
            raise UsageError(f"pairs know no {named} (columns: {', '.join(self.columns)})")
        row = np.array([[values.get(column, np.nan) for column in self.columns]])
        cosines = self.of_ecgs(vectors) @ self.of_values(row)[0]
        best = np.argsort(-cosines, kind="stable")[:k]
        return best, cosines[best]


def save_space(space: PairedSpace, folder: Path) -> None:
    """Write the folder's two files."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "pairs.npz").open("wb") as file:
        np.savez(file, **{name: getattr(space, name) for name in _ARRAYS})
    description = {
        "format": FORMAT,
        "version": VERSION,
        "columns": list(space.columns),
        "encoder_fingerprint": space.encoder_fingerprint,
    }
    (folder / "pairs.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def load_space(folder: Path | str, encoder_fingerprint: str) -> PairedSpace:
    """What :func:`save_space` wrote, for one ECG encoder.

    Raises:
        CheckpointError: a file is missing or damaged.
        MismatchError: it was trained on another encoder's vectors.
    """
    place = Path(folder)
    try:
        description = json.loads((place / "pairs.json").read_text(encoding="utf-8"))
        stated = (description["format"], description["version"])
        columns, fingerprint = tuple(description["columns"]), str(description["encoder_fingerprint"])
        with np.load(place / "pairs.npz") as kept:
            arrays = {name: kept[name] for name in _ARRAYS}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{place}: no paired space that can be read; make it with `{COMMAND}`") from error
    if stated != (FORMAT, VERSION):
        raise CheckpointError(f"{place}: a paired space of another version; make it anew with `{COMMAND}`")
    if fingerprint != encoder_fingerprint:
        raise MismatchError(
            f"{place}: was trained on vectors of ECG encoder {fingerprint}, not {encoder_fingerprint}; make it anew with "
            f"`{COMMAND}`"
        )
    return PairedSpace(columns, fingerprint, **arrays)


def _unit(rows: NDArray[Any]) -> Rows:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), dtype=np.float32)
