"""Simulated recordings, one by one or by the batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import UsageError
from precordia.core.findings import Finding, Measurements
from precordia.core.leads import LEADS
from precordia.core.recording import Recording, Sex
from precordia.simulation.diagnoses import resolve
from precordia.simulation.diagnoses.diagnosis import Diagnosis
from precordia.simulation.noise import Noise, add_noises, noise_level
from precordia.simulation.parted import LATE_S, plan
from precordia.simulation.persons import Person, Sitting, afflict, new_person
from precordia.simulation.population import Draw, draw_diagnoses
from precordia.simulation.render import render
from precordia.simulation.rhythm import Plan
from precordia.simulation.truth import BeatTruth, Truth


@dataclass(frozen=True, eq=False)
class SimulatedRecording:
    """An ECG and what is true of it."""

    recording: Recording
    truth: Truth


@dataclass(frozen=True, eq=False)
class SimulatedBatch:
    """Many ECGs of one length.

    Attributes:
        signal: ``(n, 12, n_samples)`` float32, mV, leads in canonical order.
        fs: Sampling rate, Hz.
        truths: One a recording.
    """

    signal: NDArray[np.float32]
    fs: float
    truths: tuple[Truth, ...]


def simulate(
    diagnoses: Sequence[str] | str = ("NORM",),
    *,
    seed: int,
    fs: float = 500.0,
    duration_s: float = 10.0,
    age: float | None = None,
    sex: Sex | None = None,
    noise: str | Noise | None = "typical",
    person: Person | None = None,
    disease_seed: int | None = None,
    recording_id: str | None = None,
) -> SimulatedRecording:
    """One 12-lead ECG with known truth.

    Args:
        diagnoses: Names from ``diagnosis_names()``, compatible with each other; sinus rhythm unless a rhythm is named.
        seed: The same seed gives the same ECG.
        fs: Sampling rate, Hz, from 100.
        duration_s: Length, s.
        age: Years; drawn when None.
        sex: "F" or "M"; drawn when None.
        noise: "none", "light", "typical", "heavy" or a :class:`Noise`.
        person: Whose ECG it is; drawn from the seed when None.
        disease_seed: Decides the shape of what lasts (a scar, a block), so that a person's visits agree; ``seed`` when None.
        recording_id: Name of the recording; "phantom-<seed>" when None.

    Raises:
        UnknownNameError: a diagnosis or noise level is not known.
        UsageError: diagnoses that do not go together, or a rate or duration that makes no ECG.
    """
    names = (diagnoses,) if isinstance(diagnoses, str) else tuple(diagnoses)
    chosen = resolve(names)
    level = noise_level(noise)
    if not (fs >= 100.0 and duration_s * fs >= 1.0 and duration_s <= 86400.0):
        raise UsageError(f"fs {fs:g} Hz and {duration_s:g} s make no ECG; use a rate from 100 Hz and up to a day")
    if person is None:
        person = new_person(np.random.default_rng([seed, 0]), age=age, sex=sex)
    lasting = np.random.default_rng([seed if disease_seed is None else disease_seed, 1])
    sitting = afflict(person, chosen, lasting, np.random.default_rng([seed, 4]))
    n = round(duration_s * fs)
    rng = np.random.default_rng([seed, 2])
    planned = plan_with_ectopy(sitting, n / fs, rng)
    clean, beat_truths = render(sitting, planned, fs, n, rng)
    noisy = add_noises(clean, fs, level, np.random.default_rng([seed, 3]))
    truth = Truth(
        diagnoses=tuple(d.name for d in chosen),
        findings=findings_of(chosen, sitting, normal=all(d.name == "SR" for d in chosen) or "NORM" in names),
        beats=beat_truths,
        measurements=measurements_of(sitting, beat_truths, person.sex),
        age=person.age,
        sex=person.sex,
        t_mv=sitting.exam.t_mv,
        q_leads=tuple(
            lead
            for lead in LEADS
            if sitting.exam.q_ms[lead] >= 30.0 and sitting.exam.q_mv[lead] >= 0.1 and lead != "aVR"
        ),
        p_waves_s=_p_waves(planned, beat_truths, n / fs),
        spikes_s=_spikes(sitting, planned, n / fs),
        noise=level.name,
    )
    recording = Recording(
        signal=noisy,
        fs=float(fs),
        leads=LEADS,
        recording_id=recording_id or f"phantom-{seed}",
        age=person.age,
        sex=person.sex,
        device="Precordia phantom",
        source="simulated",
        format="simulation",
    )
    return SimulatedRecording(recording, truth)


def simulate_batch(
    n: int,
    seed: int,
    *,
    fs: float = 100.0,
    duration_s: float = 10.0,
    diagnoses: Sequence[Sequence[str]] | None = None,
    noise: str | Noise | None = "typical",
    first: int = 0,
    draw: Draw = draw_diagnoses,
) -> SimulatedBatch:
    """Many ECGs, for training.

    Args:
        n: How many.
        seed: With the member's number (``first``, ``first + 1``, ...) decides each member.
        fs: Sampling rate, Hz.
        duration_s: Length of each, s.
        diagnoses: One list of names a member; a plausible mixture when None.
        noise: As for :func:`simulate`.
        first: Number of the first member.
        draw: Draws the mixture; ``population.draw_urgent`` gives what must not be missed.
    """
    signal = np.zeros((n, len(LEADS), round(duration_s * fs)), dtype=np.float32)
    truths = []
    for row in range(n):
        own = int(np.random.default_rng([seed, first + row]).integers(2**62))
        rng = np.random.default_rng([own, 9])
        person = new_person(rng)
        for attempt in range(20):
            names = draw(rng, person.age, person.sex) if diagnoses is None else tuple(diagnoses[row])
            try:
                made = simulate(names, seed=own, fs=fs, duration_s=duration_s, noise=noise, person=person)
                break
            except UsageError:
                # Their criteria cannot all be met on this person: another draw of the mixture.
                if diagnoses is not None or attempt == 19:
                    raise
        signal[row] = made.recording.signal
        truths.append(made.truth)
    return SimulatedBatch(signal, float(fs), tuple(truths))


def possible(person: Person, names: Sequence[str], disease_seed: int) -> bool:
    """Whether the criteria of the diagnoses can all be met on this person."""
    try:
        afflict(
            person, resolve(names), np.random.default_rng([disease_seed, 1]), np.random.default_rng([disease_seed, 4])
        )
    except UsageError:
        return False
    return True


def plan_with_ectopy(sitting: Sitting, duration_s: float, rng: np.random.Generator) -> Plan:
    """What will happen; drawn again until every kind of beat asked for lies within the recording."""
    rhythm = sitting.heart.rhythm
    wanted = set(rhythm.ectopy)
    pr_s = sitting.own.shape.pr_ms / 1000.0
    planned = plan(rhythm, duration_s, rng, pr_s)
    for _ in range(60):
        seen = {b.kind for b in planned.beats if 0.3 < b.qrs_s < duration_s - 0.6}
        if wanted <= seen or duration_s < 3.0:
            break
        planned = plan(rhythm, duration_s, rng, pr_s)
    return planned


def _p_waves(planned: Plan, beats: Sequence[BeatTruth], duration_s: float) -> tuple[float, ...]:
    led = [b.p_on_s for b in beats if b.p_on_s is not None]
    return tuple(sorted((*led, *(t for t in planned.p_s if 0.0 <= t < duration_s))))


def _spikes(sitting: Sitting, planned: Plan, duration_s: float) -> tuple[float, ...]:
    capturing = [b.qrs_s - LATE_S for b in planned.beats if b.kind == "paced" and sitting.own.shape.spike]
    return tuple(sorted(t for t in (*capturing, *planned.spikes_s) if 0.0 <= t < duration_s))


def findings_of(chosen: Sequence[Diagnosis], sitting: Sitting, *, normal: bool) -> tuple[Finding, ...]:
    """What a correct report says: the diagnoses' findings, and an abnormal axis."""
    found = [Finding("NORM")] if normal else []
    found += [f for d in chosen for f in d.findings]
    axis = sitting.exam.axis_deg
    if not any(
        d.name in ("PACE", "CRBBB") for d in chosen
    ):  # the late force of CRBBB turns the area's axis, not the left heart's
        if -90.0 <= axis < -30.0:
            found.append(Finding("LAD"))
        elif 90.0 < axis <= 180.0:
            found.append(Finding("RAD"))
    return tuple(dict.fromkeys(found))


