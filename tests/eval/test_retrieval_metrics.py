"""Ranking figures against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import jaccard_score, ndcg_score

from precordia.eval.metrics import ranking as metrics

RNG = np.random.default_rng(3)


def test_relevance_is_the_jaccard_index() -> None:
    first, second = RNG.random((6, 9)) < 0.4, RNG.random((7, 9)) < 0.4
    expected = [[jaccard_score(a, b, zero_division=0.0) for b in second] for a in first]
    assert metrics.shared_share(first, second) == pytest.approx(np.array(expected))
    nothing = np.zeros((1, 9), dtype=bool)
    assert metrics.shared_share(nothing, nothing)[0, 0] == 0


@pytest.mark.parametrize("k", [1, 5, 10, 20])
def test_ndcg_is_that_of_scikit_learn(k: int) -> None:
    possible = RNG.random((12, 60)) * (RNG.random((12, 60)) < 0.3)
    scores = RNG.random((12, 60))
    order = np.argsort(-scores, axis=1)[:, :20]
    ours = metrics.ndcg_at(np.take_along_axis(possible, order, axis=1), possible, k)
    assert ours.mean() == pytest.approx(ndcg_score(possible, scores, k=k))


def test_ndcg_by_hand() -> None:
    # Gains 0.5 at rank 1, 1 at rank 3; the best order is 1, 0.5, 0.25.
    ranked = np.array([[0.5, 0.0, 1.0]])
    possible = np.array([[0.0, 1.0, 0.25, 0.5, 0.0]])
    gained, best = 0.5 + 1 / 2, 1 + 0.5 / np.log2(3) + 0.25 / 2
    assert metrics.ndcg_at(ranked, possible, 3)[0] == pytest.approx(gained / best)


def test_a_query_with_nothing_relevant_has_no_ndcg() -> None:
    assert np.isnan(metrics.ndcg_at(np.zeros((1, 3)), np.zeros((1, 5)), 3)).all()


def test_precision_counts_empty_places_as_misses() -> None:
    ranked = np.array([[0.2, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0]])
    assert metrics.precision_at(ranked, 1).tolist() == [1.0, 1.0]
    assert metrics.precision_at(ranked, 4).tolist() == [0.5, 0.5]
    assert metrics.precision_at(ranked[:, :2], 4).tolist() == [0.25, 0.5]


def test_recall_is_of_what_the_places_can_hold() -> None:
    found = np.array([[True, False, True, True], [False, False, False, True]])
    n_relevant = np.array([8, 1])
    assert metrics.recall_at(found, n_relevant, 2).tolist() == [0.5, 0.0]
    assert metrics.recall_at(found, n_relevant, 4).tolist() == [0.75, 1.0]
    assert np.isnan(metrics.recall_at(found, np.array([0, 0]), 4)).all()


def test_chance_is_what_random_orders_reach_on_average() -> None:
    possible = np.concatenate([RNG.random((1, 8)) * (RNG.random((1, 8)) < 0.5), np.zeros((1, 2))], axis=1)
    allowed = 8  # the last two may not be given
    draws = [RNG.permutation(allowed)[:4] for _ in range(20_000)]
    ranked = possible[0][np.array(draws)]
    many = np.repeat(possible, len(draws), axis=0)
    n = np.array([allowed])
    relevant = np.array([int((possible > 0).sum())])
    assert metrics.chance_precision(possible, n)[0] == pytest.approx(metrics.precision_at(ranked, 4).mean(), abs=0.01)
    assert metrics.chance_ndcg(possible, n, 4)[0] == pytest.approx(metrics.ndcg_at(ranked, many, 4).mean(), abs=0.01)
    found = metrics.recall_at(ranked > 0, np.repeat(relevant, len(draws)), 4).mean()
    assert metrics.chance_recall(relevant, n, 4)[0] == pytest.approx(found, abs=0.01)
