"""Finding cases: by an ECG, by words, by a filter; one case, and a patient's ECGs through time."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.case import Case
from precordia.core.documents import concepts, hit_document, search_document
from precordia.core.errors import UsageError
from precordia.core.retrieval import HITS, MAX_K, Hit, Mode, Query
from precordia.retrieval.grammar import Understood, read_query
from precordia.retrieval.grammar.condition import is_wanted
from precordia.retrieval.newest import conditions_of
from precordia.retrieval.paired import paired_document
from precordia.serve.answers import MAX_PAGE, Answer, Shown
from precordia.serve.work.census import Census
from precordia.serve.work.room import Ecg, Room
from precordia.serve.work.tracing import shown_of
from precordia.signals.opening import Asked
from precordia.signals.paired.table import values_of

_PLAIN_MODES: Final = ("words", "meaning", "signal")


@dataclass(frozen=True)
class Sought:
    """A search as it was sent; see :class:`~precordia.core.retrieval.Query`."""

    ecg: Ecg
    text: str | None = None
    k: int = HITS
    where: str | None = None
    mode: Mode | None = None
    cursor: str | None = None
    facets: bool = False


def search(room: Room, sought: Sought) -> Answer:
    """A page of hits, what was understood, and what there is among the cases that meet it."""
    asked = room.question(sought.ecg) if sought.ecg else Asked()
    recording = asked.recording
    start = offset_of(sought.cursor)
    query = asked.put_into(Query(None, sought.text, k=sought.k, where=sought.where, mode=sought.mode))
    deeper = query if not start else replace(query, k=min(start + sought.k, MAX_K))
    hits = room.kb.search(deeper)[start:]
    shown = Shown(recording="" if recording is None else recording.content_hash)
    shown.add(*(hit.case for hit in hits))
    understood = read_query(sought.text or "")
    source = (sought.ecg.case or sought.ecg.filename) if sought.ecg else None
    document = search_document(query, hits, source, understood.as_document(hits), asked.document)
    end = start + len(hits)
    more = len(hits) == sought.k and end < MAX_K
    document["next"] = cursor_at(end) if more else None
    if sought.facets:
        document["facets"] = _facets(room, sought, understood)
    return shown.json(document)


def events(room: Room, ecg: Ecg, event: str, k: int = HITS, where: str | None = None) -> Answer:
    """The events of a long recording with the cases most like each, or its windows most like a place in it."""
    if not ecg:
        raise UsageError("events are looked for in a long recording: send its file, or name a case")
    recording = room.recording(ecg)
    found = room.kb.events(recording, event, k=k, where=where)
    shown = shown_of(room, ecg, recording)
    shown.add(*(hit.case for one in found.events for hit in one.hits))
    return shown.json(found.document(ecg.case or ecg.filename))


@dataclass(frozen=True)
class Paired:
    """A search by numbers of a second modality, as it was sent.

    Attributes:
        values: ``name=number,name=number``.
        pairs: What the pairs are called.
        space: The folder that ``precordia train pairs`` wrote.
        k: Number of hits.
        where: SQL condition.
    """

    values: str
    pairs: str
    space: Path
    k: int = HITS
    where: str | None = None


def search_pairs(room: Room, asked: Paired) -> Answer:
    """The cases whose second modality looked like some numbers, as far as ECGs tell."""
    values = values_of(asked.values)
    hits = room.kb.search_pairs(values, asked.space, asked.k, asked.where)
    shown = Shown()
    shown.add(*(hit.case for hit in hits))
    return shown.json(paired_document(values, asked.pairs, asked.k, asked.where, hits))


@dataclass(frozen=True)
class Listed:
    """A list of cases without ranking, as it was asked for."""

    where: str | None = None
    text: str | None = None
    cursor: str | None = None
    limit: int = 20
    at: int | None = None
    facets: bool = False


def cases(room: Room, listed: Listed) -> Answer:
    """A page of cases, newest first."""
    limit = check_limit(listed.limit)
    if listed.at is not None and listed.cursor is not None:
        raise UsageError("a page begins at a place or at a cursor: name one of them")
    cursor = listed.cursor if listed.at is None else cursor_at(listed.at)
    found, total, following = page_of(room, listed.where, listed.text, cursor, limit)
    shown = Shown()
    shown.add(*found)
    document: dict[str, Any] = {"items": [case_document(case) for case in found], "next": following, "total": total}
    if listed.facets:
        census = room.of_version("census", lambda: Census.of(room.kb.store))
        document["facets"] = census.facets(selected(room, listed.where, listed.text))
    return shown.json(document)


def page_of(
    room: Room, where: str | None, text: str | None, cursor: str | None, limit: int
) -> tuple[list[Case], int, str | None]:
    """Cases that meet a condition and words, newest first, from a place on; how many there are, and the next place."""
    room.kb.store.refresh()
    census = room.of_version("census", lambda: Census.of(room.kb.store))
    wanted = room.lists.get((room.kb.store.version, where, text))
    if wanted is None:
        wanted = census.newest
        if where or text:
            wanted = wanted[census.rows(selected(room, where, text))[wanted]]
    # Whoever scrolls on asks for the same list again.
    room.lists.keep((room.kb.store.version, where, text), wanted)
    start = offset_of(cursor)
    ids = census.ids[wanted[start : start + limit]].tolist()
    end = start + len(ids)
    return room.kb.store.get(ids), int(wanted.size), cursor_at(end) if end < wanted.size else None


def selected(room: Room, where: str | None, text: str | None) -> NDArray[np.int64]:
    """Ids of the cases that meet a condition, and all that words ask for."""
    understood = read_query(text or "")
    conditions = (where, conditions_of(understood, room.kb.store), is_wanted(understood))
    found = [room.kb.store.select(condition) for condition in conditions if condition]
    ids = room.kb.store.ids
    for one in found:
        ids = np.intersect1d(ids, one, assume_unique=True)
    return ids


def case(room: Room, case_id: str) -> Answer:
    """One case."""
    (found,) = room.kb.cases([room.case_id(case_id)])
    shown = Shown()
    shown.add(found)
    return shown.json(case_document(found))


def timeline(room: Room, case_id: str) -> Answer:
    """A patient's ECGs, oldest first, each with what it has that the one before had not."""
    room.kb.store.refresh()
    (one,) = room.kb.cases([room.case_id(case_id)])
    ids = [int(i) for i in room.kb.store.ids_of_patient(one.patient_key)]
    # Those without a time come last.
    whole = (case for case in room.kb.store.get(ids) if not case.is_stretch)
    found = sorted(whole, key=lambda c: (c.time is None, c.time or datetime.min, c.case_id))
    shown = Shown()
    shown.add(*found)
    items: list[dict[str, Any]] = []
    before: list[str] | None = None
    for each in found:
        present = concepts(each.findings, "present")
        items.append(
            {
                "case_id": str(each.case_id),
                "recorded_at": each.time,
                "measurements": each.measurements.scalars(),
                "findings": present,
                "new": [] if before is None else [c for c in present if c not in before],
                "gone": [] if before is None else [c for c in before if c not in present],
            }
        )
        before = present
    return shown.json({"items": items, "next": None, "total": len(items)})


