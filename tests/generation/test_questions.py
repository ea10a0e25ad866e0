"""What a question asks, as people type it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    "QRS broad or narrow?": ("query", (), ("qrs_ms",)),
    "Is the QT normal for the rate?": ("verify", (), ("qt_ms",)),
    "Are the extra beats atrial or ventricular?": ("choose", ("SVES", "PVC"), ()),
    "first, second or third degree block?": ("choose", ("1AVB", "2AVB", "3AVB"), ()),
    "Which kind of block is it?": ("query", (), ()),
    "supraventricular or ventricular?": ("choose", ("SVES", "PVC"), ()),
    "inferior vs anterior infarct": ("choose", ("IMI", "AMI"), ()),
    "Anything abnormal, yes or no?": ("verify", ("NORM",), ()),
    "Frequenz gesunken?": ("verify", (), ("heart_rate_bpm",)),
    "PR/QRS/QT?": ("query", (), ("qt_ms", "pr_ms", "qrs_ms")),
    "Longest RR?": ("query", (), ("rr_max_ms",)),
    "QTc fine?": ("verify", (), ("qtc_ms",)),
    "Is PR within normal limits?": ("verify", (), ("pr_ms",)),
    "QT (not QTc)?": ("query", (), ("qt_ms",)),
    "Is she going faster than 110?": ("verify", (), ("heart_rate_bpm",)),
}
ALIKE = {
    "Does the heart beat too fast?": "Schlägt das Herz zu schnell?",
    "Is the axis turned to the left?": "Ist die Herzachse nach links gedreht?",
    "Is the RBBB complete?": "Ist der Rechtsschenkelblock komplett?",
    "Are the extrasystoles ventricular?": "Sind die Extrasystolen ventrikulär?",
    "Are P waves missing?": "Fehlen P-Wellen?",
    "Did I have a heart attack?": "Hatte ich einen Herzinfarkt?",
    "Is the rhythm irregular?": "Ist der Rhythmus unregelmäßig?",
    "How fast is the heart?": "Wie schnell ist das Herz?",
    "Is infarction ruled out?": "Ist ein Infarkt ausgeschlossen?",
    "Is everything all right with my heart?": "Ist alles in Ordnung mit meinem Herz?",
    "flutter waves?": "Sägezahnmuster?",
    "Is it so that he has AF?": "Was ist mit Vorhofflimmern?",
}
"""English and German of one meaning."""


@pytest.mark.parametrize(("text", "asked"), ASKED.items())
def test_a_question_is_read_as_it_is_meant(text: str, asked: tuple[str, tuple[str, ...], tuple[str, ...]]) -> None:
    q = read_question(text)
    assert (q.kind, q.concepts, q.measures) == asked


@pytest.mark.parametrize(("english", "german"), ALIKE.items())
def test_german_is_read_as_english_is(english: str, german: str) -> None:
    one, other = (
        replace(q, text="", sections=(), asks_range=False) for q in (read_question(english), read_question(german))
    )
    assert one == other
    assert one.concepts or one.measures or one.asks_regularity


@pytest.mark.parametrize(
    ("contrary", "plain"),
    [
        ("Can we rule out {}?", "Is there {}?"),
        ("Is {} excluded?", "Is {} there?"),
        ("Is {} absent?", "Is {} present?"),
    ],
)
@given(st.sampled_from(["AF", "an acute MI", "left bundle branch block", "LVH", "ST elevation"]))
def test_who_asks_for_an_absence_asks_for_the_same_finding(contrary: str, plain: str, finding: str) -> None:
    asked, other = read_question(contrary.format(finding)), read_question(plain.format(finding))
    assert (asked.kind, asked.concepts, asked.asks_acute) == (other.kind, other.concepts, other.asks_acute)
    assert asked.asks_absence is not other.asks_absence


@pytest.mark.parametrize(
    "put", ["What about {}?", "{}, yes or no?", "{} or not?", "Tell me whether there is {}", "{} y/n"]
)
@given(st.sampled_from(["AF", "sinus bradycardia", "left bundle branch block", "LVH", "ST elevation", "a normal ECG"]))
def test_how_a_question_is_put_does_not_change_what_is_asked(put: str, finding: str) -> None:
    asked, plain = read_question(put.format(finding)), read_question(f"Is there {finding}?")
    assert (asked.kind, asked.concepts, asked.asks_absence) == (plain.kind, plain.concepts, plain.asks_absence)


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
