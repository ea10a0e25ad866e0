"""What is relied on: the probe's score is an honest macro AUROC, of findings in reports, fitted on the training part alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from precordia.core.recording import Recording
from precordia.encoders.corpus import Corpus, gather
from precordia.encoders.training.probe import Probe, aurocs, findings_of, ridge_scores
from precordia.records.standardize import SignalSpec


@pytest.fixture(scope="module")
def told(made_recordings: list[Recording]) -> Corpus:
    more = [replace(r, recording_id=f"{r.recording_id}-{i}", patient_id=f"{r.patient_id}-{i}")
            for i in range(2) for r in made_recordings]  # fmt: skip
    return gather(more, SignalSpec(), hold_out={"strat_fold": ("3", "4")})


def test_areas_are_those_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    labels, scores = rng.random((80, 5)) < 0.3, np.round(rng.standard_normal((80, 5)), 1)
    expected = [metrics.roc_auc_score(labels[:, i], scores[:, i]) for i in range(5)]
    np.testing.assert_allclose(aurocs(labels, scores), expected)


def test_ridge_is_that_of_scikit_learn() -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(1)
    x, others = (rng.normal(2.0, 3.0, (n, 6)).astype(np.float32) for n in (70, 20))
    y = rng.random((70, 3)) < 0.4
    mean, spread = x.astype(float).mean(0), x.astype(float).std(0)
    model = linear.Ridge(alpha=0.1 * 70).fit((x - mean) / spread, y.astype(float))
    expected = model.predict((others - mean) / spread) - y.mean(0)
    np.testing.assert_allclose(ridge_scores(x, y, others), expected, atol=1e-6)


def test_findings_bring_their_ancestors_and_only_what_is_present() -> None:
    found = findings_of("left bundle branch block. no atrial fibrillation.")
    assert {"LBBB", "BBB"} <= found
    assert "AFIB" not in found


def test_what_is_asked_is_frequent_on_both_sides(told: Corpus) -> None:
    probe = Probe.of(told, 1000, seed=0)
    assert probe is not None
    assert not told.held_out[probe.training].any()
    assert told.held_out[probe.held_out].all()
    assert all(told.texts[row] for row in (*probe.training, *probe.held_out))
    assert (probe.training_labels.sum(0) >= 10).all()
    assert (probe.held_out_labels.sum(0) >= 5).all()
    assert ((~probe.held_out_labels).sum(0) >= 5).all()
    few = Probe.of(told, 30, seed=0)
    assert few is None or (len(few.training) <= 30 and len(few.held_out) <= 30)


def test_telling_features_score_one_and_noise_scores_a_half(told: Corpus) -> None:
    probe = Probe.of(told, 1000, seed=0)
    assert probe is not None
    telling = (part.astype(np.float32) for part in (probe.training_labels, probe.held_out_labels))
    assert probe.score(*telling) == 1.0
    rng = np.random.default_rng(0)
    values = [probe.score(*(rng.standard_normal((len(part), 8)).astype(np.float32)
                            for part in (probe.training, probe.held_out))) for _ in range(40)]  # fmt: skip
    assert np.mean(values) == pytest.approx(0.5, abs=0.06)


def test_without_reports_there_is_no_probe(made_recordings: list[Recording]) -> None:
    silent = gather([replace(r, report=None) for r in made_recordings], SignalSpec(), hold_out={"strat_fold": ("4",)})
    assert Probe.of(silent, 1000, seed=0) is None
