"""What is relied on: measurements of the whole ECG become targets, and what was not or cannot be measured is no target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.encoders.architecture import Architecture
from precordia.encoders.augment import Glimpse
from precordia.encoders.corpus import AMPLITUDE, Corpus, gather
from precordia.encoders.network import Inputs, Outputs
from precordia.encoders.objectives.objective import Step, View
from precordia.encoders.objectives.signal_measurements import SignalMeasurements
from precordia.records.standardize import SignalSpec
from precordia.simulation import simulate

SIZES = Architecture(dim=16, channels=(8, 8, 8, 8))
RELATIVE = (3, 8)
"""Rows whose amplitudes are no true mV."""


def simulated() -> Iterator[Recording]:
    for number in range(24):
        made = simulate(["SR" if number % 3 else "AFIB"], seed=number, fs=100).recording
        metadata = {AMPLITUDE: "relative"} if number in RELATIVE else {}
        yield replace(made, recording_id=f"made:{number}", patient_id=f"p{number}", metadata=metadata)


@pytest.fixture(scope="module")
def simulations() -> Corpus:
    """Four patients held out."""
    corpus = gather(simulated(), SignalSpec())
    return replace(corpus, held_out=np.arange(len(corpus)) >= len(corpus) - 4)


def step(corpus: Corpus, embedding: torch.Tensor) -> Step:
    rows = np.arange(len(corpus))
    parts = (corpus.signal, corpus.leads, corpus.samples, corpus.calibrated)
    clean = Inputs(*(torch.from_numpy(p[rows]) for p in parts))
    outputs = Outputs(torch.zeros(len(rows), 32, 8), torch.ones(len(rows), 32, dtype=torch.bool), embedding)
    return Step(
        torch.from_numpy(rows), clean, (View(Glimpse(clean, torch.zeros_like(clean.samples), clean), outputs),), None
    )


def test_the_rate_is_learned_from_embeddings_that_tell_it(simulations: Corpus) -> None:
    torch.manual_seed(0)
    objective = SignalMeasurements(Architecture(dim=16, channels=(8, 8, 8, 8), dropout=0.0), simulations, {})
    own = torch.randn(len(simulations), 16, requires_grad=True)
    optimizer = torch.optim.Adam([*objective.parameters(), own], lr=0.05)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = objective(step(simulations, own))
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_amplitudes_count_only_in_true_millivolts(simulations: Corpus) -> None:
    known = SignalMeasurements(SIZES, simulations, {}).known
    assert not simulations.calibrated[list(RELATIVE)].any()
    absolute = np.flatnonzero(simulations.calibrated)
    assert known[list(RELATIVE)].sum(1).max() < 0.5 * known[absolute].sum(1).min()
    assert known[list(RELATIVE)].any(dim=1).all(), "intervals can be measured without mV"


def test_what_was_not_measured_has_no_targets_and_costs_nothing(simulations: Corpus) -> None:
    objective = SignalMeasurements(SIZES, simulations, {"most": 6})
    assert int(objective.known.any(dim=1).sum()) == 6
    own = torch.randn(len(simulations), 16, requires_grad=True)
    torch.autograd.backward(objective(step(simulations, own)))
    assert own.grad is not None
    objective.head.weight.data.normal_()
    own.grad = None
    torch.autograd.backward(objective(step(simulations, own)))
    reached = own.grad.abs().sum(1) > 0
    assert torch.equal(reached, objective.known.any(dim=1))


def test_thresholds_come_from_the_training_part(simulations: Corpus) -> None:
    """Held-out recordings with absurd amplitudes move no threshold."""
    loud = simulations.signal[np.arange(len(simulations))].copy()
    loud[simulations.held_out] *= 5
    before, after = (
        SignalMeasurements(SIZES, replace(simulations, signal=signal), {}) for signal in (simulations.signal, loud)
    )
    training = torch.from_numpy(~simulations.held_out)
    assert torch.equal(before.targets[training], after.targets[training])
    assert not torch.equal(before.targets[~training], after.targets[~training])


def test_a_recording_of_fewer_leads_and_seconds_is_measured_on_those(simulations: Corpus) -> None:
    leads, samples = simulations.leads.copy(), simulations.samples[np.arange(len(simulations))].copy()
    leads[0] = [lead in ("I", "II", "III", "aVR", "aVL", "aVF") for lead in LEADS]
    samples[1, 600:] = False
    fewer = SignalMeasurements(SIZES, replace(simulations, leads=leads, samples=samples), {})
    whole = SignalMeasurements(SIZES, simulations, {})
    assert fewer.known[0].sum() < whole.known[0].sum()
    assert fewer.known[1].any()
