"""Which ECGs an encoder was trained on: what is measured on those flatters it.

Beside its weights a checkpoint keeps a shadow of each training ECG: its vector in a few random directions, rounded to a
byte. An ECG whose vector casts the same shadow is taken as seen, whatever rate or format it comes in. No ECG can be made
from a shadow.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from precordia.encoders.corpus import Corpus
    from precordia.encoders.encoder import SignalEncoder

FILE: Final = "seen.npy"
N_DIRECTIONS: Final = 64
SAME: Final = 0.985
"""Cosine similarity of two shadows from which on they are one ECG's: copies at another rate or format are above."""
_SEED: Final = 20
_ROWS: Final = 512
_BATCH: Final = 64


def shadows_of(vectors: NDArray[np.float32]) -> NDArray[np.int8]:
    """``(n, 64)`` the shadows of ``(n, dim)`` unit vectors."""
    directions = np.random.default_rng(_SEED).normal(size=(vectors.shape[1], N_DIRECTIONS))
    cast = vectors.astype(np.float64) @ directions
    cast *= 127 / np.maximum(np.abs(cast).max(axis=1, keepdims=True), 1e-12)
    return np.rint(cast).astype(np.int8)


def write_seen(checkpoint: Path, encoder: SignalEncoder, corpus: Corpus) -> None:
    """Keep the shadows of the ECGs that a checkpoint was trained on; those held out are not seen.

    Args:
        checkpoint: Its folder.
        encoder: That it holds.
        corpus: What it was trained on.
    """
    import torch

    from precordia.encoders.encoder import unit_rows
    from precordia.encoders.network import Inputs

    rows = np.flatnonzero(~corpus.held_out)
    parts = []
    with torch.inference_mode():
        for start in range(0, rows.size, _BATCH):
            some = rows[start : start + _BATCH]
            arrays = (corpus.signal[some], corpus.leads[some], corpus.samples[some], corpus.calibrated[some])
            inputs = Inputs(*(torch.from_numpy(np.ascontiguousarray(array)) for array in arrays))
            parts.append(unit_rows(encoder.network(inputs).embedding.numpy()))
    np.save(checkpoint / FILE, np.unique(shadows_of(np.concatenate(parts)), axis=0))


def seen_by(encoder: str, vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
    """``(n,)`` whether each of ``(n, dim)`` vectors is that of an ECG an encoder was trained on.

    Args:
        encoder: Name of weights that are shipped, or a checkpoint's folder; any other, and one that keeps no shadows, has
            seen none as far as is known.
        vectors: Of the ECGs, by that encoder.
    """
    from precordia.encoders.checkpoint import folder_of

    path = folder_of(encoder) / FILE
    if not path.is_file():
        return np.zeros(len(vectors), dtype=bool)
    known = _unit(np.load(path, allow_pickle=False))
    asked = _unit(shadows_of(vectors))
    found = [(asked[i : i + _ROWS] @ known.T).max(axis=1) >= SAME for i in range(0, len(asked), _ROWS)]
    return np.concatenate(found) if found else np.zeros(0, dtype=bool)


def middle_of_seen(encoder: str) -> NDArray[np.float64] | None:
    """``(64,)`` the sum of the unit shadows of the ECGs that an encoder was trained on; None where none are kept.

    Args:
        encoder: As for :func:`seen_by`.
    """
    from precordia.encoders.checkpoint import folder_of

    path = folder_of(encoder) / FILE
    if not path.is_file():
        return None
    middle: NDArray[np.float64] = _unit(np.load(path, allow_pickle=False)).sum(axis=0, dtype=np.float64)
    return middle


def unit_shadows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(n, 64)`` shadows of unit length: their cosines are nearly those of the vectors."""
    return _unit(shadows_of(vectors))


def _unit(shadows: NDArray[np.int8]) -> NDArray[np.float32]:
    rows = shadows.astype(np.float32)
    found: NDArray[np.float32] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    return found
