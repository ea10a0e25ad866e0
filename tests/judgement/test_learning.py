"""Learning from an archive: patients kept apart, rare findings drawn more often, and only promises that hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from precedents import precedent

from precordia.core.case import Case
from precordia.judgement import learning
from precordia.judgement.inputs import N_BESIDE
from precordia.judgement.learning import Lessons, learn, lessons_of
from precordia.judgement.promise import NEVER
from precordia.judgement.reconcile import most_specific

CONCEPTS = ("AFIB", "LVH", "CRBBB")


def drawn(seed: int, n: int, *, blur: float = 1.0, each: int = 2, unseen: bool = True) -> Lessons:
    """Cases whose findings follow the first three of eight numbers, as far as ``blur`` lets them be seen."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(n, 3)) > 0.8
    inputs = rng.normal(size=(n, 8))
    inputs[:, :3] = 2.0 * truth + blur * inputs[:, :3]
    stated = tuple(frozenset(c for c, is_so in zip(CONCEPTS, row, strict=True) if is_so) for row in truth)
    patients = tuple(f"s{seed}p{i // each}" for i in range(n))
    return Lessons(inputs, stated, patients, np.ones(n), np.full(n, unseen), n)


def test_too_few_cases_teach_nothing() -> None:
    assert learn(drawn(0, learning.FEWEST_CASES - 1), "e") is None
    assert learn(drawn(0, learning.FEWEST_CASES), "e") is not None


def test_what_hardly_any_case_states_is_left_to_the_vote() -> None:
    lessons = drawn(0, 300)
    rare = tuple(said | {"VT"} if i < learning.FEWEST_STATING - 1 else said for i, said in enumerate(lessons.stated))
    models = learn(replace(lessons, stated=rare), "e")
    assert models is not None
    assert models.concepts == tuple(sorted(CONCEPTS))
    assert models.counts["AFIB"] == sum("AFIB" in said for said in rare)


def test_equal_lessons_teach_the_same() -> None:
    one, other = (learn(drawn(3, 400), "e") for _ in range(2))
    assert one is not None
    assert other is not None
    assert np.array_equal(one.weights, other.weights)
    assert one.promise == other.promise


