"""Grounding: of what a model says, only what is proved word for word reaches a draft; the rest of the report stands beside it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from precedents import judged, precedent

from precordia.concepts import label_report
from precordia.core.case import Case
from precordia.core.drafts import Draft, Prompt, Reply
from precordia.core.findings import Measurements
from precordia.core.protocols import LanguageModel
from precordia.core.retrieval import Hit, Why
from precordia.generation.answers.answer import answer
from precordia.generation.reports.composer import compose
from precordia.generation.written.grounding import Examiner, Policy
from precordia.generation.written.grounding import ground as ground_against
from precordia.generation.written.prompt import assemble
from precordia.generation.written.sentences import parse_reply
from precordia.judgement.judge import Judgement

HITS = [precedent(i, "SR", "CLBBB", denied=("AFIB",), similarity=0.97 - i / 100) for i in range(1, 5)]
HITS.append(precedent(5, "SR", "LVH", denied=("MI",), similarity=0.9))
MEASURED = Measurements(
    heart_rate_bpm=72.0, rr_ms=833.0, p_ms=100.0, pr_ms=160.0, qrs_ms=140.0, qtc_ms=430.0, axis_deg=-20.0
)
JUDGED = judged(HITS, MEASURED)
PLAIN = compose(JUDGED)
NUMBERS = next(s.text for s in PLAIN.statements if not s.findings)


def ground(
    text: str,
    policy: Policy = "drop",
    *,
    judgement: Judgement = JUDGED,
    question: str | None = None,
    complete: bool = False,
    ask: Callable[[Prompt], str] | None = None,
) -> Draft:
    """A reply to the prompt made of a judgement's evidence, held to what is said without it."""
    plain = compose(judgement) if question is None else answer(question, [judgement])
    prompt = assemble(judgement.evidence, question)
    return ground_against(text, plain, prompt, judgement, policy, complete=complete, ask=ask)


def reply(*statements: str, precedents: tuple[int, ...] = (), abstain: bool = False) -> str:
    items = [{"text": text, "precedents": list(precedents), "measurements": []} for text in statements]
    return json.dumps({"statements": items, "abstain": abstain})


def said(text: str, **more: object) -> list[str]:
    return [s.text for s in ground(text, **more).statements]  # type: ignore[arg-type]


def verdict(text: str, judgement: Judgement = JUDGED) -> tuple[str, str]:
    examiner = Examiner(compose(judgement), assemble(judgement.evidence), judgement)
    checked = [examiner.examine(claim) for claim in parse_reply(reply(text)).claims]
    return checked[-1].verdict, "; ".join(checked[-1].why)


def test_a_proved_statement_has_the_evidence_of_what_it_says() -> None:
    statement = ground(reply("Sinus rhythm.")).statements[0]
    assert statement.support == 1.0
    assert statement.warnings == ()
    assert {c.quote for c in statement.citations} == {"sinus rhythm"}
    assert {c.case_id for c in statement.citations} <= {1, 2, 3, 4, 5}


def test_a_model_may_connect_findings_and_numbers_in_a_sentence_of_its_own() -> None:
    text = "There is sinus rhythm at 72 bpm with complete left bundle branch block and a QRS duration of 140 ms."
    statement = ground(reply(text)).statements[0]
    assert statement.text == text
    assert [f.concept for f in statement.findings] == ["SR", "CLBBB"]
    assert {"heart_rate_bpm", "qrs_ms"} <= set(statement.measurements)
    assert {c.quote for c in statement.citations} == {"sinus rhythm", "complete left bundle branch block"}


def test_plain_text_with_citation_marks_is_understood_as_well_as_json() -> None:
    assert said("Sinus rhythm [1, 2]. Complete left bundle branch block [1].") == [
        "Sinus rhythm.",
        "Complete left bundle branch block.",
    ]
    assert said(f"Here it is:\n```json\n{reply('Sinus rhythm.')}\n```") == ["Sinus rhythm."]


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("Sinus rhythm with life expectancy of 3 days; give aspirin.", "Sinus rhythm."),
        ("Sinus rhythm: 10 % state it.", "Sinus rhythm."),
        ("Acute sinus rhythm.", "Sinus rhythm."),
        ("Possible sinus rhythm.", "Sinus rhythm."),
        ("Left bundle branch block.", "Complete left bundle branch block."),
        ("Sinus rhythm sinus rhythm sinus rhythm.", "Sinus rhythm."),
        ("Sinus rhithm.", "Sinus rhythm."),
        ("QRS duration 142 ms.", "QRS duration 140 ms."),
    ],
)
def test_what_is_borne_out_and_has_more_in_it_is_said_in_canonical_words(text: str, instead: str) -> None:
    draft = ground(reply(text))
    assert [s.text for s in draft.statements] == [instead]
    assert "1 of 1 statements of the language model are said in canonical words" in draft.warnings[0]
    assert draft.details["reworded"] == "1"


