"""PTB-XL as the encoder task needs it: recordings with superclasses, codes, patients and folds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from precordia.concepts.terms import SUPERCLASSES
from precordia.core.recording import Recording
from precordia.datasets.ptbxl import codes_of, fold_of, read_superclasses, read_table


@dataclass(frozen=True, eq=False)
class LabelledRecordings:
    """Recordings with what the archive's codes say of them; one row a recording.

    Attributes:
        recordings: The ECGs at 100 Hz.
        superclasses: ``(n, 5)`` bool, in the order of ``SUPERCLASSES``.
        codes: ``(n, n_codes)`` bool, SCP codes, whatever their likelihood.
        code_names: Names of those columns.
        folds: ``(n,)`` int.
        patients: Patient keys.
    """

    recordings: tuple[Recording, ...]
    superclasses: NDArray[np.bool_]
    codes: NDArray[np.bool_]
    code_names: tuple[str, ...]
    folds: NDArray[np.int64]
    patients: tuple[str, ...]


def load_ptbxl(folder: Path) -> LabelledRecordings:
    """The records that are there, with labels aggregated as in Strodthoff et al. (IEEE JBHI 2021;25:1519-1528).

    A recording has a superclass when any diagnostic code of its ``scp_codes`` belongs to it, whatever its likelihood;
    recordings without a superclass are left out, as there.

    Raises:
        InputError: the folder is not PTB-XL.
    """
    from precordia.encoders.sources import read_ptbxl

    table, _ = read_table(folder)
    diagnostic = read_superclasses(folder)
    recordings, rows = [], []
    for recording in read_ptbxl(folder):
        row = table[int(recording.recording_id.split(":")[1])]
        codes, fold = codes_of(row), fold_of(row)
        if any(code in diagnostic for code in codes):
            recordings.append(recording)
            rows.append((codes, fold))
    names = tuple(sorted({code for codes, _ in rows for code in codes}))
    return LabelledRecordings(
        recordings=tuple(recordings),
        superclasses=np.array(
            [[any(diagnostic.get(c) == s for c in codes) for s in SUPERCLASSES] for codes, _ in rows]
        ),
        codes=np.array([[name in codes for name in names] for codes, _ in rows]),
        code_names=names,
        folds=np.array([fold for _, fold in rows]),
        patients=tuple(r.patient_id or r.recording_id for r in recordings),
    )


def limited(data: LabelledRecordings, limit: int | None) -> LabelledRecordings:
    """A random part of at most ``limit`` recordings, in their order."""
    if limit is None or limit >= len(data.recordings):
        return data
    rows = np.sort(np.random.default_rng(0).choice(len(data.recordings), limit, replace=False))
    return LabelledRecordings(
        tuple(data.recordings[i] for i in rows), data.superclasses[rows], data.codes[rows], data.code_names, data.folds[rows],
        tuple(data.patients[i] for i in rows),
    )  # fmt: skip