def case_document(found: Case) -> dict[str, Any]:
    """A case without what only a hit has."""
    document = hit_document(Hit(1, 1.0, found))
    return {key: document[key] for key in document if key not in ("rank", "score", "why")}


def check_limit(limit: int) -> int:
    """A page's size.

    Raises:
        UsageError: it is not 1 to :data:`~precordia.serve.answers.MAX_PAGE`.
    """
    if not 1 <= limit <= MAX_PAGE:
        raise UsageError(f"limit is {limit}; ask for 1 to {MAX_PAGE} items")
    return limit


def _facets(room: Room, sought: Sought, understood: Understood) -> dict[str, list[dict[str, Any]]]:
    census = room.of_version("census", lambda: Census.of(room.kb.store))
    # A search by one modality takes the words as they are.
    text = None if sought.mode in _PLAIN_MODES else sought.text
    return census.facets(selected(room, sought.where, text))


def cursor_at(offset: int) -> str:
    """The cursor of a place in a list."""
    return base64.urlsafe_b64encode(f"from:{offset}".encode()).decode().rstrip("=")


def offset_of(cursor: str | None) -> int:
    """The place that a cursor names; the start for none.

    Raises:
        UsageError: it is none of ours.
    """
    if cursor is None:
        return 0
    try:
        kind, _, number = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").partition(":")
        if kind != "from" or not (number.isdigit() and len(number) < 12):
            raise ValueError
        return int(number)
    except (binascii.Error, ValueError):
        raise UsageError("the cursor is none of ours: take it from the page before") from None
