"""Grounding: what a model says is linked to evidence, and what has none is marked, dropped, or asked for again."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from precedents import judged, precedent

from precordia.core.drafts import Draft, Prompt
from precordia.core.findings import Measurements
from precordia.generation.written.grounding import Policy
from precordia.generation.written.grounding import ground as ground_against
from precordia.generation.written.prompt import assemble
from precordia.judgement.judge import Judgement

HITS = [precedent(i, "SR", "CLBBB", denied=("AFIB",), similarity=0.97 - i / 100) for i in range(1, 5)]
HITS.append(precedent(5, "SR", "LVH", denied=("MI",), similarity=0.9))
MEASURED = Measurements(
    heart_rate_bpm=72.0, rr_ms=833.0, p_ms=100.0, pr_ms=160.0, qrs_ms=140.0, qtc_ms=430.0, axis_deg=-20.0
)
JUDGED = judged(HITS, MEASURED)
PROMPT = assemble(JUDGED.evidence)


def ground(
    text: str, policy: Policy = "flag", judgement: Judgement = JUDGED, ask: Callable[[Prompt], str] | None = None
) -> Draft:
    """A reply to the prompt made of a judgement's evidence, held to the judgement."""
    return ground_against(text, assemble(judgement.evidence), judgement, policy, ask=ask)


def reply(*statements: str, precedents: tuple[int, ...] = (), abstain: bool = False) -> str:
    items = [{"text": text, "precedents": list(precedents), "measurements": []} for text in statements]
    return json.dumps({"statements": items, "abstain": abstain})


def warned(draft: Draft, place: int = 0) -> str:
    return " | ".join(draft.statements[place].warnings)


def test_a_supported_statement_gets_citations_with_the_words_of_the_reports() -> None:
    statement = ground(reply("Sinus rhythm.")).statements[0]
    assert statement.support == 1.0
    assert statement.warnings == ()
    assert {c.quote for c in statement.citations} == {"sinus rhythm"}
    assert {c.case_id for c in statement.citations} <= {1, 2, 3, 4, 5}


def test_plain_text_with_citation_marks_is_understood_as_well_as_json() -> None:
    plain = ground("Sinus rhythm [1, 2]. Complete left bundle branch block [1].")
    assert [s.text for s in plain.statements] == ["Sinus rhythm.", "Complete left bundle branch block."]
    fenced = ground(f"Here it is:\n```json\n{reply('Sinus rhythm.')}\n```")
    assert [s.text for s in fenced.statements] == ["Sinus rhythm."]


def test_what_no_precedent_states_is_flagged_or_dropped() -> None:
    text = reply("Sinus rhythm.", "Left anterior fascicular block.")
    assert "Unsupported" in warned(ground(text, "flag"), 1)
    dropped = ground(text, "drop")
    assert [s.text for s in dropped.statements] == ["Sinus rhythm."]
    assert "1 of 2 statements" in dropped.warnings[0]


def test_what_precedents_deny_is_contradicted() -> None:
    assert "precedents deny" in warned(ground(reply("Atrial fibrillation.")))


def test_a_negation_is_supported_by_precedents_that_deny() -> None:
    statement = ground(reply("No atrial fibrillation."), "drop").statements[0]
    assert statement.citations
    assert all("atrial fibrillation" in c.quote for c in statement.citations)


def test_a_negation_of_what_most_precedents_state_is_contradicted() -> None:
    assert "Contradicted" in warned(ground(reply("No left bundle branch block.")))


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("QRS duration 142 ms.", "supported"),
        ("QRS duration 90 ms.", "contradicted"),
        ("Ventricular rate 74 bpm.", "supported"),
        ("Ventricular rate 150 bpm.", "contradicted"),
        ("QTc 431 ms.", "supported"),
        ("QT interval 380 ms.", "unsupported"),
        ("PR interval 240 ms.", "contradicted"),
        ("QRS axis -25 degrees.", "supported"),
        ("QRS axis 60 degrees.", "contradicted"),
    ],
)
def test_numbers_are_checked_against_the_measurements(text: str, verdict: str) -> None:
    draft = ground(reply(text), "drop")
    flagged = ground(reply(text), "flag")
    if verdict == "supported":
        assert draft.statements[0].measurements
        assert draft.statements[0].support == 1.0
    else:
        assert draft.statements == ()
        assert verdict.capitalize() in warned(flagged)


