"""Answers: whether, which and what, about one ECG or two, each from precedents or measurements, or "not sure"."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from precedents import judged, precedent

from precordia.core.drafts import Draft
from precordia.core.errors import UsageError
from precordia.core.findings import Measurements
from precordia.core.recording import Problem, Quality
from precordia.core.retrieval import Hit
from precordia.generation.answers.answer import answer
from precordia.generation.answers.series import with_series
from precordia.generation.questions import read_question

HITS = [precedent(i, "SR", "CLBBB", denied=("AFIB",), similarity=0.97 - i / 100) for i in range(1, 6)]
MEASURED = Measurements(
    heart_rate_bpm=72.0,
    rr_ms=833.0,
    p_ms=100.0,
    pr_ms=160.0,
    qrs_ms=140.0,
    qt_ms=400.0,
    qtc_ms=430.0,
    axis_deg=-20.0,
    st_j60_mv={"I": 0.0, "II": 0.02, "V1": 0.15, "V2": 0.25, "V3": 0.1, "V5": -0.08},
)


def ask(question: str, hits: list[Hit] = HITS, measurements: Measurements = MEASURED, **more: object) -> Draft:
    return answer(question, [judged(hits, measurements, **more)])


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Is there a left bundle branch block?", "verify"),
        ("Does this ECG show atrial fibrillation?", "verify"),
        ("Any sign of infarction?", "verify"),
        ("Which of these is shown, left bundle branch block or right bundle branch block?", "choose"),
        ("Is it atrial fibrillation or sinus rhythm?", "choose"),
        ("What is the rhythm?", "query"),
        ("Describe the conduction.", "query"),
        ("Which leads show ST elevation?", "query"),
        ("Zeigt das EKG einen Linksschenkelblock?", "verify"),
    ],
)
def test_the_kind_of_a_question_is_read(question: str, kind: str) -> None:
    assert read_question(question).kind == kind


@pytest.mark.parametrize(
    ("question", "measures"),
    [
        ("What is the heart rate?", ("heart_rate_bpm",)),
        ("Is the PR interval within the normal range?", ("pr_ms",)),
        ("How wide is the QRS complex?", ("qrs_ms",)),
        ("What is the QTc?", ("qtc_ms",)),
        ("Does the QT corrected fall within the normal range?", ("qtc_ms",)),
        ("What range does the QT interval fall into?", ("qt_ms",)),
        ("What is the P duration?", ("p_ms",)),
        ("What is the RR interval?", ("rr_ms",)),
        ("What is the heart axis?", ("axis_deg",)),
    ],
)
def test_the_measurement_asked_for_is_read(question: str, measures: tuple[str, ...]) -> None:
    assert read_question(question).measures == measures


def test_what_precedents_agree_on_is_affirmed_with_citations() -> None:
    draft = ask("Is there a left bundle branch block?")
    statement = draft.statements[0]
    assert statement.text == "Yes: left bundle branch block."
    assert statement.support == 1.0
    assert {c.quote for c in statement.citations} == {"complete left bundle branch block"}


def test_what_no_precedent_states_is_denied_and_says_by_whom() -> None:
    denied = ask("Does this ECG show atrial fibrillation?").statements[0]
    assert denied.text.startswith("No: no ")
    assert denied.findings[0].status == "absent"
    assert {c.quote for c in denied.citations} == {"atrial fibrillation"}
    silent = ask("Is there left ventricular hypertrophy?").statements[0]
    assert silent.text.startswith("No: no ")
    assert all(c.quote in (HITS[0].case.report or "") for c in silent.citations)


def test_a_divided_vote_is_answered_as_the_report_says_it() -> None:
    hits = [precedent(i, "IMI", similarity=0.9) for i in (1, 2)] + [
        precedent(i, "SR", similarity=0.9) for i in (3, 4, 5)
    ]
    draft = ask("Is there an inferior infarction?", hits, Measurements())
    assert draft.text == "Yes: possible inferior myocardial infarction."
    assert draft.statements[0].findings[0].status == "uncertain"
    doubtful = ask("Is there an inferior infarction?", [*hits[1:], precedent(6, "SR", similarity=0.9)], Measurements())
    assert doubtful.abstained
    assert "not sure" in (doubtful.reason or "")
    assert "20%" in (doubtful.reason or "")


def test_a_measurement_overrules_precedents() -> None:
    hits = [precedent(i, "SBRAD") for i in range(1, 6)]
    statement = ask("Is there sinus bradycardia?", hits).statements[0]
    assert statement.text.startswith("No")
    assert "heart_rate_bpm" in statement.measurements


def test_what_is_meant_is_there_where_a_kind_of_it_is() -> None:
    fast = replace(MEASURED, heart_rate_bpm=118.0, rr_ms=508.0)
    hits = [precedent(i, "STACH", similarity=0.97 - i / 100) for i in range(1, 6)]
    (said,) = ask("Is it sinus rhythm?", hits, fast).statements
    assert said.text == "Yes: sinus tachycardia."
    assert [f.concept for f in said.findings] == ["STACH"]
    assert said.citations
    (said,) = ask("Can we rule out sinus rhythm?", hits, fast).statements
    assert said.text == "No, it is shown: sinus tachycardia."
    assert ask("Is the rhythm paced or sinus?", hits, fast).text == "Sinus tachycardia."
    assert ask("Sinus rhythm or sinus tachycardia?", hits, fast).text == "Sinus tachycardia."
    assert not ask("Is this a normal sinus rhythm?", hits, fast).text.startswith("Yes")
    flutter = [precedent(i, "AFIB", similarity=0.97 - i / 100) for i in range(1, 6)]
    assert not ask("Is it sinus rhythm?", flutter, fast).text.startswith("Yes")


def test_an_answer_affirms_nothing_that_the_report_leaves_out() -> None:
    hits = [precedent(i, "SR", "NORM") for i in range(1, 6)]
    assert ask("Is this a normal ECG?", hits, replace(MEASURED, qrs_ms=92.0)).text == "Yes: normal ECG."
    wide = ask("Is this a normal ECG?", hits, replace(MEASURED, qrs_ms=118.0))
    assert wide.abstained
    assert "normal ECG is possible" in (wide.reason or "")


def test_an_answer_denies_nothing_that_a_measurement_shows() -> None:
    met = replace(MEASURED, qrs_ms=92.0, criteria={"sokolow_lyon_lvh": True})
    hits = [precedent(i, "SR") for i in range(1, 6)]
    question = "Are there voltage criteria for left ventricular hypertrophy?"
    assert ask(question, hits, met).abstained
    assert ask(question, hits, replace(met, criteria={"sokolow_lyon_lvh": False})).text.startswith("No: no ")


def test_one_of_several_options_is_chosen() -> None:
    draft = ask("Which is shown: left bundle branch block or right bundle branch block?")
    assert [f.concept for s in draft.statements for f in s.findings if f.status == "present"] == ["LBBB"]
    neither = ask("Is it atrial flutter or ventricular tachycardia?")
    assert all(f.status == "absent" for s in neither.statements for f in s.findings)
    assert neither.statements


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("What is the heart rate?", "72 bpm"),
        ("Is the PR interval within the normal range?", "Yes: PR interval 160 ms"),
        ("Is the QRS duration within the normal range?", "No: QRS duration 140 ms, above the normal range"),
        ("Is the QRS duration above the normal range?", "Yes: QRS duration 140 ms"),
        ("Is the QTc prolonged?", "No"),
        ("Is the QRS wide?", "Yes: QRS duration 140 ms"),
        ("Is this a narrow QRS complex?", "No: QRS duration 140 ms"),
        ("Is the heart rate above 100?", "No: "),
        ("Is the heart rate below 80?", "Yes: "),
        ("What is the QRS axis?", "-20°"),
        ("How long is the QRS complex?", "QRS duration 140 ms"),
        ("Is there an axis deviation?", "No: QRS axis -20°, within the normal range"),
    ],
)
def test_measurements_are_answered_from_measurements(question: str, words: str) -> None:
    draft = ask(question, [])
    assert words in draft.text
    assert all(s.measurements for s in draft.statements)


def test_what_was_not_measured_is_not_made_up() -> None:
    draft = ask("What is the PR interval?", HITS, Measurements(heart_rate_bpm=80.0))
    assert draft.abstained
    assert "PR interval could not be measured" in (draft.reason or "")


def test_leads_come_from_the_st_levels() -> None:
    draft = ask("Which leads show ST elevation?")
    assert draft.text == "ST elevation in V1, V2."
    assert ask("Which leads show ST depression?").text == "ST depression in V5."
    assert ask("Which leads show Q waves?").abstained


def test_what_asks_for_a_part_of_the_report() -> None:
    assert ask("What is the rhythm?").text == "Sinus rhythm."
    assert [f.concept for s in ask("Describe the conduction.").statements for f in s.findings] == ["CLBBB"]
    assert len(ask("What does this ECG show?").statements) >= 3


def test_noise_is_answered_from_the_quality_check_only() -> None:
    noisy = Quality(0.6, True, {}, (Problem("noisy", ("V3",), 0.4, "V3: noise of 0.1 mV"),))
    assert ask("Is there static noise in lead V3?", quality=noisy).text.startswith("Yes")
    assert ask("Is there static noise in lead V1?", quality=noisy).text.startswith("No")
    assert ask("Is there static noise in lead V3?").abstained


@pytest.mark.parametrize("question", ["Is the moon full?", "Does he like music?", "Is it good?"])
def test_what_has_nothing_to_do_with_an_ecg_is_not_answered(question: str) -> None:
    assert ask(question).abstained


def test_too_few_precedents_answer_nothing_about_findings() -> None:
    assert ask("Is there an infarction?", HITS[:1]).abstained
    assert ask(
        "Is there an infarction?", [replace(h, score=0.1, why=replace(h.why, scores={"signal": 0.1})) for h in HITS]
    ).abstained


SECOND = Measurements(heart_rate_bpm=120.0, p_ms=None, pr_ms=None, qrs_ms=138.0, qtc_ms=470.0, axis_deg=-25.0)
LATER = [precedent(i, "AFIB", "CLBBB", similarity=0.97 - i / 100) for i in range(11, 16)]


def compare(question: str, hits: list[Hit] = LATER) -> Draft:
    return answer(question, [judged(HITS, MEASURED), judged(hits, SECOND)])


def test_two_ecgs_are_compared_finding_by_finding() -> None:
    text = compare("What has changed between the two ECGs?").text
    assert "New in the second ECG: atrial fibrillation." in text
    assert "No longer in the second ECG: sinus rhythm." in text
    assert "Unchanged in both: complete left bundle branch block." in text
    assert "increased: 72 bpm, then 120 bpm" in text


def test_only_what_is_asked_of_two_ecgs_is_answered() -> None:
    new = compare("Which findings are newly present in the second ECG?")
    assert {s.findings[0].comparison for s in new.statements} == {"new"}
    qrs = compare("How did the QRS duration change?")
    assert [s.measurements for s in qrs.statements] == [("qrs_ms", "second.qrs_ms")]
    assert "unchanged" in qrs.text
    one = compare("Is atrial fibrillation still there?")
    assert [s.findings[0].concept for s in one.statements] == ["AFIB"]


@pytest.mark.parametrize(
    ("question", "beginnings"),
    [
        ("Is there LBBB, and how wide is the QRS?", ["Yes: left bundle branch block", "QRS duration"]),
        ("Hat er Vorhofflimmern und wie schnell ist die Frequenz?", ["No: no atrial fibrillation", "Ventricular rate"]),
        ("Is the PR normal? What is the QRS duration?", ["Yes: PR interval", "QRS duration"]),
    ],
)
def test_two_questions_in_one_line_are_both_answered(question: str, beginnings: list[str]) -> None:
    statements = ask(question).statements
    assert len(statements) == len(beginnings)
    assert all(s.text.startswith(begins) for s, begins in zip(statements, beginnings, strict=True))


def test_what_cannot_be_answered_of_two_questions_is_told_beside_the_other() -> None:
    draft = ask("How wide is the QRS and is there any noise?", quality=None)
    assert [s.measurements for s in draft.statements] == [("qrs_ms",)]
    assert any("not assessed" in warning for warning in draft.warnings)


@pytest.mark.parametrize(
    ("question", "answer_begins"),
    [
        ("Is atrial fibrillation newly detected in the second ECG as compared to the first ECG?", "Yes: new"),
        ("Has sinus rhythm been resolved in the recent tracing as compared to the previous tracing?", "Yes: no longer"),
        (
            "Does the second ECG still show complete left bundle branch block as compared to the first ECG?",
            "Yes: unchanged",
        ),
        (
            "Is inferior myocardial infarction still absent in the second ECG as compared to the first ECG?",
            "Yes: in neither",
        ),
        ("Is atrial fibrillation still absent in the second ECG as compared to the first ECG?", "No: new"),
        ("What symptoms are newly detected in the second ECG as compared to the first ECG?", "New in the second ECG"),
        ("Is prolonged PR interval newly detected in the second ECG?", "No: in neither"),
    ],
)
def test_changes_are_asked_for_in_many_ways(question: str, answer_begins: str) -> None:
    assert compare(question).text.startswith(answer_begins)


def test_where_nothing_is_new_that_is_said_with_what_there_is_instead() -> None:
    same = [judged(HITS, MEASURED), judged(HITS, MEASURED)]
    draft = answer("What symptoms are newly detected in the second ECG as compared to the first ECG?", same)
    assert draft.text == "None: no finding is new in the second ECG."
    assert draft.statements[0].citations


def test_two_ecgs_without_precedents_are_compared_by_measurements_and_say_so() -> None:
    draft = compare("What has changed?", [])
    assert draft.statements
    assert all(s.measurements for s in draft.statements)
    assert "Only measurements are compared" in draft.warnings[0]
    assert compare("Is this better than last time?", []).text.startswith(
        "Worse: ventricular rate increased: 72 bpm, then 120"
    )


def test_several_ecgs_are_compared_step_by_step_and_first_to_last() -> None:
    series = [judged(HITS, Measurements(qrs_ms=width)) for width in (90.0, 92.0, 150.0)]
    draft = answer("Has the QRS widened?", series)
    assert [s.text.split(":")[:2] for s in draft.statements] == [
        ["ECG 1 to 2", " no"], ["ECG 2 to 3", " yes"], ["First to last", " yes"]
    ]  # fmt: skip
    assert draft.statements[1].measurements == ("ecg2.qrs_ms", "ecg3.qrs_ms")
    report = with_series(Draft((), measurements=Measurements(qrs_ms=150.0)), series)
    (widened,) = [s for s in report.statements if "QRS" in s.text]
    assert widened.text.startswith("ECG 2 to 3: QRS duration increased")
    assert widened.measurements == ("ecg2.qrs_ms", "qrs_ms")


def test_wrong_use_says_what_is_wrong() -> None:
    with pytest.raises(UsageError, match="one ECG or several, not none"):
        answer("What?", [])
    with pytest.raises(UsageError, match="no question"):
        ask("  ")


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.text(max_size=60),
        st.sampled_from(
            [
                "Is there {}?",
                "Which leads show {}?",
                "{} or {}?",
                "What is the {}?",
                "Is the {} above 100?",
                "Is it {} or normal?",
            ]
        ).flatmap(
            lambda form: st.lists(
                st.sampled_from(["LBBB", "AF", "infarction", "QRS", "rate", "noise", "axis", "rhythm", "ST elevation"]),
                min_size=2,
                max_size=2,
            ).map(lambda words: form.format(*words))
        ),
    ).filter(str.strip)
)
def test_every_answer_has_evidence_or_abstains(question: str) -> None:
    for draft in (ask(question), compare(question)):
        assert draft.abstained == (not draft.statements)
        assert draft.abstained == bool(draft.reason)
        assert all(s.citations or s.measurements for s in draft.statements)


@pytest.mark.parametrize(
    ("question", "concepts"),
    [
        ("Left or right bundle branch block?", ("LBBB", "RBBB")),
        ("Links- oder Rechtsschenkelblock?", ("LBBB", "RBBB")),
        ("Inferior or anteroseptal infarction?", ("IMI", "ASMI")),
        ("Sinus rhythm or AF?", ("SR", "AFIB")),
    ],
)
def test_options_share_the_words_that_one_of_them_leaves_out(question: str, concepts: tuple[str, ...]) -> None:
    read = read_question(question)
    assert (read.kind, read.concepts) == ("choose", concepts)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (
            "Is the QRS complex normal?",
            "No: QRS duration 140 ms, above the normal range; complete left bundle branch block.",
        ),
        (
            "Is the QRS abnormal?",
            "Yes: QRS duration 140 ms, above the normal range; complete left bundle branch block.",
        ),
        ("wide complex?", "Yes: QRS duration 140 ms."),
        ("Ist die PQ-Zeit verlängert?", "No: PR interval 160 ms, within the normal range."),
        ("Is the QT interval prolonged?", "No: QTc (Bazett) 430 ms, within the normal range."),
        ("hr?", "Ventricular rate 72 bpm, within the normal range."),
        ("hr greater than 120?", "No: ventricular rate 72 bpm."),
        ("Which bundle branch block is it?", "Complete left bundle branch block."),
    ],
)
def test_what_is_asked_is_answered_as_asked(question: str, text: str) -> None:
    assert ask(question).text == text


def test_a_person_is_no_lead() -> None:
    assert read_question("Do I have atrial fibrillation?").leads == ()
    assert read_question("Is there ST elevation in I and aVL?").leads == ("I", "aVL")
