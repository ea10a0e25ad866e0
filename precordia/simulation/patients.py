"""Patients who come again: the same torso and heart, older, with a disease that takes its course."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from precordia.simulation.noise import Noise
from precordia.simulation.persons import Person, new_person
from precordia.simulation.population import draw_diagnoses
from precordia.simulation.simulator import SimulatedRecording, possible, simulate


@dataclass(frozen=True)
class Visit:
    """One ECG to be taken.

    Attributes:
        time: When.
        age: Years, then.
        diagnoses: Names for ``simulate``.
        seed: Of this recording.
    """

    time: datetime
    age: float
    diagnoses: tuple[str, ...]
    seed: int


@dataclass(frozen=True, eq=False)
class Patient:
    """A person with a hospital number and visits.

    Attributes:
        patient_id: The hospital's number.
        person: Torso and healthy heart, at the first visit's age.
        visits: In order of time.
        disease_seed: Decides the shape of lasting disease at every visit.
    """

    patient_id: str
    person: Person
    visits: tuple[Visit, ...]
    disease_seed: int

    def record(
        self,
        visit: Visit,
        *,
        fs: float = 500.0,
        duration_s: float = 10.0,
        noise: str | Noise | None = "typical",
        recording_id: str | None = None,
    ) -> SimulatedRecording:
        """The ECG of a visit; arguments as for ``simulate``."""
        made = simulate(
            visit.diagnoses,
            seed=visit.seed,
            fs=fs,
            duration_s=duration_s,
            noise=noise,
            person=_on_the_day(self.person, visit),
            disease_seed=self.disease_seed,
            recording_id=recording_id,
        )
        return replace(made, recording=replace(made.recording, patient_id=self.patient_id, time=visit.time))


def new_patient(seed: int, number: int, *, visits: int | None = None) -> Patient:
    """A patient of the phantom hospital.

    Args:
        seed: The hospital's.
        number: The patient's, from 0; decides everything together with ``seed``.
        visits: How many; drawn when None (six in ten come once).
    """
    rng = np.random.default_rng([seed, number, 77])
    person = new_person(rng)
    count = visits or int(rng.choice([1, 2, 3, 4, 5], p=[0.60, 0.21, 0.11, 0.05, 0.03]))
    disease_seed = int(rng.integers(2**40))
    course = _course(draw_diagnoses(rng, person.age, person.sex), count, rng)
    while not all(possible(person, names, disease_seed) for names in set(course)):
        course = _course(draw_diagnoses(rng, person.age, person.sex), count, rng)
    time = datetime(2012, 1, 1) + timedelta(seconds=int(rng.integers(0, 10 * 365 * 86400)))
    time = time.replace(hour=int(rng.integers(7, 19)))
    start, out = time, []
    for names in course:
        years = (time - start).days / 365.25
        out.append(Visit(time, float(np.floor(person.age + years)), names, int(rng.integers(2**40))))
        # At least seven weeks apart: an infarction is old by then.
        days = 50 + int(rng.gamma(1.5, 160))
        time = (time + timedelta(days=days, minutes=int(rng.integers(0, 600)))).replace(hour=int(rng.integers(7, 19)))
    return Patient(f"P{number:05d}", person, tuple(out), disease_seed)


def _course(first: tuple[str, ...], count: int, rng: np.random.Generator) -> list[tuple[str, ...]]:
    """Diagnoses visit by visit."""
    course: list[tuple[str, ...]] = []
    paroxysmal = "AFIB" in first and rng.random() < 0.5
    healthy_before = count > 1 and ":acute" in " ".join(first) and rng.random() < 0.35
    states: Sequence[str] = first
    for visit in range(count):
        if healthy_before and visit == 0:
            course.append(("NORM",))
            continue
        names = list(states)
        if paroxysmal and rng.random() < 0.5:
            names.remove("AFIB")
        if visit > 0 and names == ["NORM"] and rng.random() < 0.15:
            names = [str(rng.choice(["STACH", "SBRAD", "PVC", "PAC"]))]
        for passing in ("PVC", "PAC", "SARRH", "STACH", "SBRAD"):
            if visit > 0 and passing in names and len(names) > 1 and rng.random() < 0.5:
                names.remove(passing)
        course.append(tuple(names) or ("NORM",))
        states = [_later(name, rng) for name in states]
    return course


def _later(name: str, rng: np.random.Generator) -> str:
    """What a disease has become at the next visit."""
    if name.endswith(":acute"):
        return name.replace(":acute", ":old")
    if name == "LVH" and rng.random() < 0.3:
        return "LVH:strain"
    return name


def _on_the_day(person: Person, visit: Visit) -> Person:
    """The person with the day's heart rate, and electrodes a finger's breadth from where they were last time."""
    rng = np.random.default_rng([visit.seed, 5])
    field = person.torso.lead_field * np.exp(rng.normal(0.0, 0.03, (8, 1)))
    rhythm = person.heart.rhythm
    rate = float(np.clip(rhythm.rate_bpm + rng.normal(0.0, 5.0), 61.0, 97.0))
    heart = replace(person.heart, rhythm=replace(rhythm, rate_bpm=rate))
    return replace(person, age=visit.age, torso=replace(person.torso, lead_field=field), heart=heart)
