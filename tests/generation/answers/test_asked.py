"""What a question can be answered with, read from its words."""

from __future__ import annotations

import pytest
from fitted_answers import GROUPS

from precordia.generation.answers.asked import Asked, as_asked
from precordia.generation.questions import read_question


def read(text: str) -> Asked | None:
    return as_asked(read_question(text), GROUPS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Does this ECG show symptoms of left ventricular hypertrophy?", Asked("verify", "diagnostic", ("LVH",))),
        ("Is there evidence of LVH on this tracing?", Asked("verify", "diagnostic", ("LVH",))),
        ("Zeigt das EKG einen kompletten Linksschenkelblock?", Asked("verify", "diagnostic", ("CLBBB",))),
        ("Can static noise be detected in lead aVL?", Asked("verify", "noise", ("SNOISE",), "aVL")),
        ("Is there any interference or distortion in lead V1?", Asked("verify", "any:noise", ("any:noise",), "V1")),
        ("Does this ECG show any kind of noises?", Asked("verify", "any:noise", ("any:noise",))),
        ("Are inverted T waves seen in the chest leads?", Asked("verify", "form", ("INVT",), "chest leads")),
        ("Does this ECG show any kind of abnormal symptoms?", Asked("verify", "any:finding", ("any:finding",))),
        ("Is there an old stage of myocardial infarction?", Asked("verify", "stage", ("stage:old",))),
        ("Does this ECG show ventricular extrasystoles?", Asked("verify", "beats", ("beats:PVC",))),
        ("Does this ECG show ventricular premature complexes?", Asked("verify", "form", ("PVC",))),
        ("Does this ECG show left axis deviation?", Asked("verify", "axis", ("LAD",))),
        (
            "Which diagnostic symptom does this ECG show, left ventricular hypertrophy or complete left bundle branch block?",
            Asked("choose", "diagnostic", ("LVH", "CLBBB")),
        ),
        (
            "Which is it, LVH or complete left bundle branch block, excluding uncertain symptoms?",
            Asked("choose", "diagnostic!", ("LVH!", "CLBBB!")),
        ),
        ("Which noise does this ECG show in lead II, static noise or baseline drift?",
         Asked("choose", "noise", ("SNOISE", "BDRIFT"), "II")),
        ("What rhythm-related symptoms does this ECG show?", Asked("query", "rhythm", ("SR", "AFIB"))),
        ("What diagnostic symptoms are there, leaving out uncertain ones?",
         Asked("query", "diagnostic!", ("LVH!", "CLBBB!", "IMI!"))),
        ("What direction is the cardiac axis?", Asked("query", "axis", ("LAD", "NAXIS"))),
    ],
)  # fmt: skip
def test_the_options_of_a_question_are_read_from_free_words(text: str, expected: Asked) -> None:
    assert read(text) == expected


def test_leads_are_asked_for_of_one_target() -> None:
    asked = read("What leads are showing static noise in this ECG?")
    assert asked is not None
    assert asked.of == "SNOISE"
    assert asked.target("V6") == "SNOISE@V6"


@pytest.mark.parametrize(
    "text",
    ["What is the heart rate?", "Is the QRS duration above 120 ms?", "Is the PR interval prolonged?", "What is the axis?",
     "Does this ECG show a third degree AV block?", "Describe the conduction.", "Is the sky blue?"],
)  # fmt: skip
def test_numbers_and_what_nothing_was_fitted_for_are_left_to_the_measurements_and_the_vote(text: str) -> None:
    assert read(text) is None


def test_options_in_another_order_are_the_same_form() -> None:
    from precordia.generation.answers.priors import form_of

    one, other = read("Is it LVH or inferior infarction?"), read("Is it inferior infarction or LVH?")
    assert one is not None
    assert other is not None
    assert one.options == ("LVH", "IMI")
    assert form_of(one) == form_of(other)
