"""Pacemaker spikes where a sample lasts as long as the spike: recordings at 100 Hz and a little above.

There a stimulus is one or two samples, and so is the R wave of a narrow QRS complex. What is sharp is seen on all leads
together: the distance from where they stood before rises out of quiet and falls back within 20 or 30 ms. Of what is sharp a
stimulus is what a larger deflection (the beat that it sets off) follows within 130 ms, as none follows a QRS complex so soon,
or what is small beside the QRS complexes; and a pacemaker's stimuli all point the same way over the leads, answered or not.
Noise points everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.records.peaks import peaks_of

SMALLEST_MV: Final = 0.12
"""Smallest spike, root mean square over the leads, mV."""

LEFT_SHARE: Final = (0.4, 0.6)
"""What may be left of a spike within 20 ms, as a share of its height (of a small R or Q wave half is), and within 30 ms where
others have shown which way the spikes point."""

QUIET_SHARE: Final = 0.3
"""Largest movement in the 40 ms before it, as a share of its height."""

FOLLOWED_S: Final = (0.04, 0.13)
"""When the beat that a stimulus sets off is at its largest or on its way there, s after the stimulus."""

LARGEST_SHARE: Final = 0.5
LARGEST_TIMES: Final = 2.5
"""What no beat follows is a QRS complex from this share of the QRS complexes on; where stimuli that a beat follows show how large
they are, from so many times that."""

COMPLEX_SHARE: Final = 0.6
BOUND_S: Final = 0.03
"""What no beat follows within 130 ms, but after a longer time that is the same to within this, s, is a sharp P wave; a
complex reaches so much of the typical one's height."""

SAME_WAY: Final = (0.6, 0.8)
"""Least cosine, over the leads, between a spike that a beat follows, or one that none follows, and the usual spike. What a
sample holds of a spike depends on where between two samples it falls, hence the room."""

FEWEST: Final = 3
"""Fewer spikes are an artefact or a chance."""

LEAST_SHARE: Final = 0.4
"""Where fewer of all sharp deflections are spikes, the others are narrow QRS complexes, and these are sharp P waves or noise."""


@dataclass(frozen=True, eq=False)
class _Jumps:
    """Sharp deflections of all leads together: sample, ``(n_leads, n)`` step in mV, whether little is left, whether a larger one
    follows."""

    at: NDArray[np.intp]
    steps: NDArray[np.float64]
    gone: NDArray[np.bool_]
    followed: NDArray[np.bool_]


def find_slow_spikes(signal: NDArray[np.float64], fs: float) -> NDArray[np.int64]:
    """Sample of each pacemaker spike's peak, in order.

    Args:
        signal: ``(n_leads, n)``, mV, unfiltered.
        fs: Hz, about 100 to 240.
    """
    none = np.empty(0, dtype=np.int64)
    unit = max(1, round(fs / 100))
    jumps = _jumps(signal, unit)
    if jumps is None or jumps.at.size < FEWEST:
        return none
    heights = np.linalg.norm(jumps.steps, axis=0)
    size = _length(signal - np.median(signal, axis=1, keepdims=True))
    typical = float(np.median([piece.max() for piece in np.array_split(size, max(1, size.size // (150 * unit)))]))
    small = jumps.followed | (heights <= LARGEST_SHARE * typical)
    sure = jumps.gone & small
    if np.count_nonzero(sure) < FEWEST:
        return none
    ways = jumps.steps / heights
    alike = ways.T @ ways >= SAME_WAY[1]
    first = sure & alike[alike[:, sure].sum(axis=1).argmax()]
    usual = ways[:, first].mean(axis=1)
    spikes = usual @ ways >= np.where(jumps.followed, *SAME_WAY) * np.linalg.norm(usual)
    enough = max(FEWEST, LEAST_SHARE * jumps.at.size)
    answered = np.count_nonzero(jumps.followed & spikes) >= enough
    spikes &= heights <= LARGEST_TIMES * np.median(heights[first]) if answered else small
    found: NDArray[np.int64] = jumps.at[spikes].astype(np.int64)
    if found.size < enough or np.count_nonzero(spikes & sure) < FEWEST:
        return none
    complexes = peaks_of(size, COMPLEX_SHARE * typical, 25 * unit)
    return found if answered or not _leads_to(found, complexes, BOUND_S * fs) else none


def _leads_to(steps: NDArray[np.int64], complexes: NDArray[np.intp], spread: float) -> bool:
    """Whether a complex follows nearly every step after the same time."""
    after = np.searchsorted(complexes, steps, side="right")
    inside = after < complexes.size
    lag = complexes[after[inside]] - steps[inside]
    return bool(lag.size) and bool(np.mean(np.abs(lag - np.median(lag)) <= spread) >= 0.8)


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
    left = _moved(signal, at, before, range(step, 3 * step + 1))
    sharp = left.min(axis=0) < LEFT_SHARE[1] * height
    gone = (left[: step + 1].min(axis=0) < LEFT_SHARE[0] * height)[sharp]
    at, before, height = at[sharp], before[:, sharp], height[sharp]
    followed = _moved(signal, at, before, range(first, last + 1)).max(axis=0) > height
    return _Jumps(at, signal[:, at] - before, gone, followed)


def _moved(
    signal: NDArray[np.float64], at: NDArray[np.intp], before: NDArray[np.float64], offsets: range
) -> NDArray[np.float64]:
    """``(n_offsets, n)``: how far all leads together are from where they stood before, so many samples from each jump, mV."""
    return _length(signal[:, at[None, :] + np.array(offsets)[:, None]] - before[:, None, :])


def _length(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Length over the leads, the first axis."""
    return np.asarray(np.sqrt(np.einsum("l...,l...->...", steps, steps)), dtype=np.float64)
