"""Answers about single leads are what is measured there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precordia.core.findings import Measurements
from precordia.core.leads import LEADS
from precordia.generation.answers.leads import in_leads, leads_with
from precordia.generation.questions import read_question

FLAT = dict.fromkeys(LEADS, 0.0)
MEASURED = Measurements(
    st_j60_mv=FLAT | {"II": 0.15, "III": 0.2, "aVL": -0.1},
    t_mv=FLAT | {"V1": 0.2, "V2": -0.3},
    q_mv=FLAT | {"III": 0.25},
)


@pytest.mark.parametrize(
    ("question", "reply"),
    [
        ("How deep is the Q in III?", "Q depth 0.25 mV in III."),
        ("What is the ST level in aVL and II?", "ST level (J+60 ms) 0.15 mV in II, -0.10 mV in aVL."),
        ("Is the T wave in V1 upright?", "Yes: T amplitude 0.20 mV in V1."),
        ("Is the T wave upright in V2?", "No: T amplitude -0.30 mV in V2."),
        ("Are the T waves inverted in V1-V3?", "Yes: T-wave inversion in V2."),
        ("Is there ST elevation in the inferior leads?", "Yes: ST elevation in II, III."),
        ("ST depression in V4 to V6?", "No: no ST depression in V4, V5, V6."),
        ("Is there ST elevation in V2?", "No: no ST elevation in V2."),
        ("Gibt es Hebungen in II und III?", "Yes: ST elevation in II, III."),
        ("TWI in V1-V3?", "Yes: T-wave inversion in V2."),
        ("ST elevation of at least 2 mm in II or III?", "Yes: ST elevation of 0.2 mV or more in III."),
        ("Is there ST depression > 0.5 mm?", "Yes: ST depression of 0.05 mV or more in aVL."),
        ("Is there ST depression > 2 mm?", "No: no ST depression of 0.2 mV or more."),
    ],
)
def test_what_is_measured_in_leads_is_told(question: str, reply: str) -> None:
    (statement,) = in_leads(read_question(question), MEASURED)
    assert statement.text == reply
    assert statement.measurements


def test_of_other_questions_nothing_is_told() -> None:
    for question in ("Is there ST elevation?", "What is the PR interval in II?"):
        assert in_leads(read_question(question), MEASURED) == []
    (statement,) = leads_with(read_question("In which leads is there ST elevation?"), MEASURED)
    assert statement.text == "ST elevation in II, III."


@given(st.integers(1, 9), st.sampled_from(["over {} mm", "of at least {} mm", "of 0.{} mV"]))
def test_a_wave_is_there_where_it_is_as_large_as_asked_for(millimetres: int, size: str) -> None:
    question = read_question(f"Is there ST elevation {size.format(millimetres)}?")
    assert question.ages == ()
    (statement,) = in_leads(question, MEASURED)
    assert statement.text.startswith("Yes" if millimetres <= 2 else "No")
    # That none is so large does not say that there is none.
    assert [f.status for f in statement.findings] == (["present"] if millimetres <= 2 else [])
