"""A conversation about an ECG and its archive, by the grammar alone: whatever is said is the knowledge base's own answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from precordia.core.drafts import Draft
from precordia.core.errors import UsageError
from precordia.core.recording import Recording
from precordia.core.retrieval import HITS, Hit, Query
from precordia.integrations.grounds import with_grounds
from precordia.judgement.evidence import Evidence
from precordia.retrieval.grammar import Understood, read_query, without_people

_SEARCH: Final = re.compile(
    r"\b(?:find|search|show me|list|look for|similar|like this|such (?:cases|ecgs|patients)|cases (?:with|of|like)|patients with"
    r"|finde|suche|zeig\w*|(?:ä|ae)hnlich\w*|f(?:ä|ae)lle)\b",
    re.I,
)
_ALIKE: Final = re.compile(r"\b(?:similar|like this|alike|(?:ä|ae)hnlich\w*)\b", re.I)
_MORE: Final = re.compile(r"^\W*(?:and|only|but|just|und|nur|aber)\b", re.I)
_LIMITS: Final = re.compile(
    r"^\W*(?:with(?:out)?|no|not|excluding|except|over|under|older|younger|aged|since|before|ohne|mit|(?:ü|ue)ber|unter)\b",
    re.I,
)
"""What begins so narrows the last search down, as what begins with :data:`_MORE` does."""
_WHY: Final = re.compile(
    r"^\W*(?:(?:but|and|und|aber)\s+)?(?:why|warum|wieso)(?:\s+(?:not|nicht|so|is that|do you (?:say|think) (?:that|so)))?\W*$"
    r"|\b(?:how|are you|wie|bist du) (?:sure|certain|confident|sicher)\b|\bwhat (?:makes you|is that based on)\b",
    re.I,
)
_COUNT: Final = re.compile(
    r"^\W*(?:and\s+)?(?:how many|wie viele)(?:\s+(?:are there|were found|cases|sind es|gibt es))?\W*$", re.I
)
_BEFORE: Final = re.compile(
    r"^\W*(?:and\s+|und\s+)?(?:in|on|what about|was ist mit)?\s*(?:the|den|dem|der)\s+"
    r"(?:previous|prior|earlier|last|fr(?:ü|ue)heren|vorigen)\s+(?:one|ecg|ekg|tracing)\W*$",
    re.I,
)
_OF_IT: Final = re.compile(
    r"^\W*(?:and\s+)?(?:where|in which leads|which leads|(?:which|what) (?:kind|type|degree)|acute or old|old or acute"
    r"|is (?:it|that|this) (?:new|old|acute|recent|complete|still there)|wo|akut oder alt)(?:\s+(?:is|are) (?:it|they))?\W*$",
    re.I,
)
"""Asks more of what was asked about before, which it leaves out."""
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
_LAST: Final = ("last", "letzte")
_NAMED: Final = "|".join([*(word for words in _ORDINALS for word in words), *_LAST])
_SEVERAL: Final = {"two": 2, "2": 2, "three": 3, "3": 3}
_ORDINAL: Final = re.compile(
    rf"\b(?P<word>{_NAMED})\w*\s+(?:one|case|hit|ecg|fall)\b"
    r"|^\W*(?:(?:and|show(?: me)?|open|zeig\w*)\s+)*(?:the|der|die|das|den)\s+"
    rf"(?P<bare>{_NAMED})(?:[enrs]|\s+(?P<several>two|three|2|3))?\W*$"
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
        self._asked = ""
        self._last: Turn | None = None

    def say(self, text: str) -> Turn:
        """The reply to one turn.

        Raises:
            UsageError: nothing was said.
        """
        text = text.strip()
        if not text:
            raise UsageError("nothing was said; ask about the ECG, or for cases of the archive")
        turn = self._reply(text)
        if not _refers_back(text):
            self._last = turn
        return turn

    def _reply(self, text: str) -> Turn:
        if _WHY.search(text) and self._last is not None:
            return self._why(text, self._last)
        if _COUNT.match(text) and self._searched:
            return Turn(
                text, Understood(text), note=f"shown by the last search, of at most {self._k}: {len(self.hits)}"
            )
        of_hits = bool(self.hits) and any(word in text.lower() for word in _LAST)
        if _BEFORE.match(text) and self.recordings and self._asked and not of_hits:
            return self._before(text)
        chosen = _ORDINAL.search(text)
        if chosen is not None and (chosen["bare"] is None or self.hits):
            return self._chosen(text, chosen)
        if _EARLIER.search(text) and self.recordings:
            return self._earlier(text)
        more = _MORE.match(text) or _LIMITS.match(text)
        refines = bool(self._searched) and more is not None and self._limits(text)
        if _SEARCH.search(text) or refines or not self.recordings:
            return self._search(text, self._narrowed(_MORE.sub("", text).strip()) if refines else text)
        self._searched = ""
        meant = self._meant(text)
        self._asked = meant
        return Turn(text, read_query(meant), self._archive.ask(meant, *self.evidence()))

    def _why(self, said: str, last: Turn) -> Turn:
        """What the last reply rests on."""
        if last.answer is not None:
            return Turn(said, last.understood, with_grounds(last.answer))
        met = f"these cases meet: {', '.join(last.understood.chips)}" if last.understood.chips else None
        return Turn(said, last.understood, note=last.note or met or "these are the nearest by their signal")

    def _meant(self, text: str) -> str:
        """A question with what it leaves out: the findings of the question before."""
        wishes = read_query(self._asked)
        named = [str(wish) for wish in (*wishes.wanted, *(w for group in wishes.either for w in group))]
        return f"{text.rstrip(' ?.')}: {', '.join(named)}?" if named and _OF_IT.match(text) else text

    def _before(self, text: str) -> Turn:
        """What was asked, of the first of two ECGs; of one, the patient's earlier ECGs."""
        if len(self.recordings) < 2:
            return self._earlier(text)
        return Turn(text, read_query(self._asked), self._archive.ask(self._asked, self.evidence()[0]))

    def _earlier(self, text: str) -> Turn:
        earlier = self.evidence()[-1].earlier
        note = None if earlier else "no earlier ECG of this patient is known"
        return Turn(text, read_query(text), hits=earlier, note=note)

    def _narrowed(self, words: str) -> str:
        """The last search with more that holds; who asks for men now no longer asks for women."""
        before = self._searched if read_query(words).sex is None else without_people(self._searched)
        return f"{before}, {words}"

    def _limits(self, text: str) -> bool:
        """Whether words narrow a search down: they name people, numbers or findings, and no question."""
        read = read_query(text)
        people = read.sex is not None or any(bound.measure == "age" for bound in read.bounds)
        asks_back = bool(read.measures) or (text.rstrip().endswith("?") and not (people and not read.wanted))
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

    def _chosen(self, said: str, match: re.Match[str]) -> Turn:
        index = _index(match, len(self.hits))
        several = _SEVERAL.get((match["several"] or "").lower(), 1)
        turn = self._one(said, index)
        return replace(turn, hits=self.hits[index : index + several]) if turn.hits else turn

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


def _index(match: re.Match[str], found: int) -> int:
    if match["number"]:
        return int(match["number"]) - 1
    word = (match["word"] or match["bare"]).lower()
    if word in _LAST:
        return max(found - 1, 0)
    return next(i for i, words in enumerate(_ORDINALS) if word in words)


def _refers_back(text: str) -> bool:
    return bool(_WHY.search(text) or _COUNT.match(text))
