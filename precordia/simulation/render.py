"""A heart's beats as twelve leads over time, and where each wave lies."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.simulation.atria import atrial_dipole
from precordia.simulation.examine import FittedBeat, fit_beat
from precordia.simulation.parted import LATE_S
from precordia.simulation.persons import Sitting, qt_of
from precordia.simulation.rhythm import Beat, Plan
from precordia.simulation.torso import TWELVE_FROM_EIGHT
from precordia.simulation.truth import BeatTruth
from precordia.simulation.waves import Segment

BREATH_TURN_RAD: Final = 0.03
"""Amplitude of the heart's turn with breathing (Moody et al., Derivation of respiratory signals from multi-lead ECGs,
Comput Cardiol 1985;12:113-116: some degrees)."""

BREATH_GAIN: Final = 0.02
"""Relative amplitude of the voltage change with breathing."""

SPIKE_S: Final = 0.0006
"""Standard deviation of a pacing spike, s; wider, and as much lower, where the rate cannot carry it."""

SPIKE_MV: Final = (1.2, -2.4, -0.6)
"""Dipole of a pacing spike at its top, mV."""


def render(
    sitting: Sitting, plan: Plan, fs: float, n: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], tuple[BeatTruth, ...]]:
    """The clean recording ``(12, n)`` mV, and its beats."""
    heart, torso, beats = sitting.heart, sitting.torso, plan.beats
    fitted: dict[str, FittedBeat] = dict.fromkeys(("sinus", "paced", "escape", "ventricular"), sitting.own)
    fitted |= {kind: fit_beat(shape, torso) for kind, shape in heart.ectopic.items() if kind != "paced"}
    out = np.zeros((n, 8))
    phase = float(rng.uniform(0, 2 * np.pi))
    truths: list[BeatTruth] = []
    mean_rr = 60.0 / heart.rhythm.rate_bpm
    for kind in fitted:
        mine = [(i, b) for i, b in enumerate(beats) if b.kind == kind]
        if not mine:
            continue
        beat = fitted[kind]
        shape = beat.shape
        on = np.array([b.qrs_s for _, b in mine])
        breath = np.sin(2 * np.pi * heart.rhythm.breaths_hz * on + phase)
        following = [beats[i + 1].qrs_s - b.qrs_s if i + 1 < len(beats) else mean_rr for i, b in mine]
        qt = np.array([_qt_s(sitting, b, beat, mean_rr, after) for (_, b), after in zip(mine, following, strict=True)])
        pr = shape.pr_ms / 1000.0 + np.array([b.late_s for _, b in mine])
        qrs_s, p_s = shape.qrs_ms / 1000.0, shape.p_ms / 1000.0
        _add(out, beat.qrs, on, np.full_like(on, qrs_s), breath, fs)
        _add(out, beat.st_t, on + qrs_s, qt - qrs_s, breath, fs)
        led = np.array([b.with_p for _, b in mine])
        if beat.p is not None and led.any():
            _add(out, beat.p, (on - pr)[led], np.full(int(led.sum()), p_s), breath[led], fs)
        if shape.spike:
            _add_spikes(out, on - LATE_S, torso.project("spike", SPIKE_MV), fs)
        for j in range(len(mine)):
            r = float(on[j] + beat.qrs.peak * qrs_s)
            if 0.0 <= r < n / fs:
                truths.append(_truth(mine[j][1], beat, r, float(qt[j]), float(pr[j]), n / fs))
    if sitting.own.p is not None and plan.p_s:
        lone = np.asarray(plan.p_s)
        breath = np.sin(2 * np.pi * heart.rhythm.breaths_hz * lone + phase)
        _add(out, sitting.own.p, lone, np.full_like(lone, sitting.own.shape.p_ms / 1000.0), breath, fs)
    if plan.spikes_s:
        _add_spikes(out, np.asarray(plan.spikes_s), torso.project("spike", SPIKE_MV), fs)
    t = np.arange(n) / fs
    dipole = atrial_dipole(heart.rhythm, t, rng)
    if dipole is not None:
        out += dipole.T @ (torso.exchange @ torso.lead_field).T
    truths.sort(key=lambda b: b.r_s)
    return TWELVE_FROM_EIGHT @ out.T, tuple(truths)


def _qt_s(sitting: Sitting, beat: Beat, fitted: FittedBeat, mean_rr: float, following: float) -> float:
    """QT of one beat, s: follows the mean rate, and the last interval by a quarter; T never outlasts the next QRS."""
    own = qt_of(sitting.heart, 0.75 * mean_rr + 0.25 * min(beat.rr_s, 1.6 * mean_rr)) / 1000.0
    extra = (fitted.shape.qrs_ms - sitting.own.shape.qrs_ms) / 1000.0
    return max(fitted.shape.qrs_ms / 1000.0 + 0.12, min(own + extra, 0.96 * following))


def _add(
    out: NDArray[np.float64],
    segment: Segment,
    on: NDArray[np.float64],
    length: NDArray[np.float64],
    breath: NDArray[np.float64],
    fs: float,
) -> None:
    """Add a segment of every beat to ``out`` ``(n, 8)``; beats begin at ``on`` (s) and last ``length`` (s)."""
    n = out.shape[0]
    start, stop, rise, fall = segment.shape.T
    low, high = float((start - 4 * rise).min()), float((stop + 4 * fall).max())
    width = int(np.ceil((high - low) * float(length.max()) * fs)) + 2
    first = np.floor((on + low * length) * fs).astype(int)
    index = first[:, None] + np.arange(width)
    tops = segment.at((index / fs - on[:, None]) / length[:, None])
    gain = (1.0 + BREATH_GAIN * breath)[:, None, None]
    amplitude = segment.amplitude * gain + BREATH_TURN_RAD * breath[:, None, None] * segment.turned
    waves = np.moveaxis(tops, 0, 2) @ amplitude
    for row, a in enumerate(first):
        left, right = max(int(a), 0), min(int(a) + width, n)
        if left < right:
            out[left:right] += waves[row, left - a : right - a]


def _add_spikes(out: NDArray[np.float64], at: NDArray[np.float64], size: NDArray[np.float64], fs: float) -> None:
    width = max(SPIKE_S, 0.4 / fs)
    t = np.arange(out.shape[0]) / fs
    for moment in at:
        near = np.abs(t - moment) < 5 * width
        out[near] += np.outer(np.exp(-0.5 * ((t[near] - moment) / width) ** 2), size * SPIKE_S / width)


def _truth(beat: Beat, fitted: FittedBeat, r: float, qt: float, pr: float, duration: float) -> BeatTruth:
    def inside(time: float) -> float | None:
        return float(time) if 0.0 <= time < duration else None

    shape, on = fitted.shape, beat.qrs_s
    has_p, qrs_s = fitted.p is not None and beat.with_p, shape.qrs_ms / 1000.0
    st_t = qt - qrs_s
    return BeatTruth(
        kind=beat.kind,
        p_on_s=inside(on - pr) if has_p else None,
        p_off_s=inside(on - pr + shape.p_ms / 1000.0) if has_p else None,
        qrs_on_s=on,
        r_s=r,
        qrs_off_s=on + qrs_s,
        t_on_s=inside(on + qrs_s + fitted.st_t.onset * st_t),
        t_s=inside(on + qrs_s + fitted.st_t.peak * st_t),
        t_off_s=inside(on + qt),
    )
