"""From items to findings: which cue, territory and qualifier belongs to which finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache

from precordia.concepts.scanning import Item
from precordia.concepts.terms import read_table, vocabulary
from precordia.concepts.territories import base_of, regional_findings, territories_of
from precordia.core.findings import Finding, Status

_AFTERWARDS = frozenset({"age undetermined", "probably old", "possibly acute"})
_WINDOW = 40
"""Findings before a cue that it may act on, at most: the time for a text stays proportional to its length."""

_LONG_WORD = 4
"""A word of this length that means nothing here separates a territory from a finding."""

_REACH = 6
"""Words between a cue before and its finding, at most."""

_MAX_LIKELIHOOD = 50
"""SCP-ECG likelihoods up to this (15, 35, 50) are read as uncertain; PTB-XL writes them behind its codes."""


@cache
def _taking(what: str) -> frozenset[str]:
    """The findings that take ``what``: "place", "age", or "cause" (listed one after another without conjunctions)."""
    return frozenset(row["id"] for row in read_table("findings.tsv") if what in row["reads"].split())


@lru_cache(maxsize=1)
def _waves() -> dict[str, str]:
    """Finding to the wave it is about, which may be continued ("T waves low in II and inverted in III")."""
    return {row["id"]: row["wave"] for row in read_table("findings.tsv") if row["wave"]}


@lru_cache(maxsize=1)
def _predicates() -> dict[tuple[str, str], str]:
    return {(row["subject"], row["predicate"]): row["concept"] for row in read_table("predicates.tsv")}


@dataclass(slots=True)
class _Draft:
    """A finding being read."""

    base: str
    status: Status
    start: int
    end: int
    sentence: int
    territories: list[str] = field(default_factory=list)
    age: str | None = None
    grade: str | None = None
    nature: str | None = None
    comparison: str | None = None
    link: str = ""

    def findings(self) -> list[Finding]:
        regional = regional_findings()
        severity = self.age or " ".join(word for word in (self.grade, self.nature) if word) or None
        places: Sequence[str | None] = self.territories or (None,)
        return [
            Finding(
                regional.get((self.base, territory or ""), self.base),
                self.status,
                territory,
                severity,
                self.comparison,
                (self.start, self.end),
            )
            for territory in places
        ]


class _Reader:
    def __init__(self, items: list[Item]) -> None:
        self.items = items
        self.drafts: list[_Draft] = []
        self.placed, self.aged, self.causes = _taking("place"), _taking("age"), _taking("cause")
        self.waves = _waves()
        self.sentence = 0
        self.silent = False
        self.reset()

    def reset(self) -> None:
        self.cue: Status | None = None
        self.used = False
        self.reach = 0
        self.territories: list[str] = []
        self.age: str | None = None
        self.grade: str | None = None
        self.nature: str | None = None
        self.change: str | None = None
        self.subject: str | None = None
        self.joint = ""
        self.silent = False
        self.since = 0

    def read(self) -> list[_Draft]:
        for k, item in enumerate(self.items):
            handler = getattr(self, f"_on_{item.kind}", None)
            if handler is not None:
                handler(k, item)
        return self.drafts

    # Findings

    def _on_concept(self, k: int, item: Item) -> None:
        before = self.items[k - 1] if k else None
        if before is not None and before.kind == "concept" and before.value == item.value and not item.gap:
            return  # "left anterior fascicular block (LAFB)"
        self._add(item, item.value)

    def _on_normal(self, k: int, item: Item) -> None:
        """A report that ends with a bare "normal" calls the ECG normal."""
        before = self.items[k - 1] if k else None
        after = self.items[k + 1] if k + 1 < len(self.items) else None
        if (
            before is not None
            and before.kind in ("concept", "leads", "territory")
            and (after is None or after.kind in ("stop", "number") or after.gap)
        ):
            self._add(item, "NORM")

    def _on_predicate(self, k: int, item: Item) -> None:
        concept = _predicates().get((self.subject or "", item.value))
        if concept is not None:
            last = self._last()
            if last is not None and not last.territories and self.waves.get(last.base) == self.subject:
                self.joint = self.joint or "and"
            self._add(item, concept)

    def _on_subject(self, k: int, item: Item) -> None:
        self.subject = item.value

    def _last(self) -> _Draft | None:
        return self.drafts[-1] if self.drafts and self.drafts[-1].sentence == self.sentence else None

    def _add(self, item: Item, found: str) -> None:
        if self.silent:
            return
        concept, territory = base_of(found)
        self.subject = self.waves.get(concept, self.subject)
        status = self._status_for(item, concept)
        draft = _Draft(concept, status, item.start, item.end, self.sentence, link=self.joint)
        if concept in self.placed:
            draft.territories, self.territories = self.territories, []
        else:
            self.territories = []
        if territory is not None:
            draft.territories = [territory]
        if concept in self.aged:
            draft.age = self.age
            if self.age in ("probably old", "possibly acute") and status == "present":
                draft.status = "uncertain"
        self.age = None
        draft.grade, self.grade = self.grade, None
        draft.nature, self.nature = self.nature if concept in self.placed else None, None
        draft.comparison, self.change = self.change, None
        self.drafts.append(draft)
        self.joint = ""
        self.since = 0

    def _status_for(self, item: Item, concept: str) -> Status:
        if item.kind == "concept" and item.side:
            return "uncertain"
        if self.cue is None:
            return "present"
        if self.used and not self.joint:
            last = self.drafts[-1].base if self.drafts else ""
            if not (self.cue == "uncertain" and concept in self.causes and last in self.causes):
                self.cue = None
                return "present"
        self.used = True
        return self.cue

    # Cues

    def _on_negation(self, k: int, item: Item) -> None:
        self._cue(k, item, "absent")

    def _on_uncertain(self, k: int, item: Item) -> None:
        self._cue(k, item, "uncertain")

    def _cue(self, k: int, item: Item, status: Status) -> None:
        side = item.side
        if side == "either":
            # A question mark belongs to what stands right before it.
            asked = (
                item.value == "uncertain" and k > 0 and self.items[k - 1].end == item.start and self._last() is not None
            )
            side = "after" if asked or not self._finding_follows(k) else "before"
        if side == "after":
            self._mark_previous(status, item)
        elif not (self.cue == "absent" and not self.used):
            self.cue, self.used, self.reach = status, False, 0

    def _on_certain(self, k: int, item: Item) -> None:
        last = self._last()
        if last is not None and self.items[k - 1].kind in ("concept", "age", "territory", "leads"):
            last.status = "present"

    def _on_sequel(self, k: int, item: Item) -> None:
        self.age = "old"

    def _on_general(self, k: int, item: Item) -> None:
        self.silent = True

    def _mark_previous(self, status: Status, item: Item) -> None:
        if not self.drafts or self.drafts[-1].sentence != self.sentence or self.since > _REACH:
            return
        last = self.drafts[-1].base
        section = vocabulary().concept(last).section
        link = ""
        for draft in reversed(self.drafts[-_WINDOW:]):
            alike = vocabulary().concept(draft.base).section == section or {draft.base, last} <= self.causes
            alike = alike or link == "or"
            if draft.sentence != self.sentence or not alike:
                break
            draft.status = status
            link = draft.link
            if not link:
                break

    def _finding_follows(self, k: int) -> bool:
        for item in self.items[k + 1 : k + 5]:
            if item.kind in ("concept", "territory"):
                return True
            if item.kind not in ("age", "grade", "nature", "word"):
                return False
        return False

    # Qualifiers

    def _on_territory(self, k: int, item: Item) -> None:
        self._place(k, item, (item.value,))

    def _on_leads(self, k: int, item: Item) -> None:
        self._place(k, item, territories_of(item.value.split()))

    def _on_back(self, k: int, item: Item) -> None:
        earlier = next((d for d in reversed(self.drafts[-_WINDOW:]) if d.territories), None)
        last = self._last()
        if earlier is not None and last is not None and last.base in self.placed and not last.territories:
            self._localise(last, earlier.territories)

    def _place(self, k: int, item: Item, territories: Sequence[str]) -> None:
        last = self._last()
        if last is None or last.base not in self.placed or self._belongs_to_next(k, item, last):
            if item.kind == "territory" or self._local_next(k):
                self.territories.extend(t for t in territories if t not in self.territories)
            return
        self._localise(last, territories)

    def _localise(self, last: _Draft, territories: Sequence[str]) -> None:
        for draft in reversed(self.drafts[-_WINDOW:]):
            if (
                draft.sentence != self.sentence
                or draft.base not in self.placed
                or (draft is not last and draft.territories)
            ):
                break
            draft.territories.extend(t for t in territories if t not in draft.territories)
            if not draft.link:
                break

    def _local_next(self, k: int) -> bool:
        following = self.items[k + 1] if k + 1 < len(self.items) else None
        return following is not None and following.kind == "concept" and base_of(following.value)[0] in self.placed

    def _belongs_to_next(self, k: int, item: Item, last: _Draft) -> bool:
        if item.kind == "leads":
            return bool(last.territories) and self._local_next(k) and not self.items[k + 1].gap
        for following in self.items[k + 1 : k + 6]:
            if following.kind == "concept":
                local = base_of(following.value)[0] in self.placed
                return local and not (following.gap and not last.territories)
            if following.kind not in ("territory", "age", "grade", "nature", "link"):
                return False
        return False

    def _on_age(self, k: int, item: Item) -> None:
        last = self._last()
        aged = last is not None and last.base in self.aged and last.age is None
        if aged and last is not None and (item.value in _AFTERWARDS or not self._aged_follows(k)):
            for draft in reversed(self.drafts[-_WINDOW:]):
                if draft.base not in self.aged or draft.age is not None or draft.sentence != self.sentence:
                    break
                draft.age = item.value
                if not draft.link:
                    break
        else:
            self.age = item.value

    def _aged_follows(self, k: int) -> bool:
        for following in self.items[k + 1 : k + 6]:
            if following.kind == "concept":
                return base_of(following.value)[0] in self.aged
            if following.kind not in ("territory", "age", "grade", "nature", "word"):
                return False
        return False

    def _on_grade(self, k: int, item: Item) -> None:
        last = self._last()
        following = next((i for i in self.items[k + 1 : k + 4] if i.kind in ("concept", "predicate")), None)
        if following is None and last is not None and last.grade is None:
            last.grade = item.value
        else:
            self.grade = item.value

    def _on_nature(self, k: int, item: Item) -> None:
        last = self._last()
        following = next((i for i in self.items[k + 1 : k + 5] if i.kind in ("concept", "predicate", "stop")), None)
        if (following is None or following.kind == "stop") and last is not None and last.base in self.placed:
            last.nature = item.value
        else:
            self.nature = item.value

    def _on_change(self, k: int, item: Item) -> None:
        here = [d for d in self.drafts[-_WINDOW:] if d.sentence == self.sentence]
        if item.value == "new" and here and not self._finding_follows(k):
            here[-1].comparison = "new"
            return
        if item.value == "new" or not here:
            self.change = item.value
            if item.value == "resolved":
                self.cue, self.used, self.reach = "absent", False, 0
            return
        for draft in here:
            draft.comparison = item.value
            if item.value == "resolved":
                draft.status = "absent"

    def _on_likelihood(self, k: int, item: Item) -> None:
        last = self._last()
        if last is not None and item.value.isdigit() and int(item.value) <= _MAX_LIKELIHOOD:
            last.status = "uncertain"

    # Limits

    def _on_link(self, k: int, item: Item) -> None:
        self.joint = item.value

    def _on_mark(self, k: int, item: Item) -> None:
        if item.value == ",":
            self.joint = "or" if self.cue == "absent" and self.used and self._or_follows(k) else ""

    def _or_follows(self, k: int) -> bool:
        for item in self.items[k + 1 : k + 8]:
            if item.kind in ("stop", "break"):
                return False
            if item.kind == "link":
                return True
        return False

    def _on_word(self, k: int, item: Item) -> None:
        self.since += 1
        if len(item.value) >= _LONG_WORD:
            self.territories = []
        self.reach += 1
        if self.cue is not None and self.reach > _REACH and not self.used:
            self.cue = None

    def _on_break(self, k: int, item: Item) -> None:
        self.cue, self.joint, self.silent = None, "", False

    def _on_stop(self, k: int, item: Item) -> None:
        self.sentence += 1
        self.reset()


def read_items(items: list[Item]) -> list[Finding]:
    """The findings that a report's items state, in reading order, repetitions included."""
    return [finding for draft in _Reader(items).read() for finding in draft.findings()]
