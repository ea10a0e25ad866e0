"""What a question asks, as people type it."""

from __future__ import annotations

import pytest

from precordia.generation.questions import Question, clauses_in, read_question
from precordia.retrieval.grammar import Bound

ASKED = {
    "inferior infarct": ("verify", ("IMI",), ()),
    "atril fibrilation??": ("verify", ("AFIB",), ()),
    "Rule out STEMI, please": ("verify", ("STEMI",), ()),
    "Is it sinus?": ("verify", ("SR",), ()),
    "brady or tachy?": ("choose", ("BRADY", "TACHY"), ()),
    "2:1 block?": ("verify", ("2AVB",), ()),
    "Is the AV block first or second degree?": ("choose", ("1AVB", "2AVB"), ()),
    "Is the RBBB complete or incomplete?": ("choose", ("CRBBB", "IRBBB"), ()),
    "Normal, right?": ("verify", ("NORM",), ()),
    "Is a bigeminal pattern (ventricular or supraventricular) still absent?": ("verify", ("BIGU",), ()),
    "Is there reciprocal depression?": ("verify", ("STD_",), ()),
    "QRS?": ("query", (), ("qrs_ms",)),
    "bpm?": ("query", (), ("heart_rate_bpm",)),
    "atrial rate?": ("query", (), ("p_rate_bpm",)),
    "QTc by Fridericia?": ("query", (), ("qtc_fridericia_ms",)),
    "QTc?": ("query", (), ("qtc_ms",)),
}


@pytest.mark.parametrize(("text", "asked"), ASKED.items())
def test_a_question_is_read_as_it_is_meant(text: str, asked: tuple[str, tuple[str, ...], tuple[str, ...]]) -> None:
    q = read_question(text)
    assert (q.kind, q.concepts, q.measures) == asked


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Is the LBBB new or old?", "asks_change"),
        ("Acute anterior MI?", "asks_acute"),
        ("Any new Q waves?", "asks_change"),
    ],
)
def test_change_is_asked_of_any_finding_and_age_of_an_infarction(text: str, kept: str) -> None:
    q: Question = read_question(text)
    assert [name for name in ("asks_change", "asks_acute", "asks_acuity") if getattr(q, name)] == [kept]


def test_limits_of_which_one_holds_are_read() -> None:
    assert read_question("Is the QRS not between 100 and 120 ms?").outside == (
        (Bound("qrs_ms", "<", 100.0), Bound("qrs_ms", ">", 120.0)),
    )
    assert read_question("Is the PR interval within 120-200 ms?").bounds == (
        Bound("pr_ms", ">=", 120.0),
        Bound("pr_ms", "<=", 200.0),
    )


def test_a_numeral_behind_a_block_is_no_lead() -> None:
    assert read_question("Mobitz I or Mobitz II?").leads == ()
    assert read_question("ST elevation in II?").leads == ("II",)


def test_several_questions_in_a_row_are_parted() -> None:
    assert clauses_in("Rate? PR? QRS? QTc?") == ["Rate?", "PR?", "QRS?", "QTc?"]
