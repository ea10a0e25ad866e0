"""What the beats of hours come to: which are ectopic, and from when to when which rhythm lasted.

Premature beats are told by their time and their shape: a beat of another shape that comes early, or is wide, is ventricular;
one of the usual shape that comes early is supraventricular. Fibrillation is told by RR intervals that resemble neither their
neighbours nor those two and three beats off, where no P wave repeats before the beats (Hindricks et al., ESC guideline, Eur
Heart J 2021;42:373: irregular RR intervals and no discernible repeating P waves, for 30 s); it goes on as long as intervals stay
scattered without P waves.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter1d

EventKind = Literal["AF", "pause", "VT", "brady", "tachy", "SVT", "V", "S"]

EARLY_V: Final = 0.90
"""Share of the usual interval below which a beat of another shape is early."""
EARLY_S: Final = 0.14
"""Share by which a beat of the usual shape must at least come before its time: breathing alone changes intervals by a tenth."""
FOLLOWED: Final = 0.95
"""Share of the usual interval that follows a premature beat at least."""
PAUSE_S: Final = 2.0
"""Shortest pause told, s (Kusumoto et al., guideline on bradycardia, Circulation 2019;140:e382: pauses of 3 s matter awake)."""
AF_BEATS: Final = 24
"""Intervals over which irregularity is looked at."""
AF_DIFFERENCE: Final = 0.06
"""Median change from interval to interval, as a share of the interval, from which fibrillation may begin."""
AF_SAME: Final = 0.10
"""Intervals within this share of each other are alike: where most are, one node gives the time. Premature beats scatter the
others, and nothing else does."""
AF_LEVEL, AF_BY_SHARE, AF_BY_P = 5.5, 6.0, 9.8
"""What speaks for fibrillation: the level, less these times the share of intervals alike and how far P waves repeat. By logistic
regression on leads I and II of PTB-XL's folds 1 to 7; the first two were then set on these joined and on even strips."""
AF_TOLD: Final = 0.35
"""Share of the intervals around a beat that must be the atria's own and free of noise, for them to be called irregular."""
AF_SHORTEST_S: Final = 30.0
RUN: Final = 3
"""Ventricular beats in a row that are a run."""
RUN_BPM: Final = 100.0
RUN_GAP: Final = 6
"""Beats between two such runs that may be of another kind, at the same pace, for them to be one: a shape can be missed."""
RUN_PACE: Final = 1.2
"""Longest interval of such a gap, as a share of the usual one of the two runs."""
BRADY_BPM: Final = 50.0
TACHY_BPM: Final = 100.0
RATE_LEFT: Final = 0.1
"""Share by which a rate must come back beyond its limit for an episode to end."""
RATE_BEATS: Final = 16
RATE_SHORTEST_S: Final = 30.0


@dataclass(frozen=True)
class Event:
    """Something that happened from one time to another.

    Attributes:
        kind: "AF", "pause", "VT" (three or more ventricular beats in a row, from 100 a minute), "SVT", "brady", "tachy", "V", "S".
        start_s: s from the beginning.
        end_s: s.
        n_beats: Beats in it.
        rate_bpm: Their rate, or None.
    """

    kind: EventKind
    start_s: float
    end_s: float
    n_beats: int
    rate_bpm: float | None = None

    @property
    def duration_s(self) -> float:
        """Length, s."""
        return self.end_s - self.start_s


@dataclass(frozen=True, eq=False)
class Beats:
    """All beats of a recording.

    Attributes:
        time_s: ``(n,)`` place of each QRS complex, s.
        kind: ``(n,)`` "N", "S", "V", or "P" where a pacemaker started it.
        p_like: ``(n,)`` how far what stands before the beats around each repeats itself: near 1 with P waves, near 0 without.
        usable: ``(n,)`` whether the interval before the beat spans no gap of the signal and no noise.
    """

    time_s: NDArray[np.float64]
    kind: NDArray[np.str_]
    p_like: NDArray[np.float32]
    usable: NDArray[np.bool_]

    def __len__(self) -> int:
        return int(self.time_s.size)


def own_beats(kind: NDArray[np.str_]) -> NDArray[np.bool_]:
    """``(n,)`` which beats came down from the atria: neither ventricular nor a pacemaker's."""
    return np.isin(kind, ("N", "S"))


def usual_intervals(rr: NDArray[np.float64], wide: int = 21) -> NDArray[np.float64]:
    """The interval that a beat would have without ectopic beats, s: of each two the longer, and of these the median around."""
    pairs = np.fmax(rr, np.append(rr[1:], rr[-1:]))
    out: NDArray[np.float64] = median_filter(pairs, size=wide, mode="nearest")
    return out


def episodes(beats: Beats) -> tuple[Event, ...]:
    """Everything that lasted, in the order of time; single ectopic beats are in the beats."""
    if len(beats) < 3:
        return ()
    fibrillating = fibrillation(beats)
    found = [*_runs(beats, fibrillating, "AF", AF_SHORTEST_S)]
    found += [*_pauses(beats), *_premature_runs(beats, beats.kind == "V", "VT")]
    found += _premature_runs(beats, (beats.kind == "S") & ~fibrillating, "SVT")
    rate = _rates(beats)
    slow = _held(rate < BRADY_BPM, rate < BRADY_BPM * (1 + RATE_LEFT))
    fast = _held(rate > TACHY_BPM, rate > TACHY_BPM * (1 - RATE_LEFT))
    found += [*_runs(beats, slow, "brady", RATE_SHORTEST_S), *_runs(beats, fast, "tachy", RATE_SHORTEST_S)]
    return tuple(sorted(found, key=lambda event: (event.start_s, event.kind)))