def measurements_of(sitting: Sitting, beats: Sequence[BeatTruth], sex: Sex) -> Measurements:
    """What a perfect reader measures on the recording before noise; own beats only, rate from all beats."""
    own = [b for b in beats if b.kind == "paced" or b.kind not in sitting.heart.ectopic]
    rr = np.diff([b.r_s for b in beats]) * 1000.0
    shape, exam = sitting.heart.beat, sitting.exam
    qts = [(b.t_off_s - b.qrs_on_s) * 1000.0 for b in own if b.t_off_s is not None]
    qt = float(np.median(qts)) if qts else sitting.qt_ms
    rr_ms = float(np.median(rr)) if rr.size else None
    has_p = bool(shape.p)
    led = has_p and any(b.p_on_s is not None for b in beats)
    kind = sitting.heart.rhythm.kind
    regular = rr.size < 2 or float(rr.std()) < 0.1 * float(rr.mean())
    return Measurements(
        heart_rate_bpm=60000.0 / float(rr.mean()) if rr.size else None,
        rr_ms=rr_ms,
        rr_sd_ms=float(rr.std()) if rr.size else None,
        p_ms=shape.p_ms if has_p else None,
        pr_ms=shape.pr_ms if led else None,
        qrs_ms=shape.qrs_ms,
        qt_ms=qt,
        qtc_ms=qt / (rr_ms / 1000.0) ** 0.5 if rr_ms else None,
        qtc_fridericia_ms=qt / float(np.cbrt(rr_ms / 1000.0)) if rr_ms else None,
        axis_deg=exam.axis_deg,
        p_axis_deg=exam.p_axis_deg if has_p else None,
        t_axis_deg=exam.t_axis_deg,
        n_beats=len(beats),
        rhythm_regularity="irregular" if kind == "fibrillation" else ("regular" if regular else "regularly irregular"),
        st_j60_mv=exam.st_mv,
        r_mv=exam.r_mv,
        s_mv=exam.s_mv,
        criteria={
            "sokolow_lyon_lvh": exam.sokolow_lyon_mv >= 3.5,
            "cornell_lvh": exam.cornell_lvh(sex),
        },
    )
