"""Who asks and what is there: PTB-XL's queries, the cases of a knowledge base, and what they have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.concepts import findings_from_codes, label_report
from precordia.core.case import Case, patient_key_of
from precordia.core.errors import InputError
from precordia.core.findings import Finding
from precordia.core.recording import Recording
from precordia.datasets.ptbxl import fold_of, read_table
from precordia.eval.metrics.ranking import shared_share
from precordia.records.read import read_recording

IGNORED: Final = frozenset({"SR"})
"""Sinus rhythm is left out: four of five ECGs share it, whatever else they show."""

Truth = str
"""Where findings come from: "codes" (the archive's) or "reports" (as the labeller reads them)."""


@dataclass(frozen=True, eq=False)
class Asked:
    """Queries and cases with what relates them.

    Attributes:
        queries: The ECGs.
        cases: The archive, by id.
        names: Findings, by name.
        query_findings: ``(n_queries, n_findings)``.
        case_findings: ``(n_cases, n_findings)``.
        allowed: ``(n_queries, n_cases)`` whether a case may answer a query: it is of another patient.
    """

    queries: tuple[Recording, ...]
    cases: tuple[Case, ...]
    names: tuple[str, ...]
    query_findings: NDArray[np.bool_]
    case_findings: NDArray[np.bool_]
    allowed: NDArray[np.bool_]

    @property
    def patients(self) -> list[str]:
        """The patient of each query."""
        return [patient_key_of(query) for query in self.queries]

    @property
    def relevance(self) -> NDArray[np.float64]:
        """``(n_queries, n_cases)`` share of findings in common; zero where a case may not answer."""
        out: NDArray[np.float64] = shared_share(self.query_findings, self.case_findings) * self.allowed
        return out

    @property
    def n_allowed(self) -> NDArray[np.int64]:
        """How many cases may answer each query."""
        out: NDArray[np.int64] = self.allowed.sum(axis=1).astype(np.int64)
        return out


def read_queries(folder: Path, folds: Iterable[int], column: str = "filename_lr") -> list[Recording]:
    """PTB-XL's recordings of some folds that are here, by number, with report, codes and patient.

    Args:
        folder: PTB-XL.
        folds: As in its table.
        column: "filename_lr" for 100 Hz, "filename_hr" for 500 Hz.

    Raises:
        InputError: the folder is not PTB-XL, or none of the folds is here.
    """
    wanted = set(folds)
    rows, _ = read_table(folder)
    paths = [folder / row[column] for row in rows.values() if fold_of(row) in wanted]
    there = [path for path in paths if path.with_suffix(".hea").is_file()]
    if not there:
        raise InputError(f"{folder}: none of the recordings of folds {sorted(wanted)} is here")
    return [read_recording(path) for path in there]


def ask(queries: Sequence[Recording], cases: Sequence[Case], truth: Truth) -> Asked:
    """Relate queries and cases; queries of which nothing is known but what is ignored are left out."""
    said = [findings_of(query.codes, query.report, truth) for query in queries]
    kept = [i for i, findings in enumerate(said) if findings]
    there = [findings_of(case.codes, case.report, truth) for case in cases]
    names = tuple(sorted({name for findings in [*(said[i] for i in kept), *there] for name in findings}))
    patients = [case.patient_key for case in cases]
    chosen = tuple(queries[i] for i in kept)
    allowed = [[patient != patient_key_of(query) for patient in patients] for query in chosen]
    return Asked(
        chosen,
        tuple(cases),
        names,
        _table([said[i] for i in kept], names),
        _table(there, names),
        np.array(allowed, dtype=np.bool_).reshape(len(chosen), len(patients)),
    )


def findings_of(codes: Sequence[str], report: str | None, truth: Truth) -> frozenset[str]:
    """The findings that are present or suspected, but for :data:`IGNORED`."""
    found: Sequence[Finding] = findings_from_codes(codes) if truth == "codes" else label_report(report or "")
    return frozenset(f.concept for f in found if f.status != "absent") - IGNORED


def as_bare(recording: Recording, name: str) -> Recording:
    """The signal without anything that says whose it is or what it shows, under another name."""
    return replace(recording, recording_id=name, patient_id=None, report=None, codes=(), metadata={}, time=None)


def _table(said: Sequence[frozenset[str]], names: Sequence[str]) -> NDArray[np.bool_]:
    return np.array([[name in findings for name in names] for findings in said], dtype=np.bool_).reshape(
        len(said), len(names)
    )
