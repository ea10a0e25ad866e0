"""How the evidence about an ECG is gathered: measured, embedded, compared with the archive and with the patient's own past.

For what the archive's models find probable and no precedent states, the nearest case that does is a witness. A finding is not said
without evidence: twenty precedents are those nearest in everything at once; one that shares only the finding can lie further off,
and is looked for by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from precordia.core.retrieval import Hit, Query
from precordia.judgement.evidence import Evidence
from precordia.judgement.knowledge import Knowledge
from precordia.judgement.reconcile import most_specific, sayable
from precordia.judgement.votes import similarity_of
from precordia.records.quality import assess
from precordia.retrieval.earlier import PatientStore, earlier_ecgs
from precordia.retrieval.retriever import Known, Retriever
from precordia.signals.door import Admitted


def gather(
    admitted: Admitted, retriever: Retriever, patients: PatientStore, knowledge: Knowledge, k: int, where: str | None
) -> Evidence:
    """All that is known of an ECG.

    Args:
        admitted: The ECG, and what kind of signal it is.
        retriever: Finds its precedents.
        patients: The archive, by patient: the patient's own earlier ECGs.
        knowledge: What the archive has taught. With models of its findings the precedents are those that are most alike in
            what they show, else those nearest by signal.
        k: Number of precedents.
        where: SQL condition that the precedents must meet.

    Raises:
        UnusableSignalError: the recording cannot be embedded.
        FilterError: ``where`` is not valid.
    """
    recording = admitted.recording
    quality = assess(recording)
    known = Known(admitted.measured(quality), retriever.encoder().embed([recording])[0])
    query = Query(recording, k=k, where=where, stretches=False)
    nearest, models = float("nan"), knowledge.models
    if models is None:
        hits = retriever.retrieve(query, known)
    else:
        chances = models.chances(recording, known.measurements, known.vector)
        hits, nearest = retriever.alike(query, known, partial(models.likeness, chances))
    earlier = earlier_ecgs(recording, patients, retriever.signals, lambda: known.vector)

    def stating(condition: str) -> Hit | None:
        narrower = replace(query, k=1, where=f"({where}) and ({condition})" if where else condition)
        return next(iter(retriever.retrieve(narrower, known)), None)

    gathered = Evidence(
        recording,
        known.measurements,
        quality,
        known.vector,
        tuple(hits),
        tuple(earlier),
        knowledge,
        nearest=nearest,
        kind=admitted.kind,
    )
    return with_witnesses(gathered, stating)


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
