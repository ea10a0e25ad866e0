"""The tasks of drawn and few leads, on phantoms: exact where they must be, and without a lead that was given among those scored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import CheckpointError, UsageError
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.encoders import create
from precordia.encoders.checkpoint import save_encoder
from precordia.encoders.windows import Ecgs
from precordia.eval.frechet import frechet, space_of
from precordia.eval.harness.task import Result, Settings
from precordia.eval.tasks.leads import drawing_task, searching_task
from precordia.eval.tasks.leads.drawing_task import LEAD_RECONSTRUCTION
from precordia.eval.tasks.leads.searching_task import FEW_LEADS
from precordia.eval.tasks.leads.systems import copied, cut, drawn_by, mean_beats
from precordia.records.standardize import SignalSpec
from precordia.signals.leads.alignment import Alignment, Head
from precordia.signals.leads.drawers import load_drawer
from precordia.simulation import simulate_batch


def phantoms(n: int = 12, seed: int = 3) -> list[Recording]:
    batch = simulate_batch(n, seed, fs=100)
    return [
        Recording(
            signal,
            100.0,
            LEADS,
            f"ptbxl:{row}",
            patient_id=f"p{row}",
            metadata={"strat_fold": str(9 if row % 3 == 0 else 1)},
        )
        for row, signal in enumerate(batch.signal)
    ]


def test_given_leads_stay_as_they_are_whatever_draws() -> None:
    recordings = phantoms(4)
    ecgs = Ecgs.of(recordings, SignalSpec())
    one = cut(ecgs, np.isin(LEADS, ["V5"]))
    for draw in (copied, mean_beats(recordings, ecgs), drawn_by("linear")):
        drawn = draw(one)
        assert drawn.shape == ecgs.signal.shape
        assert np.array_equal(drawn[:, 10], ecgs.signal[:, 10])
    assert np.array_equal(copied(one)[:, 0], ecgs.signal[:, 10])


def test_a_mean_beat_lies_at_the_beats_of_the_given_lead() -> None:
    recordings = phantoms(3)
    ecgs = Ecgs.of(recordings, SignalSpec())
    one = cut(ecgs, np.isin(LEADS, ["II"]))
    drawn = mean_beats(recordings, ecgs)(one)
    for row, beats in enumerate(one.beats):
        far = np.ones(1000, dtype=np.bool_)
        for at in beats:
            far[max(at - 25, 0) : at + 50] = False
        assert np.all(drawn[row, 6, far] == 0)
        assert np.any(drawn[row, 6, ~far])


def test_the_frechet_distance_knows_a_shift_and_a_smaller_spread() -> None:
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(20, 1000)).astype(np.float32)
    space = space_of(signal)
    true, shifted, shrunk = (space.features(x).reshape(-1, 16) for x in (signal, signal + 0.5, signal * 0.5))
    assert frechet(true, true) == pytest.approx(0, abs=1e-5)
    assert frechet(true, shifted) > 0
    assert 0 < frechet(true, shrunk) < frechet(true, np.zeros_like(true) + 1e-9 * rng.normal(size=true.shape))


@pytest.fixture(scope="module")
def drawn() -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing_task, "read_ptbxl_here", lambda data: phantoms())
        patch.setattr(drawing_task, "DRAWS", 5)
        return LEAD_RECONSTRUCTION.run(Settings(Path(), options={"drawers": "linear"}))


def test_a_lead_that_is_given_is_not_scored(drawn: Result) -> None:
    groups = {row.group for row in drawn.rows}
    assert {"from I", "from I, II, V2"} <= groups
    scored = {row.metric for row in drawn.rows if row.group == "from I, II"}
    assert "correlation, V1" in scored
    assert "correlation, III" not in scored


def test_least_squares_beat_a_copy_and_published_figures_stand_apart(drawn: Result) -> None:
    mean = {(r.system, r.group): r.value for r in drawn.rows if r.metric.startswith("mean correlation")}
    assert mean["linear", "from I, II, V2"] > mean["copy", "from I, II, V2"]
    published = [row for row in drawn.rows if row.system == "ECGNet, as published"]
    assert {row.metric.rpartition(", ")[2] for row in published} == {"own unit"}
    assert all(row.low is None for row in published)


def test_kept_intervals_stand_beside_those_of_the_given_leads_alone(drawn: Result) -> None:
    kept = {row.system for row in drawn.rows if row.metric == "QRS kept within 10 ms"}
    assert kept == {"given leads alone", "linear"}


def test_options_that_are_not_known_are_said() -> None:
    for task in (LEAD_RECONSTRUCTION, FEW_LEADS):
        with pytest.raises(UsageError, match="no setting"):
            task.run(Settings(Path(), options={"leads": "I"}))


def alignment_of(fingerprint: str, dim: int) -> Alignment:
    pick = np.concatenate([np.eye(dim), np.zeros((dim, dim + 1))], axis=1).astype(np.float32)
    head = Head(
        np.zeros((1, 2 * dim + 1), np.float32), np.zeros(1, np.float32), np.zeros((dim, 1), np.float32), pick,
        np.zeros(dim, np.float32),
    )  # fmt: skip
    linear = load_drawer("linear").fingerprint
    return Alignment(head, (("I",),), {("I",): (1.0, 0.0, 0.0)}, fingerprint, "linear", linear, True)


def test_few_leads_are_asked_of_whole_ecgs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = create("tiny")
    save_encoder(encoder, tmp_path / "encoder")
    alignment_of(encoder.fingerprint, encoder.dim).save(tmp_path / "aligned")
    ecgs = phantoms(36)
    monkeypatch.setattr(searching_task, "read_ptbxl_here", lambda data: ecgs)
    truth = {"any infarction": np.arange(36) % 2 == 0, **dict.fromkeys(searching_task.TYPES, np.arange(36) == 0)}
    monkeypatch.setattr(searching_task, "labels_of", lambda settings, recordings: (truth, "0"))
    settings = Settings(Path(), encoder=str(tmp_path / "encoder"), options={"alignment": str(tmp_path / "aligned")})
    result = FEW_LEADS.run(settings)
    found = {(row.system, row.metric): row.value for row in result.rows if row.group == "from I"}
    assert found["fused", "top-10 overlap with all leads"] == found["direct", "top-10 overlap with all leads"]
    assert found["fused", "top-10 overlap, gain over direct"] == 0
    assert {row.metric for row in result.rows if row.metric.startswith("AUROC")} == {"AUROC, any infarction"}
    assert any("fewer than 5 ECGs here: AMI" in note for note in result.notes)
    other = replace(settings, encoder="default")
    with pytest.raises(CheckpointError, match="make it again"):
        FEW_LEADS.run(other)