def fibrillation(beats: Beats) -> NDArray[np.bool_]:
    """``(n,)`` whether each beat lies in irregular intervals without P waves."""
    rr = np.diff(beats.time_s, prepend=beats.time_s[0])
    own = own_beats(beats.kind)
    # Neither the interval before a beat that started in a ventricle nor that after it is the atria's.
    sound = own & np.r_[False, own[:-1]] & beats.usable & (rr > 0.2) & (rr < 3.0)
    kept = np.flatnonzero(sound)
    out = np.zeros(len(beats), dtype=bool)
    if kept.size < AF_BEATS // 2:
        return out
    log = np.log(rr[kept])
    width = AF_BEATS | 1
    change = [
        median_filter(np.abs(log[lag:] - log[:-lag]), size=width, mode="reflect") for lag in (1, 2, 3)
    ]  # fmt: skip
    least = np.minimum.reduce([np.r_[np.repeat(c[:1], lag), c] for lag, c in enumerate(change, start=1)])
    speaks = AF_LEVEL - AF_BY_SHARE * _share_alike(log, width) - AF_BY_P * beats.p_like[kept]
    irregular = _closed(_holding(speaks > 0, (speaks > 0) & (least > AF_DIFFERENCE)), AF_BEATS)
    # A beat that is left out shares the rhythm of its neighbours.
    nearest = np.clip(np.searchsorted(kept, np.arange(len(beats))), 0, kept.size - 1)
    told = uniform_filter1d(sound.astype(np.float64), width, mode="reflect") >= AF_TOLD
    inside: NDArray[np.bool_] = irregular[nearest] & told
    return inside


def _share_alike(log: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """The largest share of the intervals around each that lie within :data:`AF_SAME` of each other.

    Args:
        log: ``(n,)`` logarithms of intervals.
        width: How many are around each, odd.
    """
    around = np.pad(log, width // 2, mode="reflect" if log.size > width // 2 else "wrap")
    sorted_ = np.sort(np.lib.stride_tricks.sliding_window_view(around, width), axis=1)
    most = np.zeros(log.size, dtype=np.int64)
    for n in range(1, width):  # from the n-th lowest on
        reach = (sorted_[:, n - 1 :] <= sorted_[:, n - 1, None] + AF_SAME).sum(axis=1)
        np.maximum(most, reach, out=most)
    share: NDArray[np.float64] = most / width
    return share


def _holding(inside: NDArray[np.bool_], core: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The stretches that are inside, of those alone that hold something of a core."""
    out = np.zeros(inside.size, dtype=bool)
    for first, after in stretches(inside):
        out[first:after] = core[first:after].any()
    return out


def _closed(inside: NDArray[np.bool_], most: int) -> NDArray[np.bool_]:
    """The same with gaps of fewer than ``most`` beats between two stretches filled."""
    out = inside.copy()
    for (_, end), (following, _) in pairwise(stretches(inside)):
        if following - end < most:
            out[end:following] = True
    return out


def _held(inside: NDArray[np.bool_], near: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The same with those gaps filled in which all beats are still near."""
    out = inside.copy()
    for (_, end), (following, _) in pairwise(stretches(inside)):
        out[end:following] = near[end:following].all()
    return out


def stretches(inside: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First beat, and the first after it, of each stretch that is inside."""
    edges = np.flatnonzero(np.diff(np.r_[False, inside, False].astype(np.int8)))
    return [(int(first), int(after)) for first, after in zip(edges[::2], edges[1::2], strict=True)]


def _rates(beats: Beats) -> NDArray[np.float64]:
    rr = np.diff(beats.time_s, prepend=beats.time_s[0])
    rr[0] = rr[1]
    rr[~beats.usable] = np.nan
    steady = np.where(np.isfinite(rr), rr, np.nanmedian(rr) if np.isfinite(rr).any() else 1.0)
    rate: NDArray[np.float64] = 60.0 / np.maximum(uniform_filter1d(steady, RATE_BEATS, mode="nearest"), 0.1)
    return rate


def _runs(beats: Beats, inside: NDArray[np.bool_], kind: EventKind, shortest_s: float) -> list[Event]:
    """Stretches of beats that are all inside, those of less than ``shortest_s`` left out."""
    found = (_event(beats, kind, first, after) for first, after in stretches(inside))
    return [event for event in found if event.duration_s >= shortest_s]


def _event(beats: Beats, kind: EventKind, first: int, after: int) -> Event:
    start, end, n = float(beats.time_s[first]), float(beats.time_s[after - 1]), after - first
    return Event(kind, start, end, n, 60.0 * (n - 1) / (end - start) if end > start else None)


def _pauses(beats: Beats) -> list[Event]:
    gaps = np.diff(beats.time_s)
    long = np.flatnonzero((gaps >= PAUSE_S) & beats.usable[1:])
    return [Event("pause", float(beats.time_s[i]), float(beats.time_s[i + 1]), 2) for i in long]


def _premature_runs(beats: Beats, inside: NDArray[np.bool_], kind: EventKind) -> list[Event]:
    """Three or more premature beats in a row, from 100 a minute; runs with a few others between at their pace are one."""
    rr = np.diff(beats.time_s)
    runs: list[tuple[int, int]] = []
    for first, after in (run for run in stretches(inside) if run[1] - run[0] >= RUN):
        if runs:
            begun, end = runs[-1]
            pace = np.median(np.r_[rr[begun : end - 1], rr[first : after - 1]])
            if first - end <= RUN_GAP and rr[end - 1 : first].max() <= RUN_PACE * pace:
                first = runs.pop()[0]
        runs.append((first, after))
    found = (_event(beats, kind, first, after) for first, after in runs)
    return [event for event in found if (event.rate_bpm or 0.0) >= RUN_BPM]
