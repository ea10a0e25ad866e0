"""What an adaptation is given of an archive: ECGs to train on, with labels and without, and patients to check it on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.concepts import vocabulary
from precordia.core.case import Case
from precordia.core.errors import UsageError
from precordia.fitting.adaptation.labels import Labels

FEWEST_PATIENTS: Final = 8
"""With labels; a quarter of them is held back."""
FEWEST: Final = 3
"""ECGs with, and without, a finding for it to be asked."""
MOST_FINDINGS: Final = 64
MOST_LABELLED: Final = 4000
MOST_UNLABELLED: Final = 2000


@dataclass(frozen=True, eq=False)
class Material:
    """Case ids of an adaptation. No patient is in two of its parts.

    Attributes:
        findings: What is asked, each with both kinds among ``training``.
        training: ``(n,)`` labelled.
        labels: ``(n, n_findings)`` theirs.
        held_back: ``(m,)`` labelled.
        held_back_labels: ``(m, n_findings)`` theirs.
        patients: ``(m,)`` whose they are.
        unlabelled: ``(l,)`` others.
    """

    findings: tuple[str, ...]
    training: tuple[int, ...]
    labels: NDArray[np.bool_]
    held_back: tuple[int, ...]
    held_back_labels: NDArray[np.bool_]
    patients: tuple[str, ...]
    unlabelled: tuple[int, ...]

    def __repr__(self) -> str:
        return f"Material({len(self.training)} labelled, {len(self.held_back)} held back, {len(self.unlabelled)} unlabelled)"


def material_of(cases: Sequence[Case], labels: Labels, seed: int) -> Material:
    """The parts, drawn by seed and patient: the same archive gives the same parts.

    Raises:
        UsageError: too few patients have labels, or no finding is frequent enough.
    """
    drawn = {case.case_id: _drawn(str(case.case_id), seed) for case in cases}
    ordered = sorted(cases, key=lambda case: drawn[case.case_id])
    labelled = [case for case in ordered if case.case_id in labels.stated][:MOST_LABELLED]
    patients = sorted({case.patient_key for case in labelled}, key=lambda patient: _drawn(patient, seed))
    if len(patients) < FEWEST_PATIENTS:
        raise UsageError(
            f"{len(patients)} patients have labels: give labels of at least {FEWEST_PATIENTS}, better of a hundred"
        )
    held_patients = set(patients[: len(patients) // 4])
    training = [case for case in labelled if case.patient_key not in held_patients]
    held = [case for case in labelled if case.patient_key in held_patients]
    findings = _asked([labels.stated[case.case_id] for case in training])
    if not findings:
        raise UsageError(
            f"no finding has {FEWEST} labelled ECGs with it and {FEWEST} without: give more labels, of both kinds"
        )
    rest = [case for case in ordered if case.case_id not in labels.stated and case.patient_key not in held_patients]
    return Material(
        findings,
        tuple(case.case_id for case in training),
        _table(training, labels, findings),
        tuple(case.case_id for case in held),
        _table(held, labels, findings),
        tuple(case.patient_key for case in held),
        tuple(case.case_id for case in rest[:MOST_UNLABELLED]),
    )


def _asked(stated: Sequence[frozenset[str]]) -> tuple[str, ...]:
    """Findings of both kinds, the most frequent; of those that stand in the same ECGs the most specific alone."""
    names = sorted(set().union(*stated), key=lambda name: (-len(vocabulary().ancestors(name)), name))
    columns = {name: tuple(name in said for said in stated) for name in names}
    frequent = [n for n in names if FEWEST <= sum(columns[n]) <= len(stated) - FEWEST]
    different = {columns[name]: name for name in reversed(frequent)}
    return tuple(sorted(sorted(different.values(), key=lambda name: (-sum(columns[name]), name))[:MOST_FINDINGS]))


def _table(cases: Sequence[Case], labels: Labels, findings: tuple[str, ...]) -> NDArray[np.bool_]:
    rows = [[finding in labels.stated[case.case_id] for finding in findings] for case in cases]
    return np.array(rows, dtype=np.bool_).reshape(-1, len(findings))


def _drawn(name: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}|{name}".encode()).hexdigest()
