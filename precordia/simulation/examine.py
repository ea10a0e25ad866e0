"""What a reader would measure on one clean beat: amplitudes, Q waves, ST level, axis; the rules that diagnoses must meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.leads import LEADS, LIMB_FROM_I_II, LIMB_LEADS
from precordia.core.recording import Sex
from precordia.simulation.heart import BeatShape
from precordia.simulation.torso import TWELVE_FROM_EIGHT, Torso
from precordia.simulation.waves import Segment, Wave, fit_segment

STEP_MS: Final = 2.0


@dataclass(frozen=True, eq=False)
class FittedBeat:
    """A kind of beat on one torso: its segments with their visible limits at phase 0 and 1."""

    shape: BeatShape
    p: Segment | None
    qrs: Segment
    st_t: Segment


@dataclass(frozen=True, eq=False)
class Exam:
    """One clean beat, measured.

    Attributes:
        q_mv, r_mv, s_mv: Lead to the depth of an initial negative, the height of the largest positive, and the depth
            of the largest negative deflection after R (or of a QS), mV, all positive numbers.
        r_end_mv: Lead to the height of a positive deflection after S (R'), mV.
        q_ms: Lead to the duration of Q (or QS), ms.
        st_mv: Lead to the ST level 60 ms after J, mV.
        j_mv: Lead to the level at J, mV.
        t_mv: Lead to the T amplitude, signed, mV.
        axis_deg: Frontal QRS axis from net amplitudes, as read by eye, degrees.
        p_axis_deg, t_axis_deg: Frontal axes from the areas in I and aVF, degrees.
        qrs_ms: QRS duration, ms.
    """

    q_mv: Mapping[str, float]
    r_mv: Mapping[str, float]
    s_mv: Mapping[str, float]
    r_end_mv: Mapping[str, float]
    q_ms: Mapping[str, float]
    st_mv: Mapping[str, float]
    j_mv: Mapping[str, float]
    t_mv: Mapping[str, float]
    axis_deg: float
    p_axis_deg: float | None
    t_axis_deg: float
    qrs_ms: float

    @property
    def sokolow_lyon_mv(self) -> float:
        """S in V1 plus the larger R of V5 and V6 (Sokolow, Lyon, Am Heart J 1949;37:161: LVH from 3.5 mV)."""
        return self.s_mv["V1"] + max(self.r_mv["V5"], self.r_mv["V6"])

    def cornell_lvh(self, sex: Sex) -> bool:
        """R in aVL plus S in V3 above 2.8 mV in men, 2.0 mV in women (Casale et al., Circulation 1987;75:565)."""
        return self.r_mv["aVL"] + self.s_mv["V3"] > (2.8 if sex == "M" else 2.0)

    def peak_to_peak(self, lead: str) -> float:
        """Highest to lowest point of the QRS, mV."""
        return self.r_mv[lead] + max(self.s_mv[lead], self.q_mv[lead])


def frontal_axis(i: float, avf: float) -> float:
    """The frontal axis, degrees in (-180, 180], of net deflections in I and aVF.

    aVF is augmented: its lead vector is shorter than I's by 2 / sqrt(3) (Novosel, Noll, Lüscher, Croat Med J
    1999;40:77-79).
    """
    return float(np.degrees(np.arctan2(2.0 / np.sqrt(3.0) * avf, i)))


_FROM_LIMB_LEADS: Final = np.linalg.pinv(np.array([LIMB_FROM_I_II[lead] for lead in LIMB_LEADS]))


def _net_axis(net: Mapping[str, float]) -> float:
    """The frontal axis of net amplitudes (R less the deeper of Q and S), all six limb leads weighing in."""
    i, ii = _FROM_LIMB_LEADS @ np.array([net[lead] for lead in LIMB_LEADS])
    return frontal_axis(float(i), float(ii - i / 2.0))


def area_axis(waves: tuple[Wave, ...], torso: Torso) -> float:
    """The frontal axis of a segment, from the areas of its waves."""
    net = np.zeros(8)
    for w in waves:
        net += w.area * torso.project(w.name, w.vector)
    return frontal_axis(float(net[0]), float(net[1] - net[0] / 2.0))


def fit_beat(shape: BeatShape, torso: Torso) -> FittedBeat:
    """The beat's segments on a torso."""
    qrs = fit_segment(shape.qrs, torso, "qrs")
    st_t = fit_segment(shape.st_t, torso, "st_t")
    if qrs is None or st_t is None:
        raise ValueError("a beat needs waves for QRS and ST-T")
    return FittedBeat(shape, fit_segment(shape.p, torso, "p"), qrs, st_t)


