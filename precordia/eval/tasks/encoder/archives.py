"""Other archives as the transfer task reads them: recordings with the findings that codes or texts state."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.concepts.terms import SUPERCLASSES
from precordia.core.errors import InputError, UnknownNameError
from precordia.core.recording import Recording
from precordia.datasets import cpsc, ludb

CINC_FOLDERS: Final[Mapping[str, str]] = {
    "Chapman-Ningbo": "chapman_ningbo",
    "CPSC2018": "cpsc2018",
    "CPSC-Extra": "cpsc2018extra",
    "PTB Diagnostic": "ptbdiag",
}


@dataclass(frozen=True, eq=False)
class Archive:
    """Recordings of one archive with what is stated of each.

    Attributes:
        name: As in the rows.
        recordings: The ECGs.
        stated: Findings of each with all that they imply, "possible" ones included, denied ones not.
        unknown: Codes that the vocabulary does not have, each once.
        own: ``(n, 5)`` superclasses by the archive's own table, or None where they follow from the findings.
    """

    name: str
    recordings: tuple[Recording, ...]
    stated: tuple[frozenset[str], ...]
    unknown: tuple[str, ...] = ()
    own: NDArray[np.bool_] | None = None

    @property
    def patients(self) -> list[str]:
        """Whose each is; a recording without a patient is its own."""
        return [r.patient_id or r.recording_id for r in self.recordings]

    @property
    def data_hash(self) -> str:
        """SHA-256 over signals and findings."""
        digest = hashlib.sha256()
        for recording, stated in zip(self.recordings, self.stated, strict=True):
            digest.update(f"{recording.content_hash}|{','.join(sorted(stated))}\n".encode())
        return digest.hexdigest()

    def labels(self, concepts: Sequence[str]) -> NDArray[np.bool_]:
        """``(n, len(concepts))``: which findings are stated."""
        return np.array([[concept in stated for concept in concepts] for stated in self.stated])

    def superclasses(self) -> NDArray[np.bool_]:
        """``(n, 5)``: PTB-XL's superclasses of the findings, in the order of ``SUPERCLASSES``."""
        from precordia.concepts import vocabulary

        if self.own is not None:
            return self.own
        of = [{vocabulary().superclass(concept) for concept in stated} for stated in self.stated]
        return np.array([[superclass in found for superclass in SUPERCLASSES] for found in of])


def read_cinc(name: str, data: Path) -> Archive:
    """An archive of the CinC challenges: SNOMED CT codes of the headers by the vocabulary's crosswalk.

    Records of CPSC2018 in its first layout have no header; their classes are the manifest's.

    Args:
        name: One of :data:`CINC_FOLDERS`.
        data: Holds ``cinc2021`` and ``manifest.csv``.

    Raises:
        InputError: the folder holds no record.
    """
    folder = data / "cinc2021" / CINC_FOLDERS[name]
    recordings = read_mat_folder(folder)
    classes = cpsc.read_classes(data / "manifest.csv") if any(not r.codes for r in recordings.values()) else {}
    unknown: dict[str, None] = {}
    stated = []
    for stem, recording in recordings.items():
        codes = recording.codes or classes.get(stem, ())
        if not codes:
            raise InputError(f"{folder / stem}: neither a header nor manifest.csv states what was found")
        stated.append(implied_by(codes, unknown))
    return Archive(name, tuple(recordings.values()), tuple(stated), tuple(unknown))


def read_mat_folder(folder: Path) -> dict[str, Recording]:
    """Every record of a folder of ``.mat`` files by its name, with header or without.

    Raises:
        InputError: there is none.
    """
    from precordia.records.read import read_recording

    files = sorted(folder.glob("*.mat"))
    if not files:
        raise InputError(f"{folder}: holds no record; give the folder above cinc2021 with --data")
    return {f.stem: read_recording(f.with_suffix("") if f.with_suffix(".hea").is_file() else f) for f in files}


def read_ludb(folder: Path, records: range = ludb.DEVELOPMENT) -> Archive:
    """LUDB: findings that the labeller reads in the diagnosis text.

    Args:
        folder: The data set's.
        records: Numbers of the records, by default the development half.

    Raises:
        InputError: the folder holds no record of it.
    """
    from precordia.concepts import label_report, vocabulary

    found = ludb.records_here(folder, records)
    if not found:
        raise InputError(f"{folder}: holds no record of LUDB; give the folder above ludb with --data")
    recordings = tuple(ludb.read_records(folder, found))
    stated = tuple(
        vocabulary().implied(f.concept for f in label_report(r.report or "") if f.status != "absent")
        for r in recordings
    )
    return Archive(f"LUDB {records[0]}-{records[-1]}", recordings, stated)


def implied_by(codes: Sequence[str], unknown: dict[str, None]) -> frozenset[str]:
    """The findings of some codes and all that they imply; codes that are not known are added to ``unknown``."""
    from precordia.concepts import findings_from_codes, vocabulary

    found: set[str] = set()
    for code in codes:
        try:
            found.update(finding.concept for finding in findings_from_codes([code]))
        except UnknownNameError:
            unknown[code] = None
    return vocabulary().implied(found)


def targets(
    archive: Archive, probed: NDArray[np.bool_], concepts: Sequence[str], least: int, least_fit: int
) -> list[str]:
    """The findings that can be asked of an archive.

    At least ``least`` recordings have it and as many have it not, at least ``least_fit`` of those that are learned from
    have it; of findings that the same recordings of the archive have, the most special one.

    Args:
        archive: What is asked.
        probed: ``(n_fit, len(concepts))`` what is learned from.
        concepts: Names of the columns.
        least: Positives, and negatives, in the archive.
        least_fit: Positives in what is learned from.
    """
    from precordia.concepts import vocabulary

    labels = archive.labels(concepts)
    positive, learned = labels.sum(axis=0), probed.sum(axis=0)
    kept: dict[bytes, str] = {}
    order = sorted(range(len(concepts)), key=lambda i: (-len(vocabulary().ancestors(concepts[i])), concepts[i]))
    for i in order:
        if least <= positive[i] <= len(labels) - least and learned[i] >= least_fit:
            kept.setdefault(labels[:, i].tobytes(), concepts[i])
    return sorted(kept.values())
