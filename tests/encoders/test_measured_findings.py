"""What is relied on: targets are told by trees that have not seen the recording's own report, and by measurements alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from precordia.core.recording import Recording
from precordia.encoders.architecture import Architecture
from precordia.encoders.corpus import Corpus, gather
from precordia.encoders.objectives.measured_findings import MeasuredFindings
from precordia.encoders.objectives.objective import Step
from precordia.records.standardize import SignalSpec
from precordia.simulation import simulate
from precordia.testing.objectives import ObjectiveContract

from .test_signal_measurements import step

pytest.importorskip("sklearn", reason="trees need the extra train")

SIZES = Architecture(dim=16, channels=(8, 8, 8, 8))
OPTIONS = {"min_reports": 5}
SILENT, ASIDE = 3, 8
"""A recording without a report, and one that is held out."""


def fast(number: int) -> bool:
    return number % 2 == 0


def simulated() -> Iterator[Recording]:
    for number in range(48):
        made = simulate(["STACH" if fast(number) else "SR"], seed=number, fs=100).recording
        report = "sinus tachycardia" if fast(number) else "sinus rhythm"
        yield replace(
            made,
            recording_id=f"made:{number}",
            patient_id=f"p{number}",
            report=None if number == SILENT else report,
            metadata={},
        )


@pytest.fixture(scope="module")
def reported() -> Corpus:
    corpus = gather(simulated(), SignalSpec())
    return replace(corpus, held_out=np.arange(len(corpus)) == ASIDE)


def built(corpus: Corpus) -> MeasuredFindings:
    torch.manual_seed(0)
    return MeasuredFindings(SIZES, corpus, OPTIONS)


def told(corpus: Corpus) -> torch.Tensor:
    objective = built(corpus)
    return objective.targets[:, objective.concepts.index("STACH")]


class TestMeasuredFindings(ObjectiveContract):
    name = "measured_findings"

    @pytest.fixture(autouse=True)
    def _corpus(self, reported: Corpus) -> None:
        self.corpus = reported

    def make(self) -> tuple[MeasuredFindings, Step]:
        return built(self.corpus), step(self.corpus, torch.randn(len(self.corpus), 16, requires_grad=True))


def test_measurements_tell_what_reports_state_also_where_nothing_is_written(reported: Corpus) -> None:
    probable = told(reported)
    quick = torch.tensor([fast(n) for n in range(len(reported))])
    assert probable[quick].min() > probable[~quick].max()
    assert probable[SILENT] < 0.3
    assert probable[ASIDE] > 0.7


def test_no_recording_is_told_by_trees_that_know_its_report(reported: Corpus) -> None:
    """A wrong report moves the targets of others and not its own."""
    wrong = tuple("sinus rhythm" if n == 0 else text for n, text in enumerate(reported.texts))
    before, after = told(reported), told(replace(reported, texts=wrong))
    assert before[0] == after[0]
    assert not torch.equal(before, after)


def test_held_out_reports_teach_nothing(reported: Corpus) -> None:
    wrong = tuple("sinus rhythm" if n == ASIDE else text for n, text in enumerate(reported.texts))
    assert torch.equal(told(reported), told(replace(reported, texts=wrong)))