def test_no_patient_is_judged_by_models_fitted_on_that_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    lessons = drawn(1, 240, each=3)
    number = {patient: float(i) for i, patient in enumerate(dict.fromkeys(lessons.patients))}
    whose = np.array([number[patient] for patient in lessons.patients])
    fitted_on: list[set[float]] = []

    def fit(x: np.ndarray, truth: np.ndarray, w: np.ndarray, penalty: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        fitted_on.append(set(x[:, 0].tolist()))
        return np.zeros((x.shape[1], truth.shape[1])), np.full(truth.shape[1], float(len(fitted_on)))

    monkeypatch.setattr(learning, "fit_ridge", fit)
    odds = learning._cross_fitted(whose[:, None], np.zeros((240, 3)), np.ones(240), lessons.patients)
    assert len(fitted_on) == learning.PARTS
    for patient, row in zip(whose.tolist(), odds, strict=True):
        assert patient not in fitted_on[int(row[0]) - 1]
    assert set.union(*fitted_on) == set(number.values())


def test_a_promise_holds_on_new_ecgs() -> None:
    models = learn(drawn(5, 1200), "e")
    assert models is not None
    assert models.promise.withdrawn == ""
    assert models.promise.sure_from < NEVER
    assert models.promise.n_patients == 600
    new = drawn(6, 3000)
    right = []
    for row, stated in zip(models.probabilities(new.inputs), new.stated, strict=True):
        said = most_specific([models.concepts[i] for i in np.flatnonzero(row >= models.promise.sure_from)])
        right += [concept in stated for concept in said]
    assert len(right) > 500
    assert 1 - np.mean(right) <= models.promise.risk


def test_probabilities_are_calibrated_on_new_ecgs() -> None:
    models, new = learn(drawn(7, 1200), "e"), drawn(8, 4000)
    assert models is not None
    p = models.probabilities(new.inputs).ravel()
    truth = np.array([[c in said for c in models.concepts] for said in new.stated]).ravel()
    for low in (0.1, 0.3, 0.5, 0.7):
        some = (p >= low) & (p < low + 0.2)
        assert truth[some].mean() == pytest.approx(p[some].mean(), abs=0.08)


def test_nothing_is_promised_where_the_encoder_has_seen_every_ecg() -> None:
    models = learn(drawn(9, 600, unseen=False), "e")
    assert models is not None
    assert "the encoder was trained on these very ECGs" in models.promise.withdrawn
    assert models.promise.sure_from == NEVER


def test_a_promise_rests_on_what_the_encoder_has_not_seen() -> None:
    lessons = drawn(10, 800)
    some = np.arange(800) >= 500
    models = learn(replace(lessons, unseen=some), "e")
    assert models is not None
    assert models.promise.n_patients == 150


def test_few_patients_promise_nothing() -> None:
    models = learn(drawn(11, 400, each=8), "e")
    assert models is not None
    assert "50 patients are too few" in models.promise.withdrawn


class Store:
    """A store of made-up cases, as far as lessons need one."""

    def __init__(self, n: int) -> None:
        rng = np.random.default_rng(0)
        ids = np.sort(rng.integers(1, 2**62, n) * 2)
        self.cases: dict[int, Case] = {}
        for i, case_id in enumerate(ids.tolist()):
            said = () if i % 10 == 0 else ("SR", "VT") if i % 97 == 1 else ("SR",)
            case = precedent(case_id, *said, report=None if said else "unremarkable").case
            self.cases[case_id] = replace(case, age=60.0, sex="F")

    def column(self, name: str) -> pa.ChunkedArray:
        if name == "case_id":
            return pa.chunked_array([pa.array(list(self.cases), pa.int64())])
        rows = [[f.concept for f in case.findings] or None for case in self.cases.values()]
        return pa.chunked_array([pa.array(rows, pa.list_(pa.string()))])

    def vectors(self, name: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        ids = np.array(list(self.cases))
        for part in (ids[: ids.size // 2], ids[ids.size // 2 :]):
            yield part, np.stack([self.vector(case_id) for case_id in part.tolist()])

    def vector(self, case_id: int) -> np.ndarray:
        return np.array([case_id % 1009, 1.0], dtype=np.float32)

    def get(self, ids: list[int]) -> list[Case]:
        return [self.cases[case_id] for case_id in ids]


@pytest.fixture(scope="module")
def store() -> Store:
    return Store(2000)


def test_all_of_a_small_archive_that_says_something_is_learned_from(store: Store) -> None:
    lessons = lessons_of(store)  # type: ignore[arg-type]
    speaking = [case for case in store.cases.values() if case.findings]
    assert len(lessons) == lessons.n_archive == len(speaking)
    assert set(lessons.weights) == {1.0}
    assert lessons.inputs.shape == (len(speaking), 2 + N_BESIDE)
    for row, said, patient, case in zip(lessons.inputs, lessons.stated, lessons.patients, speaking, strict=True):
        assert row[:2].tolist() == store.vector(case.case_id).tolist()
        assert {f.concept for f in case.findings} <= said
        assert patient == case.patient_key


def test_a_large_archive_is_sampled_the_same_each_time_and_weighed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "MOST_STATING", 20)
    one, other = (lessons_of(store, most=400) for _ in range(2))  # type: ignore[arg-type]
    assert one.patients == other.patients
    assert 300 < len(one) < 500
    # Whatever is rare is there in full, and the weights stand for the whole archive.
    rare = [i for i, said in enumerate(one.stated) if "VT" in said]
    everything = sum(any(f.concept == "VT" for f in case.findings) for case in store.cases.values())
    assert len(rare) == pytest.approx(everything, abs=3)
    assert one.weights.sum() == pytest.approx(one.n_archive, rel=0.15)
    assert max(one.weights[rare]) < min(one.weights[i] for i in range(len(one)) if i not in set(rare))


def test_what_the_encoder_has_seen_is_marked(store: Store) -> None:
    lessons = lessons_of(store, lambda vectors: vectors[:, 0] < 500)  # type: ignore[arg-type]
    assert lessons.unseen.tolist() == (lessons.inputs[:, 0] >= 500).tolist()
    assert 0 < lessons.unseen.sum() < len(lessons)


def test_of_a_large_sample_the_promise_rests_on_patients_drawn_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    lessons = drawn(5, 900)
    whole = learn(lessons, "e")
    monkeypatch.setattr(learning, "MOST_CROSS_FITTED", 300)
    spared = learn(lessons, "e")
    assert whole is not None
    assert spared is not None
    assert np.array_equal(whole.weights, spared.weights)
    assert whole.promise.n_patients == 450
    assert 100 < spared.promise.n_patients < 200
    few = replace(lessons, unseen=np.arange(900) < 240)
    held = learn(few, "e")
    assert held is not None
    assert held.promise.n_patients == 120  # all that the encoder has not seen


def test_regressions_on_inputs_that_go_together_reach_their_optimum() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(400, 3)) @ rng.normal(size=(3, 12)) + 0.1 * rng.normal(size=(400, 12))
    truth = (x[:, :4] + rng.normal(size=(400, 4)) > [0, 1, 2, 4]).astype(np.float64)
    w = rng.uniform(0.5, 1.5, 400)
    weights, bias = learning.fit_ridge(x, truth, w, penalty=5.0)
    error = (1 / (1 + np.exp(-(x @ weights + bias))) - truth) * w[:, None]
    slope = np.vstack([x.T @ error + 5.0 * weights, error.sum(axis=0)])
    at_start = x.T @ ((truth.mean(axis=0) - truth) * w[:, None])
    assert np.abs(slope).max() < 0.005 * np.abs(at_start).max()
