"""Where each wave of each beat begins, peaks and ends, in each lead and over all leads, as times in the recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.recording import Recording
from precordia.measurements.analysis import Analysis, analyse
from precordia.measurements.working_rate import FS

POINTS: Final = ("p_on", "p_peak", "p_off", "qrs_on", "r_peak", "qrs_off", "t_on", "t_peak", "t_off")
"""The fiducial points, in the order of the last axis of :attr:`Delineation.points`."""


@dataclass(frozen=True, eq=False)
class Delineation:
    """The fiducial points of a recording.

    Attributes:
        leads: The leads delineated, those with a usable signal.
        beats: ``(n_beats,)`` float64, time of each QRS complex, s from the start of the recording.
        family: ``(n_beats,)`` int64, beats of one number have one shape; 0 is the commonest.
        points: ``(n_beats, n_leads, 9)`` float64, s from the start of the recording, in the order of :data:`POINTS`;
            NaN where a wave is absent or outside the recording.
        overall: ``(n_beats, 9)`` float64, the median over leads of ``points``.
    """

    leads: tuple[str, ...]
    beats: NDArray[np.float64]
    family: NDArray[np.int64]
    points: NDArray[np.float64]
    overall: NDArray[np.float64]

    def point(self, name: str, lead: str | None = None) -> NDArray[np.float64]:
        """One fiducial point of every beat, ``(n_beats,)``, s; over all leads where ``lead`` is None."""
        k = POINTS.index(name)
        return self.overall[:, k] if lead is None else self.points[:, self.leads.index(lead), k]


def delineate(recording: Recording) -> Delineation:
    """The fiducial points of a recording; of evenly spaced stretches of one that is longer than two minutes."""
    recording = recording.measured
    return collect(recording.leads, recording.duration_s, analyse(recording))


def collect(leads: Sequence[str], duration_s: float, analyses: Sequence[Analysis]) -> Delineation:
    """The fiducial points of the stretches analysed, as one; a lead unusable in one stretch has NaN there."""
    used = tuple(lead for lead in leads if any(lead in one.stretch.leads for one in analyses))
    beats, families, points = [], [], []
    for one in analyses:
        times, family, local = _of_stretch(one)
        wide = np.full((times.size, len(used), len(POINTS)), np.nan)
        wide[:, [used.index(lead) for lead in one.stretch.leads]] = local
        beats.append(times)
        families.append(family)
        points.append(wide)
    if not beats:
        empty = np.empty((0, 0, len(POINTS)))
        return Delineation((), np.empty(0), np.empty(0, dtype=np.int64), empty, np.empty((0, len(POINTS))))
    every = np.concatenate(points)
    every[(every < 0) | (every > duration_s)] = np.nan
    return Delineation(used, np.concatenate(beats), np.concatenate(families), every, _median_over_leads(every))


def _of_stretch(one: Analysis) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    family = np.zeros(one.beats.size, dtype=np.int64)
    points = np.full((one.beats.size, len(one.stretch.leads), len(POINTS)), np.nan)
    for k, (members, bounds) in enumerate(zip((f.members for f in one.families), one.bounds, strict=True)):
        family[members] = k
        points[members] = np.stack([getattr(bounds, name) for name in POINTS], axis=-1)
    times = one.stretch.start_s + one.beats / FS
    return times, family, times[:, None, None] + points / FS


def _median_over_leads(points: NDArray[np.float64]) -> NDArray[np.float64]:
    out = np.full((points.shape[0], points.shape[2]), np.nan)
    some = np.isfinite(points).any(axis=1)
    for beat, k in zip(*np.nonzero(some), strict=True):
        out[beat, k] = np.nanmedian(points[beat, :, k])
    return out
