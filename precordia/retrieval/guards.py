"""Leakage guards: what must not come back as a precedent of a query.

The query's own signal, its patient's other recordings, and near-copies of its signal are left out unless asked for. A
query that does not name its patient (a bare signal file) is looked up by content: when its signal or a near-copy of it
is met among the cases, the patient of that case counts as the query's patient. Of a long recording, which is in the archive as
a whole and in stretches, the one that is nearest is shown.

Vectors do not tell copies: half the gain or a crop moves an ECG further than another patient may be away
(`python -m benchmarks.duplicates`). So every case that is about to be shown, and the nearest of the whole archive
besides, is laid over the query, unless its heart rate already rules a copy out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from precordia.core.case import Case, patient_key_of
from precordia.core.errors import UnusableSignalError
from precordia.core.findings import Measurements
from precordia.core.recording import Recording
from precordia.core.retrieval import Query
from precordia.records.standardize import SignalSpec
from precordia.retrieval.duplicates import SCREEN, Overlay, is_near_duplicate, may_be_near_duplicate

RATE_TOLERANCE = 0.06
"""Relative difference of heart rates from which two signals of one length are not one ECG: what another rate, gain or
filter changes in the measured heart rate stays well below."""

CROP_RATE_TOLERANCE = 0.2
"""The same where the lengths differ: a crop of an irregular rhythm has another mean rate."""


class Guard:
    """Decides which found cases a query may have.

    Args:
        query: What was asked, with its exclusions.
        standardized: Its recording, standardized; None for a query in words.
        measured: Of its recording.
        load: Case id and spec to its recording, standardized to the spec.
    """

    def __init__(
        self,
        query: Query,
        standardized: Recording | None,
        measured: Measurements,
        load: Callable[[int, SignalSpec], Recording],
    ) -> None:
        self._query = query
        self._standardized = None if standardized is None else Overlay(standardized)
        self._rate = measured.heart_rate_bpm
        self._load = load
        self._copy: dict[int, bool] = {}
        self._patients: set[str] = set() if query.recording is None else {patient_key_of(query.recording)}

    def meet(self, cases: Iterable[Case]) -> None:
        """Learn from cases, shown or not, whether they are the query's own: their patient is then the query's."""
        for case in cases:
            if self._is_own(case) or self._is_copy(case):
                self._patients.add(case.patient_key)

    def admit(self, found: Sequence[Case], k: int) -> list[Case]:
        """The first ``k`` cases that may be shown, in their order."""
        while True:
            known = len(self._patients)
            admitted = self._pass(found, k)
            # A copy met late tells the patient of cases admitted before.
            if len(self._patients) == known:
                return admitted

    def _pass(self, found: Sequence[Case], k: int) -> list[Case]:
        query = self._query
        admitted: list[Case] = []
        of_patient: Counter[str] = Counter()
        shown: set[tuple[str, str, bool]] = set()
        for case in found:
            if len(admitted) == k:
                break
            if query.exclude_patient and case.patient_key in self._patients:
                continue
            self.meet((case,))
            if case.is_stretch and not query.stretches:
                continue
            one = (case.patient_key, case.recording_id)
            if (*one, True) in shown or (case.is_stretch and (*one, False) in shown):
                continue
            of_patient[case.patient_key] += 1
            if not (
                (query.exclude_self and self._is_own(case))
                or (query.exclude_near_duplicates and not self._is_own(case) and self._is_copy(case))
                or (query.exclude_patient and case.patient_key in self._patients)
                or (query.per_patient is not None and of_patient[case.patient_key] > query.per_patient)
            ):
                admitted.append(case)
                shown.add((*one, case.is_stretch))
        return admitted

    def _is_own(self, case: Case) -> bool:
        return self._query.recording is not None and case.content_hash == self._query.recording.content_hash

    def _is_copy(self, case: Case) -> bool:
        if self._standardized is None or self._is_own(case) or not self._rates_agree(case):
            return False
        if case.case_id not in self._copy:
            self._copy[case.case_id] = self._lies_over(case.case_id, self._standardized)
        return self._copy[case.case_id]

    def _lies_over(self, case_id: int, standardized: Overlay) -> bool:
        """Whether a case is a near-copy: by a few leads first, and by all only where those leave it open."""
        if sum(lead in SCREEN.leads for lead in standardized.recording.leads) >= 2:
            try:
                if not may_be_near_duplicate(standardized, self._load(case_id, SCREEN)):
                    return False
            except UnusableSignalError:  # none of these leads: compare those that it has
                pass
        return is_near_duplicate(standardized, self._load(case_id, SignalSpec()))

    def _rates_agree(self, case: Case) -> bool:
        rate = case.measurements.heart_rate_bpm
        if rate is None or self._rate is None:
            return True
        length = self._standardized.recording.spans_s if self._standardized is not None else 0.0
        alike = abs(case.duration_s - length) <= 0.05 * length
        return abs(rate - self._rate) <= (RATE_TOLERANCE if alike else CROP_RATE_TOLERANCE) * max(rate, self._rate)
