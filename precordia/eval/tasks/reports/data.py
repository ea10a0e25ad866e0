"""What the report tasks are asked: held-back ECGs with what was written about them, their precedents and measurements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from precordia.concepts import findings_from_codes, label_report
from precordia.concepts.language import language_of
from precordia.core.case import patient_key_of
from precordia.core.errors import UnknownNameError
from precordia.core.findings import Finding, Measurements
from precordia.core.progress import Progress, silent
from precordia.core.recording import Recording
from precordia.core.retrieval import Hit
from precordia.datasets import ludb
from precordia.eval.tasks.reports.archive import Archive
from precordia.judgement.evidence import Evidence
from precordia.judgement.reconcile import said_of
from precordia.records.read import read_recording

PTBXL: Final = "PTB-XL"
LUDB: Final = "LUDB"


@dataclass(frozen=True, eq=False)
class Sample:
    """One ECG to report on.

    Attributes:
        recording: The ECG.
        reference: What a cardiologist wrote about it.
        stated: What the report labeller reads in that.
        dataset: :data:`PTBXL` or :data:`LUDB`.
        evidence: All that the archive and its signal say of it.
    """

    recording: Recording
    reference: str
    stated: tuple[Finding, ...]
    dataset: str
    evidence: Evidence

    @property
    def hits(self) -> tuple[Hit, ...]:
        """Its precedents, nearest first."""
        return self.evidence.hits

    @property
    def measurements(self) -> Measurements:
        """Of its signal."""
        return self.evidence.measurements

    @property
    def id(self) -> str:
        """The recording's id."""
        return self.recording.recording_id

    @property
    def patient(self) -> str:
        """Whose ECG it is."""
        return patient_key_of(self.recording)

    @property
    def truth(self) -> frozenset[str]:
        """The reference as a set of findings."""
        return said_of(self.stated)

    @property
    def language(self) -> str:
        """What the reference is written in: "en", "de" or "sv"."""
        return language_of(self.reference)


def read_ludb(data: Path) -> list[Recording]:
    """LUDB's test half, the diagnosis in its headers as report."""
    return ludb.read_records(data / "ludb", ludb.HELD_BACK)


def ludb_before(data: Path) -> list[Path]:
    """The files of LUDB's other half: what a hospital's own fifty cases would be."""
    return [data / "ludb" / f"{number}.hea" for number in ludb.DEVELOPMENT]


def read_coded(data: Path, datasets: Sequence[str]) -> list[tuple[Recording, tuple[Finding, ...]]]:
    """Recordings of other archives with what their SNOMED CT codes say; they have no report.

    Args:
        data: Folder of the mirror, with ``manifest.csv`` and ``more/manifest.csv``.
        datasets: Names in the column ``dataset``.
    """
    import pandas as pd

    found = []
    for manifest in (data / "manifest.csv", data / "more" / "manifest.csv"):
        if not manifest.is_file():
            continue
        table = pd.read_csv(manifest, dtype=str).fillna("")
        for row in table[table["dataset"].isin(datasets) & (table["snomed"] != "")].itertuples():
            findings = findings_of_codes(tuple(f"snomed:{code}" for code in str(row.snomed).split(",")))
            found.append((replace(read_recording(str(data / str(row.path))), recording_id=str(row.uid)), findings))
    return found


def findings_of_codes(codes: Sequence[str]) -> tuple[Finding, ...]:
    """What codes say; one that the vocabulary does not know says nothing."""
    found: list[Finding] = []
    for code in codes:
        with suppress(UnknownNameError):
            found += findings_from_codes([code])
    return tuple(found)


def examine(
    recordings: Sequence[Recording], dataset: str, archive: Archive, progress: Progress = silent
) -> Iterator[Sample]:
    """Each recording whose report states a finding of its signal, with all that is known of it.

    "Trace only requested" says nothing that a report could be held against: such recordings are left out.
    """
    for recording in progress(recordings, len(recordings), f"{dataset}: measuring", "ECG"):
        stated = tuple(label_report(recording.report or ""))
        if recording.report and said_of(stated):
            yield Sample(
                recording=recording,
                reference=recording.report,
                stated=stated,
                dataset=dataset,
                evidence=archive.evidence(replace(recording, report=None, codes=(), vendor_statements=())),
            )


def codes_of(samples: Sequence[Sample], codes: Mapping[str, tuple[str, ...]]) -> list[tuple[str, ...]]:
    """``(n,)`` the diagnosis codes of each sample; none where there are none."""
    return [codes.get(sample.id, ()) for sample in samples]
