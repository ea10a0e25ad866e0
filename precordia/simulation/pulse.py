"""The pulse that heart beats send to a finger: when each wave arrives, how high it is, what breathing and movement add.

- A wave's foot follows the beginning of the QRS by the pre-ejection period and the transit time, at a finger 0.2 to 0.3 s
  together (Allen, Physiol Meas 2007;28:R1; Mukkamala et al., IEEE Trans Biomed Eng 2015;62:1879).
- Its height follows the filling time before the beat (Frank and Starling): nearly as usual after a usual interval, little
  or none after a short one, which is the pulse deficit of fibrillation and premature beats (Sološenko et al., Comput Biol Med
  2017;81:130).
- Its shape is a systolic and a diastolic bell (Tang et al., Front Med 2020;7:597774).
- Breathing moves the baseline and scales the heights (Charlton et al., IEEE Rev Biomed Eng 2018;11:2).
- Movement is bursts of noise in the pulse's own band, the sensor's noise is white.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

FILLING_S = 0.20
"""Time constant of filling, s, so that half of the usual height is left after an interval of about half a second."""

EMPTY_S = 0.28
"""Interval after which nothing has filled, s: systole itself."""

LEAST = 0.08
"""A wave lower than this share of the usual does not arrive at all."""


@dataclass(frozen=True)
class Vessels:
    """What lies between a heart and a finger, and how still the finger is held.

    Attributes:
        pre_ejection_s: Beginning of the QRS to the opening of the aortic valve after a usual interval, s.
        transit_s: From there to the foot of the wave at the finger, s.
        rise_s: Foot to systolic peak, s.
        diastolic: Height of the diastolic bell over the systolic one.
        diastolic_s: Distance of the two bells, s.
        breaths_hz: Respiratory rate, Hz.
        breathing: How far breathing moves the baseline, over the usual height.
        movement: Standard deviation of a burst of movement over the usual height.
        bursts_per_min: How many there are.
        sensor: Standard deviation of white noise over the usual height.
    """

    pre_ejection_s: float = 0.10
    transit_s: float = 0.15
    rise_s: float = 0.16
    diastolic: float = 0.35
    diastolic_s: float = 0.27
    breaths_hz: float = 0.25
    breathing: float = 0.15
    movement: float = 0.0
    bursts_per_min: float = 0.0
    sensor: float = 0.0


@dataclass(frozen=True, eq=False)
class SimulatedPulse:
    """A pulse and what is true of it.

    Attributes:
        signal: ``(n,)`` float64, usual height 1, more blood upwards.
        fs: Hz.
        foot_s: ``(n_beats,)`` feet of the waves, s, also of those that do not arrive.
        height: ``(n_beats,)`` of each, 0 where none arrives.
    """

    signal: NDArray[np.float64]
    fs: float
    foot_s: NDArray[np.float64]
    height: NDArray[np.float64]


def new_vessels(rng: np.random.Generator, *, still: bool = False) -> Vessels:
    """Somebody's, drawn; ``still`` without movement."""
    return Vessels(
        pre_ejection_s=float(rng.uniform(0.08, 0.12)),
        transit_s=float(rng.uniform(0.11, 0.19)),
        rise_s=float(rng.uniform(0.12, 0.20)),
        diastolic=float(rng.uniform(0.15, 0.55)),
        diastolic_s=float(rng.uniform(0.22, 0.32)),
        breaths_hz=float(rng.uniform(0.18, 0.33)),
        breathing=float(rng.uniform(0.05, 0.3)),
        movement=0.0 if still else float(rng.uniform(0.1, 0.8)),
        bursts_per_min=0.0 if still else float(rng.uniform(0.0, 6.0)),
        sensor=float(rng.uniform(0.005, 0.04)),
    )


def simulate_pulse(
    qrs_s: Sequence[float] | NDArray[np.float64],
    duration_s: float,
    *,
    fs: float = 100.0,
    vessels: Vessels | None = None,
    rng: np.random.Generator,
    usual_rr_s: float | None = None,
) -> SimulatedPulse:
    """The pulse at a finger while the heart beats at ``qrs_s``.

    Args:
        qrs_s: Beginnings of QRS complexes, s, rising; some before 0 make the beginning whole.
        duration_s: Length, s.
        fs: Hz.
        vessels: Whose; drawn when None.
        rng: Draws breathing's phase, movement and noise.
        usual_rr_s: Interval that fills as usual, s; the median when None.
    """
    body = vessels or new_vessels(rng)
    beats = np.asarray(qrs_s, dtype=np.float64)
    n = round(duration_s * fs)
    t = np.arange(n) / fs
    rr = np.diff(beats, prepend=beats[:1] - (np.median(np.diff(beats)) if beats.size > 1 else 0.8))
    usual = usual_rr_s or (float(np.median(rr)) if rr.size else 0.8)
    filled = _filling(rr) / _filling(np.array([max(usual, 0.5)]))[0]
    phase = float(rng.uniform(0.0, 2.0 * np.pi))
    foot = beats + body.pre_ejection_s * (1.0 + 0.4 * np.clip(1.0 - filled, 0.0, 1.0)) + body.transit_s
    breath = np.sin(2.0 * np.pi * body.breaths_hz * foot + phase)
    height = np.where(filled < LEAST, 0.0, np.minimum(filled, 1.6)) * (1.0 + 0.5 * body.breathing * breath)
    wave = np.zeros(n)
    for start, size in zip(foot, height, strict=True):
        for share, middle, width in (
            (1.0, body.rise_s, body.rise_s / 2.6),
            (body.diastolic, body.rise_s + body.diastolic_s, 0.105),
        ):
            first, last = (int(np.clip((start + middle + k * width) * fs, 0, n)) for k in (-4.0, 5.0))
            wave[first:last] += size * share * np.exp(-0.5 * ((t[first:last] - start - middle) / width) ** 2)
    wave += body.breathing * np.sin(2.0 * np.pi * body.breaths_hz * t + phase)
    wave += body.sensor * rng.standard_normal(n)
    return SimulatedPulse(wave + _movement(body, n, fs, rng), fs, foot, height)


def _filling(rr_s: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1.0 - np.exp(-np.maximum(rr_s - EMPTY_S, 0.0) / FILLING_S))


def _movement(body: Vessels, n: int, fs: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Bursts of 1 to 3 s of noise between 0.4 and 5 Hz."""
    out = np.zeros(n)
    if body.movement <= 0.0 or body.bursts_per_min <= 0.0 or n < 64:
        return out
    sections = signal.butter(2, [0.4, min(5.0, 0.45 * fs)], "band", fs=fs, output="sos")
    noise = signal.sosfilt(sections, rng.standard_normal(n))
    noise /= max(float(noise.std()), 1e-12)
    for _ in range(int(rng.poisson(body.bursts_per_min * n / fs / 60.0))):
        size = round(float(rng.uniform(1.0, 3.0)) * fs)
        start = int(rng.integers(0, n))
        piece = slice(start, min(n, start + size))
        out[piece] += body.movement * noise[piece] * np.hanning(size)[: piece.stop - start]
    return out
