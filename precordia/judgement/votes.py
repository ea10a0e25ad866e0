"""Precedents as voters: what each says, with what weight, and in which words.

One patient has one vote: of several cases of a patient the nearest that says anything speaks. A vote weighs
``exp((nearness - greatest nearness) / temperature)``, so that it depends on how much nearer one precedent is than another
and not on the level of nearness, which differs between encoders.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from precordia.concepts import vocabulary
from precordia.core.case import Case
from precordia.core.drafts import Citation
from precordia.core.findings import Finding, Status
from precordia.core.retrieval import ALIKE, Hit


@dataclass(frozen=True)
class Voter:
    """One patient's nearest case, as a witness.

    Attributes:
        hit: The case and how it was found.
        weight: Share of the vote; the weights of all voters add up to 1.
    """

    hit: Hit
    weight: float

    @property
    def case(self) -> Case:
        """The case."""
        return self.hit.case

    @cached_property
    def writes(self) -> bool:
        """Whether its report states anything in words."""
        return any(f.in_words and f.status != "absent" for f in self.case.findings)

    def says(self, concept: str) -> Finding | None:
        """The finding by which the case states a concept or a more special one; words before codes, certain before possible."""
        stated = [f for f in self.case.findings if f.status != "absent" and concept in lineage(f.concept)]
        stated.sort(key=lambda f: (not f.in_words, f.status != "present", f.concept != concept, f.span))
        return stated[0] if stated else None

    def denies(self, concept: str) -> Finding | None:
        """The finding by which the case denies a concept or something that it would imply."""
        if self.says(concept):
            return None
        return next((f for f in self.case.findings if f.status == "absent" and f.concept in lineage(concept)), None)


@dataclass(frozen=True)
class Vote:
    """How the voters stand to one concept.

    Attributes:
        concept: The concept.
        support: Weighted share of the voters that state it; a possible finding counts less, and one that only a code
            states beside a written report nothing: codes are given for other ends, and name more than reports do.
        agreeing: The voters that state it, in words or by a code, nearest first.
        denying: The voters that deny it.
        witness: A case beyond the voters that states it, where none of them does; it has no vote.
        status: "present", or "uncertain" when most of the support is only possible.
    """

    concept: str
    support: float
    agreeing: tuple[Voter, ...]
    denying: tuple[Voter, ...]
    status: Status
    witness: Voter | None = None

    @property
    def stating(self) -> tuple[Voter, ...]:
        """All that can be cited for it: the voters that state it, else the witness beyond them."""
        return self.agreeing or ((self.witness,) if self.witness is not None else ())


@lru_cache(maxsize=4096)
def lineage(concept: str) -> frozenset[str]:
    """A concept and all that it implies by the vocabulary's hierarchy."""
    known = vocabulary()
    return frozenset((concept, *known.ancestors(concept))) if concept in known else frozenset((concept,))


def similarity_of(hit: Hit) -> float:
    """Similarity by signal where the hit has one, else its score."""
    scores = hit.why.scores
    return float(scores.get("signal", scores.get("meaning", hit.score)))


def speaks(case: Case) -> bool:
    """Whether anything was written or coded about a case."""
    return bool(case.findings)


def nearness_of(hit: Hit) -> float:
    """How near a precedent is: by likeness where that was looked for, else by similarity."""
    return float(hit.why.scores.get(ALIKE, similarity_of(hit)))


def voters(hits: Sequence[Hit], *, temperature: float, k: int) -> tuple[Voter, ...]:
    """At most ``k`` voters, nearest first, one a patient."""
    near = [hit for hit in hits if speaks(hit.case)]
    near.sort(key=lambda hit: (-nearness_of(hit), hit.case.case_id))
    first: dict[str, Hit] = {}
    for hit in near:
        first.setdefault(hit.case.patient_key, hit)
    chosen = list(first.values())[:k]
    if not chosen:
        return ()
    best = nearness_of(chosen[0])
    raw = [math.exp((nearness_of(hit) - best) / temperature) for hit in chosen]
    return tuple(Voter(hit, weight / sum(raw)) for hit, weight in zip(chosen, raw, strict=True))


def vote(concept: str, jury: Sequence[Voter], beyond: Sequence[Hit] = (), *, uncertain_weight: float) -> Vote:
    """How the jury stands to one concept; where nobody of it states it, the first case beyond it that does is a witness."""
    certain = possible = 0.0
    agreeing, denying = [], []
    for voter in jury:
        stated = voter.says(concept)
        if stated is not None:
            agreeing.append(voter)
            if not stated.in_words and voter.writes:
                continue
            if stated.status == "present":
                certain += voter.weight
            else:
                possible += voter.weight
        elif voter.denies(concept):
            denying.append(voter)
    support = min(certain + uncertain_weight * possible, 1.0)
    status: Status = "present" if certain >= possible else "uncertain"
    others = (Voter(hit, 0.0) for hit in beyond)
    witness = None if agreeing else next((one for one in others if one.says(concept)), None)
    return Vote(concept, support, tuple(agreeing), tuple(denying), status, witness)


def stated_concepts(jury: Iterable[Voter]) -> list[str]:
    """Every concept that a voter states, or implies, in alphabetical order."""
    found: set[str] = set()
    for voter in jury:
        for finding in voter.case.findings:
            if finding.status != "absent":
                found |= lineage(finding.concept)
    return sorted(found)


def quote_of(case: Case, finding: Finding) -> str:
    """The words of the report that say a finding; its code where only a code says it; "" where neither is there."""
    start, end = finding.span
    if case.report and 0 <= start < end <= len(case.report):
        return case.report[start:end].strip()
    return f"code {_code_of(case, finding)}" if case.codes else ""


def _code_of(case: Case, finding: Finding) -> str:
    exact = [code for code in case.codes if code.partition(":")[2] == finding.concept]
    return (exact or sorted(case.codes))[0]


def cite(concept: str, agreeing: Iterable[Voter], at_most: int) -> tuple[Citation, ...]:
    """Citations of the nearest voters that state a concept; those with words before those with only a code."""
    cited = []
    for order, voter in enumerate(agreeing):
        finding = voter.says(concept)
        if finding is not None:
            quote = quote_of(voter.case, finding)
            worded = bool(quote) and finding.in_words
            cited.append((not worded, order, Citation(voter.case.case_id, quote, voter.case.recording_id)))
    cited.sort(key=lambda item: item[:2])
    chosen = sorted(cited[:at_most], key=lambda item: item[1])
    return tuple(citation for _, _, citation in chosen)


def without(concept: str, jury: Sequence[Voter], at_most: int) -> tuple[Citation, ...]:
    """The nearest voters that deny a finding in words, then those whose report does not state it, with what it says instead."""
    denying, silent = [], []
    for voter in jury:
        if voter.says(concept):
            continue
        denial = voter.denies(concept)
        if denial is not None:
            denying.append(Citation(voter.case.case_id, quote_of(voter.case, denial), voter.case.recording_id))
        elif voter.case.report:
            silent.append(Citation(voter.case.case_id, voter.case.report[:160].strip(), voter.case.recording_id))
    return tuple((*denying, *silent)[:at_most])
