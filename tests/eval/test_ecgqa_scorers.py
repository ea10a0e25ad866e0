"""What each scorer of ECG-QA reads from a reply; every case is worked by hand from the published code."""

from __future__ import annotations

import pytest

from precordia.eval.tasks.ecgqa.scorers import (
    corrected,
    multi_label,
    offers_none,
    paper_exact,
    read_as_published,
    read_corrected,
)

VERIFY = ("no", "not sure", "yes")
LEADS = ("lead I", "lead II", "lead III", "lead V1", "lead aVR")
STAGES = ("early stage of myocardial infarction", "none of myocardial infarction")
BLOCKS = ("complete left bundle branch block", "digitalis effect")
BIGEMINY = ("bigeminal pattern (unknown origin, supraventricular, or ventricular)", "sinus rhythm")
MIMIC = ("Left ventricular hypertrophy", "atrial flutter")


@pytest.mark.parametrize(
    ("reply", "options", "kind", "published", "right"),
    [
        # Where both agree.
        ("Yes", VERIFY, "single-verify", {"yes"}, {"yes"}),
        ("no.", VERIFY, "single-verify", {"no"}, {"no"}),
        ("None", BLOCKS, "single-choose", {"none"}, {"none"}),
        ("Digitalis effect", BLOCKS, "single-choose", {"digitalis effect"}, {"digitalis effect"}),
        (BIGEMINY[0], BIGEMINY, "single-query", {BIGEMINY[0]}, {BIGEMINY[0]}),
        ("", VERIFY, "single-verify", set(), set()),
        ("none of myocardial infarction", STAGES, "single-query", {STAGES[1]}, {STAGES[1]}),
        # The pattern tries "no" before "not sure", at the same place.
        ("Not sure", VERIFY, "single-verify", {"no"}, {"not sure"}),
        # A lower-cased reply never holds "lead I".
        ("lead V1", LEADS, "single-query", set(), {"lead V1"}),
        ("lead II, lead aVR", LEADS, "single-query", set(), {"lead II", "lead aVR"}),
        ("None", LEADS, "single-query", {"none"}, {"none"}),
        # Nor MIMIC's capital letters.
        ("Left ventricular hypertrophy, atrial flutter", MIMIC, "single-query", {"atrial flutter"}, set(MIMIC)),
        # "no" is found within other words.
        ("None", VERIFY, "single-verify", {"no"}, set()),
        ("yes, abnormal", VERIFY, "single-verify", {"yes", "no"}, {"yes"}),
        # An option is found within a longer word that is no option.
        ("incomplete left bundle branch block", BLOCKS, "single-choose", {BLOCKS[0]}, set()),
    ],
)  # fmt: skip
def test_what_is_read(reply: str, options: tuple[str, ...], kind: str, published: set[str], right: set[str]) -> None:
    assert read_as_published(reply, options) == published
    assert read_corrected(reply, options, offers_none=offers_none(kind)) == right


def test_no_lead_answer_scores_as_published() -> None:
    assert not paper_exact("lead V1", LEADS, frozenset({"lead V1"}))
    assert corrected("lead V1", LEADS, frozenset({"lead V1"}), offers_none=True)


def test_not_sure_is_taken_for_no_as_published() -> None:
    assert paper_exact("Not sure", VERIFY, frozenset({"no"}))
    assert not paper_exact("Not sure", VERIFY, frozenset({"not sure"}))
    assert corrected("Not sure", VERIFY, frozenset({"not sure"}), offers_none=False)
    assert not corrected("Not sure", VERIFY, frozenset({"no"}), offers_none=False)


def test_answers_are_sets() -> None:
    truth = frozenset({"lead I", "lead III"})
    assert corrected("lead III and lead I", LEADS, truth, offers_none=True)
    assert not corrected("lead III", LEADS, truth, offers_none=True)
    assert not corrected("lead I, lead II, lead III", LEADS, truth, offers_none=True)


def test_none_is_the_empty_answer_as_published() -> None:
    assert paper_exact("none", BLOCKS, frozenset({"none"}))
    assert not paper_exact("", BLOCKS, frozenset({"none"}))


@pytest.mark.parametrize(
    ("scores", "answer", "right"),
    [
        ({"yes": 0.9}, {"yes"}, True),
        ({"yes": 0.5}, {"yes"}, False),  # over the threshold, not at it
        ({"yes": 0.9, "no": 0.6}, {"yes"}, False),
        ({"yes": 0.9, "sinus rhythm": 1.0}, {"yes"}, True),  # not a valid class
        ({}, {"none"}, True),
        ({"no": 0.2}, {"no"}, False),
    ],
)
def test_classifier(scores: dict[str, float], answer: set[str], right: bool) -> None:
    assert multi_label(scores, VERIFY, frozenset(answer)) is right
