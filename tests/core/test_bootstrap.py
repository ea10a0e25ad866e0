from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from precordia.core import bootstrap


def test_a_mean_of_independent_samples_has_the_normal_interval() -> None:
    values = np.random.default_rng(0).normal(3, 2, 2000)
    found = bootstrap.mean(values, seed=1)
    half = 1.96 * values.std() / np.sqrt(values.size)
    assert found.value == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2 * half, rel=0.1)
    assert found.n == 2000


def test_repeats_of_a_patient_do_not_narrow_the_interval() -> None:
    values = np.random.default_rng(0).normal(size=200)
    patients = [f"p{i}" for i in range(200)]
    once = bootstrap.mean(values, patients)
    ten_times = bootstrap.mean(np.repeat(values, 10), np.repeat(patients, 10).tolist())
    assert (ten_times.low, ten_times.high) == pytest.approx((once.low, once.high))
    assert ten_times.n == 2000


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(200):
        effect = rng.normal(size=40)
        patients = np.repeat(np.arange(40), 3)
        values = effect[patients] + rng.normal(size=120) * 0.3
        found = bootstrap.mean(values, patients.tolist(), resamples=400)
        held += found.low <= 0 <= found.high
    assert 0.89 <= held / 200 <= 0.98


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=40))
def test_auroc_agrees_with_scikit_learn_ties_included(pairs: list[tuple[bool, int]]) -> None:
    truth, scores = [t for t, _ in pairs], [s for _, s in pairs]
    found = bootstrap.auroc(truth, scores, resamples=20)
    if len(set(truth)) < 2:
        assert np.isnan(found.value)
    else:
        assert found.value == pytest.approx(roc_auc_score(truth, scores))


def test_auroc_interval_agrees_with_resampling_by_hand() -> None:
    rng = np.random.default_rng(3)
    truth = rng.random(300) < 0.4
    scores = truth * 0.8 + rng.normal(size=300)
    patients = (np.arange(300) // 2).tolist()
    fast = bootstrap.auroc(truth, scores, patients, seed=5)
    slow = bootstrap.statistic(lambda rows: float(roc_auc_score(truth[rows], scores[rows])), 300, patients, seed=5)
    assert (fast.value, fast.low, fast.high) == pytest.approx((slow.value, slow.low, slow.high))


def test_a_ratio_weighs_samples_by_their_denominator() -> None:
    found = bootstrap.ratio([1, 0, 9], [1, 1, 18], ["a", "b", "c"])
    assert found.value == 0.5
    assert found.low <= 0.5 <= found.high


def test_a_rate_without_a_miss_has_the_exact_interval_by_patient() -> None:
    never = bootstrap.rate([False] * 60, [i // 2 for i in range(60)])
    assert (never.low, never.high) == (0, pytest.approx(1 - 0.025 ** (1 / 30)))
    always = bootstrap.rate([True] * 10)
    assert (always.low, always.high) == (pytest.approx(0.025**0.1), 1)
    some = [True, False, True, True]
    assert bootstrap.rate(some) == bootstrap.mean(some)


def test_a_seed_fixes_the_draws_whatever_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).random(50)
    whole = bootstrap.mean(values, seed=9)
    monkeypatch.setattr(bootstrap, "CHUNK_CELLS", 350)
    assert bootstrap.mean(values, seed=9) == whole
    assert bootstrap.mean(values, seed=10) != whole


def test_a_difference_between_equals_is_not_significant_and_a_large_one_is() -> None:
    rng = np.random.default_rng(2)
    a = rng.random(400)
    assert (bootstrap.difference(a, a + rng.normal(size=400)).p or 0) > 0.01
    large = bootstrap.difference(a + 0.5, a)
    assert large.value == pytest.approx(0.5)
    assert (large.p or 1) <= 2 / 1001 + 1e-12


def test_an_auroc_difference_is_paired() -> None:
    rng = np.random.default_rng(4)
    truth = rng.random(400) < 0.5
    scores = truth + rng.normal(size=400)
    same = bootstrap.auroc_difference(truth, scores, scores * 2)
    assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1)
    better = bootstrap.auroc_difference(truth, truth * 3 + rng.normal(size=400), scores)
    assert better.low > 0


def test_nothing_and_nan_are_not_averaged() -> None:
    assert np.isnan(bootstrap.mean([]).value)
    with pytest.raises(ValueError, match="1 of them not finite"):
        bootstrap.mean([1.0, float("nan")])
    with pytest.raises(ValueError, match="2 clusters for 1 samples"):
        bootstrap.mean([1.0], ["a", "b"])


def test_macro_auroc_is_the_statistic_of_the_labels_that_a_draw_has() -> None:
    from precordia.eval.metrics.probe import macro_auroc as macro_of

    rng = np.random.default_rng(0)
    labels = rng.random((60, 4)) < (0.5, 0.3, 0.03, 0.0)
    a, b = np.round(rng.random((60, 4)), 1), rng.random((60, 4))
    patients = [f"p{i // 3}" for i in range(60)]
    slow = bootstrap.statistic(lambda rows: macro_of(labels[rows], a[rows]), 60, patients, resamples=200)
    fast = bootstrap.macro_auroc(labels, a, patients, resamples=200)
    assert [fast.value, fast.low, fast.high] == pytest.approx([slow.value, slow.low, slow.high])
    slow = bootstrap.statistic(
        lambda rows: macro_of(labels[rows], a[rows]) - macro_of(labels[rows], b[rows]), 60, patients, resamples=200
    )
    fast = bootstrap.macro_auroc(labels, a, patients, less=b, resamples=200)
    assert [fast.value, fast.low, fast.high] == pytest.approx([slow.value, slow.low, slow.high])
    assert fast.p is not None
    assert fast.p > 0.05
    nothing = bootstrap.macro_auroc(labels[:, 3:], a[:, 3:], patients, resamples=10)
    assert np.isnan(nothing.value)


def test_a_figure_of_sums_is_that_of_the_samples_drawn() -> None:
    rng = np.random.default_rng(3)
    columns, patients = rng.integers(0, 4, (60, 2)), [f"p{i // 2}" for i in range(60)]

    def share(summed: np.ndarray) -> float:
        return float(summed[0] / summed.sum())

    slow = bootstrap.statistic(lambda rows: share(columns[rows].sum(axis=0)), 60, patients, seed=5)
    assert bootstrap.of_sums(columns, share, patients, seed=5) == slow
    nothing = bootstrap.of_sums(np.zeros((60, 0)), lambda summed: summed.size, patients, resamples=5)
    assert (nothing.value, nothing.n) == (0, 60)
