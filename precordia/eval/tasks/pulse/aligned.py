"""A pulse's beats beside those of a strap or an ECG, whose clock is another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]

LAGS_S: Final = np.arange(-6.0, 6.0, 0.02)
"""Shifts that are tried: clocks that were started by hand, and the way of the pulse to the finger."""

_FAR_S: Final = 0.3
NEAR: Final = 0.3
"""Share of an interval within which the middle of the other must lie."""


@dataclass(frozen=True, eq=False)
class Paired:
    """Intervals of both, one a row.

    Attributes:
        lag_s: What was added to the reference's clock, s.
        pulse_ms: ``(n,)``.
        reference_ms: ``(n,)``.
        n_reference: Intervals of the reference while the pulse was recorded.
    """

    lag_s: float
    pulse_ms: Times
    reference_ms: Times
    n_reference: int


def best_lag(beats_s: Times, reference_s: Times) -> float:
    """The shift of the reference with which its beats lie nearest to the pulse's, s."""

    def distance(lag: float) -> float:
        moved = reference_s + lag
        at = np.clip(np.searchsorted(moved, beats_s), 1, moved.size - 1)
        gaps = np.minimum(np.abs(moved[at] - beats_s), np.abs(moved[at - 1] - beats_s))
        return float(np.minimum(gaps, _FAR_S).mean())

    return float(LAGS_S[int(np.argmin([distance(float(lag)) for lag in LAGS_S]))])


def pair(ends_s: Times, rr_ms: Times, beats_s: Times, reference_s: Times, span_s: tuple[float, float]) -> Paired:
    """Intervals of a pulse beside the reference's at the same time.

    Args:
        ends_s: Ends of the pulse's intervals, s.
        rr_ms: Their lengths, ms.
        beats_s: The pulse's beats, by which the clocks are aligned.
        reference_s: The reference's beats on its own clock, s.
        span_s: Where the pulse was recorded.
    """
    lag = best_lag(beats_s, reference_s)
    moved = reference_s + lag
    other = np.diff(moved) * 1000.0
    inside = (moved[:-1] >= span_s[0]) & (moved[1:] <= span_s[1])
    middles, mine = (moved[1:] + moved[:-1]) / 2.0, ends_s - rr_ms / 2000.0
    pulse, reference = [], []
    for middle, length in zip(middles[inside], other[inside], strict=True):
        nearest = int(np.abs(mine - middle).argmin()) if mine.size else -1
        if nearest >= 0 and abs(float(mine[nearest] - middle)) < NEAR * length / 1000.0:
            pulse.append(float(rr_ms[nearest]))
            reference.append(float(length))
    return Paired(lag, np.array(pulse), np.array(reference), int(inside.sum()))
