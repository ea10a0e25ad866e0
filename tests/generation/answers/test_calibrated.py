"""Answers from fitted evidence: the likeliest, with what bears it out, or "not sure"."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fitted_answers import fitted_answers, numbers
from precedents import evidence_of, judged, precedent

from precordia.core.drafts import Draft
from precordia.core.findings import Finding, Measurements
from precordia.core.recording import Problem, Quality
from precordia.core.retrieval import Hit
from precordia.generation.answers.answer import BEYOND_PROMISE, answer
from precordia.generation.answers.asked import Asked, as_asked
from precordia.generation.answers.calibrated import calibrated_reply
from precordia.generation.answers.decision import decide
from precordia.generation.answers.features import Features
from precordia.generation.answers.fitted import Belief, FittedAnswers
from precordia.generation.answers.priors import NO, YES, AskedBefore
from precordia.generation.questions import read_question
from precordia.judgement.urgent import Concern

VECTOR = np.array([1.0, 0.0], dtype=np.float32)
HITS = [precedent(i, "SR", *(["LVH"] if i < 4 else []), similarity=0.97 - i / 100) for i in range(1, 7)]


def ask(
    question: str,
    features: Features,
    hits: list[Hit] = HITS,
    *,
    fitted: FittedAnswers | None = None,
    quality: Quality | None = None,
    abstain: bool = True,
    measurements: Measurements | None = None,
) -> Draft:
    fitted = fitted or fitted_answers()
    asked = as_asked(read_question(question), fitted.groups)
    assert asked is not None
    evidence = evidence_of(hits, measurements, quality=quality)
    belief = Belief(fitted, features, evidence)
    return calibrated_reply(asked, belief, decide(asked, belief), abstain=abstain)


def test_yes_cites_the_precedents_that_say_so() -> None:
    draft = ask("Is there left ventricular hypertrophy?", numbers(lvh=3.0))
    (statement,) = draft.statements
    assert statement.text == "Yes: left ventricular hypertrophy."
    assert statement.findings == (Finding("LVH"),)
    assert {c.quote for c in statement.citations} == {"left ventricular hypertrophy"}
    assert statement.confidence is not None
    assert statement.confidence > 0.8
    assert 0 < statement.support < 1


def test_no_cites_precedents_that_do_not_state_it_and_tells_those_that_do() -> None:
    (statement,) = ask("Is there left ventricular hypertrophy?", numbers(lvh=-3.0)).statements
    assert statement.text == "No: no left ventricular hypertrophy."
    assert statement.findings == (Finding("LVH", "absent"),)
    assert all("hypertrophy" not in c.quote for c in statement.citations)
    assert statement.citations
    assert statement.warnings == ("Stated by 3 of 6 precedents",)


def test_the_measurement_that_speaks_most_for_an_answer_is_named() -> None:
    (statement,) = ask("Is there a complete left bundle branch block?", numbers(qrs=3.0)).statements
    assert statement.text.startswith("Yes")
    assert statement.measurements == ("qrs_ms",)
    assert "None of 6 precedents states it: the answer rests on likeness to labelled ECGs" in statement.warnings


def test_a_measurement_that_rules_a_finding_out_is_told() -> None:
    usually = AskedBefore.of([(Asked("verify", "axis", ("LAD",)), YES)] * 9 + [(Asked("verify", "axis", ("LAD",)), NO)])
    draft = ask(
        "Does this ECG show left axis deviation?",
        numbers(),
        fitted=fitted_answers(asked=usually),
        measurements=Measurements(axis_deg=60.0),
    )
    (statement,) = draft.statements
    assert statement.text == "Yes: left axis deviation."
    assert any("QRS axis is 60°" in w for w in statement.warnings)


def test_below_the_confidence_that_is_needed_the_answer_is_not_sure() -> None:
    fitted = fitted_answers(least={"verify": 0.95})
    draft = ask("Is there left ventricular hypertrophy?", numbers(lvh=2.0), fitted=fitted)
    assert draft.abstained
    assert draft.reason is not None
    assert draft.reason.startswith("not sure")
    assert "95%" in draft.reason
    assert "10%" in draft.reason
    forced = ask("Is there left ventricular hypertrophy?", numbers(lvh=2.0), fitted=fitted, abstain=False)
    assert forced.statements[0].text.startswith("Yes")
    assert forced.warnings


def test_too_few_precedents_or_a_bad_signal_withhold_findings_but_not_disturbances() -> None:
    bad = Quality(0.1, False, (Problem("noise", ("V1",), 1.0, "Noise in V1"),))
    assert ask("Is there left ventricular hypertrophy?", numbers(lvh=3.0), HITS[:1]).abstained
    assert ask("Is there left ventricular hypertrophy?", numbers(lvh=3.0), quality=bad).abstained
    (statement,) = ask("Is there static noise in lead V1?", numbers(noisy=("V1",)), [], quality=bad).statements
    assert statement.text == "Yes: static noise in lead V1."
    assert statement.measurements == ("quality",)
    assert not statement.citations


def test_leads_are_listed_in_their_order() -> None:
    (statement,) = ask("Which leads show static noise?", numbers(noisy=("V1",)), abstain=False).statements
    assert statement.text == "Static noise in V1."
    (statement,) = ask("Which leads show static noise?", numbers(), abstain=False).statements
    assert statement.text.startswith("None")


def test_a_choice_names_what_is_shown_or_denies_each() -> None:
    question = "Which does it show, left ventricular hypertrophy or complete left bundle branch block?"
    assert [s.text for s in ask(question, numbers(lvh=3.0, qrs=-3.0)).statements] == ["Left ventricular hypertrophy."]
    texts = [s.text for s in ask(question, numbers(lvh=-3.0, qrs=-3.0)).statements]
    assert texts[0] == "None of them: no left ventricular hypertrophy."
    assert len(texts) == 2


def test_a_query_names_all_that_is_likely() -> None:
    draft = ask("What diagnostic symptoms does this ECG show?", numbers(lvh=4.0, qrs=4.0))
    assert [s.findings[0].concept for s in draft.statements] == ["LVH", "CLBBB"]


def test_every_statement_has_evidence() -> None:
    questions = (
        "Is there left ventricular hypertrophy?", "Does this ECG show any kind of abnormal symptoms?", "Is this a normal ECG?",
        "What rhythm-related symptoms does this ECG show?", "Is there an old stage of myocardial infarction?",
        "Does this ECG show any kind of noises?", "Does this ECG show ventricular extrasystoles?",
    )  # fmt: skip
    for question in questions:
        for lvh in (-4.0, 4.0):
            for statement in ask(question, numbers(lvh=lvh), abstain=False).statements:
                assert statement.citations or statement.measurements, question


def test_the_patients_own_cases_have_no_vote() -> None:
    own = [precedent(i, "LVH", patient="q") for i in range(1, 6)]
    draft = ask("Is there left ventricular hypertrophy?", numbers(lvh=3.0), [*own, *HITS[4:]], abstain=False)
    assert {c.case_id for s in draft.statements for c in s.citations} <= {hit.case.case_id for hit in HITS[4:]}


@pytest.fixture
def plain_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every ECG has the same numbers, for answers that compute them."""
    monkeypatch.setattr("precordia.generation.answers.answer.features_of", lambda *_: numbers())


