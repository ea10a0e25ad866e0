"""What the measurements are made on: usable leads at one working rate, mains hum and baseline wander removed.

Recordings longer than :data:`MAX_S` are measured on evenly spaced stretches, so that time is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.measurements.pacing import bridge_spikes, find_spikes
from precordia.measurements.working_rate import FS
from precordia.records.filtering import butterworth, resampled, zero_phase
from precordia.records.peaks import moving_mean

MAX_S: Final = 120.0
"""Longest recording that is measured from end to end, s."""

STRETCHES: Final = 4
"""Number of stretches measured on a longer one, each ``MAX_S / STRETCHES`` long."""

MIN_S: Final = 1.2
"""Shortest signal in which a beat can be measured, s."""

CONSTANT_S: Final = 0.1
"""All leads unchanged for this long: no ECG is being recorded, s."""

MIN_VALID: Final = 0.5
"""Smallest share of samples present for a lead to be used."""

FLAT_MV: Final = 0.02
"""A lead whose samples span less than this (5th to 95th percentile of 1 s maxima) carries no QRS complex, mV."""

LIMIT_MV: Final = 20.0
"""Amplitudes beyond this are electrode artefacts and are clipped, mV."""


@dataclass(frozen=True, eq=False)
class Conditioned:
    """A stretch of a recording, ready to measure.

    Attributes:
        signal: ``(n_leads, n)`` float64, mV, 0.5 to 40 Hz, zero phase.
        leads: Names, one per row; only leads with a usable signal.
        start_s: Where the stretch starts in the recording, s.
        spikes_s: ``(n_spikes,)`` float64, pacemaker spikes (bridged in ``signal``), s from the start of the stretch.
    """

    signal: NDArray[np.float64]
    leads: tuple[str, ...]
    start_s: float
    spikes_s: NDArray[np.float64]

    @property
    def n_samples(self) -> int:
        """Number of columns of ``signal``."""
        return int(self.signal.shape[1])


def condition(recording: Recording) -> tuple[Conditioned, ...]:
    """The stretches of a recording to measure, in time order; empty when no lead has a usable signal.

    Standard leads are used; only when there is none of them, the other channels are.
    """
    rows = [i for i, lead in enumerate(recording.leads) if lead in LEADS] or list(range(recording.n_leads))
    names = [recording.leads[i] for i in rows]
    signal = recording.signal[rows]
    first, last = _recorded(signal, recording.fs)
    out = []
    for begin, end in _stretches(first, last, recording):
        piece = _condition_stretch(signal[:, begin:end], recording.fs, names, begin / recording.fs)
        if piece is not None:
            out.append(piece)
    return tuple(out)


def _recorded(signal: NDArray[np.float32], fs: float) -> tuple[int, int]:
    """Where the ECG begins and ends: files are padded with a constant or a calibration pulse, whose edges look like beats."""
    moves = np.flatnonzero((np.diff(signal, axis=1) != 0).any(axis=0))
    if not moves.size:
        return 0, 0
    breaks = np.flatnonzero(np.diff(moves) > CONSTANT_S * fs)
    starts, ends = moves[np.r_[0, breaks + 1]], moves[np.r_[breaks, moves.size - 1]]
    long = np.flatnonzero(ends - starts >= MIN_S * fs)
    if (ends - starts)[long].sum() <= 0.5 * (moves[-1] - moves[0]):
        # Still between the beats as well: a clean signal in coarse steps, not padding.
        starts, ends, long = moves[:1], moves[-1:], np.zeros(1, dtype=np.intp)
    # The step from the padding to the ECG, and back, is a change too, but no ECG.
    first, last = int(starts[long[0]]), int(ends[long[-1]])
    n = signal.shape[1]
    return (first + 1 if first else 0), (last + 1 if last < n - 2 else n)


def _stretches(first: int, last: int, recording: Recording) -> list[tuple[int, int]]:
    if recording.seams:
        inside = [seam for seam in recording.seams if first < seam < last]
        return list(pairwise([first, *inside, last]))
    if last - first <= MAX_S * recording.fs:
        return [(first, last)]
    width = round(MAX_S / STRETCHES * recording.fs)
    return [(int(s), int(s) + width) for s in np.linspace(first, last - width, STRETCHES).round()]


def _condition_stretch(signal: NDArray[np.float32], fs: float, names: list[str], start_s: float) -> Conditioned | None:
    if signal.shape[1] < MIN_S * fs:
        return None
    finite = np.isfinite(signal)
    kept = np.flatnonzero(finite.mean(axis=1) >= MIN_VALID)
    if not kept.size:
        return None
    leads = [names[k] for k in kept]
    x = signal[kept].astype(np.float64)
    index = np.arange(signal.shape[1])
    for row, k in enumerate(kept):
        if not finite[k].all():
            x[row] = np.interp(index, index[finite[k]], signal[k, finite[k]])
    np.clip(x, -LIMIT_MV * 10, LIMIT_MV * 10, out=x)
    spikes = find_spikes(x, fs)
    if spikes.size:
        x = bridge_spikes(x, spikes, fs)
    ratio = Fraction(FS / fs).limit_denominator(1000)
    if ratio != 1:
        up, down = ratio.numerator, ratio.denominator
        x = resampled(x, up, down)
    x = zero_phase(_band(), x, min(x.shape[1] - 1, round(2 * FS)), odd=True)
    np.clip(x, -LIMIT_MV, LIMIT_MV, out=x)
    usable = np.ptp(x, axis=1) >= FLAT_MV
    if not usable.any():
        return None
    return Conditioned(x[usable], tuple(np.array(leads)[usable].tolist()), start_s, spikes / fs)


@lru_cache(maxsize=1)
def _band() -> NDArray[np.float64]:
    high = butterworth(1, 0.5, "highpass", FS)
    low = butterworth(2, 40.0, "lowpass", FS)
    sections: NDArray[np.float64] = np.concatenate([high, low])
    return sections


def smooth(signal: NDArray[np.float64], width_ms: float) -> NDArray[np.float64]:
    """Moving average over about ``width_ms`` (an odd number of samples) along the last axis."""
    width = max(1, round(width_ms * FS / 1000))
    return moving_mean(signal, width + 1 - width % 2)
