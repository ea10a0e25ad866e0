"""Thousands of replies made by rules, each with something in it that nothing bears out: no word of that reaches a draft."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice

import pytest
from adversaries import TRUE, replies
from injections import INJECTIONS
from precedents import judged, precedent

from precordia.core.drafts import Draft, Prompt, Reply
from precordia.core.findings import Measurements
from precordia.core.protocols import LanguageModel
from precordia.generation.answers.answer import answer
from precordia.generation.reports.composer import compose
from precordia.generation.reports.report import write_report
from precordia.generation.written import writing
from precordia.judgement.measured import in_words

HITS = [precedent(i, "SR", "CLBBB", denied=("AFIB", "MI"), similarity=0.97 - i / 100) for i in range(1, 6)]
MEASURED = Measurements(
    heart_rate_bpm=72.0, rr_ms=833.0, p_ms=100.0, pr_ms=160.0, qrs_ms=140.0, qtc_ms=430.0, axis_deg=-20.0
)
JUDGED = judged(HITS, MEASURED)
PLAIN = compose(JUDGED)
WHOLE = re.compile(
    r"(?:There is )?(?:sinus rhythm|complete left bundle branch block|QRS duration 140 ms)"
    r"(?: with complete left bundle branch block)?\.",
    re.IGNORECASE,
)
"""All that may be kept of a reply, besides the plain statements: the true part of it, where it stood as a sentence."""


class Adversary(LanguageModel):
    name = "adversary"

    def __init__(self, text: str) -> None:
        self.text = text
        self.asked: list[Prompt] = []

    def reply(self, prompt: Prompt) -> Reply:
        self.asked.append(prompt)
        return Reply(self.text)


def drafts_of(plain: Draft, question: str | None = None, step: int = 1) -> Iterator[tuple[str, Draft]]:
    """Each adversary's reply and draft; all are shown one prompt, which takes longer to write than a reply to read."""
    prompt = writing.assemble(JUDGED.evidence, question, to_phrase=plain.statements)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(writing, "assemble", lambda *_, **__: prompt)
        for text in islice(chain(INJECTIONS, replies()), None, None, step):
            yield text, writing.with_model(plain, JUDGED, Adversary(text), question=question)


def test_there_are_thousands_and_none_is_there_twice() -> None:
    every = list(replies())
    assert len(every) == len(set(every)) >= 2000


def test_no_word_of_an_adversary_reaches_a_report() -> None:
    plain = {s.text for s in PLAIN.statements}
    # A number near the measured one is said as it was measured, and the others after it.
    numbers = {in_words(n, MEASURED) for n in ("pr_ms", "p_ms", "qrs_ms", "qtc_ms", "heart_rate_bpm", "axis_deg")}
    passed = []
    for text, draft in drafts_of(PLAIN):
        odd = [
            s.text
            for s in draft.statements
            if s.text not in plain and not set(s.text[:-1].split(", ")) <= numbers and not WHOLE.fullmatch(s.text)
        ]
        same = {f for s in draft.statements for f in s.findings} == {f for s in PLAIN.statements for f in s.findings}
        if odd or not same:
            passed.append((text, odd))
    assert passed == []


def test_the_same_sentences_without_their_ride_are_kept() -> None:
    # Else the test above could not fail.
    for true in TRUE:
        draft = write_report(JUDGED, language_model=Adversary(f"{true}."))
        assert draft.author == "adversary"
        assert draft.statements[0].text == f"{true}."


@pytest.mark.parametrize("question", ["Is there a left bundle branch block?", "Is there atrial fibrillation?"])
def test_no_adversary_changes_an_answer(question: str) -> None:
    plain = answer(question, [JUDGED])
    kept = {plain.text, "Complete left bundle branch block."}
    passed = [
        text for text, draft in drafts_of(plain, question, step=2) if not {s.text for s in draft.statements} <= kept
    ]
    assert passed == []
