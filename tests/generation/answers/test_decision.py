"""From likelihoods to the answer that is most likely right as a whole."""

from __future__ import annotations

import math

import pytest
from fitted_answers import fitted_answers, numbers
from hypothesis import given
from hypothesis import strategies as st
from precedents import evidence_of

from precordia.generation.answers.asked import Asked
from precordia.generation.answers.decision import decide, log_likelihoods, log_prior, posterior
from precordia.generation.answers.fitted import Belief
from precordia.generation.answers.priors import NO, UNSURE, YES, AskedBefore
from precordia.judgement.calibration import Calibration

VERIFY = Asked("verify", "diagnostic", ("LVH",))
CHOICE = Asked("choose", "diagnostic", ("LVH", "CLBBB"))
QUERY = Asked("query", "diagnostic", ("LVH", "CLBBB", "IMI"))


def believe(asked: AskedBefore | None = None, **seen: float) -> Belief:
    return Belief(fitted_answers(asked=asked), numbers(**seen), evidence_of())


def test_a_probability_is_the_probes_where_probe_and_prior_are_trusted_alike() -> None:
    assert believe(lvh=0.0).probability("LVH") == pytest.approx(0.2)
    assert believe(lvh=math.log(4.0)).probability("LVH") == pytest.approx(0.5)


def test_a_question_never_asked_before_is_answered_by_the_prevalence_and_the_ecg() -> None:
    assert decide(VERIFY, believe(lvh=0.5)).answer == NO
    found = decide(VERIFY, believe(lvh=2.0))
    assert found.answer == YES
    assert found.confidence == pytest.approx(0.25 * math.exp(2) / (1 + 0.25 * math.exp(2)))


def test_how_questions_are_usually_answered_moves_the_answer() -> None:
    often = AskedBefore.of([(VERIFY, YES)] * 6 + [(VERIFY, NO)] * 4)
    # Prior odds of 6 to 4 in place of 1 to 4 turn the answer that evidence of 0.5 leaves at no.
    assert decide(VERIFY, believe(lvh=0.5)).answer == NO
    found = decide(VERIFY, believe(often, lvh=0.5))
    belief = believe(lvh=0.5)
    ratio = (belief.probability("LVH") / 0.2) / ((1 - belief.probability("LVH")) / 0.8)
    assert found.answer == YES
    assert found.confidence == pytest.approx(1.5 * ratio / (1 + 1.5 * ratio))


def test_confidence_is_how_often_such_answers_were_right() -> None:
    plain = decide(VERIFY, believe(lvh=2.0))
    curve = Calibration((0.0, 1.0), (0.5, 0.9))
    fitted = fitted_answers(curves={"verify": curve}, least={"verify": 0.8})
    found = decide(VERIFY, Belief(fitted, numbers(lvh=2.0), evidence_of()))
    assert found.answer == plain.answer
    assert found.confidence == pytest.approx(0.5 + 0.4 * plain.confidence, abs=1e-3)
    assert found.enough == (found.confidence >= 0.8)
    assert decide(CHOICE, Belief(fitted, numbers(), evidence_of())).enough


def test_doubtful_is_an_answer_where_it_has_been_one() -> None:
    doubtful = AskedBefore.of([(VERIFY, UNSURE)] * 9 + [(VERIFY, NO)] * 3)
    assert decide(VERIFY, believe(doubtful, lvh=2.0)).answer == UNSURE
    assert decide(VERIFY, believe(doubtful, lvh=-4.0)).answer == NO


def test_a_choice_weighs_one_both_and_none() -> None:
    even = AskedBefore.of(
        [(CHOICE, ("LVH",))] * 5 + [(CHOICE, ("CLBBB",))] * 5 + [(CHOICE, ("CLBBB", "LVH"))] * 5 + [(CHOICE, ())] * 5
    )
    assert decide(CHOICE, believe(even, lvh=3.0, qrs=-3.0)).answer == ("LVH",)
    assert decide(CHOICE, believe(even, lvh=-3.0, qrs=3.0)).answer == ("CLBBB",)
    assert decide(CHOICE, believe(even, lvh=3.0, qrs=3.0)).answer == ("CLBBB", "LVH")
    assert decide(CHOICE, believe(even, lvh=-3.0, qrs=-3.0)).answer == ()


def test_a_query_names_the_set_that_is_likeliest_as_a_whole() -> None:
    assert decide(QUERY, believe(lvh=3.0, qrs=3.0)).answer == ("CLBBB", "LVH")
    assert decide(QUERY, believe()).answer == ()
    often = AskedBefore.of([(QUERY, ("CLBBB", "LVH"))] * 20 + [(QUERY, ("LVH",))])
    # A set that is usual is completed where the evidence for its rest is weak, and not where the rest is unlikely here.
    assert decide(QUERY, believe(often, lvh=3.0, qrs=1.5)).answer == ("CLBBB", "LVH")
    assert decide(QUERY, believe(often, lvh=3.0, qrs=0.5)).answer == ("LVH",)


def test_an_answer_outside_the_options_has_no_prior() -> None:
    before = AskedBefore.of([(QUERY, ("LVH", "XYZ"))])
    prior = before.prior(QUERY, {})
    assert prior is not None
    assert ("LVH", "XYZ") not in prior


@given(
    st.lists(st.floats(0.01, 0.99), min_size=3, max_size=3),
    st.floats(-4, 4),
    st.floats(-4, 4),
    st.floats(0, 1),
)
def test_probabilities_of_answers_add_up_to_one(prior: list[float], lvh: float, qrs: float, sharpness: float) -> None:
    belief = believe(lvh=lvh, qrs=qrs)
    for asked in (VERIFY, CHOICE, QUERY):
        found = posterior(log_prior(asked, belief), log_likelihoods(asked, belief), sharpness)
        assert sum(found.values()) == pytest.approx(1.0)
        assert all(0 <= p <= 1 for p in found.values())


def test_evidence_that_counts_for_nothing_leaves_the_prior() -> None:
    prior = {YES: math.log(0.3), NO: math.log(0.7)}
    assert posterior(prior, {"LVH": (2.0, -2.0)}, 0.0)[YES] == pytest.approx(0.3)
