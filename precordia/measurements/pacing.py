"""Pacemaker spikes: found and bridged before any filter can smear them into the QRS complex.

A stimulus lasts about half a millisecond; after the recorder's own filter it is one to three samples wide. Its curvature
is then several times that of the sharpest QRS complex, whose power ends near 100 Hz (Kligfield et al., Circulation
2007;115:1306-1324).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.measurements.slow_spikes import find_slow_spikes
from precordia.measurements.working_rate import BEFORE, FS

LOWEST_FS: Final = 240.0
"""Below this rate a spike that runs into its QRS complex cannot be told from it, Hz; one that stands apart can."""

CURVATURE_MV: Final = 0.30
"""Smallest second difference of a spike, mV."""

STANDS_OUT: Final = 6.0
"""How far it must exceed the curvature of the lead's QRS complexes (their 98th percentile over the signal)."""

QUIET_SHARE: Final = 0.2
"""Largest curvature in the 30 ms before a spike, as a share of the spike's."""

RETURN_SHARE: Final = 0.5
"""What may be left of a spike 8 ms after it, as a share of its height; a QRS complex goes on."""

LONGEST_LATENCY: Final = 0.16 * FS
"""A ventricular stimulus precedes its R position by no more than this, samples at the working rate (a paced complex of 200 ms
has its steepest part there)."""

CAPTURE_S: Final = (-0.06, 0.30)
"""A beat whose R position lies so long after a spike answers it, s: from a spike that falls into a complex already begun
to an atrial one with a long PR interval."""

MOST_A_SECOND: Final = 4.0
"""More spikes than this are artefact (two chambers at 120 a minute give four)."""

BRIDGE_S: Final = (0.004, 0.010)
"""What is bridged before and after a spike, s: the stimulus and the start of its discharge."""

SLOW_BRIDGE_S: Final = (0.020, 0.020)
"""The same below :data:`LOWEST_FS`, where a spike is its peak and a part of the samples beside it."""


def find_spikes(signal: NDArray[np.float64], fs: float) -> NDArray[np.int64]:
    """Sample of each pacemaker spike, in order; below :data:`LOWEST_FS` only of spikes that stand apart from the QRS complex.

    Args:
        signal: ``(n_leads, n)``, mV, unfiltered, at the recording's own rate.
        fs: Hz.
    """
    none = np.empty(0, dtype=np.int64)
    if signal.shape[1] < fs:
        return none
    if fs < LOWEST_FS:
        return find_slow_spikes(signal, fs)
    curvature = np.abs(signal[:, 2:] - 2 * signal[:, 1:-1] + signal[:, :-2])
    # Most recordings end here: no limit is lower.
    if int((curvature > CURVATURE_MV).any(axis=1).sum()) < min(2, signal.shape[0]):
        return none
    usual = np.quantile(curvature[:, :: max(1, curvature.shape[1] // 5000)], 0.98, axis=1)
    limit = np.maximum(CURVATURE_MV, STANDS_OUT * usual)
    votes = (curvature > limit[:, None]).sum(axis=0)
    at = np.flatnonzero(votes >= min(2, signal.shape[0])) + 1
    if not at.size:
        return none
    groups = np.split(at, np.flatnonzero(np.diff(at) > 0.012 * fs) + 1)
    spikes = [
        int(g[0])
        for g in groups
        if g[-1] - g[0] <= 0.010 * fs
        and _from_quiet(curvature, int(g[0]) - 1, limit, fs)
        and _returns(signal, int(g[0]), fs)
    ]
    return np.array(spikes if len(spikes) <= MOST_A_SECOND * signal.shape[1] / fs else [], dtype=np.int64)


def stimulus_before(spikes: NDArray[np.float64], beats: NDArray[np.int64]) -> int | None:
    """Column, in an average of these beats, of the spike that precedes half of them or more; None when they are not paced.

    Args:
        spikes: Samples of the spikes at the working rate.
        beats: Samples of the beats.
    """
    if not spikes.size or not beats.size:
        return None
    lag = beats[:, None] - spikes[None, :]
    lag = np.where((lag >= 0) & (lag <= LONGEST_LATENCY), lag, np.inf).min(axis=1)
    paced = lag[np.isfinite(lag)]
    return BEFORE - round(float(np.median(paced))) if paced.size >= beats.size / 2 else None


def captured(spikes: NDArray[np.float64], beats: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a QRS complex answers each spike (both in samples at the working rate)."""
    if not beats.size:
        return np.zeros(spikes.size, dtype=np.bool_)
    lag = beats[None, :] - spikes[:, None]
    return np.asarray(((lag >= CAPTURE_S[0] * FS) & (lag <= CAPTURE_S[1] * FS)).any(axis=1), dtype=np.bool_)


def _from_quiet(curvature: NDArray[np.float64], at: int, limit: NDArray[np.float64], fs: float) -> bool:
    """Whether a spike rises out of a quiet stretch, as a stimulus does and a notch within a QRS complex does not."""
    first, last = at - round(0.030 * fs), at - round(0.004 * fs)
    if first < 0 or at + round(0.020 * fs) > curvature.shape[1]:
        return False
    height = curvature[:, at : at + max(1, round(0.004 * fs)) + 1].max(axis=1)
    spiking = height > limit
    before = curvature[:, first:last].max(axis=1)
    return bool(spiking.any() and np.median(before[spiking] / height[spiking]) < QUIET_SHARE)


def _returns(signal: NDArray[np.float64], at: int, fs: float) -> bool:
    """Whether the signal is back near where it was 8 ms after the spike, in the leads that show it most."""
    short, long = max(1, round(0.004 * fs)), round(0.008 * fs)
    before = signal[:, max(0, at - short)]
    height = np.abs(signal[:, at : at + short + 1] - before[:, None]).max(axis=1)
    left = np.abs(signal[:, min(at + long, signal.shape[1] - 1)] - before)
    strongest = np.argsort(height)[-4:]
    return bool(np.median(left[strongest] / np.maximum(height[strongest], 1e-9)) < RETURN_SHARE)


def bridge_spikes(signal: NDArray[np.float64], spikes: NDArray[np.int64], fs: float) -> NDArray[np.float64]:
    """The signal with a straight line in place of each spike."""
    out = signal.copy()
    last = signal.shape[1] - 1
    before, after = BRIDGE_S if fs >= LOWEST_FS else SLOW_BRIDGE_S
    for spike in spikes:
        a = max(0, int(spike) - round(before * fs))
        b = min(last, int(spike) + round(after * fs))
        out[:, a : b + 1] = np.linspace(signal[:, a], signal[:, b], b - a + 1, axis=1)
    return out
