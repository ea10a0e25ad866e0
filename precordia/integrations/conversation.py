"""A conversation about an ECG and its archive, by the grammar alone: whatever is said is the knowledge base's own answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from precordia.core.drafts import Draft
from precordia.core.errors import UsageError
from precordia.core.recording import Recording
from precordia.core.retrieval import HITS, Hit, Query
from precordia.judgement.evidence import Evidence
from precordia.retrieval.grammar import Understood, read_query

_SEARCH: Final = re.compile(
    r"\b(?:find|search|show me|list|look for|similar|like this|such (?:cases|ecgs|patients)|cases (?:with|of|like)|patients with"
    r"|finde|suche|zeig\w*|(?:ä|ae)hnlich\w*|f(?:ä|ae)lle)\b",
    re.I,
)
_ALIKE: Final = re.compile(r"\b(?:similar|like this|alike|(?:ä|ae)hnlich\w*)\b", re.I)
_MORE: Final = re.compile(r"^\W*(?:and|only|but|just|und|nur|aber)\b", re.I)
_EARLIER: Final = re.compile(
    r"\b(?:earlier|previous|prior|older|fr(?:ü|ue)here?n?|vorherige?n?)\s+(?:ecgs?|ekgs?|tracings?|recordings?)\b", re.I
)
_ORDINALS: Final = (
    ("first", "1st", "erste"),
    ("second", "2nd", "zweite"),
    ("third", "3rd", "dritte"),
    ("fourth", "4th", "vierte"),
    ("fifth", "5th", "fünfte"),
)
_ORDINAL: Final = re.compile(
    r"\b(?P<word>" + "|".join(word for words in _ORDINALS for word in words) + r")\w*\s+(?:one|case|hit|ecg|fall)\b"
    r"|(?:#|\b(?:number|no\.?|case|hit|nummer|fall)\s*)(?P<number>\d{1,3})\b",
    re.I,
)


class Archive(Protocol):
    """What a conversation asks of a knowledge base."""

    def search(self, query: Query) -> list[Hit]:
        """See :meth:`precordia.KnowledgeBase.search`."""
        ...

    def ask(self, question: str, *recordings: Evidence | Recording) -> Draft:
        """See :meth:`precordia.KnowledgeBase.ask`."""
        ...

    def report(self, recording: Evidence | Recording) -> Draft:
        """See :meth:`precordia.KnowledgeBase.report`."""
        ...

    def evidence(self, recording: Recording) -> Evidence:
        """See :meth:`precordia.KnowledgeBase.evidence`."""
        ...


@dataclass(frozen=True)
class Turn:
    """A reply.

    Attributes:
        said: What was typed.
        understood: What was made of it, with what it refers back to.
        answer: To a question about the ECG, else None.
        hits: Of a search, or the one case or the earlier ECGs that were asked for.
        note: Why there is neither, or None.
    """

    said: str
    understood: Understood
    answer: Draft | None = None
    hits: tuple[Hit, ...] = ()
    note: str | None = None


class Conversation:
    """Several turns about one ECG, or two, and the archive; each may refer back to the one before.

    Args:
        archive: A knowledge base.
        recordings: None, the ECG that is talked about, or two to compare, the earlier first.
        k: Hits of a search.

    Attributes:
        recordings: What is talked about.
        hits: The cases that the last search found.

    Raises:
        UsageError: more than two recordings.
    """

    def __init__(self, archive: Archive, *recordings: Recording, k: int = HITS) -> None:
        if len(recordings) > 2:
            raise UsageError(f"a conversation is about one ECG or two, not {len(recordings)}")
        self._archive, self._k = archive, k
        self.recordings = recordings
        self._evidence: tuple[Evidence, ...] | None = None
        self.hits: tuple[Hit, ...] = ()
        self._searched = ""

    def say(self, text: str) -> Turn:
        """The reply to one turn.

        Raises:
            UsageError: nothing was said.
        """
        text = text.strip()
        if not text:
            raise UsageError("nothing was said; ask about the ECG, or for cases of the archive")
        chosen = _ORDINAL.search(text)
        if chosen is not None:
            return self._one(text, _index(chosen))
        if _EARLIER.search(text) and self.recordings:
            earlier = self.evidence()[-1].earlier
            return Turn(
                text,
                read_query(text),
                hits=earlier,
                note=None if earlier else "no earlier ECG of this patient is known",
            )
        refines = bool(self._searched) and _MORE.match(text) is not None and self._limits(text)
        if _SEARCH.search(text) or refines or not self.recordings:
            return self._search(text, f"{self._searched}, {_MORE.sub('', text).strip()}" if refines else text)
        self._searched = ""
        return Turn(text, read_query(text), self._archive.ask(text, *self.evidence()))

    def _limits(self, text: str) -> bool:
        """Whether words narrow a search down: they name people, numbers or findings, and no question."""
        read = read_query(text)
        asks_back = bool(read.measures) or text.rstrip().endswith("?")
        return bool(read.chips) and not asks_back

    def _search(self, said: str, words: str) -> Turn:
        self._searched = words
        recording = self.recordings[-1] if self.recordings and _ALIKE.search(words) else None
        asked = _SEARCH.sub(" ", words)
        read = read_query(asked)
        query = Query(recording, asked if read.chips or recording is None else None, k=self._k)
        self.hits = tuple(self._archive.search(query))
        nothing = None if self.hits else "no case of the archive meets this"
        return Turn(said, read, hits=self.hits, note=nothing or read.note_on(self.hits))

    def found(self, words: str, hits: Sequence[Hit]) -> None:
        """Cases that are talked about from now on."""
        self._searched, self.hits = words, tuple(hits)

    def one(self, number: int) -> Turn:
        """One of the cases that are talked about, counted from 1."""
        return self._one(str(number), number - 1)

    def _one(self, said: str, index: int) -> Turn:
        if not self.hits:
            return Turn(said, Understood(said), note="nothing was searched for yet; ask for cases first")
        if not 0 <= index < len(self.hits):
            return Turn(said, Understood(said), note=f"the last search found {len(self.hits)} cases; say which of them")
        return Turn(said, Understood(said), hits=(self.hits[index],))

    def evidence(self) -> Sequence[Evidence]:
        """Made once, however many questions are asked."""
        if self._evidence is None:
            self._evidence = tuple(self._archive.evidence(recording) for recording in self.recordings)
        return self._evidence


def _index(match: re.Match[str]) -> int:
    if match["number"]:
        return int(match["number"]) - 1
    return next(i for i, words in enumerate(_ORDINALS) if match["word"].lower() in words)
