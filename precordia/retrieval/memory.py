"""What was read of an archive to answer questions, kept while it may be asked for again.

Neighbours recur: the search, the evidence and the report of one ECG meet the same cases, and so do the questions about
ECGs that are alike. Rows and standardized signals of one version never change, so that the last ones are kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Final, Generic, TypeVar

from precordia.core.case import Case
from precordia.core.protocols import CaseStore
from precordia.core.recording import Recording
from precordia.records.standardize import SignalSpec, standardize

CASES_KEPT: Final = 2000
"""Most cases kept; one with its report and measurements takes some 6 kB."""

SIGNALS_KEPT_BYTES: Final = 24 * 2**20
"""Most bytes of standardized signals kept: some 500 of 10 s and 12 leads."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Lately(Generic[K, V]):
    """The things used last, as many as fit.

    Args:
        most: What they may weigh together.
        weigh: What one of them weighs; each counts as one by default.
    """

    def __init__(self, most: int, weigh: Callable[[V], int] = lambda _: 1) -> None:
        self._most, self._weigh = most, weigh
        self._there: OrderedDict[K, V] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    def recall(self, key: K) -> V | None:
        """What is kept under a key."""
        with self._lock:
            if key not in self._there:
                return None
            self._there.move_to_end(key)
            return self._there[key]

    def keep(self, key: K, value: V) -> None:
        """Keep something; what was not used for longest goes where there is too much."""
        with self._lock:
            if key in self._there:
                return
            self._there[key] = value
            self._weight += self._weigh(value)
            while self._weight > self._most:
                _, gone = self._there.popitem(last=False)
                self._weight -= self._weigh(gone)


class Memory:
    """Cases of one version of a store, and their standardized signals.

    Args:
        store: Read where something is not at hand; it must stay at its version.
    """

    def __init__(self, store: CaseStore) -> None:
        self._store = store
        self._cases: Lately[int, Case] = Lately(CASES_KEPT)
        self._signals: Lately[tuple[int, SignalSpec], Recording] = Lately(
            SIGNALS_KEPT_BYTES, lambda recording: recording.signal.nbytes
        )

    def cases(self, ids: Sequence[int]) -> list[Case]:
        """The cases, in the order of ``ids``.

        Raises:
            KeyError: an id is not there.
        """
        found = {case_id: self._cases.recall(case_id) for case_id in ids}
        missing = [case_id for case_id, case in found.items() if case is None]
        for read in self._store.get(missing) if missing else ():
            self._cases.keep(read.case_id, read)
            found[read.case_id] = read
        return [case for case_id in ids if (case := found[case_id]) is not None]

    def standardized(self, case_id: int, spec: SignalSpec) -> Recording:
        """A case's signal, standardized.

        Raises:
            KeyError: the id is not there.
            UnusableSignalError: it has none of the spec's leads.
        """
        kept = self._signals.recall((case_id, spec))
        if kept is None:
            # All leads of the whole spec may be needed to derive those that are missing.
            leads = None if spec == SignalSpec() else spec.leads
            kept = standardize(self._store.waveform(case_id, leads), spec)
            self._signals.keep((case_id, spec), kept)
        return kept
