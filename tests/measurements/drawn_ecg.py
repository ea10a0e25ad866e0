"""ECGs drawn from straight lines and cosines, so that every boundary is known exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from precordia.core.leads import LEADS
from precordia.core.recording import Recording


@dataclass(frozen=True)
class Drawn:
    """What an ECG is drawn with; times in s from the QRS onset, amplitudes in mV.

    Attributes:
        pr, p, qrs, qt, t: Durations.
        axis: Frontal axis of P, QRS and T, degrees.
        p_mv, r_mv, t_mv, st_mv: Amplitudes along the axis.
    """

    pr: float = 0.160
    p: float = 0.100
    qrs: float = 0.090
    qt: float = 0.400
    t: float = 0.180
    axis: float = 50.0
    p_mv: float = 0.15
    r_mv: float = 1.2
    t_mv: float = 0.35
    st_mv: float = 0.0


def gains(axis: float) -> NDArray[np.float64]:
    """Projection of the frontal axis on each of the twelve leads; the chest leads turn from negative to positive."""
    a = math.radians(axis)
    i, ii = math.cos(a), math.cos(a - math.pi / 3)
    limb = [i, ii, ii - i, -(i + ii) / 2, i - ii / 2, ii - i / 2]
    return np.array([*limb, -0.6, -0.8, 0.4, 1.0, 1.1, 0.8])


def beat(d: Drawn, t: NDArray[np.float64]) -> NDArray[np.float64]:
    """One beat along the axis, ``(n,)`` mV, at times ``t`` from the QRS onset."""
    x = hump(t, -d.pr, -d.pr + d.p, d.p_mv)
    corners = np.array([0.0, 0.15, 0.5, 0.82, 1.0]) * d.qrs
    x = x + np.interp(t, corners, np.array([0.0, -0.12, 1.0, -0.2, 0.0]) * d.r_mv, left=0.0, right=0.0)
    st = np.interp(t, [d.qrs, d.qrs + 0.01, d.qt - d.t, d.qt - d.t / 2], [0.0, d.st_mv, d.st_mv, 0.0], left=0, right=0)
    return x + st + hump(t, d.qt - d.t, d.qt, d.t_mv)


def hump(t: NDArray[np.float64], start: float, stop: float, mv: float) -> NDArray[np.float64]:
    """A raised cosine of ``mv`` from ``start`` to ``stop``, s."""
    inside = (t >= start) & (t <= stop)
    return np.where(inside, mv * 0.5 * (1 - np.cos(2 * np.pi * (t - start) / (stop - start))), 0.0)


def draw(
    onsets: NDArray[np.float64],
    d: Drawn | None = None,
    *,
    fs: float = 500.0,
    duration: float = 10.0,
    noise_mv: float = 0.01,
    seed: int = 1,
    leads: tuple[str, ...] = LEADS,
    **fields: object,
) -> Recording:
    """A recording whose QRS complexes begin at ``onsets``, s."""
    d = d or Drawn()
    t = np.arange(round(duration * fs)) / fs
    x = sum((beat(d, t - onset) for onset in onsets), np.zeros_like(t))
    signal = gains(d.axis)[:, None] * x
    signal = signal + np.random.default_rng(seed).normal(size=signal.shape) * noise_mv
    rows = [LEADS.index(lead) for lead in leads]
    return Recording(signal[rows].astype(np.float32), fs, leads, "drawn", **fields)  # type: ignore[arg-type]


def regular(rate: float, duration: float = 10.0) -> NDArray[np.float64]:
    """Onsets of a regular rhythm, s."""
    return np.arange(0.3, duration, 60.0 / rate)
