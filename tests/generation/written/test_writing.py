"""Reports and answers with a language model: what it says is checked, and when it fails the precedents answer."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import replace

import pytest
from precedents import judged, precedent

from precordia.core.drafts import Draft, Prompt, Reply, Statement
from precordia.core.errors import ContextOverflowError, LanguageModelError
from precordia.core.findings import Measurements
from precordia.core.protocols import LanguageModel
from precordia.core.recording import Quality
from precordia.generation.answers.answer import answer
from precordia.generation.reports.composer import compose
from precordia.generation.reports.report import write_report
from precordia.generation.written.grounding import Policy
from precordia.generation.written.writing import WritingSettings

HITS = [precedent(i, "SR", "CLBBB", similarity=0.97 - i / 100) for i in range(1, 6)]
POLICIES: tuple[Policy, ...] = ("drop", "ask again")
MEASURED = Measurements(heart_rate_bpm=72.0, qrs_ms=140.0)
NUMBERS = "Ventricular rate 72 bpm, QRS duration 140 ms."


class Model(LanguageModel):
    """Answers what it is given, in turn."""

    name = "scripted"

    def __init__(self, *replies: str | Reply | Exception) -> None:
        self.replies = list(replies)
        self.prompts: list[Prompt] = []

    def reply(self, prompt: Prompt) -> Reply:
        self.prompts.append(prompt)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, Reply) else Reply(reply)


def statements(*texts: str) -> str:
    return json.dumps(
        {"statements": [{"text": t, "precedents": [1], "measurements": []} for t in texts], "abstain": False}
    )


def write(model: Model, **settings: object) -> Draft:
    return write_report(
        judged(HITS, MEASURED),
        language_model=model,
        settings=WritingSettings(**settings),  # type: ignore[arg-type]
    )


def test_without_a_model_the_consensus_speaks() -> None:
    assert write_report(judged(HITS, MEASURED)) == compose(judged(HITS, MEASURED))


def test_a_models_supported_statements_stand_under_its_name() -> None:
    draft = write(Model(statements("Sinus rhythm.", "Left bundle branch block.")))
    assert draft.author == "scripted"
    assert draft.text == f"Sinus rhythm. Complete left bundle branch block. {NUMBERS}"
    assert all(s.citations for s in draft.statements[:2])
    assert draft.details["language_model"] == "scripted"
    assert draft.details["replies"] == "1"
    assert "prompt_sha256" in draft.details


def test_a_models_invention_is_left_out_and_counted() -> None:
    draft = write(Model(statements("Sinus rhythm.", "Ventricular tachycardia.")))
    assert {s.text for s in draft.statements} == {s.text for s in compose(judged(HITS, MEASURED)).statements}
    assert any("1 of 2 statements" in w for w in draft.warnings)


@pytest.mark.parametrize(
    "reply",
    [
        LanguageModelError("language model scripted: HTTP status 500"),
        "lorem ipsum dolor sit amet",
        "",
        "{]",
        statements("The patient is a pirate."),
        '{"statements": [], "abstain": false}',
        '{"statements": 7}',
    ],
)
def test_a_model_that_fails_or_talks_nonsense_is_replaced_and_the_draft_says_so(reply: str | Exception) -> None:
    draft = write(Model(reply))
    plain = compose(judged(HITS, MEASURED))
    assert draft.statements == plain.statements
    assert draft.author == "consensus"
    assert draft.warnings[0].startswith("The consensus of precedents answers: ")
    assert draft.details["language_model"] == "scripted"


def test_a_model_that_is_not_sure_does_not_blank_the_report() -> None:
    draft = write(Model('{"statements": [], "abstain": true}'))
    assert draft.statements == compose(judged(HITS, MEASURED)).statements
    assert draft.warnings[0] == "The consensus of precedents answers: the language model is not sure"


@pytest.mark.parametrize("whole", [statements("Sinus rhythm."), ""])
def test_a_reply_that_was_cut_off_is_told_of_whether_or_not_something_of_it_stands(whole: str) -> None:
    cut = write(Model(Reply(f'{whole[:-20]}, {{"text": "Left bund', cut_off=True)))
    assert "was cut off" in " ".join(cut.warnings)
    assert cut.author == ("scripted" if whole else "consensus")


def test_a_prompt_that_is_too_long_is_asked_anew_with_fewer_precedents() -> None:
    model = Model(ContextOverflowError("too long"), ContextOverflowError("too long"), statements("Sinus rhythm."))
    draft = write(model)
    assert [len(prompt.hits) for prompt in model.prompts] == [5, 2, 1]
    assert draft.author == "scripted"
    assert draft.details["precedents_left_out"] == "4"
    never = write(Model(*[ContextOverflowError("too long")] * 4))
    assert never.author == "consensus"


def test_statements_are_told_as_soon_as_they_stand_and_none_that_does_not() -> None:
    class Writing(Model):
        def stream(self, prompt: Prompt) -> Generator[str, None, Reply]:
            text = statements("Sinus rhythm.", "Give aspirin.", "Left bundle branch block.")
            for piece in text.split(" "):
                told.append(piece)
                yield piece + " "
            return Reply(text)

    told: list[object] = []
    draft = write_report(judged(HITS, MEASURED), language_model=Writing(), watch=told.append)
    stood = [item for item in told if isinstance(item, Statement)]
    assert stood == list(draft.statements)
    assert told.index(stood[0]) < len(told) - len(stood)  # told before the model had ended


def test_asking_again_costs_one_more_reply() -> None:
    model = Model(statements("Sinus rhythm.", "Asystole."), statements("Sinus rhythm.", "Left bundle branch block."))
    draft = write(model, policy="ask again")
    assert draft.text == f"Sinus rhythm. Complete left bundle branch block. {NUMBERS}"
    assert draft.details["replies"] == "2"


def test_nothing_is_asked_of_a_model_where_there_is_no_evidence() -> None:
    model = Model()
    assert write_report(judged([], MEASURED), language_model=model).abstained
    poor = Quality(0.1, False, {})
    assert write_report(judged(HITS, MEASURED, quality=poor), language_model=model).abstained
    assert model.prompts == []


def test_a_models_claim_is_not_asked_for_where_every_precedent_lies_below_the_floor() -> None:
    far = [precedent(i, "SR", "CLBBB", similarity=0.10) for i in range(1, 6)]
    judgement = judged(far, MEASURED, floor=0.70)
    model = Model(*[statements("Left bundle branch block.")] * 4)
    reports = [write_report(judgement, language_model=model, settings=WritingSettings(policy=p)) for p in POLICIES]
    asked = answer("Is there a left bundle branch block?", [judgement], language_model=model)
    for draft in (*reports, asked):
        assert draft.abstained
        assert "the nearest has similarity 0.10, at least 0.70 is needed" in (draft.reason or "")
        assert not any(statement.findings for statement in draft.statements)
        assert draft.author == "consensus"
    assert model.prompts == []


def test_what_must_not_be_missed_is_told_whatever_the_model_says() -> None:
    peaked = replace(MEASURED, t_mv={"V2": 1.2, "V3": 1.3}, t_width_ms={"V2": 70.0, "V3": 72.0})
    judgement = judged([precedent(i, "SR") for i in range(1, 6)], peaked)
    for reply in (statements("Sinus rhythm."), '{"statements": [], "abstain": true}', "nonsense"):
        draft = write_report(judgement, language_model=Model(reply))
        assert [statement.findings[0].concept for statement in draft.consider] == ["HYPERK"]


def test_tokens_and_latency_are_kept_where_the_model_counts() -> None:
    class Counting(Model):
        def reply(self, prompt: Prompt) -> Reply:
            return replace(super().reply(prompt), tokens_in=100, tokens_out=20, latency_s=0.5)

    draft = write(Counting(statements("Sinus rhythm.")))
    assert (draft.details["tokens_in"], draft.details["tokens_out"], draft.details["latency_s"]) == (
        "100",
        "20",
        "0.500",
    )


def test_a_model_answers_questions_under_the_same_rules() -> None:
    model = Model(statements("There is bundle branch block."))
    draft = answer("Is there a bundle branch block?", [judged(HITS, MEASURED)], language_model=model)
    assert draft.author == "scripted"
    assert draft.text == "There is bundle branch block."
    assert "Is there a bundle branch block?" in model.prompts[0].messages[-1].content
    failing = Model(LanguageModelError("down"))
    fallen = answer("Is there a bundle branch block?", [judged(HITS, MEASURED)], language_model=failing)
    assert fallen.text == "Yes: bundle branch block."


def test_two_ecgs_reach_the_model_in_one_prompt() -> None:
    model = Model(statements("Sinus rhythm."))
    answer("What has changed?", [judged(HITS, MEASURED)] * 2, language_model=model)
    assert "Second ECG" in model.prompts[0].messages[-1].content
