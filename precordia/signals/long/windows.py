"""A long recording as windows with a vector each: what is most like a place in it, and which places are unlike the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.recording import Recording
from precordia.signals.door import admit
from precordia.signals.long.source import LongSignal

Embed = Callable[[Sequence[Recording]], NDArray[np.float32]]

WINDOW_S: Final = 10.0
SHORTEST_S: Final = 2.5
"""Shortest window that encoders take, s."""
BATCH: Final = 64


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows in the order of time.

    Attributes:
        start_s: ``(n,)`` s.
        end_s: ``(n,)`` s.
        vectors: ``(n, dim)`` float32, unit length; of a window without a usable lead all zero.
    """

    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    vectors: NDArray[np.float32]

    def __len__(self) -> int:
        return int(self.start_s.size)

    def nearest(self, vector: NDArray[np.float32], k: int, apart_s: float = WINDOW_S) -> list[tuple[int, float]]:
        """The windows most like a vector with their cosine similarities, no two nearer in time than ``apart_s``."""
        return self._best(self.vectors @ vector, k, apart_s)

    def unlike(self, k: int, apart_s: float = WINDOW_S) -> list[tuple[int, float]]:
        """The windows least like the recording as a whole, with how far each is from it (1 - cosine)."""
        return self._best(self.distance(), k, apart_s)

    def distance(self) -> NDArray[np.float32]:
        """``(n,)`` how far each window is from the median of all, 1 - cosine; 0 of a window without a signal."""
        alive = np.linalg.norm(self.vectors, axis=1) > 0.5
        middle = np.median(self.vectors[alive], axis=0) if alive.any() else self.vectors[:1].sum(axis=0)
        middle /= max(float(np.linalg.norm(middle)), 1e-9)
        out: NDArray[np.float32] = np.where(alive, 1 - self.vectors @ middle, 0.0).astype(np.float32)
        return out

    def _best(self, score: NDArray[np.float32], k: int, apart_s: float) -> list[tuple[int, float]]:
        taken: list[tuple[int, float]] = []
        for i in np.argsort(-score, kind="stable"):
            if all(abs(self.start_s[i] - self.start_s[j]) >= apart_s for j, _ in taken):
                taken.append((int(i), float(score[i])))
            if len(taken) == k:
                break
        return taken


def windows_of(signal: LongSignal, embed: Embed, *, window_s: float = WINDOW_S, stride_s: float = WINDOW_S) -> Windows:
    """The windows of a recording, read and embedded batch by batch.

    Args:
        signal: The recording.
        embed: An encoder's ``embed``.
        window_s: Length, from :data:`SHORTEST_S`, s.
        stride_s: From the beginning of one to that of the next, s.

    Raises:
        UnusableSignalError: it is no ECG.
    """
    last = max(signal.duration_s - SHORTEST_S, 0.0)
    start = np.arange(0.0, last + 1e-9, stride_s)
    end = np.minimum(start + window_s, signal.duration_s)
    vectors = np.zeros((start.size, 0), np.float32)  # stays zero while electrodes are off
    for first in range(0, start.size, BATCH):
        cut = [
            admit(signal.strip(a, b)).recording
            for a, b in zip(start[first : first + BATCH], end[first : first + BATCH], strict=True)
        ]
        alive = [first + i for i, one in enumerate(cut) if _has_signal(one)]
        if alive:
            of_these = embed([cut[i - first] for i in alive])
            vectors = vectors if vectors.size else np.zeros((start.size, of_these.shape[1]), np.float32)
            vectors[alive] = of_these
    return Windows(start, end, vectors)


def _has_signal(recording: Recording) -> bool:
    good = np.isfinite(recording.signal)
    return bool((good.mean(axis=1) > 0.5).any() and np.nanmax(np.abs(np.diff(recording.signal, axis=1)), initial=0) > 0)
