"""Leakage guards: what must not come back as a precedent of a query.

The query's own signal, its patient's other recordings, and near-copies of its signal are left out unless asked for. A
query that does not name its patient (a bare signal file) is looked up by content: when its signal or a near-copy of it
is in the archive, the patient of that case counts as the query's patient.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from precordia.core.case import Case, patient_key_of
from precordia.core.recording import Recording
from precordia.core.retrieval import Query
from precordia.retrieval.duplicates import is_near_duplicate

LOOK_ALIKE_SIMILARITY = 0.8
"""Cosine similarity from which a case's signal is laid over the query's. Low enough that a copy at another rate, gain or
length is not missed (`python -m benchmarks.duplicates` prints the lowest similarity of a copy)."""


@dataclass(frozen=True, eq=False)
class Guard:
    """Decides which found cases a query may have.

    Attributes:
        query: What was asked, with its exclusions.
        own: Ids of cases that hold the query's very signal.
        copies: Ids of cases whose signal is almost the query's.
        patients: Keys of the patient that the query is known to belong to.
    """

    query: Query
    own: frozenset[int] = frozenset()
    copies: frozenset[int] = frozenset()
    patients: frozenset[str] = frozenset()

    def admit(self, found: Iterable[Case]) -> list[Case]:
        """The cases that may be shown, in their order."""
        admitted: list[Case] = []
        of_patient: Counter[str] = Counter()
        for case in found:
            of_patient[case.patient_key] += 1
            if not (
                (self.query.exclude_self and case.case_id in self.own)
                or (self.query.exclude_near_duplicates and case.case_id in self.copies)
                or (self.query.exclude_patient and case.patient_key in self.patients)
                or (self.query.per_patient is not None and of_patient[case.patient_key] > self.query.per_patient)
            ):
                admitted.append(case)
        return admitted


def guard_for(
    query: Query,
    standardized: Recording | None,
    nearest: Sequence[tuple[Case, float]],
    load: Callable[[Sequence[int]], list[Recording]],
) -> Guard:
    """The guard of a query.

    Args:
        query: What was asked.
        standardized: Its recording, standardized; None for a query in words.
        nearest: The most similar cases of the whole archive with their cosine similarity, whatever the query filters on.
        load: Case ids to standardized recordings.
    """
    if query.recording is None or standardized is None:
        return Guard(query)
    own = frozenset(case.case_id for case, _ in nearest if case.content_hash == query.recording.content_hash)
    alike = [c.case_id for c, similarity in nearest if similarity >= LOOK_ALIKE_SIMILARITY and c.case_id not in own]
    copies = frozenset(i for i, other in zip(alike, load(alike), strict=True) if is_near_duplicate(standardized, other))
    patients = {case.patient_key for case, _ in nearest if case.case_id in own | copies}
    return Guard(query, own, copies, frozenset(patients | {patient_key_of(query.recording)}))