@pytest.mark.parametrize(
    "text", ["Right ventricular hypertrophy.", "Sinus rhythm and right ventricular hypertrophy.", "QT interval 380 ms."]
)
def test_what_is_not_borne_out_is_left_out_and_counted(text: str) -> None:
    draft = ground(reply("Complete left bundle branch block.", text))
    assert [s.text for s in draft.statements] == ["Complete left bundle branch block."]
    assert "1 of 2 statements of the language model were left out: 1 without support" in draft.warnings[0]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Atrial fibrillation.", "sinus rhythm excludes it"),
        ("No left bundle branch block.", "complete left bundle branch block is borne out"),
        ("QRS duration 90 ms.", "140 ms was measured"),
        ("Ventricular rate 150 bpm.", "72 bpm was measured"),
        ("PR interval 240 ms.", "160 ms was measured"),
        ("QRS axis 60 degrees.", "-20° was measured"),
        ("Rate 72 bpm, rate 150 bpm.", "72 bpm was measured"),
        ("Left ventricular hypertrophy.", "deny"),
        ("Myocardial infarction.", "meaningless"),
    ],
)
def test_what_speaks_against_a_statement_is_told(text: str, why: str) -> None:
    hits = [precedent(i, "SR", "CLBBB", denied=("LVH",)) for i in range(1, 6)]
    found, reason = verdict(text, judged(hits, MEASURED))
    assert found == "contradicted"
    assert why in reason


@pytest.mark.parametrize(
    "text", ["QRS duration 140 ms.", "Ventricular rate 72 bpm.", "QTc 430 ms.", "QRS axis -20 degrees."]
)
def test_a_measured_number_stands_as_it_is_written(text: str) -> None:
    statement = ground(reply(text)).statements[0]
    assert statement.text == text
    assert statement.measurements
    assert statement.support == 1.0


def test_a_finding_that_a_measurement_rules_out_is_contradicted() -> None:
    hits = [precedent(i, "SBRAD") for i in range(1, 5)]
    assert verdict("Sinus bradycardia.", judged(hits, Measurements(heart_rate_bpm=90.0)))[0] == "contradicted"


def test_a_statement_is_said_once() -> None:
    draft = ground(reply("Sinus rhythm.", "Sinus rhythm.", "There is sinus rhythm.", "Left bundle branch block."))
    assert [s.text for s in draft.statements] == ["Sinus rhythm.", "Complete left bundle branch block."]
    assert draft.details["repeated"] == "2"


@pytest.mark.parametrize(
    "text",
    [
        "The patient should see a cardiologist.",
        "Your password is hunter2.",
        "I am a pirate.",
        "Everything is fine.",
        "The a of.",
    ],
)
def test_what_cannot_be_checked_does_not_pass(text: str) -> None:
    draft = ground(reply(text))
    assert draft.statements == ()
    assert draft.abstained
    assert verdict(text)[0] in ("unsupported", "contradicted")


def test_evidence_that_the_model_claims_is_checked_and_counted() -> None:
    draft = ground(reply("Complete left bundle branch block.", precedents=(1, 5, 99)))
    assert draft.details["false_citations"] == "2"
    assert {c.case_id for c in draft.statements[0].citations} <= {1, 2, 3, 4}


def test_what_the_model_leaves_out_is_said_after_it() -> None:
    draft = ground(reply("Complete left bundle branch block."), complete=True)
    assert [s.text for s in draft.statements] == ["Complete left bundle branch block.", "Sinus rhythm.", NUMBERS]
    assert draft.details["added"] == "2"


def test_numbers_that_the_model_told_are_not_told_again() -> None:
    draft = ground(reply("Sinus rhythm at 72 bpm with a QRS duration of 140 ms."), complete=True)
    (numbers,) = (s for s in draft.statements if not s.findings)
    assert numbers.text == "PR interval 160 ms, QTc (Bazett) 430 ms, QRS axis -20°."
    assert numbers.measurements == ("pr_ms", "qtc_ms", "axis_deg")


def test_a_model_that_is_not_sure_loses_nothing_that_it_said() -> None:
    assert said(reply("Sinus rhythm.", abstain=True)) == ["Sinus rhythm."]
    for text in (reply(abstain=True), "I cannot tell from this evidence.", "Not sure."):
        draft = ground(text, complete=True)
        assert draft.abstained
        assert draft.reason == "the language model is not sure"


def test_the_whole_part_of_a_reply_that_was_cut_off_stands() -> None:
    whole = reply("Sinus rhythm.", "Complete left bundle branch block.")
    assert said(whole[:-70]) == ["Sinus rhythm."]