def test_a_finding_that_a_measurement_rules_out_is_contradicted() -> None:
    hits = [precedent(i, "SBRAD") for i in range(1, 5)]
    judgement = judged(hits, Measurements(heart_rate_bpm=90.0))
    assert "90 bpm" in warned(ground(reply("Sinus bradycardia."), judgement=judgement))


def test_a_finding_that_follows_from_a_measurement_needs_no_precedent() -> None:
    judgement = judged([], Measurements(heart_rate_bpm=72.0, p_ms=110.0, pr_ms=240.0))
    statement = ground(reply("Prolonged PR interval."), "drop", judgement).statements[0]
    assert "pr_ms" in statement.measurements


def test_two_statements_that_exclude_each_other_do_not_both_stand() -> None:
    hits = [precedent(i, "SR") for i in range(1, 4)] + [precedent(i, "AFIB") for i in range(4, 6)]
    draft = ground(reply("Sinus rhythm.", "Atrial fibrillation."), "drop", judged(hits))
    assert [s.text for s in draft.statements] == ["Sinus rhythm."]


@pytest.mark.parametrize(
    "text",
    ["The patient should see a cardiologist.", "Your password is hunter2.", "I am a pirate.", "Everything is fine."],
)
def test_what_cannot_be_checked_does_not_pass(text: str) -> None:
    draft = ground(reply(text), "drop")
    assert draft.statements == ()
    assert draft.abstained
    assert "Unsupported" in warned(ground(reply(text), "flag"))


def test_evidence_that_the_model_claims_is_checked() -> None:
    flagged = ground(reply("Left ventricular hypertrophy.", precedents=(1, 99)))
    assert "Precedent 1 was cited but does not state it" in warned(flagged)
    assert "Precedent 99 was cited; there is none" in warned(flagged)


def test_new_and_unchanged_are_held_to_the_patients_own_last_ecg() -> None:
    before = judged(HITS, MEASURED, earlier=[precedent(9, "SR")])
    assert "last ECG does not state it" in warned(
        ground(reply("Unchanged left bundle branch block."), judgement=before)
    )
    assert "last ECG states it" in warned(ground(reply("New sinus rhythm."), judgement=before))
    assert warned(ground(reply("New left bundle branch block."), judgement=before)) == ""
    assert "no earlier ECG" in warned(ground(reply("New left bundle branch block.")))


def test_a_model_that_is_not_sure_is_taken_at_its_word() -> None:
    for text in (reply(abstain=True), "I cannot tell from this evidence.", "Not sure."):
        draft = ground(text)
        assert draft.abstained
        assert draft.reason == "the language model is not sure"


def test_ask_again_shows_what_was_wrong_once_and_drops_the_rest() -> None:
    asked: list[Prompt] = []

    def ask(prompt: Prompt) -> str:
        asked.append(prompt)
        return reply("Sinus rhythm.", "Ventricular tachycardia.")

    draft = ground(reply("Sinus rhythm.", "Left anterior fascicular block."), "ask again", ask=ask)
    assert [s.text for s in draft.statements] == ["Sinus rhythm."]
    assert len(asked) == 1
    assert [m.role for m in asked[0].messages] == ["system", "user", "assistant", "user"]
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
def test_whatever_a_model_says_what_is_kept_has_evidence(text: str) -> None:
    draft = ground(text, "drop")
    reports = {hit.case.case_id: hit.case.report or "" for hit in HITS}
    assert draft.abstained == (not draft.statements)
    for statement in draft.statements:
        assert statement.citations or statement.measurements
        assert all(c.quote in reports[c.case_id] for c in statement.citations)
    for statement in ground(text, "flag").statements:
        assert statement.citations or statement.measurements or statement.warnings
