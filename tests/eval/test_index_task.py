"""The index task: exact search is its own yardstick, and bad settings are said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import UsageError
from precordia.eval.harness.task import Result, Settings
from precordia.eval.tasks.index.made_up_vectors import between, clustered
from precordia.eval.tasks.index.systems import FASTSCAN, FLAT, HNSW
from precordia.eval.tasks.index.task import INDEX


@pytest.fixture(scope="module")
def result() -> Result:
    return INDEX.run(Settings(Path(), options={"vectors": "clusters", "size": "2000"}))


def test_exact_search_finds_all_and_breaks_ties_by_id(result: Result) -> None:
    exact = [row for row in result.rows if row.system == FLAT and row.metric == "recall@10"]
    assert [row.value for row in exact] == [1.0, 1.0, 1.0]
    ties = {row.system: row.value for row in result.rows if row.group == "ties"}
    assert ties[FLAT] == 1.0
    assert set(ties) == {FLAT, FASTSCAN, HNSW}


def test_restricted_searches_are_measured_apart(result: Result) -> None:
    groups = {row.group for row in result.rows if row.metric == "recall@10"}
    assert groups == {"2,000 vectors", "2,000 vectors, 1% of them allowed", "2,000 vectors, 10% of them allowed"}
    # Few allowed vectors are compared one by one, so that nothing is missed but what 8 bits blur.
    found = {row.group: row.value for row in result.rows if row.system == FASTSCAN and row.metric == "recall@10"}
    assert found["2,000 vectors, 1% of them allowed"] > 0.9


def test_only_times_depend_on_the_machine(result: Result) -> None:
    assert {row.metric for row in result.rows if row.machine} == {
        "queries a second, one at a time",
        "queries a second, batches of 64",
        "seconds to build",
    }
    size = {row.system: row.value for row in result.rows if row.metric == "bytes a vector"}
    assert size[FLAT] == pytest.approx(4 * 256 + 8, rel=0.01)
    assert size[FASTSCAN] < size[FLAT] < size[HNSW]


def test_the_same_seed_finds_the_same(result: Result) -> None:
    again = INDEX.run(Settings(Path(), options={"vectors": "clusters", "size": "2000"}))
    assert [r for r in again.rows if not r.machine] == [r for r in result.rows if not r.machine]
    assert again.samples == result.samples


@pytest.mark.parametrize(
    ("options", "words"),
    [({"size": "many"}, "whole numbers"), ({"size": "10"}, "from 1000"), ({"vectors": "x"}, "archive or")],
)
def test_settings_that_are_not_understood(options: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        INDEX.run(Settings(Path(), options=options))


def test_made_up_vectors_have_unit_length_and_lie_near_real_ones() -> None:
    rng = np.random.default_rng(1)
    real = clustered(64, rng)(300)
    made = between(real, rng)(500)
    assert np.linalg.norm(made, axis=1) == pytest.approx(np.ones(500), abs=1e-5)
    far = clustered(64, rng)(500)
    assert np.median((made @ real.T).max(axis=1)) > np.median((far @ real.T).max(axis=1)) + 0.2
    assert len(np.unique(made, axis=0)) == 500
