"""Several turns: what is asked of the archive, and what refers back."""

from __future__ import annotations

import io

import numpy as np
import pytest

from precordia.cli.main import main
from precordia.core.case import Case
from precordia.core.drafts import Draft, Statement
from precordia.core.errors import UsageError
from precordia.core.findings import Measurements
from precordia.core.recording import Recording
from precordia.core.retrieval import Hit, Query
from precordia.integrations.conversation import Conversation
from precordia.judgement.evidence import Evidence

ECG = Recording(np.zeros((12, 1000)), 100.0, tuple(f"L{i}" for i in range(12)), "q", "patient")
HITS = [Hit(i, 1.0 / i, Case(i, f"r{i}", f"p{i}")) for i in (1, 2, 3)]
EARLIER = Hit(1, 1.0, Case(9, "before", "patient"))


class Recorded:
    """A knowledge base that writes down what it is asked."""

    def __init__(self, hits: list[Hit] = HITS) -> None:
        self.asked: list[str] = []
        self.searched: list[Query] = []
        self.examined = 0
        self._hits = hits

    def search(self, query: Query) -> list[Hit]:
        self.searched.append(query)
        return self._hits

    def ask(self, question: str, *recordings: Evidence | Recording) -> Draft:
        self.asked.append(question)
        return Draft((Statement(f"About {len(recordings)}.", measurements=("pr_ms",)),))

    def evidence(self, recording: Recording) -> Evidence:
        self.examined += 1
        return Evidence(recording, Measurements(), earlier=(EARLIER,))


def test_questions_are_asked_about_the_ecg_which_is_examined_once() -> None:
    archive = Recorded()
    talk = Conversation(archive, ECG)
    assert talk.say("Is there LBBB?").answer is not None
    assert talk.say("and the PR?").understood.measures == ("pr_ms",)
    assert archive.asked == ["Is there LBBB?", "and the PR?"]
    assert archive.examined == 1
    assert archive.searched == []


def test_a_search_is_narrowed_down_and_its_cases_are_named_by_number() -> None:
    archive = Recorded()
    talk = Conversation(archive, ECG)
    assert talk.say("show me cases with atrial fibrillation").hits == tuple(HITS)
    narrowed = talk.say("only women over 60")
    assert narrowed.understood.chips == ("atrial fibrillation", "women", "over 60")
    assert archive.searched[-1].recording is None
    assert talk.say("the third one").hits == (HITS[2],)
    assert talk.say("number 2").hits == (HITS[1],)
    assert talk.say("case 7").note == "the last search found 3 cases; say which of them"


def test_similar_cases_are_searched_by_the_signal_and_what_is_said_besides() -> None:
    archive = Recorded()
    talk = Conversation(archive, ECG)
    talk.say("show me similar women")
    assert archive.searched[0].recording is ECG
    assert "women" in (archive.searched[0].text or "")
    talk.say("find similar ECGs")
    assert archive.searched[1].text is None


def test_earlier_ecgs_two_ecgs_and_no_ecg() -> None:
    assert Conversation(Recorded(), ECG).say("any earlier ECGs?").hits == (EARLIER,)
    pair = Conversation(Recorded(), ECG, ECG).say("Is this better than last time?")
    assert pair.answer is not None
    assert pair.answer.text == "About 2."
    alone = Recorded()
    assert Conversation(alone).say("LBBB in men").hits == tuple(HITS)
    assert alone.asked == []


def test_why_is_answered_with_what_the_last_reply_rests_on() -> None:
    archive = Recorded()
    talk = Conversation(archive, ECG)
    assert talk.say("Is there LBBB?").answer is not None
    for asked in ("why?", "how sure are you?"):
        because = talk.say(asked).answer
        assert because is not None
        assert because.text == "About 1: PR interval; measured on this ECG."
    assert archive.asked == ["Is there LBBB?"]
    talk.say("find AF")
    assert "atrial fibrillation" in (talk.say("why?").note or "")


def test_what_is_left_out_is_what_was_asked_before() -> None:
    archive = Recorded()
    talk = Conversation(archive, ECG, ECG)
    talk.say("Is there an inferior infarct?")
    talk.say("acute or old?")
    assert archive.asked[-1] == "acute or old: inferior myocardial infarction?"
    before = talk.say("and in the previous one?").answer
    assert before is not None
    assert before.text == "About 1."
    assert Conversation(Recorded(), ECG).say("show me earlier ECGs").hits == (EARLIER,)


def test_a_search_goes_on_in_fragments() -> None:
    archive = Recorded()
    talk = Conversation(archive, ECG)
    talk.say("Is there LBBB?")
    talk.say("show me similar women")
    assert talk.say("and men?").understood.chips == ("men",)
    assert talk.say("without AF").understood.chips == ("without atrial fibrillation", "men")
    assert talk.say("how many are there?").note == "shown by the last search, of at most 10: 3"
    assert talk.say("the last one").hits == (HITS[2],)
    assert talk.say("the second").hits == (HITS[1],)
    assert talk.say("the first two").hits == tuple(HITS[:2])


def test_what_finds_nothing_or_says_nothing_is_told() -> None:
    talk = Conversation(Recorded([]), ECG)
    assert talk.say("the first one").note == "nothing was searched for yet; ask for cases first"
    assert talk.say("find cases with QTc over 900").note == "no case of the archive meets this"
    with pytest.raises(UsageError, match="nothing was said"):
        talk.say("  ")
    with pytest.raises(UsageError, match="one ECG or two, not 3"):
        Conversation(Recorded(), ECG, ECG, ECG)


def test_the_command_refuses_a_folder_without_a_knowledge_base(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("LBBB\n"))
    assert main(["chat", "--kb", str(tmp_path)]) == 2
    assert "precordia chat:" in capsys.readouterr().err
