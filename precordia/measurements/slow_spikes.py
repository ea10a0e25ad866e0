"""Pacemaker spikes where a sample lasts as long as the spike: recordings at 100 Hz and a little above.

There a stimulus is one or two samples, and so is the R wave of a narrow QRS complex. What tells them apart is seen on all
leads together: the distance from where they stood before rises out of quiet, falls back within 20 to 30 ms, and a
deflection at least as large (the beat that was set off) follows within 130 ms. No QRS complex is followed by a larger one
so soon. Spikes that no beat follows are those that point the same way as the ones that are followed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

SMALLEST_MV: Final = 0.12
"""Smallest spike, root mean square over the leads, mV."""

LEFT_SHARE: Final = 0.6
"""What may be left of a spike 20 or 30 ms after it, as a share of its height."""

QUIET_SHARE: Final = 0.3
"""Largest movement in the 40 ms before it, as a share of its height."""

FOLLOWED_S: Final = (0.04, 0.13)
"""When the beat that a stimulus sets off is at its largest or on its way there, s after the stimulus."""

FEWEST: Final = 3
"""Fewer spikes with a beat after them are an artefact or a chance."""

FOLLOWED_SHARE: Final = 0.4
"""Where fewer of all sharp deflections are followed, the others are narrow QRS complexes and those followed are P waves."""

SAME_WAY: Final = (0.6, 0.8)
"""Least cosine, over the leads, between a spike that a beat follows, or one that none follows, and the usual spike. What a
sample holds of a spike depends on where between two samples it falls, hence the room."""


@dataclass(frozen=True, eq=False)
class _Jumps:
    """Sharp deflections of all leads together: sample, ``(n_leads, n)`` step in mV, and whether a larger one follows."""

    at: NDArray[np.intp]
    steps: NDArray[np.float64]
    followed: NDArray[np.bool_]


def find_slow_spikes(signal: NDArray[np.float64], fs: float) -> NDArray[np.int64]:
    """Sample of each pacemaker spike's peak, in order.

    Args:
        signal: ``(n_leads, n)``, mV, unfiltered.
        fs: Hz, about 100 to 240.
    """
    none = np.empty(0, dtype=np.int64)
    jumps = _jumps(signal, max(1, round(fs / 100)))
    if jumps is None:
        return none
    followed = jumps.followed
    if np.count_nonzero(followed) < max(FEWEST, FOLLOWED_SHARE * followed.size):
        return none
    ways = jumps.steps / np.linalg.norm(jumps.steps, axis=0)
    usual = ways[:, followed].mean(axis=1)
    cosine = usual @ ways / np.linalg.norm(usual)
    spikes = cosine >= np.where(followed, SAME_WAY[0], SAME_WAY[1])
    found: NDArray[np.int64] = jumps.at[spikes].astype(np.int64)
    return found if found.size >= FEWEST else none


def _jumps(signal: NDArray[np.float64], step: int) -> _Jumps | None:
    first, last = round(FOLLOWED_S[0] * 100) * step, round(FOLLOWED_S[1] * 100) * step
    start, stop = 6 * step, signal.shape[1] - last
    if stop - start < 1:
        return None
    before = np.asarray(sum(signal[:, start - k * step : stop - k * step] for k in (2, 3, 4)), dtype=np.float64) / 3
    height = _length(signal[:, start:stop] - before)
    padded = np.pad(height, step)
    top = (height >= padded[: -2 * step]) & (height >= padded[2 * step :])
    top &= height > SMALLEST_MV * np.sqrt(signal.shape[0])
    at, before, height = np.flatnonzero(top) + start, before[:, top], height[top]
    quiet = _moved(signal, at, before, range(-6 * step, -step)).max(axis=0) < QUIET_SHARE * height
    at, before, height = at[quiet], before[:, quiet], height[quiet]
    sharp = _moved(signal, at, before, range(2 * step, 3 * step + 1)).min(axis=0) < LEFT_SHARE * height
    at, before, height = at[sharp], before[:, sharp], height[sharp]
    followed = _moved(signal, at, before, range(first, last + 1)).max(axis=0) > height
    return _Jumps(at, signal[:, at] - before, followed)


def _moved(
    signal: NDArray[np.float64], at: NDArray[np.intp], before: NDArray[np.float64], offsets: range
) -> NDArray[np.float64]:
    """``(n_offsets, n)``: how far all leads together are from where they stood before, so many samples from each jump, mV."""
    return _length(signal[:, at[None, :] + np.array(offsets)[:, None]] - before[:, None, :])


def _length(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Length over the leads, the first axis."""
    return np.asarray(np.sqrt(np.einsum("l...,l...->...", steps, steps)), dtype=np.float64)
