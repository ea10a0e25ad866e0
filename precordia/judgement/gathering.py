"""How the evidence about an ECG is gathered: measured, embedded, compared with the archive and with the patient's own past."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from precordia.core.recording import Recording
from precordia.core.retrieval import Hit, Query
from precordia.judgement.evidence import Evidence
from precordia.judgement.knowledge import Knowledge
from precordia.judgement.witnesses import with_witnesses
from precordia.measurements import measure
from precordia.records.quality import assess
from precordia.retrieval.earlier import PatientStore, earlier_ecgs
from precordia.retrieval.retriever import Known, Retriever


def gather(
    recording: Recording, retriever: Retriever, patients: PatientStore, knowledge: Knowledge, k: int, where: str | None
) -> Evidence:
    """All that is known of an ECG.

    Args:
        recording: The ECG.
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
    known = Known(measure(recording), retriever.encoder().embed([recording])[0])
    query = Query(recording, k=k, where=where)
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
        assess(recording),
        known.vector,
        tuple(hits),
        tuple(earlier),
        knowledge,
        nearest=nearest,
    )
    return with_witnesses(gathered, stating)