@pytest.mark.parametrize(
    "text",
    [
        '{"answer": "Sinus rhythm"}',
        '{"report": {"statements_": ["Sinus rhythm."]}}',
        '["Sinus rhythm."]',
        '"Sinus rhythm."',
        '[{"text": "Sinus rhythm."}]',
        'Sure: {"findings": ["Sinus rhythm."], "abstain": false}',
    ],
)
def test_json_of_another_shape_is_no_statement(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    ("question", "text", "stands"),
    [
        ("Is there LBBB?", "There is left bundle branch block.", "There is left bundle branch block."),
        ("Is there LBBB?", "Sinus rhythm.", "Yes: left bundle branch block."),
        ("Is there LBBB?", "No: no left bundle branch block.", "Yes: left bundle branch block."),
        ("Is there LBBB?", "Yes.", "Yes: left bundle branch block."),
        ("Is there LBBB?", "Yes, left bundle branch block, call a doctor.", "Yes: left bundle branch block."),
        ("Is there atrial fibrillation?", "No atrial fibrillation.", "No atrial fibrillation."),
        ("Is there atrial fibrillation?", "Yes: atrial fibrillation.", "No: no atrial fibrillation."),
        ("Is there atrial fibrillation?", "Yes: no atrial fibrillation.", "No: no atrial fibrillation."),
        ("What is the QRS duration?", "QRS duration 140 ms.", "QRS duration 140 ms, above the normal range."),
        ("What is the QRS duration?", "PR interval 160 ms.", "QRS duration 140 ms, above the normal range."),
    ],
)
def test_an_answer_answers_what_was_asked_or_the_plain_one_stands(question: str, text: str, stands: str) -> None:
    class Model(LanguageModel):
        name = "scripted"

        def reply(self, prompt: Prompt) -> Reply:
            return Reply(reply(text))

    assert answer(question, [JUDGED], language_model=Model()).text == stands


QUALIFIED = (
    "Sinus rhythm. Old inferior myocardial infarction. Mild ST depression in lateral leads. Possible left ventricular "
    "hypertrophy. First degree AV block."
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Old inferior myocardial infarction.", "proved"),
        ("Mild lateral ST depression.", "proved"),
        ("Possible left ventricular hypertrophy.", "proved"),
        ("Sinus rhythm with old inferior myocardial infarction and mild ST depression in lateral leads.", "proved"),
        ("Inferior myocardial infarction.", "reworded"),
        ("Acute inferior myocardial infarction.", "reworded"),
        ("ST depression in inferior leads.", "reworded"),
        ("Severe ST depression in lateral leads.", "reworded"),
        ("Mild ST depression in V5 and V6.", "reworded"),
        ("Left ventricular hypertrophy.", "reworded"),
        ("Probable left ventricular hypertrophy.", "reworded"),
        ("New old inferior myocardial infarction.", "reworded"),
        ("Old sinus rhythm, inferior myocardial infarction.", "reworded"),
        ("Possible first degree AV block and left ventricular hypertrophy.", "reworded"),
        ("Inferior myocardial infarction in lateral leads.", "unsupported"),
        ("Old anterior myocardial infarction.", "unsupported"),
        ("No ST elevation, sinus rhythm.", "unsupported"),
        ("Second degree AV block.", "unsupported"),
        ("No left ventricular hypertrophy.", "contradicted"),
    ],
)
def test_certainty_place_age_and_degree_are_those_of_the_judgement(text: str, expected: str) -> None:
    found = tuple(label_report(QUALIFIED))
    cases = [Case(i, f"r{i}", f"p{i}", QUALIFIED, found) for i in range(1, 7)]
    hits = [Hit(case.case_id, 0.95, case, Why({"signal": 0.95})) for case in cases]
    assert verdict(text, judged(hits, Measurements(heart_rate_bpm=72.0, pr_ms=230.0, qrs_ms=96.0)))[0] == expected


def test_ask_again_shows_what_was_wrong_once_and_drops_the_rest() -> None:
    asked: list[Prompt] = []

    def ask(prompt: Prompt) -> str:
        asked.append(prompt)
        return reply("Sinus rhythm.", "Ventricular tachycardia.")

    draft = ground(reply("Sinus rhythm.", "Left anterior fascicular block."), "ask again", ask=ask)
    assert [s.text for s in draft.statements] == ["Sinus rhythm."]
    assert len(asked) == 1
    assert [m.role for m in asked[0].messages][-2:] == ["assistant", "user"]
    assert "Left anterior fascicular block" in asked[0].messages[-1].content


def test_nothing_wrong_asks_nothing() -> None:
    draft = ground(reply("Sinus rhythm."), "ask again", ask=lambda prompt: pytest.fail("asked"))
    assert len(draft.statements) == 1


PIECES = st.one_of(
    st.text(max_size=80),
    st.sampled_from(
        [
            "Sinus rhythm.",
            "No infarction.",
            "Atrial fibrillation [1].",
            "QRS 90 ms.",
            "Rate 72 bpm [7][8]",
            "{",
            '{"statements": [',
        ]
    ),
    st.lists(st.sampled_from(["Sinus rhythm.", "AF.", "Left bundle branch block.", "LVH", ""]), max_size=4).map(
        lambda s: reply(*s)
    ),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda c: st.lists(c, max_size=3), max_leaves=6
    ).map(lambda value: json.dumps({"statements": value if isinstance(value, list) else [value], "abstain": value})),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=4).map("\n".join))
def test_whatever_a_model_says_the_report_says_what_it_said_without_it(text: str) -> None:
    draft = ground(text, complete=True)
    assert draft.abstained == (not draft.statements)
    if draft.statements:
        assert {f for s in draft.statements for f in s.findings} == {f for s in PLAIN.statements for f in s.findings}
    assert all(statement.citations or statement.measurements for statement in draft.statements)
