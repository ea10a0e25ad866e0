"""Electrograms as words, and a masked model of them: small, untrained or hardly trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from precordia.core.errors import CheckpointError, UnusableSignalError
from precordia.core.recording import Recording
from precordia.fitting.signals.catheter import CatheterRecipe, Ward, hidden_samples, masked_loss, simulated_ward
from precordia.signals.catheter.cycles import measure_cycles
from precordia.signals.catheter.model import CatheterModel, load_catheter_model, save_catheter_model
from precordia.signals.catheter.network import CatheterArchitecture, CatheterNetwork
from precordia.signals.catheter.report import analyse
from precordia.signals.catheter.tokens import FS, LEVELS, MASK, RHYTHMS, SAMPLES, SIGNAL, prepare, sentences
from precordia.signals.door import kind_of_channels
from precordia.simulation.electrogram import RHYTHMS as SIMULATED_RHYTHMS
from precordia.simulation.electrogram import SITES as SIMULATED_SITES
from precordia.simulation.electrogram import simulate_electrograms

SMALL = CatheterArchitecture(width=16, layers=1, heads=2)


@pytest.fixture(scope="module")
def ward() -> Ward:
    return simulated_ward(12)


@pytest.fixture
def model() -> CatheterModel:
    torch.manual_seed(3)
    return CatheterModel(CatheterNetwork(SMALL))


def _nothing(ward: Ward) -> np.ndarray:
    return np.zeros(ward.rows.shape, dtype=np.bool_)


def test_an_electrogram_comes_back_from_its_words_but_for_rounding(ward: Ward) -> None:
    said = sentences(ward.rows, _nothing(ward), ward.sites.tolist())
    back = said.values(said.levels.astype(np.float32))
    assert (np.abs(back - ward.rows) <= said.step / 2 * 1.001).all()
    assert said.levels.min() > 0
    assert said.levels.max() < LEVELS - 1


def test_what_is_hidden_does_not_show_in_the_words(ward: Ward) -> None:
    hidden = hidden_samples(len(ward), CatheterRecipe(), np.random.default_rng(0))
    sites = ward.sites.tolist()
    other = np.where(hidden, 90.0 * ward.rows + 7.0, ward.rows).astype(np.float32)
    said = sentences(ward.rows, hidden, sites)
    np.testing.assert_array_equal(said.words, sentences(other, hidden, sites).words)
    assert (said.words[:, SIGNAL][hidden] == MASK).all()
    assert (said.words[:, -1] == MASK).all()


def test_what_is_hidden_does_not_show_in_what_the_model_says(ward: Ward, model: CatheterModel) -> None:
    hidden = _nothing(ward)
    hidden[:, 100:140] = True
    sites = ward.sites.tolist()
    said = model.interpolate(ward.rows, hidden, sites)
    np.testing.assert_array_equal(said, model.interpolate(np.where(hidden, 1e3, ward.rows), hidden, sites))
    np.testing.assert_array_equal(said[~hidden], ward.rows[~hidden])


def test_a_few_steps_lower_the_loss(ward: Ward) -> None:
    torch.manual_seed(0)
    network, recipe = CatheterNetwork(SMALL), CatheterRecipe()
    optimizer = torch.optim.AdamW(network.parameters(), 5e-3)
    losses = []
    for _ in range(12):
        loss = masked_loss(network, ward, np.arange(len(ward)), recipe, np.random.default_rng(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] - 0.4


def test_a_model_is_kept_says_that_it_was_learned_from_simulations_and_is_refused_when_damaged(
    model: CatheterModel, ward: Ward, tmp_path: Path
) -> None:
    save_catheter_model(model, tmp_path)
    assert '"simulated": true' in (tmp_path / "catheter.json").read_text()
    sites = ward.sites.tolist()
    again = load_catheter_model(tmp_path).rhythms(ward.rows, sites)
    np.testing.assert_allclose(again, model.rhythms(ward.rows, sites), atol=5e-3)
    np.testing.assert_allclose(again.sum(axis=1), 1.0, atol=1e-5)
    (tmp_path / "catheter.safetensors").write_bytes(b"no")
    with pytest.raises(CheckpointError, match="damaged"):
        load_catheter_model(tmp_path)
    with pytest.raises(CheckpointError, match="precordia train catheter"):
        load_catheter_model(tmp_path / "none")


def test_a_patient_is_the_same_in_any_company() -> None:
    some, one = simulate_electrograms(3, 5), simulate_electrograms(1, 5, first=2)
    np.testing.assert_array_equal(some.signal[2], one.signal[0])
    assert set(SIMULATED_RHYTHMS) == set(RHYTHMS)
    assert set(some.sites) <= set(SIMULATED_SITES)


def test_cycles_are_measured_as_they_were_simulated() -> None:
    found = simulate_electrograms(60, 8)
    regular = [row for row in np.flatnonzero(found.rhythms == "flutter") if found.activations[row].size > 5]
    errors = []
    for row in regular:
        measured = measure_cycles(prepare(found.signal[row].astype(np.float64), 1000.0)[0])
        true = float(np.median(np.diff(found.activations[row]))) * 1000.0
        errors.append(abs((measured.cycle_ms or 0.0) - true))
        assert measured.irregularity is not None
    assert len(errors) > 8
    assert np.median(errors) <= 5.0


def test_windows_are_whole_and_gaps_are_bridged() -> None:
    t = np.arange(5000) / 1000.0
    tone = np.sin(2 * np.pi * 7.0 * t)
    tone[1200:1210] = np.nan
    rows = prepare(tone, 1000.0)
    assert rows.shape == (2, SAMPLES)
    np.testing.assert_allclose(rows[0, 20:-20], np.sin(2 * np.pi * 7.0 * np.arange(SAMPLES) / FS)[20:-20], atol=0.05)


@pytest.mark.parametrize(("size", "fs"), [(1000, 1000.0), (400, 100.0)])
def test_what_is_too_short_or_too_slow_is_refused(size: int, fs: float) -> None:
    with pytest.raises(UnusableSignalError, match="2 s at 200 Hz or more"):
        prepare(np.random.default_rng(0).standard_normal(size), fs)


def test_channels_of_the_ventricles_are_not_read_and_every_answer_says_simulated(model: CatheterModel) -> None:
    found = simulate_electrograms(3, 8)
    recording = Recording(found.signal, 1000.0, ("CS 1-2", "RVa", "ABL d"), "study")
    told = analyse(recording, model)
    assert told["model_learned_from"] == "simulated electrograms"
    assert told["channels"]["CS 1-2"]["site"] == "coronary sinus"
    assert "cycle_ms" in told["channels"]["ABL d"]
    assert "not in the atria" in told["channels"]["RVa"]["not_measured"]


def test_an_electrogram_is_never_taken_for_a_lead() -> None:
    kind = kind_of_channels(["HRA", "CS 1-2"], 10.0)
    assert kind.name == "electrogram"
    assert not kind.is_ecg
    assert "simulations alone" in kind.limits
