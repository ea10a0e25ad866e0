"""Recordings that a manifest lists: WFDB files of several archives, with codes in the place of reports."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from precordia.core.errors import InputError
from precordia.core.recording import Recording

FILE: Final = "manifest.csv"
_COLUMNS: Final = frozenset(
    {"path", "uid", "dataset", "native_id", "labels", "label_scheme", "report", "patient_id", "strat_fold"}
)


@dataclass(frozen=True)
class Listed:
    """The rows of ``manifest.csv`` as recordings; a recipe leaves some out by their ``native_id``, ``dataset`` or fold.

    Where a row has no report, the findings of its SNOMED CT codes are written out as canonical statements, so that what
    learns from the words of reports learns from codes as well. A code the vocabulary does not have is left out.

    Attributes:
        folder: Holds the manifest; paths in it start with the folder's own name.
    """

    folder: Path

    @classmethod
    def fits(cls, folder: Path) -> bool:
        """Whether the folder holds a manifest of these columns."""
        path = folder / FILE
        if not path.is_file():
            return False
        with path.open(newline="", encoding="utf-8") as file:
            return set(next(csv.reader(file), [])) >= _COLUMNS

    @cached_property
    def _rows(self) -> list[dict[str, str]]:
        with (self.folder / FILE).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, number: int) -> Recording:
        """One recording, with its text.

        Raises:
            InputError: its file is missing or broken.
        """
        from precordia.records.alone import read_alone

        row = self._rows[number]
        path = self.folder.parent / f"{row['path']}.hea"
        if not path.is_file():
            raise InputError(f"{path}: listed in {self.folder / FILE} but not there")
        metadata = {"dataset": row["dataset"], "native_id": row["native_id"]}
        if row["strat_fold"]:
            metadata["strat_fold"] = str(int(float(row["strat_fold"])))
        return replace(
            read_alone(str(path), format="wfdb"),
            recording_id=row["uid"], patient_id=row["patient_id"] or row["uid"], metadata=metadata,
            report=row["report"].strip() or _said(row["labels"], row["label_scheme"]),
        )  # fmt: skip

    def stamp(self) -> str:
        """Changes with the manifest."""
        return hashlib.sha256((self.folder / FILE).read_bytes()).hexdigest()


def _said(labels: str, scheme: str) -> str | None:
    """Codes as statements; None where they say nothing."""
    from precordia.concepts import vocabulary
    from precordia.concepts.crosswalk import findings_from_codes
    from precordia.concepts.statements import statement_of

    if scheme != "snomed-ct":
        return None
    codes = [code.strip() for code in labels.replace(";", ",").split(",")]
    known = [f"snomed:{code}" for code in codes if vocabulary().by_code("snomed", code)]
    return ". ".join(statement_of(finding) for finding in findings_from_codes(known)) or None
