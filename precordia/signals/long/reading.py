"""A long recording read once from beginning to end: its beats, what kind each is, and what happened when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UnusableSignalError
from precordia.core.recording import Recording
from precordia.signals.long.beats import Piece, find_beats, piece_of, working_step
from precordia.signals.long.rhythm import AF_BEATS, Beats, Event, episodes, own_beats, usual_intervals
from precordia.signals.long.shapes import (
    AFTER_S,
    BEFORE_S,
    NOISY,
    P_FROM_S,
    P_TO_S,
    SHIFT,
    calmed,
    group,
    kinds,
    strays,
)
from precordia.signals.long.source import LongSignal, ecg_rows, long_signal
from precordia.signals.long.stimuli import behind_stimuli, paced_beats

PIECE_S: Final = 30.0
"""Length of a piece, s: weights of leads and the typical beat are its own."""
MARGIN_S: Final = 3.0
LOOKED_AT: Final = 3
"""Leads in which beats are looked for; more add time and hardly a beat."""
MISSING: Final = 0.5
ROOM_S: Final = 0.8
"""Interval from which there is quiet between beats, s: of shorter ones the heart's own waves fill a larger share."""
ROUNDS: Final = 2
"""How often artefacts are taken out: those side by side go one after another."""


@dataclass(frozen=True, eq=False)
class LongReading:
    """What was read from a long recording.

    Attributes:
        signal: The recording.
        beats: Its beats.
        events: What lasted, in order of time.
        leads: Leads in which beats were looked for.
        lost_s: Time in which more than half of the samples are missing or no lead has a signal, s.
    """

    signal: LongSignal
    beats: Beats
    events: tuple[Event, ...]
    leads: tuple[str, ...]
    lost_s: float
    _made: dict[str, object] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        return f"LongReading({self.signal.duration_s:.0f} s, {len(self.beats)} beats, {len(self.events)} events)"

    def of_kind(self, kind: str) -> tuple[Event, ...]:
        """The events of one kind."""
        return tuple(event for event in self.events if event.kind == kind)

    def time_in(self, kind: str) -> float:
        """Time in events of one kind, s."""
        return sum(event.duration_s for event in self.of_kind(kind))

    def burden(self, kind: str) -> float:
        """Share of all beats that are of a kind: "V" or "S", and "P" of a pacemaker's, which are neither."""
        return float((self.beats.kind == kind).mean()) if len(self.beats) else 0.0

    @cached_property
    def rates(self) -> tuple[float, float, float] | None:
        """Lowest, mean and highest rate, a minute, each over eight intervals; None with fewer beats."""
        rr = np.diff(self.beats.time_s)[self.beats.usable[1:]]
        if rr.size < 8:
            return None
        of_eight = np.convolve(rr, np.ones(8) / 8, mode="valid")
        return float(60 / of_eight.max()), float(60 / rr.mean()), float(60 / of_eight.min())

    def hourly(self) -> list[tuple[int, int, float | None]]:
        """Of each hour that has begun: its number from 0, its beats, and their mean rate, a minute."""
        out: list[tuple[int, int, float | None]] = []
        for hour in range(int(np.ceil(self.signal.duration_s / 3600))):
            inside = (self.beats.time_s >= hour * 3600) & (self.beats.time_s < (hour + 1) * 3600)
            rr = np.diff(self.beats.time_s[inside])
            out.append((hour, int(inside.sum()), float(60 / rr.mean()) if rr.size else None))
        return out


def read_long(
    source: Recording | LongSignal | str | PathLike[str], *, watch: Callable[[float], None] | None = None
) -> LongReading:
    """The beats and the rhythm of a recording of any length, read piece by piece.

    Args:
        source: The recording, or its file.
        watch: Told how much has been read, s.

    Raises:
        UnusableSignalError: it has no lead.
        InputError: it cannot be read.
    """
    signal = source if isinstance(source, LongSignal) else long_signal(source)
    rows = ecg_rows(signal.leads, LOOKED_AT)
    if not rows:
        raise UnusableSignalError(f"{signal.about.source or signal.about.recording_id}: no lead of an ECG is in it")
    found: list[_Found] = []
    for one in _pieces(signal, rows):
        found.append(one)
        if watch is not None:
            watch(one.until_s)
    time_s = np.concatenate([one.time_s for one in found]) if found else np.zeros(0)
    noise = np.concatenate([one.noise for one in found]) if found else np.zeros(0, np.float32)
    cuts = np.concatenate([one.qrs for one in found]) if found else np.zeros((0, len(rows), 1), np.float32)
    before = np.concatenate([one.before for one in found]) if found else np.zeros((0, len(rows), 1), np.float32)
    behind = np.concatenate([one.behind for one in found]) if found else np.zeros(0, bool)
    lost = np.array([(one.from_s, one.until_s) for one in found if one.lost]).reshape(-1, 2)
    leads = tuple(signal.leads[row] for row in rows)
    if time_s.size:
        shapes = group(cuts)
        for _ in range(ROUNDS):
            stray = strays(time_s, shapes, calmed(noise, shapes))
            if not stray.any():
                break
            time_s, noise, cuts, before, behind = (one[~stray] for one in (time_s, noise, cuts, before, behind))
            shapes = shapes.without(stray)
        noise = calmed(noise, shapes)
        kind = kinds(time_s, shapes, noise, paced_beats(behind, shapes.of))
    else:
        kind = np.zeros(0, dtype="<U1")
    usable = _usable(time_s, lost) & (noise <= NOISY * _crowding(time_s))
    beats = Beats(time_s, kind, repeated_before(before, own_beats(kind) & usable), usable)
    return LongReading(signal, beats, episodes(beats), leads, float((lost[:, 1] - lost[:, 0]).sum()))


