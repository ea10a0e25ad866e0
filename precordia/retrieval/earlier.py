"""The patient's own earlier ECGs: never precedents, but what a new ECG is compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from precordia.core.case import Case, patient_key_of
from precordia.core.protocols import VectorIndex
from precordia.core.recording import Recording
from precordia.core.retrieval import Hit, Why


class PatientStore(Protocol):
    """What is needed of a case store."""

    def ids_of_patient(self, patient_key: str) -> NDArray[np.int64]:
        """Ids of a patient's cases."""
        ...

    def get(self, ids: Sequence[int]) -> list[Case]:
        """The cases."""
        ...


def earlier_ecgs(
    recording: Recording,
    store: PatientStore,
    signals: VectorIndex,
    embed: Callable[[], NDArray[np.float32]],
    k: int = 3,
) -> list[Hit]:
    """The patient's ECGs from before a recording, most recent first, with their similarity to it.

    Args:
        recording: The query. Without a patient or a time nothing is known to be earlier.
        store: The cases.
        signals: Vectors of the signals.
        embed: Gives the recording's own vector, ``(dim,)``; called only where there is an earlier ECG.
        k: Most of them.
    """
    if not recording.patient_id or recording.time is None:
        return []
    now = _moment(recording.time)
    cases = store.get([int(i) for i in store.ids_of_patient(patient_key_of(recording))])
    before = [
        (_moment(case.time), case) for case in cases
        if case.time is not None and _moment(case.time) < now and case.content_hash != recording.content_hash
        and not case.is_stretch
    ]  # fmt: skip
    chosen = [case for _, case in sorted(before, key=lambda item: (item[0], item[1].case_id), reverse=True)[:k]]
    if not chosen:
        return []
    ids = np.array([case.case_id for case in chosen], dtype=np.int64)
    found, scores = signals.search(embed()[None, :], len(chosen), ids)
    similarity = {int(i): float(s) for i, s in zip(found[0], scores[0], strict=True) if i >= 0}
    return [
        Hit(rank, similarity.get(case.case_id, 0.0), case, Why({"signal": similarity.get(case.case_id, 0.0)}))
        for rank, case in enumerate(chosen, start=1)
    ]


def _moment(time: datetime) -> datetime:
    """Local time as recorded: archives mix times with and without a zone."""
    return time.replace(tzinfo=None)
