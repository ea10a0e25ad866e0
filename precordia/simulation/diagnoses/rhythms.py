"""Rhythms: sinus rhythm and its rates, fibrillation, flutter, premature beats, first degree atrioventricular block."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from precordia.core.findings import Finding
from precordia.simulation.diagnoses.conduction import secondary_st_t
from precordia.simulation.diagnoses.diagnosis import Diagnosis
from precordia.simulation.heart import BeatKind, BeatShape, Heart
from precordia.simulation.waves import Wave, bump, times


def sinus_rhythm(heart: Heart, rng: np.random.Generator) -> Heart:
    """60 to 100 a minute, as drawn for the person."""
    return heart


def sinus_bradycardia(heart: Heart, rng: np.random.Generator) -> Heart:
    """Below 60 a minute."""
    return replace(heart, rhythm=replace(heart.rhythm, rate_bpm=float(rng.uniform(41, 56))))


def sinus_tachycardia(heart: Heart, rng: np.random.Generator) -> Heart:
    """Above 100 a minute; variability shrinks, PR shortens."""
    rate = float(104 + 40 * rng.beta(1.2, 2.5))
    rhythm = replace(
        heart.rhythm, rate_bpm=rate, respiratory=heart.rhythm.respiratory * 0.3, slow=heart.rhythm.slow * 0.4
    )
    return replace(heart, rhythm=rhythm).with_beat(pr_ms=max(118.0, heart.beat.pr_ms - 0.3 * (rate - 80)))


def sinus_arrhythmia(heart: Heart, rng: np.random.Generator) -> Heart:
    """RR swings with breathing by more than 0.12 s (Chou's Electrocardiography, 6th ed., ch. 13)."""
    rate = min(heart.rhythm.rate_bpm, 78.0)
    swing = float(rng.uniform(0.11, 0.18))
    return replace(
        heart, rhythm=replace(heart.rhythm, rate_bpm=rate, respiratory=swing, breaths_hz=float(rng.uniform(0.15, 0.27)))
    )


def atrial_fibrillation(heart: Heart, rng: np.random.Generator) -> Heart:
    """No P wave, fibrillatory waves of 350 to 500 a minute, RR without a pattern (ESC guideline, Hindricks 2020)."""
    rhythm = replace(
        heart.rhythm,
        kind="fibrillation",
        rate_bpm=float(np.clip(rng.normal(92, 20), 58, 145)),
        irregularity=float(rng.uniform(0.19, 0.28)),
        atrial_bpm=float(rng.uniform(340, 480)),
        atrial_mv=float(rng.uniform(0.025, 0.09)),
    )
    return replace(heart, rhythm=rhythm).with_beat(p=())


def atrial_flutter(heart: Heart, rng: np.random.Generator) -> Heart:
    """A sawtooth of 240 to 340 a minute, conducted 2:1 to 4:1 or in turns (Saoudi et al. 2001)."""
    patterns = ((2,), (2,), (3,), (4,), (4,), (4, 2), (2, 4, 4), (3, 4))
    conduction = patterns[int(rng.integers(len(patterns)))]
    atrial = float(rng.uniform(240, 330))
    rhythm = replace(
        heart.rhythm,
        kind="flutter",
        atrial_bpm=atrial,
        conduction=conduction,
        rate_bpm=atrial / float(np.mean(conduction)),
        atrial_mv=float(rng.uniform(0.16, 0.30)),
    )
    return replace(heart, rhythm=rhythm).with_beat(p=())


def first_degree_block(heart: Heart, rng: np.random.Generator) -> Heart:
    """PR above 200 ms."""
    slow = replace(heart.rhythm, rate_bpm=min(heart.rhythm.rate_bpm, 92.0))
    return replace(heart, rhythm=slow).with_beat(pr_ms=float(rng.uniform(214, 290)))


def atrial_premature(heart: Heart, rng: np.random.Generator) -> Heart:
    """An early beat with a P wave of another shape and an unchanged QRS."""
    low = bool(rng.random() < 0.4)
    turned: tuple[Wave, ...] = tuple(
        replace(w, vector=(w.vector[0] * 0.8, w.vector[1] * (-0.9 if low else 0.45), w.vector[2] - 0.02))
        for w in heart.beat.p
    )
    shape = replace(heart.beat, p=turned, p_ms=heart.beat.p_ms * 0.92)
    return _with_ectopy(heart, "pac", shape, float(rng.uniform(0.14, 0.28)))


def ventricular_premature(heart: Heart, rng: np.random.Generator) -> Heart:
    """An early wide beat without a P wave, its ST-T turned the other way."""
    size = float(rng.uniform(1.3, 2.0))
    down = float(rng.choice([-0.9, 0.9]))
    # From the right ventricle it looks like left bundle branch block, from the left like right bundle branch block.
    right = bool(rng.random() < 0.5)
    start, main = ((0.3, 0.3, 0.1), (1.0, down, 0.55)) if right else ((0.1, -0.2, -0.3), (-0.6, down, -0.8))
    x, y, z = main
    qrs = (
        bump("pvc start", 0.24, 0.13, times(0.5 * size, start)),
        bump("pvc main", 0.48, 0.15, times(0.7 * size, main)),
        bump("pvc late", 0.74, 0.11, times(size, (0.4 * x, 0.55 * y, 0.45 * z))),
    )
    shape = BeatShape(p=(), qrs=qrs, st_t=secondary_st_t(qrs, 0.34), qrs_ms=float(rng.uniform(132, 168)))
    return _with_ectopy(heart, "pvc", shape, float(rng.uniform(0.14, 0.26)))


def _with_ectopy(heart: Heart, kind: BeatKind, shape: BeatShape, share: float) -> Heart:
    rhythm = replace(heart.rhythm, ectopy={**heart.rhythm.ectopy, kind: share})
    return replace(heart, rhythm=rhythm, ectopic={**heart.ectopic, kind: shape})


_NO_P = frozenset({"av", "PAC", "WPW", "atrium"})

RHYTHMS = (
    Diagnosis("SR", (Finding("SR"),), "rhythm", sinus_rhythm),
    Diagnosis("SBRAD", (Finding("SBRAD"),), "rhythm", sinus_bradycardia),
    Diagnosis("STACH", (Finding("STACH"),), "rhythm", sinus_tachycardia, excludes=frozenset({"av"})),
    Diagnosis("SARRH", (Finding("SR"), Finding("SARRH")), "rhythm", sinus_arrhythmia),
    Diagnosis("AFIB", (Finding("AFIB"),), "rhythm", atrial_fibrillation, excludes=_NO_P),
    Diagnosis("AFLT", (Finding("AFLT"),), "rhythm", atrial_flutter, excludes=_NO_P | {"ectopy", "LNGQT"}),
    Diagnosis("1AVB", (Finding("1AVB"),), "av", first_degree_block, excludes=frozenset({"WPW"})),
    Diagnosis("PAC", (Finding("PAC"),), "ectopy", atrial_premature),
    Diagnosis("PVC", (Finding("PVC"),), "ectopy", ventricular_premature),
)