@dataclass(frozen=True, eq=False)
class _Found:
    """The beats of a piece: times, s, what is around and before each, which stand behind stimuli; whether the piece is lost."""

    from_s: float
    until_s: float
    time_s: NDArray[np.float64]
    noise: NDArray[np.float32]
    qrs: NDArray[np.float32]
    before: NDArray[np.float32]
    behind: NDArray[np.bool_]
    lost: bool


def _pieces(signal: LongSignal, rows: list[int]) -> Iterator[_Found]:
    step = working_step(signal.fs)
    core, margin = round(PIECE_S * signal.fs / step) * step, round(MARGIN_S * signal.fs / step) * step
    fs = signal.fs / step
    for start in range(0, signal.n_samples, core):
        stop = min(start + core, signal.n_samples)
        first = max(0, start - margin)
        samples = signal.read(first, stop + margin, rows)
        if samples.shape[1] < 2 * signal.fs:
            continue
        piece = piece_of(samples, signal.fs)
        at, noise = find_beats(piece)
        time = first / signal.fs + at / fs
        inside = (time >= start / signal.fs) & (time < stop / signal.fs)
        lost = piece.missing > MISSING or not at.size
        qrs = _cut(piece, at[inside], round(BEFORE_S * fs) + SHIFT, round(AFTER_S * fs) + SHIFT)
        before = _cut(piece, at[inside], round(P_FROM_S * fs), -round(P_TO_S * fs))
        behind = behind_stimuli(samples, signal.fs, at[inside] * step)
        yield _Found(start / signal.fs, stop / signal.fs, time[inside], noise[inside], qrs, before, behind, lost)


def _cut(piece: Piece, at: NDArray[np.int64], before: int, after: int) -> NDArray[np.float32]:
    """``(n_beats, n_leads, before + after)`` around each beat, the ends of a piece repeated."""
    columns = np.clip(at[:, None] + np.arange(-before, after), 0, piece.wide.shape[1] - 1)
    return np.ascontiguousarray(piece.wide[:, columns].transpose(1, 0, 2))


def _crowding(time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how much beats follow each other faster than leaves quiet between them, 1 and more."""
    if time_s.size < 2:
        return np.ones(time_s.size)
    crowding: NDArray[np.float64] = np.maximum(
        1.0, ROOM_S / usual_intervals(np.diff(time_s, prepend=2 * time_s[0] - time_s[1]))
    )
    return crowding


def _usable(time_s: NDArray[np.float64], lost: NDArray[np.float64]) -> NDArray[np.bool_]:
    out = np.ones(time_s.size, dtype=bool)
    if time_s.size:
        out[0] = False
    for start, end in lost:
        touched = np.searchsorted(time_s, (start, end))
        out[touched[0] : touched[1] + 1] = False
    return out


def repeated_before(before: NDArray[np.float32], own: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How far what stands before the beats around each repeats itself: the mean correlation of each two of them, in the lead where
    it is highest; near 1 with P waves, near 0 without. The more beats, the smaller a P wave that is told from noise.

    Args:
        before: ``(n_beats, n_leads, width)`` mV.
        own: ``(n_beats,)`` those that it is looked for at: that the atria may have started, and free of noise.
    """
    out = np.zeros(before.shape[0], np.float32)
    rows = np.flatnonzero(own)
    width = min(AF_BEATS | 1, rows.size)
    if width < 2:
        return out
    slope = np.linspace(-1, 1, before.shape[2], dtype=np.float32)
    flat = before[rows] - before[rows].mean(axis=2, keepdims=True)
    flat -= (flat @ slope / (slope @ slope))[:, :, None] * slope
    flat /= np.maximum(np.linalg.norm(flat, axis=2, keepdims=True), 1e-9)
    total = np.cumsum(np.pad(flat, ((1, 0), (0, 0), (0, 0))).astype(np.float64), axis=0)
    low = np.clip(np.arange(rows.size) - width // 2, 0, rows.size - width)
    energy = ((total[low + width] - total[low]) ** 2).sum(axis=2)
    alike = ((energy - width) / (width * (width - 1))).max(axis=1)
    nearest = np.clip(np.searchsorted(rows, np.arange(out.size)), 0, rows.size - 1)
    out[:] = alike[nearest]
    return out
