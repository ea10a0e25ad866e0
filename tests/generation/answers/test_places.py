"""Where a wave, an early beat or a pause is, in words: its leads and its seconds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from precedents import judged

from precordia.core.drafts import Draft
from precordia.core.findings import Measurements
from precordia.generation.answers.places import located
from precordia.generation.questions import read_question
from precordia.simulation import SimulatedRecording, simulate


@pytest.fixture(scope="module")
def made() -> SimulatedRecording:
    return simulate("PVC", seed=4, fs=250, duration_s=20)


def _asked(question: str, made: SimulatedRecording) -> Draft | None:
    evidence = replace(judged([], Measurements()).evidence, recording=made.recording)
    return located(read_question(question), evidence)


def test_waves_are_placed_in_the_lead_asked_for(made: SimulatedRecording) -> None:
    draft = _asked("Where are the QRS complexes in V5?", made)
    assert draft is not None
    (said,) = draft.statements
    assert said.text.startswith("QRS complexes in V5: ")
    assert str(said.places[0]).startswith("V5, ")
    middles = np.array([(place.start_s + place.end_s) / 2 for place in said.places])
    truth = np.array([beat.r_s for beat in made.truth.beats])
    assert np.mean([np.abs(truth - middle).min() < 0.1 for middle in middles]) > 0.9


def test_early_beats_are_placed_and_what_is_not_there_is_not(made: SimulatedRecording) -> None:
    draft = _asked("When do the ventricular premature beats occur?", made)
    assert draft is not None
    early = [beat.r_s for beat in made.truth.beats if beat.kind == "pvc"]
    assert len(draft.statements[0].places) == len(early)
    for place, time in zip(draft.statements[0].places, early, strict=True):
        assert place.start_s < time < place.end_s
    none = _asked("Where are the pauses?", made)
    assert none is not None
    assert none.abstained


@pytest.mark.parametrize("question", ["Is there a P wave?", "Where is the ST elevation?", "What is the QRS duration?"])
def test_other_questions_are_for_others(question: str, made: SimulatedRecording) -> None:
    assert _asked(question, made) is None
