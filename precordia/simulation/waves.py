"""Waves: how the dipole of one beat rises and falls, in phase of its own segment, and how it looks on the leads.

After McSharry, Clifford, Tarassenko, Smith (A dynamical model for generating synthetic electrocardiogram signals,
IEEE TBME 2003;50:289-294) and Sameni, Clifford, Jutten, Shamsollahi (Multichannel ECG and noise modeling, EURASIP J
ASP 2007:43407): each wave is a Gaussian over the phase of the beat, here with its own rise, flat top and fall, and a
direction in space. A segment (P, QRS, ST-T) is a sum of waves; after :func:`fit_segment` it starts at phase 0 and
ends at phase 1, by the rule that a reader uses: the first and the last moment at which any lead leaves the baseline.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from precordia.simulation.torso import TWELVE_FROM_EIGHT, Torso

Vector = tuple[float, float, float]

_GRID: Final = np.linspace(-1.0, 2.5, 351)


@dataclass(frozen=True)
class Wave:
    """One wave of the dipole.

    Attributes:
        name: Names it for the rules that change it.
        start: Phase at which the top is reached.
        stop: Phase at which the top is left (equal to ``start`` for a plain Gaussian).
        rise: Standard deviation of the rising flank, phase.
        fall: Standard deviation of the falling flank, phase.
        vector: Dipole at the top, mV: left, down, back.
    """

    name: str
    start: float
    stop: float
    rise: float
    fall: float
    vector: Vector

    def scaled(self, factor: float) -> Wave:
        """The same wave, larger or smaller."""
        return replace(self, vector=times(factor, self.vector))

    def squeezed(self, origin: float, factor: float) -> Wave:
        """The same wave in another part of its segment: phase becomes ``origin + factor * phase``."""
        return replace(
            self,
            start=origin + factor * self.start,
            stop=origin + factor * self.stop,
            rise=factor * self.rise,
            fall=factor * self.fall,
        )

    @property
    def area(self) -> float:
        """Integral over phase of the unit wave."""
        return self.stop - self.start + float(np.sqrt(np.pi / 2)) * (self.rise + self.fall)


def times(factor: float, vector: Vector) -> Vector:
    """A vector, longer or shorter, or turned round by a negative factor."""
    x, y, z = vector
    return (factor * x, factor * y, factor * z)


def bump(name: str, centre: float, width: float, vector: Vector, *, fall: float | None = None) -> Wave:
    """A Gaussian wave: centre and standard deviation in phase; ``fall`` when the second flank differs."""
    return Wave(name, centre, centre, width, width if fall is None else fall, vector)


def plateau(name: str, start: float, stop: float, vector: Vector, *, rise: float, fall: float) -> Wave:
    """A wave with a flat top, as an injury current makes."""
    return Wave(name, start, stop, rise, fall, vector)


@dataclass(frozen=True, eq=False)
class Segment:
    """Waves on the leads, with phase 0 and 1 at the visible beginning and end.

    Attributes:
        shape: ``(k, 4)``: start, stop, rise, fall of each wave.
        amplitude: ``(k, 8)`` mV on the independent leads.
        turned: ``(k, 8)`` mV: change of ``amplitude`` when the heart turns by one radian about the z axis.
        onset: Phase at which a wave later than the segment's beginning starts (the T wave within ST-T), else 0.
        peak: Phase of the largest deflection (root mean square over the independent leads).
    """

    shape: NDArray[np.float64]
    amplitude: NDArray[np.float64]
    turned: NDArray[np.float64]
    onset: float
    peak: float

    def at(self, phase: NDArray[np.float64]) -> NDArray[np.float64]:
        """Each wave at each phase: ``(k, *phase.shape)``, unit height."""
        start, stop, rise, fall = (column.reshape(-1, *[1] * phase.ndim) for column in self.shape.T)
        x = np.minimum(phase - start, 0.0) / rise + np.maximum(phase - stop, 0.0) / fall
        out: NDArray[np.float64] = np.exp(-0.5 * x * x)
        return out


Kind = Literal["p", "qrs", "st_t"]

_FLOOR_MV: Final[dict[Kind, tuple[float, float]]] = {"p": (0.008, 0.06), "qrs": (0.010, 0.01), "st_t": (0.010, 0.05)}
"""A segment begins and ends where any lead leaves the baseline by the first figure (mV) or by the second (share of the
largest deflection), whichever is more. CSE readers marked where a magnified trace leaves its baseline, some 10-20 µV (The CSE
Working Party, Eur Heart J 1985;6:815-825)."""


def fit_segment(waves: tuple[Wave, ...], torso: Torso, kind: Kind) -> Segment | None:
    """The waves on this torso, their phase stretched so that the segment lasts from 0 to 1.

    An ST-T segment keeps phase 0 (it begins at the J point whatever it does) and is stretched to end at 1; waves named
    ``u`` come after its end and do not count. None when there are no waves.
    """
    if not waves:
        return None
    shape = np.array([[w.start, w.stop, w.rise, w.fall] for w in waves])
    fields = np.array([torso.field_of(w.name) for w in waves])
    vectors = np.array([w.vector for w in waves])
    across = np.stack([-vectors[:, 1], vectors[:, 0], np.zeros(len(waves))], axis=1)
    amplitude = (fields @ vectors[:, :, None])[:, :, 0]
    turned = (fields @ across[:, :, None])[:, :, 0]
    raw = Segment(shape, amplitude, turned, 0.0, 0.0)
    counts = np.array([not w.name.startswith("u") for w in waves])
    tops = raw.at(_GRID)
    leads = np.abs((TWELVE_FROM_EIGHT @ amplitude[counts].T) @ tops[counts]).max(axis=0)
    floor, share = _FLOOR_MV[kind]
    visible = np.flatnonzero(leads > max(floor, share * float(leads.max())))
    if visible.size == 0:  # flatter than a reader can see: keep the drawn phase
        first, last = 0.0, 1.0
    else:
        first, last = _crossing(leads, visible, max(floor, share * float(leads.max())))
    if kind == "st_t":
        first = 0.0
    stretch = 1.0 / (last - first)
    shape = shape * stretch
    shape[:, :2] -= first * stretch
    energy = ((amplitude.T @ tops) ** 2).sum(axis=0)
    peak = (float(_GRID[int(energy.argmax())]) - first) * stretch
    onset = 0.0
    if kind == "st_t":
        t_waves = np.array([w.name.startswith("t") for w in waves])
        if t_waves.any():
            t_leads = np.abs(amplitude[t_waves].T @ tops[t_waves]).max(axis=0)
            onset = max(0.0, float(_GRID[int(np.argmax(t_leads > max(floor, share * t_leads.max())))]) * stretch)
            t_energy = ((amplitude[t_waves].T @ tops[t_waves]) ** 2).sum(axis=0)
            peak = float(_GRID[int(t_energy.argmax())]) * stretch
    return Segment(shape, amplitude, turned, onset, peak)


def _crossing(leads: NDArray[np.float64], visible: NDArray[np.intp], level: float) -> tuple[float, float]:
    """Phases of the first and last crossing of ``level``, interpolated."""
    a, b = int(visible[0]), int(visible[-1])
    first, last = float(_GRID[a]), float(_GRID[b])
    step = float(_GRID[1] - _GRID[0])
    if a > 0:
        first -= step * (leads[a] - level) / (leads[a] - leads[a - 1])
    if b + 1 < leads.size:
        last += step * (leads[b] - level) / (leads[b] - leads[b + 1])
    return first, last
