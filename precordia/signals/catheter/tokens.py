"""Electrograms as words: quantised samples beside words of the site and the rhythm, one vocabulary for all.

After Text-EGM (Han et al., CHIL 2024, arXiv 2402.01115): there 1,000 samples between their least and greatest become tokens
``signal_0`` to ``signal_250``, and a word for fibrillation follows them. Here samples are fewer and coarser, so that two cores
can learn, and a word for the site comes first. The scale is that of the samples that are known: what is hidden does not give
itself away by it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from precordia.core.errors import UnusableSignalError

FS: Final = 200.0
WINDOW_S: Final = 2.0
SAMPLES: Final = round(FS * WINDOW_S)
LEVELS: Final = 64
VERSION: Final = 1
"""Raised when the vocabulary or the steps to it change: weights of another are refused."""

ROOM: Final = 0.15
"""Share of the known samples' range above and below it, where hidden ones may lie."""

RHYTHMS: Final = ("sinus", "flutter", "fibrillation")
SITES: Final = (
    "unknown", "high right atrium", "coronary sinus", "left atrial appendage", "pulmonary vein", "posterior wall"
)  # fmt: skip
UNKNOWN: Final = SITES[0]
MASK: Final = LEVELS
_FIRST_SITE: Final = MASK + 1
_FIRST_RHYTHM: Final = _FIRST_SITE + len(SITES)
WORDS: Final = _FIRST_RHYTHM + len(RHYTHMS)
"""Size of the vocabulary."""

LENGTH: Final = SAMPLES + 2
"""Of a sentence: the site, the samples, the rhythm."""

SIGNAL: Final = slice(1, 1 + SAMPLES)
RHYTHM_WORDS: Final = slice(_FIRST_RHYTHM, WORDS)

_CHANNELS: Final = (
    ("high right atrium", re.compile(r"^h?ra\b", re.IGNORECASE)),
    ("coronary sinus", re.compile(r"^cs", re.IGNORECASE)),
    ("left atrial appendage", re.compile(r"^laa\b", re.IGNORECASE)),
    ("pulmonary vein", re.compile(r"^(?:lasso|pv|[lr][si]pv)", re.IGNORECASE)),
    ("posterior wall", re.compile(r"^pw\b", re.IGNORECASE)),
)


@dataclass(frozen=True, eq=False)
class Sentences:
    """Electrograms in words, and how to come back.

    Attributes:
        words: ``(n, LENGTH)`` int64, the rhythm hidden.
        hidden: ``(n, SAMPLES)`` bool, samples that are hidden in ``words``.
        levels: ``(n, SAMPLES)`` int64, the words of all samples, hidden ones too where they were there.
        low: ``(n, 1)`` value of the lowest level.
        step: ``(n, 1)`` of one level to the next.
    """

    words: NDArray[np.int64]
    hidden: NDArray[np.bool_]
    levels: NDArray[np.int64]
    low: NDArray[np.float32]
    step: NDArray[np.float32]

    def values(self, levels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Levels, whole or between, in the electrograms' own unit."""
        return self.low + levels * self.step


def prepare(electrogram: NDArray[np.float64], fs: float) -> NDArray[np.float32]:
    """``(n_windows, SAMPLES)`` at :data:`FS`; what is left after the last whole window is not used.

    Args:
        electrogram: ``(n,)``, any unit; missing samples are NaN.
        fs: Hz, whole, from :data:`FS`.

    Raises:
        UnusableSignalError: it is too short, sampled too slowly, or nothing is in it.
    """
    row = np.asarray(electrogram, dtype=np.float64)
    known = np.isfinite(row)
    if fs < FS or row.size < WINDOW_S * fs or known.mean() < 0.5 or not np.ptp(row[known]) > 0.0:
        raise UnusableSignalError(
            f"an electrogram of {row.size / fs:.1f} s at {fs:g} Hz cannot be read; {WINDOW_S:g} s at {FS:g} Hz or more are needed"
        )
    at = np.arange(row.size)
    even = resample_poly(np.interp(at, at[known], row[known]), round(FS), round(fs), padtype="line")
    return np.asarray(even[: even.size // SAMPLES * SAMPLES].reshape(-1, SAMPLES), dtype=np.float32)


def sentences(rows: NDArray[np.float32], hidden: NDArray[np.bool_], sites: Sequence[str]) -> Sentences:
    """Electrograms in words.

    Args:
        rows: ``(n, SAMPLES)`` as :func:`prepare` gives them.
        hidden: ``(n, SAMPLES)`` bool, samples that are not shown; some are shown of each.
        sites: One of :data:`SITES` each.
    """
    low = np.where(hidden, np.inf, rows).min(axis=1, keepdims=True)
    high = np.where(hidden, -np.inf, rows).max(axis=1, keepdims=True)
    spread = np.maximum(high - low, 1e-9)
    low, step = low - ROOM * spread, (1.0 + 2.0 * ROOM) * spread / (LEVELS - 1)
    levels = np.clip(np.rint((rows - low) / step), 0, LEVELS - 1).astype(np.int64)
    words = np.full((len(rows), LENGTH), MASK, dtype=np.int64)
    words[:, 0] = [_FIRST_SITE + SITES.index(site) for site in sites]
    words[:, SIGNAL] = np.where(hidden, MASK, levels)
    return Sentences(words, hidden, levels, low.astype(np.float32), step.astype(np.float32))


def site_of(channel: str) -> str:
    """Where a channel of that name lies; "unknown" where the name does not say.

    >>> site_of("CS 3-4"), site_of("HRA"), site_of("ABL d")
    ('coronary sinus', 'high right atrium', 'unknown')
    """
    return next((site for site, pattern in _CHANNELS if pattern.search(channel.strip())), UNKNOWN)
