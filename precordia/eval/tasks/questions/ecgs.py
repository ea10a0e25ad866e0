"""The ECGs that are asked about, and what is known of them: PTB-XL fold 9 and CPSC2018 by their codes, and phantom patients.

Halved by patient: a question is asked of ECGs of its own half alone.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np

from precordia.concepts import findings_from_codes, label_report
from precordia.core.findings import Finding
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.datasets import ptbxl
from precordia.eval.ptbxl import of_folds, read_ptbxl_here
from precordia.eval.tasks.questions.asked import HALVES, Half, half_of
from precordia.judgement.votes import lineage
from precordia.records.read import read_recording
from precordia.simulation.persons import new_person
from precordia.simulation.simulator import simulate, simulate_batch
from precordia.simulation.truth import Truth

PHANTOMS: Final = 60
"""Simulated patients at 500 Hz in each half, of a plausible mixture."""
AXES: Final = {"LAD": "LAD", "ALAD": "LAD", "RAD": "RAD", "ARAD": "RAD", "MID": ""}
"""PTB-XL's column of the axis, as findings; an empty cell tells nothing."""
SURE: Final = 80.0
"""Likelihood of a code, percent, from which it counts as without doubt; PTB-XL gives 0 where none was stated."""
STAGES: Final = {"Stadium I": "acute", "Stadium I-II": "acute", "Stadium III": "old"}
"""PTB-XL's column of an infarction's age; stage II lies between."""
CPSC: Final = frozenset(("AFIB", "1AVB", "LBBB", "RBBB", "PVC", "SVES", "PRC(S)", "STD_", "STE_"))
"""What CPSC2018's nine classes tell of, where they are silent too; a complete block is not told from a block."""
SITTINGS: Final = (
    ("NORM", "NORM", "unchanged"), ("NORM", "AFIB", "worse"), ("AFIB", "NORM", "better"),
    ("NORM", "CLBBB", "worse"), ("CLBBB", "NORM", "better"),
)  # fmt: skip
"""What a person is made with first, then, and which verdict that asks for."""
MADE: Final = (
    *("AFIB", "AFLT", "CLBBB", "CRBBB", "IRBBB", "1AVB", "LAFB", "LVH", "PVC", "PAC", "PACE", "WPW", "STACH", "SBRAD"),
    *("IMI:old", "ASMI:old", "LNGQT", "RVH", "SARRH"),
)  # fmt: skip
"""Diagnoses of which each half has a phantom besides."""
SHOWN: Final = frozenset(
    (
        *("AFIB", "AFLT", "CLBBB", "LBBB", "CRBBB", "RBBB", "IRBBB", "1AVB", "AVB", "LAFB", "LVH", "PVC", "SVES"),
        *("PRC(S)", "PACE", "WPW", "STACH", "SBRAD", "TACHY", "BRADY", "IMI", "ASMI", "MI", "LNGQT", "RVH", "SARRH"),
        *("LAD", "RAD"),
    )
)
"""Findings of which a phantom tells both ways; changes of ST and T may follow from what else it was made with."""

COUNTED: Final = frozenset(("SBRAD", "STACH", "BRADY", "TACHY", "LAD", "RAD", "LNGQT", "LPR"))
"""Findings that a number defines: codes leave them out where the number tells."""


@dataclass(frozen=True, eq=False)
class Known:
    """An ECG and what is known of it.

    Attributes:
        recording: Without report and codes: they would be the answer.
        half: Whose questions it is asked.
        stated: Findings without doubt, and what they imply.
        mentioned: The same with what is only possible.
        told: The findings that silence denies; None for all.
        stage: "acute" or "old", of an infarction, or "".
        truth: What a phantom was made with.
    """

    recording: Recording
    half: Half
    stated: frozenset[str] = frozenset()
    mentioned: frozenset[str] = frozenset()
    told: frozenset[str] | None = None
    stage: str = ""
    truth: Truth | None = None

    def has(self, concept: str) -> bool | None:
        """Whether it shows a finding; None where that is in doubt."""
        if concept in self.stated:
            return True
        if concept in self.mentioned or (self.told is not None and concept not in self.told):
            return None
        return False

    def value(self, name: str) -> float | None:
        """A measurement that a phantom was made with."""
        found = None if self.truth is None else getattr(self.truth.measurements, name)
        return None if found is None else float(found)


