"""How replies to questions are judged, and the questions themselves."""

from __future__ import annotations

import numpy as np
import pytest

from precordia.core.drafts import Draft, Statement
from precordia.core.findings import Measurements
from precordia.core.recording import Recording
from precordia.eval.tasks.questions.asked import Asked, declined, load, meets, number, of_record, verdict
from precordia.simulation.truth import Truth


def said(text: str, *, abstained: bool = False) -> Draft:
    return Draft((Statement(text, measurements=("qrs_ms",)),) if text else (), abstained)


def test_questions_and_searches_are_each_asked_once_and_split_in_two() -> None:
    for name, least in (("questions", 150), ("searches", 50)):
        asked = load(name)
        assert len({one.text for one in asked}) == len(asked) >= least
        held = sum(one.half == "held back" for one in asked)
        assert len(asked) / 4 < held < 3 * len(asked) / 4


@pytest.mark.parametrize(
    ("text", "abstained", "truth", "outcome"),
    [
        ("Yes: atrial fibrillation.", False, True, "right"),
        ("Yes: atrial fibrillation.", False, False, "wrong"),
        ("No: no atrial fibrillation.", False, False, "right"),
        ("", True, True, "declined"),
        ("Sinus rhythm. Heart rate 70 bpm.", False, True, "wrong"),
    ],
)
def test_yes_and_no_are_right_or_wrong_and_a_report_is_no_answer(
    text: str, abstained: bool, truth: bool, outcome: str
) -> None:
    assert verdict(said(text, abstained=abstained), truth) == outcome


def test_numbers_are_right_within_the_error_of_measurement() -> None:
    assert number(said("QRS duration 98 ms."), "qrs_ms", 90.0) == "right"
    assert number(said("QRS duration 120 ms."), "qrs_ms", 90.0) == "wrong"
    assert number(said("QRS axis -178°."), "axis_deg", 179.0) == "right"
    assert number(said("", abstained=True), "qrs_ms", 90.0) == "declined"


def test_what_no_ecg_can_answer_is_to_be_declined() -> None:
    assert declined(said("That is for the clinician; this ECG shows: QTc 519 ms.", abstained=True)) == "right"
    assert declined(said("No: no pacemaker rhythm.")) == "wrong"


def test_the_record_knows_age_and_sex() -> None:
    recording = Recording(np.zeros((1, 10)), 10.0, ("I",), "r", age=71.4, sex="F")
    assert of_record(said("The patient was 71 years old."), recording, "age") == "right"
    assert of_record(said("No: the patient is female."), recording, "male") == "right"


def test_a_phantom_too_near_a_limit_decides_nothing() -> None:
    asked = Asked("Is the QRS wider than 120 ms?", "limit", "qrs_ms > 120")
    outcomes = [meets(asked, Truth((), (), (), Measurements(qrs_ms=q), 50.0, "F")) for q in (90.0, 115.0, 150.0, None)]
    assert outcomes == [False, None, True, None]