def examine(beat: FittedBeat, torso: Torso, qt_ms: float = 400.0) -> Exam:
    """Measure one clean beat with a QT interval of ``qt_ms``."""
    shape = beat.shape
    t = np.arange(-20.0, qt_ms + 40.0, STEP_MS)
    qrs = beat.qrs.amplitude.T @ beat.qrs.at(t / shape.qrs_ms)
    st_t = beat.st_t.amplitude.T @ beat.st_t.at((t - shape.qrs_ms) / (qt_ms - shape.qrs_ms))
    leads = TWELVE_FROM_EIGHT @ (qrs + st_t)
    inside = (t >= 0.0) & (t <= shape.qrs_ms)
    complex_ = leads[:, inside]
    q, r, s, r_end, q_ms = (np.zeros(12) for _ in range(5))
    for row in range(12):
        q[row], q_ms[row], r[row], s[row], r_end[row] = _deflections(complex_[row])
    j, j60 = (leads[:, int(np.argmin(np.abs(t - shape.qrs_ms - after)))] for after in (0.0, 60.0))
    late = leads[:, t > shape.qrs_ms + 0.35 * (qt_ms - shape.qrs_ms)]
    t_amp = late[np.arange(12), np.abs(late).argmax(axis=1)]

    def by_lead(values: NDArray[np.float64]) -> dict[str, float]:
        return dict(zip(LEADS, map(float, values), strict=True))

    t_waves = tuple(w for w in shape.st_t if w.name.startswith("t"))
    return Exam(
        q_mv=by_lead(q),
        r_mv=by_lead(r),
        s_mv=by_lead(s),
        r_end_mv=by_lead(r_end),
        q_ms=by_lead(q_ms),
        st_mv=by_lead(j60),
        j_mv=by_lead(j),
        t_mv=by_lead(t_amp),
        axis_deg=_net_axis(dict(zip(LEADS, r - np.maximum(q, s), strict=True))),
        p_axis_deg=area_axis(shape.p, torso) if shape.p else None,
        t_axis_deg=area_axis(t_waves, torso),
        qrs_ms=shape.qrs_ms,
    )


def _deflections(x: NDArray[np.float64]) -> tuple[float, float, float, float, float]:
    """Q depth, Q duration (ms), R height, S depth and R' height of one lead's QRS; deflections below 20 µV do not count."""
    sign = np.sign(np.where(np.abs(x) < 0.02, 0.0, x))
    edges = np.flatnonzero(np.diff(sign)) + 1
    pieces = [(int(a), int(b)) for a, b in zip([0, *edges], [*edges, x.size], strict=True) if sign[a] != 0]
    q = q_ms = r = s = r_end = 0.0
    seen_r = seen_s = False
    for a, b in pieces:
        height = float(np.abs(x[a:b]).max())
        if sign[a] > 0:
            if seen_s:
                r_end = max(r_end, height)
            r, seen_r = max(r, height), True
        elif seen_r:
            s, seen_s = max(s, height), True
        elif height > q:
            q, q_ms = height, (b - a) * STEP_MS
    if q > 4.0 * r:
        s = max(s, q)  # a QS complex, with or without a small late r, counts as S too
    return q, q_ms, r, s, r_end
