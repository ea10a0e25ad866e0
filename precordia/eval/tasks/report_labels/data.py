"""PTB-XL's reports and codes, split by patient, and the reports that were annotated by reading them."""

from __future__ import annotations

import csv
import hashlib
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from precordia.concepts.language import language_of
from precordia.datasets.ptbxl import codes_of, patient_of, read_table

N_READ = 150
"""Reports annotated in each of English and German."""
N_NEGATED = 40
"""Reports annotated besides, in which something is denied."""
DRAW_SEED = 2021
_DENIES = re.compile(r"\b(no|not|without|absence|unlikely|kein\w*|nicht|ohne|inga|inget|utan)\b", re.IGNORECASE)
_HEDGES = re.compile(
    r"no definite pathology|not? significantly changed|nicht auszuschlie\w+|cannot|is not evident|no change",
    re.IGNORECASE,
)
"""Words of denial in phrases that deny no finding."""


@dataclass(frozen=True)
class Coded:
    """One PTB-XL record without its signal.

    Attributes:
        ecg_id: PTB-XL's number.
        patient: PTB-XL's patient number.
        text: The report.
        codes: SCP-ECG codes whatever their likelihood: PTB-XL gives form and rhythm codes a likelihood of 0.
        language: "en", "de" or "sv".
    """

    ecg_id: int
    patient: int
    text: str
    codes: frozenset[str]
    language: str

    @property
    def untouched(self) -> bool:
        """Whether the patient is in the half that nothing was developed on."""
        return hashlib.sha256(f"precordia report-labels {self.patient}".encode()).digest()[0] % 2 == 1


def read_coded(folder: Path) -> list[Coded]:
    """All records of ``ptbxl_database.csv``.

    Raises:
        InputError: the table is not there or lacks a column.
    """
    rows, _ = read_table(folder)
    return [
        Coded(ecg_id, int(patient_of(row)), row["report"], frozenset(codes_of(row)), language_of(row["report"]))
        for ecg_id, row in rows.items()
    ]


def draw(records: Sequence[Coded], n_each: int = N_READ) -> list[Coded]:
    """The reports to annotate: one a patient of the untouched half, no text twice, as many English as German."""
    by_patient: dict[int, Coded] = {}
    for record in records:
        if record.untouched and record.text.strip():
            by_patient.setdefault(record.patient, record)
    order = sorted(by_patient)
    random.Random(DRAW_SEED).shuffle(order)
    taken: dict[str, list[Coded]] = {"en": [], "de": []}
    seen: set[str] = set()
    for patient in order:
        record = by_patient[patient]
        text = " ".join(record.text.split())
        group = taken.get(record.language)
        if group is not None and len(group) < n_each and text not in seen:
            group.append(record)
            seen.add(text)
    return [*taken["en"], *taken["de"]]


def draw_negated(records: Sequence[Coded], n: int = N_NEGATED) -> list[Coded]:
    """Further reports to annotate, in which something is denied: so few are that a random draw holds hardly any.

    From the untouched half, none of the texts or patients of :func:`draw`, no text twice.
    """
    first = draw(records)
    seen = {" ".join(record.text.split()) for record in first}
    patients = {record.patient for record in first}
    order = sorted(
        (r for r in records if r.untouched and _DENIES.search(_HEDGES.sub("", r.text))), key=lambda r: r.ecg_id
    )
    random.Random(DRAW_SEED).shuffle(order)
    taken: list[Coded] = []
    for record in order:
        text = " ".join(record.text.split())
        if len(taken) < n and text not in seen and record.patient not in patients:
            taken.append(record)
            seen.add(text)
            patients.add(record.patient)
    return taken


def read_annotations(sample: str = "random") -> dict[int, frozenset[tuple[str, str]]]:
    """ECG id to (finding, status) as annotated by reading; the rules are in ``docs/concepts.md``.

    Args:
        sample: "random" (see :func:`draw`) or "negated" (see :func:`draw_negated`).
    """
    status = {"?": "uncertain", "-": "absent"}
    text = resources.files("precordia.concepts").joinpath("data", "read_reports.tsv").read_text(encoding="utf-8")
    result = {}
    for row in csv.DictReader(text.splitlines(), delimiter="\t"):
        if row["sample"] != sample:
            continue
        pairs = set()
        for word in row["findings"].split():
            mark = status.get(word[-1])
            pairs.add((word[:-1], mark) if mark else (word, "present"))
        result[int(row["ecg_id"])] = frozenset(pairs)
    return result
