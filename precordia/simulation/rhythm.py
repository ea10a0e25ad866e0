"""When beats come: sinus rhythm with its variability, fibrillation, flutter, pacing, and premature beats.

Rhythms whose atria and ventricles part (block, ventricular tachycardia, a failing pacemaker) are in
``precordia.simulation.parted``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from precordia.simulation.heart import BeatKind, Rhythm


@dataclass(frozen=True)
class Beat:
    """One beat to come.

    Attributes:
        qrs_s: Beginning of its QRS, s from the recording's first sample (negative before it).
        kind: Which shape it has.
        rr_s: Interval since the QRS before it, s.
        late_s: How much longer than usual its PR interval is, s.
        with_p: Whether the shape's P wave precedes it; False where the atria go their own way.
    """

    qrs_s: float
    kind: BeatKind
    rr_s: float
    late_s: float = 0.0
    with_p: bool = True


@dataclass(frozen=True)
class Plan:
    """What is to happen in a recording; times in s from its first sample.

    Attributes:
        beats: In order of time.
        p_s: Beginnings of P waves that no QRS follows at the PR interval.
        spikes_s: Pacing stimuli that no QRS follows.
    """

    beats: tuple[Beat, ...]
    p_s: tuple[float, ...] = ()
    spikes_s: tuple[float, ...] = ()


def sinus_beats(rhythm: Rhythm, start: float, end: float, rng: np.random.Generator) -> list[Beat]:
    """RR with respiratory and 0.1 Hz oscillations (McSharry et al. 2003) and a little jitter; premature beats.

    A ventricular premature beat leaves the sinus node alone, hence a compensatory pause; an atrial one resets it.
    """
    mean = 60.0 / rhythm.rate_bpm
    paced = rhythm.kind == "paced"
    own: BeatKind = "paced" if paced else "sinus"
    phase_r, phase_s = rng.uniform(0, 2 * np.pi, 2)
    beats: list[Beat] = []
    t, previous = start, start - mean
    since_ectopic = 9
    ectopy = dict(rhythm.ectopy)
    while t < end:
        beats.append(Beat(t, own, t - previous))
        previous = t
        swing = rhythm.respiratory * np.sin(2 * np.pi * rhythm.breaths_hz * t + phase_r)
        swing += rhythm.slow * np.sin(2 * np.pi * 0.1 * t + phase_s)
        rr = mean * (1.0 if paced else 1.0 + float(swing) + float(rng.normal(0.0, 0.006)))
        draw = float(rng.random())
        coupling = float(rng.uniform(0.0, 1.0))
        premature: BeatKind | None = None
        for kind, share in ectopy.items():
            if draw < share and since_ectopic > 1:
                premature = kind
                break
            draw -= share
        since_ectopic += 1
        if premature == "pvc":
            early = previous + max(0.36, rr * (0.52 + 0.16 * coupling))
            beats.append(Beat(early, "pvc", early - previous))
            previous = early
            t += 2.0 * rr
            since_ectopic = 0
        elif premature == "pac":
            early = previous + max(0.36, rr * (0.58 + 0.16 * coupling))
            beats.append(Beat(early, "pac", early - previous, late_s=0.015))
            previous = early
            t = early + rr * 1.12
            since_ectopic = 0
        else:
            t += rr
    return beats


def fibrillation_beats(rhythm: Rhythm, start: float, end: float, rng: np.random.Generator) -> list[Beat]:
    """RR without memory, log-normal above a refractory floor (Hayano et al., Am J Physiol 1997;273:H2811)."""
    mean = 60.0 / rhythm.rate_bpm
    floor = max(rhythm.refractory_s, 0.5 * mean)
    spread = rhythm.irregularity * mean / (mean - floor)
    sigma = float(np.sqrt(np.log1p(spread**2)))
    beats: list[Beat] = []
    t, previous = start, start - mean
    while t < end:
        kind = _other_kind(rhythm, float(rng.random()))
        if kind == "pvc" and (not beats or beats[-1].kind == "pvc"):
            kind = "sinus"
        beats.append(Beat(t, kind, t - previous))
        previous = t
        t += floor + (mean - floor) * float(np.exp(rng.normal(-0.5 * sigma**2, sigma)))
    return beats


def _other_kind(rhythm: Rhythm, draw: float) -> BeatKind:
    """The kind of beat that a uniform draw stands for."""
    for kind, share in rhythm.ectopy.items():
        if draw < share:
            return kind
        draw -= share
    return "sinus"


def flutter_beats(rhythm: Rhythm, start: float, end: float, rng: np.random.Generator) -> list[Beat]:
    """Every second, third or fourth flutter wave is conducted; the QRS keeps its place in the sawtooth."""
    cycle = 60.0 / rhythm.atrial_bpm
    beats: list[Beat] = []
    wave = int(np.floor(start / cycle))
    previous = (wave - rhythm.conduction[0]) * cycle
    turn = int(rng.integers(len(rhythm.conduction)))
    while wave * cycle < end:
        t = wave * cycle + float(rng.normal(0.0, 0.002))
        beats.append(Beat(t, "sinus", t - previous))
        previous = t
        wave += rhythm.conduction[turn % len(rhythm.conduction)]
        turn += 1
    return beats
