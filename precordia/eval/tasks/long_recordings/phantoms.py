"""Long recordings with known events: stretches of simulated rhythms of one person joined one after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count, islice
from typing import Final

import numpy as np

from precordia.core.recording import Recording
from precordia.signals.long.rhythm import BRADY_BPM, TACHY_BPM
from precordia.simulation import simulate

LEADS: Final = ("II", "V1")
FS: Final = 250.0
SINUS_S: Final = 90.0
FADE_S: Final = 0.02
EVENTS: Final[dict[str, tuple[str, float]]] = {
    "AF": ("AFIB", 90.0),
    "VT": ("VT", 12.0),
    "brady": ("SBRAD", 90.0),
    "tachy": ("STACH", 90.0),
}
"""Kind of event to the rhythm that is simulated for it, and how long it lasts, s."""


@dataclass(frozen=True, eq=False)
class Joined:
    """A recording with one event in it.

    Attributes:
        recording: The signal.
        kind: Of the event.
        start_s: s.
        end_s: s.
        rate_bpm: Of the beats that were simulated in it.
    """

    recording: Recording
    kind: str
    start_s: float
    end_s: float
    rate_bpm: float


def joined(kind: str, seed: int) -> Joined:
    """Sinus rhythm, an event, and sinus rhythm again, of one person."""
    diagnosis, lasts_s = EVENTS[kind]
    before, after = _rhythm("SR", seed, SINUS_S)[0], _rhythm("SR", seed, SINUS_S + 0.5)[0]
    event, rate_bpm = _rhythm(diagnosis, seed, lasts_s)
    signal = np.concatenate([before.signal, event.signal, after.signal], axis=1)
    return Joined(replace(before, signal=signal), kind, SINUS_S, SINUS_S + lasts_s, rate_bpm)


def phantoms_of(kind: str, n: int, seed: int) -> list[Joined]:
    """The first ``n`` from a seed on whose event is what is called so: a "sinus bradycardia" of 55 is no slow rate here."""
    made = (joined(kind, number) for number in count(seed))
    return list(islice((one for one in made if _IS.get(kind, _always)(one.rate_bpm)), n))


def _always(rate_bpm: float) -> bool:
    return True


_IS: Final[dict[str, Callable[[float], bool]]] = {
    "brady": lambda rate_bpm: rate_bpm < BRADY_BPM,
    "tachy": lambda rate_bpm: rate_bpm > TACHY_BPM,
}
"""Kinds of event that are told by their rate."""


def with_one_second(seed: int, duration_s: float = 600.0) -> tuple[Recording, Recording, Recording, float]:
    """Ten minutes of sinus rhythm, the same with one second of fibrillation, ten seconds of that fibrillation, and where it is."""
    plain = _rhythm("SR", seed, duration_s)[0]
    af = _rhythm("AFIB", seed, 20.0)[0]
    start_s = float(np.random.default_rng([seed, 77]).uniform(60, duration_s - 60))
    first, n = round(start_s * FS), round(FS)
    share = np.minimum(1.0, np.minimum(np.arange(n), np.arange(n)[::-1]) / (FADE_S * FS)).astype(np.float32)
    signal = plain.signal.copy()
    piece = af.signal[:, round(5 * FS) : round(5 * FS) + n]
    signal[:, first : first + n] = (1 - share) * signal[:, first : first + n] + share * piece
    strip = replace(af, signal=af.signal[:, : round(10 * FS)])
    return plain, replace(plain, signal=signal), strip, start_s


def _rhythm(diagnosis: str, seed: int, duration_s: float) -> tuple[Recording, float]:
    """A rhythm, and the rate of its beats, bpm."""
    made = simulate(diagnosis, seed=seed, fs=FS, duration_s=duration_s)
    whole, times = made.recording, [beat.r_s for beat in made.truth.beats]
    rows = [whole.leads.index(lead) for lead in LEADS]
    return replace(whole, signal=whole.signal[rows], leads=LEADS), 60 * (len(times) - 1) / (times[-1] - times[0])
