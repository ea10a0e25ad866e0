"""What is relied on: the probe and the neighbours are scored rightly, patients stay apart, and bad options are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import InputError, UsageError
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.eval.task import Settings
from precordia.eval.tasks.encoder import ENCODER
from precordia.eval.tasks.encoder_changes import fewer_leads, noises
from precordia.eval.tasks.encoder_probe import fit_probe, macro_auroc, precision_at, reciprocal_ranks


def test_macro_auroc_by_hand() -> None:
    labels = np.array([[True, False], [False, True], [False, False], [True, True]])
    scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.9, 0.8], [0.5, 0.9]])
    # First: positives 0.9 and 0.5 against 0.2 and 0.9: 1 + 0.5 + 1 + 0 of 4. Second: 0.8, 0.9 against 0.1, 0.8: 1 + 0.5 + 1 + 1.
    assert macro_auroc(labels, scores) == pytest.approx((2.5 / 4 + 3.5 / 4) / 2)
    assert np.isnan(macro_auroc(np.ones((3, 1), dtype=bool), np.zeros((3, 1))))
    assert macro_auroc(np.array([[True, True], [False, True]]), np.array([[1.0, 0.0], [0.0, 0.0]])) == 1.0


def test_a_probe_finds_what_is_linear_and_no_more() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((400, 8)).astype(np.float32)
    labels = np.stack([vectors[:, 0] > 0, rng.random(400) > 0.5, np.zeros(400, dtype=bool)], axis=1)
    choose = np.arange(400) >= 300
    scores = fit_probe(vectors[:350], labels[:350], choose[:350]).scores(vectors[350:])
    assert macro_auroc(labels[350:, :1], scores[:, :1]) > 0.97
    assert 0.25 < macro_auroc(labels[350:, 1:2], scores[:, 1:2]) < 0.75
    assert not scores[:, 2].any()


def test_precision_and_reciprocal_ranks_by_hand() -> None:
    gallery = np.eye(3, dtype=np.float32)
    query = np.array([[0.9, 0.4, 0.0]], dtype=np.float32)
    labels = np.array([[True, False], [False, True], [True, True]])
    assert precision_at(query, gallery, np.array([[True, False]]), labels, k=2) == pytest.approx([0.5])
    similarity = np.array([[0.1, 0.9, 0.5], [0.9, 0.1, 0.5], [0.9, 0.8, 0.7]], dtype=np.float32)
    assert reciprocal_ranks(similarity, ["a", "b", "a"]) == pytest.approx([1 / 2, 1 / 3, 1.0])


def test_changes_are_the_same_for_a_recording_whatever_else_is_there() -> None:
    rng = np.random.default_rng(0)
    recording = Recording(signal=rng.standard_normal((12, 1000)), fs=100.0, leads=LEADS, recording_id="r")
    changes = [*fewer_leads(42), *noises(42)]
    assert len(changes) == 18
    for name, change in changes:
        np.testing.assert_array_equal(change(recording).signal, change(recording).signal, err_msg=name)
    assert dict(changes)["leads: I"](recording).leads == ("I",)
    assert dict(changes)["leads: random six"](recording).n_leads == 6
    assert dict(changes)["first 5 s"](recording).n_samples == 500


def test_an_unknown_part_and_a_folder_without_ptbxl_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="choices"):
        ENCODER.run(Settings(data=tmp_path, options={"parts": "probes"}))
    with pytest.raises(InputError, match="ptbxl_database"):
        ENCODER.run(Settings(data=tmp_path))


@pytest.mark.data
@pytest.mark.slow
def test_the_shipped_encoder_beats_the_baselines_on_a_held_back_fold(data_dir: Path) -> None:
    result = ENCODER.run(Settings(data=data_dir, options={"fold": "8", "parts": "probe"}))
    found = {row.system: row for row in result.rows if row.metric.startswith("macro AUROC")}
    assert found["precordia"].value >= 0.86
    assert found["precordia"].value > found["log-spectra"].value
    assert found["precordia"].value > found["untrained"].value
    assert found["precordia"].low is not None
    assert found["precordia"].low < found["precordia"].value
