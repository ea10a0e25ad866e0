"""Which of the ECGs that questions are about are here, whose they are, and how to read them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from precordia.core.errors import InputError
from precordia.core.recording import Recording
from precordia.datasets import ptbxl
from precordia.indexing.store import DeltaCaseStore
from precordia.knowledge_base import KnowledgeBase
from precordia.records.read import read_recording

_PTBXL_NAME = re.compile(r"(?:.*/)?0*(\d+)_(?:lr|hr)")
_NUMBER = re.compile(r"(?:.*[:/])?0*(\d+)")


@dataclass(eq=False)
class Signals:
    """ECGs by the number that ECG-QA gives them.

    Attributes:
        paths: Number to file, of those in the data folder.
        cases: Number to case of the knowledge base, for those that are not in the data folder.
        patients: Number to patient, of all ECGs that the source's table names.
        folds: Number to PTB-XL fold; empty for MIMIC.
        kb: The knowledge base, or None.
    """

    paths: Mapping[int, Path]
    cases: Mapping[int, int]
    patients: Mapping[int, str]
    folds: Mapping[int, int]
    kb: KnowledgeBase | None = None
    _read: dict[int, Recording] = field(default_factory=dict)
    _reports: dict[int, str | None] = field(default_factory=dict)

    def __contains__(self, ecg: int) -> bool:
        return ecg in self.paths or ecg in self.cases

    def patient(self, ecg: int) -> str:
        """Whose ECG it is; an ECG that no table names is its own patient."""
        return self.patients.get(ecg, f"ecg {ecg}")

    def recording(self, ecg: int) -> Recording:
        """The ECG without what was written about it, so that no system can read the answer there; read once.

        Raises:
            InputError: it is not here, or cannot be read.
        """
        if ecg not in self._read:
            if ecg in self.paths:
                found = read_recording(str(self.paths[ecg]))
            elif ecg in self.cases and self.kb is not None:
                found = self.kb.recording(self.cases[ecg])
            else:
                raise InputError(f"ECG {ecg} is not here; ask only questions whose ECGs are")
            self._reports[ecg] = found.report
            self._read[ecg] = replace(found, report=None, codes=(), vendor_statements=(), metadata={})
        return self._read[ecg]

    def report(self, ecg: int) -> str | None:
        """What was written about the ECG, for an archive that holds it. Raises as :meth:`recording`."""
        self.recording(ecg)
        return self._reports[ecg]


def find_signals(source: str, data: Path, wanted: Iterable[int], kb: KnowledgeBase | None = None) -> Signals:
    """Where the wanted ECGs are: in the data folder, else in the knowledge base.

    Args:
        source: "ptbxl" or "mimic-iv-ecg".
        data: Holds ``ptbxl/`` (``ptbxl_database.csv``, ``records500``, ``records100``) or ``mimic-iv-ecg/``
            (``record_list.csv``, ``files``).
        wanted: Numbers.
        kb: Or None.
    """
    numbers = sorted(set(wanted))
    folds: dict[int, int] = {}
    if source == "ptbxl":
        table = ptbxl.read_table(data / "ptbxl")[0] if ptbxl.has_table(data / "ptbxl") else {}
        patients = {ecg: ptbxl.patient_of(row) for ecg, row in table.items()}
        folds = {ecg: ptbxl.fold_of(row) for ecg, row in table.items()}
        found = {ecg: ptbxl.signal_of(data / "ptbxl", ecg) for ecg in numbers}
    else:
        rows = {int(row["study_id"]): row for row in _table(data / "mimic-iv-ecg" / "record_list.csv")}
        patients = {ecg: row["subject_id"] for ecg, row in rows.items()}
        stems = {ecg: data / "mimic-iv-ecg" / rows[ecg]["path"] for ecg in numbers if ecg in rows}
        found = {ecg: stem if stem.with_suffix(".hea").is_file() else None for ecg, stem in stems.items()}
    paths = {ecg: path for ecg, path in found.items() if path is not None}
    cases: dict[int, int] = {}
    if kb is not None:
        missing = set(numbers) - paths.keys()
        cases = {ecg: case for case, ecg in _numbered(kb, source) if ecg in missing}
    return Signals(paths, cases, patients, folds, kb)


def number_of(recording_id: str, source: str) -> int | None:
    """The number of a recording by its name, or None.

    >>> number_of("00123_hr", "ptbxl"), number_of("ptbxl:7", "ptbxl"), number_of("40689238", "mimic-iv-ecg")
    (123, 7, 40689238)
    """
    found = _PTBXL_NAME.fullmatch(recording_id) if source == "ptbxl" else None
    found = found or _NUMBER.fullmatch(recording_id)
    return int(found[1]) if found else None


def _numbered(kb: KnowledgeBase, source: str) -> list[tuple[int, int]]:
    """Case and number of each recording of a knowledge base that has one."""
    store = DeltaCaseStore(kb.path)
    columns = (store.column("case_id").to_pylist(), store.column("recording_id").to_pylist())
    numbers = [(int(case), number_of(name, source)) for case, name in zip(*columns, strict=True)]
    return [(case, number) for case, number in numbers if number is not None]


def _table(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
