"""Patients who come again are the same person, and their disease takes its course."""

from __future__ import annotations

import numpy as np

from precordia.simulation import new_patient
from precordia.simulation.population import draw_diagnoses


def test_same_number_same_patient() -> None:
    a, b = new_patient(1, 5, visits=2), new_patient(1, 5, visits=2)
    assert a.visits == b.visits
    assert a.record(a.visits[0]).recording.content_hash == b.record(b.visits[0]).recording.content_hash


def test_visits_are_in_order_and_the_patient_ages() -> None:
    for number in range(12):
        patient = new_patient(2, number, visits=4)
        times = [v.time for v in patient.visits]
        assert times == sorted(times)
        assert (times[1] - times[0]).days >= 42
        years = (times[-1] - times[0]).days / 365.25
        assert abs(patient.visits[-1].age - patient.visits[0].age - years) <= 1.0


def test_a_person_resembles_themself_more_than_others() -> None:
    """The mean beat of one visit is nearest to that of the same person's other visit."""

    def beat(patient_number: int, visit: int) -> np.ndarray:
        patient = new_patient(3, patient_number, visits=2)
        made = patient.record(patient.visits[visit], noise=None)
        on = [round(b.qrs_on_s * 500) for b in made.truth.beats if b.kind == "sinus"]
        cut = [made.recording.signal[:, s : s + 55] for s in on if s > 0 and s + 55 < made.recording.n_samples]
        return np.mean(cut, axis=0).ravel()

    steady = [n for n in range(40) if len({v.diagnoses for v in new_patient(3, n, visits=2).visits}) == 1
              and not any("PACE" in d for d in new_patient(3, n, visits=2).visits[0].diagnoses)][:12]  # fmt: skip
    first, second = np.array([beat(n, 0) for n in steady]), np.array([beat(n, 1) for n in steady])
    distance = ((first[:, None] - second[None]) ** 2).sum(axis=2)
    assert (distance.argmin(axis=1) == np.arange(len(steady))).mean() >= 0.9


def test_acute_infarctions_grow_old() -> None:
    courses = [[v.diagnoses for v in new_patient(4, n, visits=3).visits] for n in range(150)]
    acute = [c for c in courses if any(":acute" in d for names in c for d in names)]
    assert acute
    for course in acute:
        at = next(i for i, names in enumerate(course) if any(":acute" in d for d in names))
        wall = next(d for d in course[at] if ":acute" in d).split(":")[0]
        assert all(f"{wall}:old" in names for names in course[at + 1 :])


def test_fibrillation_comes_and_goes_in_some() -> None:
    courses = [[("AFIB" in v.diagnoses) for v in new_patient(5, n, visits=4).visits] for n in range(150)]
    with_it = [c for c in courses if any(c)]
    assert any(not all(c) for c in with_it)
    assert any(all(c) for c in with_it)


def test_the_mixture_has_a_third_of_normals_and_everything_else() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_diagnoses(rng, float(rng.uniform(20, 90)), "F") for _ in range(3000)]
    assert 0.25 < np.mean([d == ("NORM",) for d in drawn]) < 0.5
    names = {n for d in drawn for n in d}
    assert {
        "CLBBB",
        "WPW",
        "IMI:acute",
        "AMI:old",
        "AFIB",
        "AFLT",
        "PACE",
        "LVH:strain",
        "PVC",
        "1AVB",
        "LNGQT",
    } <= names