class Ecgs:
    """All of them, each kind made when it is first asked about.

    Args:
        data: The folder that holds ``ptbxl/`` and ``more/``.
        seed: Of the phantoms.
    """

    def __init__(self, data: Path, seed: int) -> None:
        self._data, self._seed = data, seed

    @cached_property
    def fold9(self) -> list[Known]:
        """PTB-XL fold 9: codes, and the table's column of the axis; what only the report's words mention is in doubt."""
        rows, _ = ptbxl.read_table(self._data / "ptbxl")
        return [
            _of_ptbxl(r, rows[int(r.recording_id.partition(":")[2])])
            for r in of_folds(read_ptbxl_here(self._data), (9,))
        ]

    @cached_property
    def cpsc(self) -> list[Known]:
        """CPSC2018's records in ``more/``; none where that folder is not there."""
        manifest = self._data / "more" / "manifest.csv"
        if not manifest.is_file():
            return []
        with manifest.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["dataset"] == "cpsc2018"]
        return [_of_cpsc(self._data / row["path"], row) for row in rows]

    @cached_property
    def phantoms(self) -> list[Known]:
        """Simulated patients: a plausible mixture, and one of each of :data:`MADE`, in both halves."""
        made = []
        for number, half in enumerate(HALVES):
            mixed = simulate_batch(PHANTOMS, self._seed + number, fs=500.0)
            chosen = simulate_batch(
                len(MADE), self._seed + number, fs=500.0, diagnoses=[(d,) for d in MADE], first=PHANTOMS
            )
            for kind, batch in (("mixed", mixed), ("chosen", chosen)):
                for i, (signal, truth) in enumerate(zip(batch.signal, batch.truths, strict=True)):
                    name = f"phantom:{half}:{kind}:{i}"
                    recording = Recording(signal, batch.fs, LEADS, name, age=truth.age, sex=truth.sex)
                    stated = _closed(truth.findings, "present")
                    made.append(Known(recording, half, stated, stated, SHOWN, truth=truth))
        return made

    @cached_property
    def pairs(self) -> list[tuple[Known, Known, str]]:
        """Two ECGs of one simulated person, the earlier first, and the verdict; without a change it is the same heart anew."""
        made = []
        for half, offset in ((half, 1000 * number) for number, half in enumerate(HALVES)):
            for i, (before, after, word) in enumerate(SITTINGS):
                seed = self._seed + offset + i
                person = new_person(np.random.default_rng([seed, 0]))
                both = []
                for sitting, (name, noise) in enumerate(((before, "light"), (after, "typical"))):
                    # The same seed is the same heart at the same rate: only the noise differs.
                    found = simulate(
                        (name,), seed=seed, person=person, noise=noise, recording_id=f"pair:{half}:{i}:{sitting}"
                    )
                    both.append(Known(found.recording, half, truth=found.truth))
                made.append((both[0], both[1], word))
        return made


def _of_ptbxl(recording: Recording, row: ptbxl.Row) -> Known:
    likelihoods = ptbxl.codes_of(row)
    codes = findings_from_codes([f"scp:{code}" for code in likelihoods])
    sure = findings_from_codes([f"scp:{code}" for code, share in likelihoods.items() if not 0 < share < SURE])
    words = label_report(recording.report or "")
    axis = AXES.get(row.get("heart_axis", ""))
    stated = _closed(sure, "present") | (frozenset((axis,)) if axis else frozenset())
    mentioned = stated | _closed((*codes, *words), "present", "uncertain")
    if axis is None:
        mentioned |= {"LAD", "RAD"}
    bare = replace(recording, report=None, codes=())
    stage = STAGES.get(row.get("infarction_stadium1", ""), "") if "MI" in stated else ""
    return Known(bare, half_of(recording.patient_id or recording.recording_id), stated, mentioned, stage=stage)


def _of_cpsc(path: Path, row: dict[str, str]) -> Known:
    codes = findings_from_codes([f"snomed:{code}" for code in row["labels"].replace(";", ",").split(",")])
    stated = _closed(codes, "present")
    recording = replace(read_recording(str(path)), report=None, codes=())
    return Known(recording, half_of(row["uid"]), stated, stated, CPSC)


def _closed(findings: Sequence[Finding], *statuses: str) -> frozenset[str]:
    """The findings of some statuses, and what they imply."""
    return frozenset().union(*(lineage(f.concept) for f in findings if f.status in statuses))
