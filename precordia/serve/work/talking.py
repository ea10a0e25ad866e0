"""A conversation about a case and the archive, turn by turn; what was said before comes with each request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from precordia.core.documents import draft_document, hit_document, statement_document
from precordia.core.drafts import Draft, Statement
from precordia.core.errors import UsageError
from precordia.core.recording import Recording
from precordia.core.retrieval import Hit, Query
from precordia.integrations.conversation import Conversation, Turn
from precordia.judgement.evidence import Evidence
from precordia.retrieval.grammar import read_query
from precordia.serve.answers import Answer, Shown
from precordia.serve.work.room import Room
from precordia.serve.work.writing import statement_id, with_ids

MAX_TURNS = 100
MAX_CHARACTERS = 8000
"""Longest message."""


@dataclass
class _Archive:
    """What a conversation asks, answered with the service's language model; ``watch`` is told what it writes."""

    room: Room
    watch: Callable[[Statement], None] | None = None

    def search(self, query: Query) -> list[Hit]:
        return self.room.kb.search(query)

    def ask(self, question: str, *recordings: Evidence | Recording) -> Draft:
        return self.room.kb.ask(question, *recordings, llm=self.room.language_model or "none", watch=self.watch)

    def report(self, recording: Evidence | Recording) -> Draft:
        return self.room.kb.report(recording, llm=self.room.language_model or "none", watch=self.watch)

    def evidence(self, recording: Recording) -> Evidence:
        return self.room.kb.evidence(recording)


@dataclass(frozen=True)
class _Talk:
    """A conversation, and what it asks."""

    archive: _Archive
    conversation: Conversation


def understood(room: Room, text: str) -> Answer:
    """What is made of words."""
    return Shown().json(read_query(text).as_document())


def chat(room: Room, said: tuple[str, ...], case: str | None) -> Answer:
    """The reply to the last of what was said.

    What a language model writes is told statement by statement, each as soon as it is proved. What came before is gone through
    again where this process does not remember it.
    """
    shown = Shown()
    if case is not None:
        shown.add(*room.kb.cases([room.case_id(case)]))
    talk = room.conversations.pop((case, said[:-1]), None)
    if talk is None:
        talk = _begun(room, case)
        for earlier in said[:-1]:
            _replay(talk.conversation, earlier)
    talk.archive.watch = partial(_tell, room, dict(shown.cases))
    turn = talk.conversation.say(said[-1])
    room.conversations.keep((case, said), talk)
    shown.add(*(hit.case for hit in turn.hits))
    if turn.answer is not None:
        shown.add(*(hit.case for hit in (*turn.answer.hits, *turn.answer.earlier)))
    told = _nothing_claimed(turn) if turn.answer is None else with_ids(draft_document(turn.answer))
    return shown.json({**told, "said": turn.said, "understood": turn.understood.as_document(), "note": turn.note})


def _nothing_claimed(turn: Turn) -> dict[str, Any]:
    """The reply to a search, with the keys of a draft."""
    return {
        "text": turn.note or "",
        "statements": [],
        "to_consider": [],
        "abstained": False,
        "reason": None,
        "hits": [hit_document(hit) for hit in turn.hits],
    }


def check_messages(messages: Sequence[Any]) -> tuple[str, ...]:
    """What the person said, in order; what the service answered comes again from what was said.

    Raises:
        UsageError: there is nothing to answer, or too much.
    """
    said = tuple(m.content for m in messages if m.role == "user")
    if not said or messages[-1].role != "user" or not said[-1].strip():
        raise UsageError("the last of messages is what the user says, in words")
    if len(said) > MAX_TURNS or any(len(words) > MAX_CHARACTERS for words in said):
        raise UsageError(
            f"a conversation has at most {MAX_TURNS} turns of {MAX_CHARACTERS} characters: begin a new one"
        )
    return said


def _begun(room: Room, case: str | None) -> _Talk:
    recordings = () if case is None else (room.kb.recording(room.case_id(case)),)
    archive = _Archive(room)
    return _Talk(archive, Conversation(archive, *recordings))


def _tell(room: Room, cases: dict[int, str], statement: Statement) -> None:
    """A statement that stands is shown at once: whoever asked waits for a model that goes on writing."""
    shown = Shown(dict(cases))
    shown.add(*room.kb.cases([citation.case_id for citation in statement.citations]))
    room.tell(shown.json({**statement_document(statement), "id": statement_id(statement.text)}))


def _replay(conversation: Conversation, said: str) -> None:
    try:
        conversation.say(said)
    except UsageError:
        return  # it was told then
