"""How replies to questions are judged, and the questions themselves."""

from __future__ import annotations

import numpy as np
import pytest

from precordia.core.case import Case
from precordia.core.drafts import Draft, Statement
from precordia.core.findings import Finding, Measurements
from precordia.core.recording import Recording
from precordia.eval.tasks.questions.asked import Asked, half_of, load
from precordia.eval.tasks.questions.ecgs import Known
from precordia.eval.tasks.questions.replies import (
    acuity,
    choice,
    compared,
    declined,
    meets,
    number,
    of_record,
    verdict,
)
from precordia.eval.tasks.questions.sought import Sought, coded
from precordia.simulation.truth import Truth


def said(text: str, *, abstained: bool = False) -> Draft:
    return Draft((Statement(text, measurements=("qrs_ms",)),) if text else (), abstained)


def test_questions_and_searches_are_each_asked_once_and_split_in_two() -> None:
    for name, least in (("questions", 250), ("searches", 80)):
        asked = load(name)
        assert len({one.text for one in asked}) == len(asked) >= least
        held = sum(one.half == "held back" for one in asked)
        assert len(asked) / 4 < held < 3 * len(asked) / 4


def test_paraphrases_stand_in_one_half() -> None:
    halves: dict[tuple[str, str], set[str]] = {}
    for one in (*load("questions"), *load("searches")):
        halves.setdefault((one.kind, one.truth), set()).add(one.half)
    assert all(len(half) == 1 for half in halves.values())
    assert {half_of(str(i)) for i in range(20)} == {"development", "held back"}


def test_every_kind_and_condition_can_be_judged() -> None:
    from precordia.concepts import vocabulary
    from precordia.eval.tasks.questions.task import _KINDS

    known = vocabulary()
    for one in load("questions"):
        assert one.kind in _KINDS
        if one.kind in ("finding", "choice"):
            assert all(option in known for option in one.options)
    for one in load("searches"):
        sought = Sought.of(one.truth)
        assert all(concept in known for group in (*sought.groups, sought.without) for concept in group)


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


def named(*concepts: str, status: str = "present") -> Draft:
    findings = tuple(Finding(c, status) for c in concepts)  # type: ignore[arg-type]
    return Draft((Statement("Said.", findings, measurements=("qrs_ms",)),))


def test_a_choice_is_right_where_it_names_the_one_and_none_of_the_others() -> None:
    options = ("CLBBB", "CRBBB")
    assert choice(named("CRBBB"), options, "CRBBB") == "right"
    assert choice(named("RBBB"), options, "CRBBB") == "right"
    assert choice(named("CRBBB", "CLBBB"), options, "CRBBB") == "wrong"
    assert choice(named("CRBBB", status="absent"), options, "CRBBB") == "wrong"
    assert choice(Draft((), True, "not sure"), options, "CRBBB") == "declined"


def test_ages_and_verdicts_are_read_from_what_is_said() -> None:
    assert acuity(said("Old inferior myocardial infarction."), "old") == "right"
    assert acuity(said("Yes: myocardial infarction."), "old") == "wrong"
    assert acuity(said("", abstained=True), "old") == "declined"
    assert compared(said("Worse: new atrial fibrillation."), "worse") == "right"
    assert compared(said("Heart rate 60 bpm, now 90 bpm."), "unchanged") == "wrong"


def test_silence_denies_only_what_a_source_tells_of() -> None:
    recording = Recording(np.zeros((1, 10)), 10.0, ("I",), "r")
    known = Known(recording, "development", frozenset({"AFIB"}), frozenset({"AFIB", "LVH"}), frozenset({"AFIB", "PVC"}))
    assert [known.has(c) for c in ("AFIB", "LVH", "PVC", "WPW")] == [True, None, False, None]


def test_a_search_is_judged_by_codes_and_left_open_where_the_report_says_more() -> None:
    case = Case(1, "r", "p", report="Left bundle branch block", codes=("scp:AFIB",), age=70.0, sex="F")
    (one,) = coded([case])
    met = {
        text: Sought.of(text).met_by(one)
        for text in ("AFIB sex=F age>=70", "LBBB", "!LBBB", "!AFIB", "LBBB/AFIB", "qrs_ms>1")
    }
    assert met == {
        "AFIB sex=F age>=70": True,
        # The report says more than the codes: neither is held to be true.
        "LBBB": None,
        "!LBBB": None,
        "!AFIB": False,
        "LBBB/AFIB": True,
        "qrs_ms>1": False,
    }
