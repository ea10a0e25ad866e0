"""The threshold keeps to the risk that is asked for, on new ECGs like those it was chosen on."""

from __future__ import annotations

import numpy as np
import pytest

from precordia.judgement.promise import NEVER, calibrate_similarity, risk_threshold


def drawn(seed: int, n_patients: int = 300, each: int = 4) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Statements whose confidence is their probability, but for what a patient's share in common."""
    rng = np.random.default_rng(seed)
    common = np.repeat(rng.normal(0, 0.5, n_patients), each)
    odds = rng.normal(1.0, 1.5, n_patients * each)
    right = rng.random(odds.size) < 1 / (1 + np.exp(-(odds + common)))
    return 1 / (1 + np.exp(-odds)), right, np.repeat(np.arange(n_patients), each).tolist()


@pytest.mark.parametrize("risk", [0.1, 0.2])
def test_the_risk_is_kept_to_on_new_patients_most_of_the_time(risk: float) -> None:
    kept_to, coverage = 0, []
    for seed in range(20):
        threshold = risk_threshold(*drawn(seed), risk=risk, resamples=200)
        confidence, right, _ = drawn(1000 + seed, n_patients=5000)
        kept = confidence >= threshold
        kept_to += not kept.any() or float((~right[kept]).mean()) <= risk
        coverage.append(kept.mean())
    assert kept_to >= 16
    assert np.mean(coverage) > 0.2


def test_nothing_is_kept_where_nothing_is_right() -> None:
    assert risk_threshold([0.9] * 100, [False] * 100, range(100), risk=0.2) == NEVER


def test_few_statements_prove_nothing() -> None:
    assert risk_threshold([0.9] * 10, [True] * 10, range(10), risk=0.2) == NEVER


def test_one_patient_is_one_witness() -> None:
    right = [True] * 95 + [False] * 5
    assert risk_threshold([0.9] * 100, right, range(100), risk=0.09) == 0.9
    # The same share of errors, all in one of ten patients, is far less sure.
    assert risk_threshold([0.9] * 100, right, [i // 10 for i in range(100)], risk=0.09) == NEVER


def test_the_next_patient_may_be_wrong_where_few_were_asked() -> None:
    patients = [i // 15 for i in range(60)]
    assert risk_threshold([0.9] * 60, [True] * 60, patients, risk=0.1) == NEVER
    assert risk_threshold([0.9] * 60, [True] * 60, patients, risk=0.2) == 0.9


def test_weights_count_statements() -> None:
    right = [True] * 60 + [False] * 60
    weights = [1.0] * 60 + [1e-9] * 60
    assert risk_threshold([0.5] * 120, right, range(120), risk=0.1, weights=weights) == 0.5
    assert risk_threshold([0.5] * 120, right, range(120), risk=0.1) == NEVER


def test_a_floor_refuses_at_most_the_share_of_ordinary_ecgs_asked_for() -> None:
    nearest = [i / 100 for i in range(1, 100)]
    floor = calibrate_similarity(nearest, share=0.05)
    assert sum(value < floor for value in nearest) / 99 <= 0.05
    assert floor > 0.03
    assert calibrate_similarity([0.5], share=0.05) == -1.0
