from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from precordia.core.errors import InputError, UsageError
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.eval.harness.task import Settings
from precordia.eval.metrics.probe import fit_probe, macro_auroc, precision_at, reciprocal_ranks
from precordia.eval.tasks.encoder.changes import fewer_leads, noises
from precordia.eval.tasks.encoder.ptbxl import LabelledRecordings
from precordia.eval.tasks.encoder.rows import (
    Split,
    code_rows,
    fall_row,
    few_label_rows,
    retrieval_rows,
    samples,
    superclass_rows,
)
from precordia.eval.tasks.encoder.systems import (
    OURS,
    PCA_BEAT,
    PCA_RAW,
    BoostedMeasurements,
    ProbedVectors,
    Together,
    average_beats,
    learners,
)
from precordia.eval.tasks.encoder.task import ENCODER
from precordia.simulation import simulate


def _split(n: int = 60) -> Split:
    rng = np.random.default_rng(0)
    recordings = tuple(
        Recording(signal=np.zeros((12, 1000), np.float32), fs=100.0, leads=LEADS, recording_id=f"r{i}")
        for i in range(n)
    )
    superclasses = rng.random((n, 5)) > 0.6
    codes = np.concatenate([superclasses, rng.random((n, 25)) > 0.5], axis=1)
    folds = np.arange(n) % 9 + 1
    data = LabelledRecordings(
        recordings, superclasses, codes, tuple(f"c{i}" for i in range(30)), folds, tuple(f"p{i // 2}" for i in range(n))
    )
    return Split(data, folds < 9, folds == 8, folds == 9)


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


def test_neighbours_that_share_everything_reach_one_and_random_ones_the_chance_row() -> None:
    split = _split(900)
    good = split.data.codes.astype(np.float32)
    rng = np.random.default_rng(1)
    vectors = {OURS: good, "random": rng.standard_normal((900, 32)).astype(np.float32)}
    found = {(row.system, row.metric): row for row in retrieval_rows(split, vectors, 42)}
    gain = "nDCG@10, overlap of codes"
    assert found[OURS, gain].value > 0.9
    chance = found["chance", gain]
    assert found["random", gain].low is not None
    assert found["random", gain].value == pytest.approx(chance.value, abs=0.03)
    assert found["random", "precision@10, shared superclass"].value == pytest.approx(
        found["chance", "precision@10, shared superclass"].value, abs=0.05
    )


def test_systems_together_are_the_mean_of_what_each_says_alone() -> None:
    split = _split(200)
    labels, rng = split.data.superclasses, np.random.default_rng(3)
    rows, test = np.flatnonzero(split.fit), np.flatnonzero(split.test)
    noisy = [labels + rng.normal(0, 1.0, labels.shape) for _ in range(2)]
    parts = (ProbedVectors(lambda _: noisy[0], noisy[0].astype(np.float32)), BoostedMeasurements(noisy[1]))
    alone = [part.learn(labels, rows, None, test) for part in parts]
    both = Together(parts).learn(labels, rows, None, test)
    assert both == pytest.approx((alone[0] + alone[1]) / 2)
    assert macro_auroc(labels[test], both) > max(macro_auroc(labels[test], one) for one in alone)


def test_rows_say_how_far_ours_is_ahead() -> None:
    split = _split()
    truth = split.data.superclasses[split.test]
    scores = {OURS: truth.astype(float), "other": np.random.default_rng(0).random(truth.shape)}
    rows = list(superclass_rows(split, scores, 42))
    macro = {row.system: row.value for row in rows if row.metric == "macro AUROC, superclasses"}
    ahead = next(row for row in rows if row.metric.endswith("ahead of"))
    assert macro[OURS] == 1.0
    assert macro["other"] == pytest.approx(
        np.mean([roc_auc_score(t, s) for t, s in zip(truth.T, scores["other"].T, strict=True)])
    )
    assert ahead.group == "other"
    assert ahead.value == pytest.approx(1 - macro["other"])
    assert ahead.low is not None
    assert ahead.low <= ahead.value
    fall = fall_row(split, scores[OURS], scores["other"], "leads: I", 0.08, 42)
    assert fall.value == pytest.approx(1 - macro["other"])
    assert not fall.at_least
    kept = samples(split, scores)
    assert {(one["system"], one["sample"]) for one in kept} == {
        (system, r.recording_id) for system in scores for r in split.recordings(split.test)
    }


def test_the_twenty_most_frequent_codes_are_scored_and_labels_can_be_few() -> None:
    split = _split(900)
    vectors = split.data.codes.astype(np.float32)
    system = ProbedVectors(lambda some: vectors[: len(some)], vectors)
    every = np.ones((int(split.test.sum()), 20))
    assert next(iter(code_rows(split, {OURS: every}, 42))).value == pytest.approx(0.5)
    few = list(few_label_rows(split, {OURS: system}, Settings(data=Path())))
    assert [row.metric for row in few] == [f"macro AUROC, superclasses, {share} of labels" for share in ("1%", "10%")]
    assert few[0].value < few[1].value
    assert few[1].value > 0.95
    assert few[0].low is not None
    assert few[0].low < few[0].value


def test_components_of_aligned_beats_survive_a_shift_that_components_of_the_signal_do_not() -> None:
    recordings = [simulate(seed=i).recording for i in range(6)]
    beats = average_beats(recordings)
    assert beats.shape[0] == 6
    assert (np.abs(beats).max(axis=1) > 0.1).all()
    flat = Recording(signal=np.zeros((12, 1000), np.float32), fs=100.0, leads=LEADS, recording_id="flat")
    assert not average_beats([flat]).any()
    from precordia.encoders.checkpoint import create

    fit = np.ones(6, dtype=bool)
    found = learners(("pca", "pca-beat"), create("tiny"), recordings, fit, 0, None)
    late = Recording(
        signal=np.roll(recordings[0].signal, round(0.4 * recordings[0].fs), axis=1), fs=recordings[0].fs,
        leads=recordings[0].leads, recording_id="late",
    )  # fmt: skip

    def kept(name: str) -> float:
        system = found[name]
        assert isinstance(system, ProbedVectors)
        a, b = system.embed([recordings[0]])[0], system.embed([late])[0]
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    assert kept(PCA_BEAT) > 0.9
    assert kept(PCA_RAW) < 0.5


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


def test_an_unknown_part_or_system_and_a_folder_without_ptbxl_are_refused(tmp_path: Path) -> None:
    for option, value in (("parts", "probes"), ("systems", "resnets")):
        with pytest.raises(UsageError, match="choices"):
            ENCODER.run(Settings(data=tmp_path, options={option: value}))
    with pytest.raises(InputError, match="ptbxl_database"):
        ENCODER.run(Settings(data=tmp_path))


@pytest.mark.data
@pytest.mark.slow
def test_the_shipped_encoder_beats_the_baselines_on_a_held_back_fold(part_of_ptbxl: Callable[..., Path]) -> None:
    options = {"fold": "8", "parts": "probe", "systems": "untrained,spectra"}
    data = part_of_ptbxl({**dict.fromkeys(range(1, 8), 50), 8: 100})
    result = ENCODER.run(Settings(data=data, options=options))
    found = {row.system: row for row in result.rows if row.metric == "macro AUROC, superclasses"}
    assert found["precordia"].value >= 0.86
    assert found["precordia"].value > found["log-spectra"].value
    assert found["precordia"].value > found["untrained"].value
    assert found["precordia"].low is not None
    assert found["precordia"].low < found["precordia"].value