@pytest.mark.usefixtures("plain_numbers")
def test_where_nothing_is_named_the_judgement_answers_what_an_ecg_shows() -> None:
    usually = AskedBefore.of([(Asked("query", "rhythm", ("SR", "AFIB")), ())] * 50)
    fitted, question = fitted_answers(asked=usually), "What rhythm does this ECG show?"
    judgement = judged(HITS, vector=VECTOR)
    given = [answer(question, [judgement], fitted=fitted, abstain=abstain) for abstain in (False, True)]
    assert given[0].text.startswith("None of these")
    assert given[1].text == "Sinus rhythm."
    assert given[1].statements[0].citations


@pytest.mark.usefixtures("plain_numbers")
@pytest.mark.parametrize("question", ["What is the heart rate?", "Is there a third degree AV block?"])
def test_other_questions_are_answered_as_without_it(question: str) -> None:
    judgement = judged(HITS, Measurements(heart_rate_bpm=72.0), vector=VECTOR)
    assert answer(question, [judgement], fitted=fitted_answers()) == answer(question, [judgement])


@pytest.mark.usefixtures("plain_numbers")
@pytest.mark.parametrize(("least", "promised"), [(0.6, True), (0.99, False)])
def test_yes_and_no_are_promised_only_where_fitted_answers_are_sure_of_the_same(least: float, promised: bool) -> None:
    """The judgement says no; how often that is wrong is known of fitted answers alone."""
    draft = answer(
        "Is there left ventricular hypertrophy?",
        [judged([precedent(i, "SR") for i in range(1, 6)], vector=VECTOR)],
        fitted=fitted_answers(least={"verify": least}),
    )
    assert draft.text.startswith("No")
    assert (BEYOND_PROMISE not in draft.warnings) is promised


@pytest.mark.usefixtures("plain_numbers")
@pytest.mark.parametrize(("usual", "dangerous", "told"), [(0, False, True), (50, False, False), (50, True, True)])
def test_beyond_the_promise_what_fitted_answers_make_improbable_is_left_open_unless_it_must_not_be_missed(
    usual: int, dangerous: bool, told: bool
) -> None:
    question = "Which does this ECG show, left ventricular hypertrophy or atrial fibrillation?"
    asked = as_asked(read_question(question), fitted_answers().groups)
    assert asked is not None
    concern = Concern("LVH", "hypertrophy", "A sign.", (), "possible", "a source", "", 0.0)
    judgement = judged([precedent(i, "SR", "LVH") for i in range(1, 6)], vector=VECTOR)
    draft = answer(
        question,
        [replace(judgement, concerns=(concern,) if dangerous else ())],
        fitted=fitted_answers(least={"choose": 1.0}, asked=AskedBefore.of([(asked, ("AFIB",))] * usual)),
    )
    assert draft.abstained is not told
    if told:
        assert draft.statements[0].text == "Left ventricular hypertrophy."
        assert BEYOND_PROMISE in draft.warnings
    else:
        assert not draft.statements
        assert draft.reason is not None
        assert "left ventricular hypertrophy is possible" in draft.reason.lower()
        assert "stated by 5 of 5 precedents" in draft.reason


def test_without_the_ecgs_vector_nothing_changes() -> None:
    question, judgement = "Is there left ventricular hypertrophy?", judged(HITS)
    assert answer(question, [judgement], fitted=fitted_answers()) == answer(question, [judgement])
