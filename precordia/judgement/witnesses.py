"""Witnesses beyond the precedents: for what the archive's models find probable and no precedent states, the nearest case that does.

A finding is not said without evidence. Twenty precedents are those nearest in everything at once; one that shares only the
finding can lie further off, and is looked for by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from precordia.core.retrieval import Hit
from precordia.judgement.evidence import Evidence
from precordia.judgement.reconcile import most_specific, sayable
from precordia.judgement.votes import similarity_of

Nearest = Callable[[str], Hit | None]
"""From a condition over cases to the nearest that meets it."""


def with_witnesses(evidence: Evidence, nearest: Nearest) -> Evidence:
    """The evidence with a witness for each finding that needs one; as it is where none does or there is none near enough.

    Args:
        evidence: What is known so far.
        nearest: Finds the nearest case of another patient.
    """
    found: dict[int, Hit] = {}
    for concept in _unwitnessed(evidence):
        hit = nearest(f"findings has '{concept}'")
        if hit is not None and similarity_of(hit) >= evidence.knowledge.floor:
            found.setdefault(hit.case.case_id, replace(hit, rank=len(evidence.hits) + len(found) + 1))
    return replace(evidence, witnesses=tuple(found.values())) if found else evidence


def _unwitnessed(evidence: Evidence) -> list[str]:
    """The most special of the findings that are probable by the models and that no precedent states."""
    models = evidence.knowledge.models
    if models is None or evidence.vector is None or evidence.too_thin is not None:
        return []
    chances = models.chances(evidence.recording, evidence.measurements, evidence.vector)
    probable = sorted(c for c, p in chances.items() if p >= evidence.least(c) and sayable(c))
    return [concept for concept in most_specific(probable) if not evidence.vote(concept).agreeing]
