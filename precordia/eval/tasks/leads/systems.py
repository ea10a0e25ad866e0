"""What draws leads: ours, and what a lead is worth without a model of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.case import patient_key_of
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.encoders.windows import Ecgs
from precordia.measurements import delineate
from precordia.signals.leads.drawers import load_drawer
from precordia.signals.leads.independent import agreeing

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

BEFORE, AFTER = 25, 50
"""Samples of a mean beat before and after its QRS complex, at 100 Hz."""

OURS: Final = "network"


@dataclass(frozen=True, eq=False)
class Cut:
    """ECGs of which some leads are given.

    Attributes:
        signal: ``(n, 12, n_samples)`` mV, zero where not given.
        given: ``(n, 12)`` bool, the same in every row.
        beats: Samples of the QRS complexes of each ECG, found in the given leads.
    """

    signal: Floats
    given: Bools
    beats: tuple[NDArray[np.int64], ...]


Draw = Callable[[Cut], Floats]
"""Twelve leads ``(n, 12, n_samples)``, mV, the given ones as they are."""


def cut(ecgs: Ecgs, given: Bools) -> Cut:
    """Take away all leads but the given ones."""
    signal = ecgs.signal * given[:, None]
    return Cut(signal, np.tile(given, (len(signal), 1)), tuple(beats_of(one[given], given) for one in signal))


def beats_of(signal: Floats, given: Bools) -> NDArray[np.int64]:
    """Samples at which QRS complexes lie, in some leads at 100 Hz."""
    names = tuple(lead for lead, there in zip(LEADS, given, strict=True) if there)
    return np.rint(delineate(Recording(signal, 100.0, names, "cut")).beats * 100).astype(np.int64)


def drawn_by(name: str) -> Draw:
    """A drawer that ships, or from its folder."""
    drawer = load_drawer(name).drawer

    def draw(one: Cut) -> Floats:
        return _whole(one, drawer.draw(one.signal, one.given))

    return draw


def copied(one: Cut) -> Floats:
    """The first given lead in the place of every other."""
    first = int(np.flatnonzero(one.given[0])[0])
    return np.where(one.given[:, :, None], one.signal, one.signal[:, first : first + 1])


def mean_beats(train: Sequence[Recording], ecgs: Ecgs) -> Draw:
    """The mean beat of each lead over training ECGs, at every beat of the given leads, whatever it looks like."""
    total, count = np.zeros((len(LEADS), BEFORE + AFTER)), 0
    for recording, signal in zip(train, ecgs.signal, strict=True):
        for at in np.rint(delineate(recording).beats * 100).astype(int):
            if BEFORE <= at <= signal.shape[1] - AFTER:
                total += signal[:, at - BEFORE : at + AFTER]
                count += 1
    mean = (total / max(count, 1)).astype(np.float32)

    def draw(one: Cut) -> Floats:
        out = np.zeros_like(one.signal)
        for row, beats in enumerate(one.beats):
            for at in beats:
                start, stop = max(at - BEFORE, 0), min(at + AFTER, out.shape[2])
                out[row, :, start:stop] = mean[:, start - at + BEFORE : stop - at + BEFORE]
        return np.where(one.given[:, :, None], one.signal, out)

    return draw


def _whole(one: Cut, independent: Floats) -> Floats:
    pairs = zip(one.signal, one.given, independent, strict=True)
    return np.stack([agreeing(signal, given, drawn) for signal, given, drawn in pairs])


def samples_of(
    recordings: Sequence[Recording], group: str, figure: str, each: Mapping[str, NDArray[np.float64]]
) -> Iterator[dict[str, object]]:
    """What is kept of every ECG: a figure of each system, ``(n,)`` row by row the recordings', from the group's leads."""
    for system, values in each.items():
        for recording, value in zip(recordings, values, strict=True):
            name, patient = f"{recording.recording_id} {group}", patient_key_of(recording)
            yield {"sample": name, "patient": patient, "system": system, figure: float(value)}
