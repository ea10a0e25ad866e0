"""What the vocabulary says of a set of findings: which imply which, which exclude which, and in what order they are read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from precordia.concepts import contradictions, statement_of, vocabulary
from precordia.core.findings import Finding

READING_ORDER: Final = (
    ("pacing", "rhythm"),
    ("ectopy",),
    ("rate",),
    ("conduction",),
    ("axis",),
    ("hypertrophy", "p_wave", "qrs"),
    ("infarction",),
    ("ischaemia", "st_t", "qt"),
    ("other",),
    ("overall",),
)
"""The vocabulary's sections in the order in which a report is read; "rate" is that of the numbers."""

_PLACE: Final = {section: place for place, sections in enumerate(READING_ORDER) for section in sections}

NOT_CARRIED_OVER: Final = frozenset({"technical"})
"""Sections that are true of one recording only: artefacts of a precedent say nothing of the query."""

NOT_OF_THE_SIGNAL: Final = frozenset({"UNINT", "NOINT", "TIA", "HFAIL", "CNS", "HYTHY", "PFAIL", "BORD"})
"""Concepts that speak of a patient's history or of the reading itself, not of what an ECG shows."""


def section_of(concept: str) -> int:
    """Place of a concept, or of the section "rate", in the reading order."""
    last = len(READING_ORDER) - 2
    if concept in _PLACE:
        return _PLACE[concept]
    return _PLACE.get(vocabulary().concept(concept).section, last) if concept in vocabulary() else last


def sayable(concept: str) -> bool:
    """Whether a concept is a finding that precedents can suggest of another recording."""
    if concept not in vocabulary() or concept in NOT_OF_THE_SIGNAL:
        return False
    return vocabulary().concept(concept).section not in NOT_CARRIED_OVER


def most_specific(concepts: Sequence[str]) -> list[str]:
    """The concepts that no other one implies, in the order given."""
    implied = {ancestor for concept in concepts for ancestor in vocabulary().ancestors(concept)}
    return [concept for concept in concepts if concept not in implied]


def exclusions(concepts: Iterable[str]) -> set[frozenset[str]]:
    """The pairs among the concepts that exclude each other."""
    return {frozenset(pair) for pair in contradictions([Finding(concept) for concept in dict.fromkeys(concepts)])}


def said_of(findings: Iterable[Finding]) -> frozenset[str]:
    """The concepts that findings state or suspect, with all that they imply: how a report is compared with another.

    Artefacts and what is not seen in the signal are left out.
    """
    stated = [f.concept for f in findings if f.status != "absent" and sayable(f.concept)]
    return frozenset(c for c in vocabulary().implied(stated) if sayable(c))


def written_of(findings: Iterable[Finding]) -> frozenset[str]:
    """What a case's report says of it, with all that it implies; what its codes say where nothing is written.

    Codes are often assigned for other ends than the report and name more: a model that learned both would say what no
    report says.

    >>> sorted(written_of([Finding("SR", span=(0, 12)), Finding("LVH")]) - {"SINUS"})
    ['SR']
    """
    known = tuple(findings)
    return said_of(f for f in known if f.in_words) or said_of(known)


def in_words(finding: Finding) -> str:
    """A finding as it is named within a sentence.

    >>> in_words(Finding("LBBB"))
    'left bundle branch block'
    """
    return statement_of(finding).rstrip(".").strip()
