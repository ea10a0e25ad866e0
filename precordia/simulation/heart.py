"""A heart: the waves of its beats, its intervals and its rhythm; and the healthy heart of a person of an age and sex."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from precordia.core.recording import Sex
from precordia.simulation.waves import Wave, bump

BeatKind = Literal["sinus", "pac", "pvc", "paced", "escape", "ventricular", "partly preexcited", "conducted"]
RhythmKind = Literal["sinus", "fibrillation", "flutter", "paced", "blocked", "dissociated", "failing pacemaker"]
Pacemaker = Literal["no capture", "some capture", "no output"]


@dataclass(frozen=True)
class BeatShape:
    """One kind of beat.

    Attributes:
        p: Waves of the P wave, phase 0 to 1 over ``p_ms``; empty when no P belongs to the beat.
        qrs: Waves of the QRS, phase 0 to 1 over ``qrs_ms``.
        st_t: Waves after the J point, phase 0 to 1 up to the end of T.
        p_ms: P duration, ms.
        pr_ms: Beginning of P to beginning of QRS, ms.
        qrs_ms: QRS duration, ms.
        spike: Whether a pacing spike precedes the QRS.
    """

    p: tuple[Wave, ...]
    qrs: tuple[Wave, ...]
    st_t: tuple[Wave, ...]
    p_ms: float = 105.0
    pr_ms: float = 155.0
    qrs_ms: float = 90.0
    spike: bool = False


@dataclass(frozen=True)
class Rhythm:
    """When beats come.

    Attributes:
        kind: What sets the pace.
        rate_bpm: Mean ventricular rate.
        respiratory: Amplitude of respiratory sinus arrhythmia as a share of RR.
        slow: Amplitude of the 0.1 Hz oscillation as a share of RR.
        irregularity: Coefficient of variation of RR in fibrillation.
        breaths_hz: Respiratory rate, Hz.
        ectopy: Premature beats: kind to their expected share of all beats.
        conduction: Flutter waves, or P waves in second degree block, to a QRS, one entry a beat in turn.
        atrial_bpm: Rate of the flutter waves, of the dominant fibrillatory waves, or of P waves that go their own way; 0 when
            such atria are not seen.
        atrial_mv: Peak dipole of flutter or fibrillatory waves, mV.
        refractory_s: Shortest RR interval in fibrillation, s.
        own: What the heart's own beats are called.
        failure: How a failing pacemaker fails.
        pacing_bpm: Rate at which a failing pacemaker stimulates.
    """

    kind: RhythmKind = "sinus"
    rate_bpm: float = 70.0
    respiratory: float = 0.03
    slow: float = 0.015
    irregularity: float = 0.0
    breaths_hz: float = 0.25
    ectopy: Mapping[BeatKind, float] = field(default_factory=dict)
    conduction: tuple[int, ...] = (2,)
    atrial_bpm: float = 300.0
    atrial_mv: float = 0.1
    refractory_s: float = 0.28
    own: BeatKind = "sinus"
    failure: Pacemaker = "no capture"
    pacing_bpm: float = 60.0


@dataclass(frozen=True)
class Heart:
    """A heart as it beats now.

    Attributes:
        beat: The beat that its own pacemaker starts.
        ectopic: Other kinds of beat.
        rhythm: When beats come.
        qtf_ms: QT at a rate of 60, ms (Fridericia's correction).
        axis_deg: Frontal QRS axis wanted, degrees, or None to leave it as the waves give it.
    """

    beat: BeatShape
    rhythm: Rhythm
    qtf_ms: float
    axis_deg: float | None = None
    ectopic: Mapping[BeatKind, BeatShape] = field(default_factory=dict)

    def with_beat(
        self,
        *,
        p: tuple[Wave, ...] | None = None,
        qrs: tuple[Wave, ...] | None = None,
        st_t: tuple[Wave, ...] | None = None,
        p_ms: float | None = None,
        pr_ms: float | None = None,
        qrs_ms: float | None = None,
    ) -> Heart:
        """The heart with parts of its own beat replaced."""
        beat = self.beat
        return replace(
            self,
            beat=replace(
                beat,
                p=beat.p if p is None else p,
                qrs=beat.qrs if qrs is None else qrs,
                st_t=beat.st_t if st_t is None else st_t,
                p_ms=beat.p_ms if p_ms is None else p_ms,
                pr_ms=beat.pr_ms if pr_ms is None else pr_ms,
                qrs_ms=beat.qrs_ms if qrs_ms is None else qrs_ms,
            ),
        )

    def scaled(self, part: Literal["p", "qrs", "st_t"], factor: float, *names: str) -> Heart:
        """The heart with the waves of one part larger or smaller: all of them, or those whose name starts so."""
        waves: tuple[Wave, ...] = tuple(
            w.scaled(factor) if not names or w.name.startswith(names) else w for w in getattr(self.beat, part)
        )
        match part:
            case "p":
                return self.with_beat(p=waves)
            case "qrs":
                return self.with_beat(qrs=waves)
            case "st_t":
                return self.with_beat(st_t=waves)


Change = Callable[[Heart, np.random.Generator], Heart]
"""What a diagnosis does to a heart."""


def jittered(waves: tuple[Wave, ...], rng: np.random.Generator, size: float) -> tuple[Wave, ...]:
    """The waves with each direction, size and width varied by a relative standard deviation."""
    out = []
    for wave in waves:
        scale = float(np.linalg.norm(wave.vector))
        x, y, z = np.asarray(wave.vector) * np.exp(rng.normal(0.0, size)) + rng.normal(0.0, 0.6 * size * scale, 3)
        stretch = np.exp(rng.normal(0.0, 0.5 * size, 2))
        out.append(
            replace(
                wave,
                vector=(float(x), float(y), float(z)),
                rise=wave.rise * float(stretch[0]),
                fall=wave.fall * float(stretch[1]),
            )
        )
    return tuple(out)


def normal_heart(rng: np.random.Generator, age: float, sex: Sex) -> Heart:
    """A healthy heart.

    How durations, rate and voltage depend on age and sex follows Rijnbeek et al., Normal values of the electrocardiogram
    for ages 16-90 years, J Electrocardiol 2014;47:914-921; the loops' directions Draper et al., The corrected orthogonal
    electrocardiogram and vectorcardiogram in 510 normal men, Circulation 1964;30:853-864. Means and spreads were then
    set so that the measuring layer finds in simulated normals what it finds in PTB-XL's (folds 1 to 8); see
    ``precordia.simulation.realism``.
    """
    male = sex == "M"
    decades = (age - 50.0) / 10.0
    size = float(np.exp(rng.normal(0.0, 0.18))) * (1.08 if male else 0.95) * (1.0 - 0.03 * np.clip(decades, -3, 4))
    depth = size * (1.12 if male else 0.92) * float(np.exp(rng.normal(0.0, 0.12)))
    qrs = jittered(
        (
            bump("septal", 0.25, 0.078, (-0.08 * size, -0.02 * size, -0.20 * depth)),
            bump("apical", 0.44, 0.088, (0.86 * size, 0.56 * size, -0.18 * depth)),
            bump("lateral", 0.58, 0.084, (0.52 * size, 0.28 * size, 0.92 * depth)),
            bump("basal", 0.78, 0.088, (-0.17 * size, -0.10 * size, 0.24 * depth)),
        ),
        rng,
        0.19,
    )
    notches = tuple(
        bump(
            f"notch{i}",
            float(rng.uniform(0.2, 0.85)),
            float(rng.uniform(0.02, 0.04)),
            tuple(rng.normal(0.0, 0.07, 3)),
        )
        for i in range(4)
    )
    t_size = float(np.exp(rng.normal(0.0, 0.22))) * (1.12 if male else 0.92) * (1.0 - 0.04 * np.clip(decades, -3, 4))
    peak = float(rng.uniform(0.66, 0.72))
    st_t = jittered(
        (
            bump(
                "t", peak, 0.155, (0.31 * t_size, 0.125 * t_size, -0.13 * t_size * (1.25 if male else 1.0)), fall=0.10
            ),
            bump(
                "st",
                0.38,
                0.20,
                (0.03 * t_size, 0.015 * t_size, -0.085 * t_size * (1.25 if male and age < 50 else 0.85)),
            ),
            bump("u", 1.22, 0.07, (0.02 * t_size, 0.015 * t_size, -0.03 * t_size)),
        ),
        rng,
        0.15,
    )
    p_size = float(np.exp(rng.normal(0.0, 0.20)))
    p = jittered(
        (
            bump("p right", 0.38, 0.15, (0.070 * p_size, 0.046 * p_size, -0.045 * p_size)),
            bump("p left", 0.64, 0.15, (0.075 * p_size, 0.024 * p_size, 0.030 * p_size)),
        ),
        rng,
        0.22,
    )
    calm = float(np.clip(0.055 - 0.0007 * (age - 20.0), 0.008, 0.055))
    return Heart(
        beat=BeatShape(
            p=p,
            qrs=(*qrs, *notches),
            st_t=st_t,
            p_ms=float(np.clip(rng.normal(106.0 if male else 102.0, 8.0), 84.0, 118.0)),
            pr_ms=float(np.clip(rng.normal(156.0 + 2.5 * decades, 18.0), 124.0, 196.0)),
            qrs_ms=float(np.clip(rng.normal(89.0 if male else 81.0, 8.0), 68.0, 106.0)),
        ),
        rhythm=Rhythm(
            rate_bpm=float(np.clip(rng.normal(67.0, 12.0), 61.0, 97.0)),
            respiratory=float(calm * np.exp(rng.normal(0.0, 0.6))),
            slow=float(0.6 * calm * np.exp(rng.normal(0.0, 0.5))),
            breaths_hz=float(rng.uniform(0.18, 0.33)),
        ),
        qtf_ms=float(np.clip(rng.normal(386.0 if male else 397.0, 18.0), 350.0, 435.0 if male else 445.0)),
        axis_deg=float(np.clip(rng.normal(42.0 - 6.0 * decades, 27.0), -22.0, 86.0)),
    )
