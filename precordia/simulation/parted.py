"""When beats come where atria and ventricles part: second and third degree block, ventricular tachycardia, a failing pacemaker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from precordia.simulation.heart import BeatKind, Rhythm, RhythmKind
from precordia.simulation.rhythm import Beat, Plan, fibrillation_beats, flutter_beats, sinus_beats

LATE_S: Final = 0.004
"""Spike to the QRS that it sets off, s."""

Schedule = Callable[[Rhythm, float, float, np.random.Generator, float], Plan]


def plan(rhythm: Rhythm, duration_s: float, rng: np.random.Generator, pr_s: float = 0.16) -> Plan:
    """What happens from two seconds before a recording to one second after its end.

    Args:
        rhythm: The rhythm.
        duration_s: Length of the recording, s.
        rng: Draws it.
        pr_s: Beginning of a conducted P wave to its QRS, s.
    """
    start, end = -2.0 - float(rng.uniform(0, 1.0)), duration_s + 1.0
    return _SCHEDULES[rhythm.kind](rhythm, start, end, rng, pr_s)


def _sinus(rhythm: Rhythm, start: float, end: float, rng: np.random.Generator, pr_s: float) -> Plan:
    return Plan(tuple(sinus_beats(rhythm, start, end, rng)))


def _fibrillation(rhythm: Rhythm, start: float, end: float, rng: np.random.Generator, pr_s: float) -> Plan:
    return Plan(tuple(fibrillation_beats(rhythm, start, end, rng)))


def _flutter(rhythm: Rhythm, start: float, end: float, rng: np.random.Generator, pr_s: float) -> Plan:
    return Plan(tuple(flutter_beats(rhythm, start, end, rng)))


def _p_waves(rhythm: Rhythm, start: float, end: float, rng: np.random.Generator) -> list[float]:
    """P waves of a sinus node that nothing resets, with its respiratory swing."""
    if rhythm.atrial_bpm <= 0.0:
        return []
    mean, phase = 60.0 / rhythm.atrial_bpm, float(rng.uniform(0, 2 * np.pi))
    out, t = [], start + float(rng.uniform(0, mean))
    while t < end:
        out.append(t)
        swing = rhythm.respiratory * np.sin(2 * np.pi * rhythm.breaths_hz * t + phase)
        t += mean * (1.0 + float(swing) + float(rng.normal(0.0, 0.006)))
    return out


def _steady(rate_bpm: float, jitter: float, start: float, end: float, rng: np.random.Generator) -> list[float]:
    """A focus that keeps its own time."""
    mean = 60.0 / rate_bpm
    out, t = [], start + float(rng.uniform(0, mean))
    while t < end:
        out.append(t)
        t += mean * (1.0 + float(rng.normal(0.0, jitter)))
    return out


def _beats(times: list[float], kind: BeatKind, usual_rr: float, *, with_p: bool) -> tuple[Beat, ...]:
    before = [times[0] - usual_rr, *times[:-1]] if times else []
    return tuple(Beat(t, kind, t - b, with_p=with_p) for t, b in zip(times, before, strict=True))


def _blocked(rhythm: Rhythm, start: float, end: float, rng: np.random.Generator, pr_s: float) -> Plan:
    """Second degree block with a constant PR interval: some P waves are conducted, the others are not.

    Mobitz type II and 2:1 or higher block (Surawicz et al., ACC/AHA/HRS part III 2009; Kusumoto et al., Circulation
    2019;140:e382-e482).
    """
    atria = _p_waves(rhythm, start, end, rng)
    conducted, turn, wave = [], int(rng.integers(len(rhythm.conduction))), 0
    while wave < len(atria):
        conducted.append(wave)
        wave += rhythm.conduction[turn % len(rhythm.conduction)]
        turn += 1
    lost = tuple(t for i, t in enumerate(atria) if i not in set(conducted))
    return Plan(
        _beats([atria[i] + pr_s for i in conducted], "sinus", 60.0 / rhythm.rate_bpm, with_p=True),
        p_s=lost,
    )


def _dissociated(rhythm: Rhythm, start: float, end: float, rng: np.random.Generator, pr_s: float) -> Plan:
    """Atria and ventricles each in their own time: complete block with an escape rhythm, or ventricular tachycardia."""
    times = _steady(rhythm.rate_bpm, 0.008, start, end, rng)
    return Plan(
        _beats(times, rhythm.own, 60.0 / rhythm.rate_bpm, with_p=False),
        p_s=tuple(_p_waves(rhythm, start, end, rng)),
    )


def _failing(rhythm: Rhythm, start: float, end: float, rng: np.random.Generator, pr_s: float) -> Plan:
    """A pacemaker that fails in complete block: stimuli without capture, always or at times, or none where one is due.

    The ventricles have an escape rhythm of ``rate_bpm``; a stimulus in the refractory 0.3 s after a beat captures nothing
    and is no failure (Kusumoto, Goldschlager, N Engl J Med 1996;334:89-97).
    """
    atria = tuple(_p_waves(rhythm, start, end, rng))
    interval, escape = 60.0 / rhythm.pacing_bpm, 60.0 / rhythm.rate_bpm
    if rhythm.failure == "no capture":
        times = _steady(rhythm.rate_bpm, 0.01, start, end, rng)
        return Plan(
            _beats(times, "escape", escape, with_p=False),
            p_s=atria,
            spikes_s=tuple(_steady(rhythm.pacing_bpm, 0.0, start, end, rng)),
        )
    beats: list[Beat] = []
    spikes: list[float] = []
    t, last, failed, seen = start, start - interval, 0, 0
    while t < end:
        due = last + escape * (1.0 + float(rng.normal(0.0, 0.02)))
        if due < t:  # the heart is faster than the next stimulus, which is put off
            beats.append(Beat(due, "escape", due - last, with_p=False))
            t, last, failed = due + interval, due, failed
            continue
        # Runs of up to four fail, and by the third second of a recording two have: a failure that is not recorded is none.
        fails = (bool(rng.random() < (0.45 if failed else 0.3)) and failed < 4) or (t > 3.0 and seen < 2)
        seen += fails and t > 0.0
        if fails and rhythm.failure == "some capture":
            spikes.append(t)
        elif not fails:
            beats.append(Beat(t + LATE_S, "paced", t + LATE_S - last, with_p=False))
            last = t + LATE_S
        failed = failed + 1 if fails else 0
        t += interval
    return Plan(tuple(beats), p_s=atria, spikes_s=tuple(spikes))


_SCHEDULES: Final[Mapping[RhythmKind, Schedule]] = {
    "sinus": _sinus,
    "paced": _sinus,
    "fibrillation": _fibrillation,
    "flutter": _flutter,
    "blocked": _blocked,
    "dissociated": _dissociated,
    "failing pacemaker": _failing,
}
