"""PTB-XL as several tasks ask it: the records that are there, of some folds, their codes and the hash of what was read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from precordia.core.errors import InputError
from precordia.core.recording import Recording
from precordia.datasets import ptbxl
from precordia.encoders.sources import read_ptbxl


def read_ptbxl_here(data: Path) -> list[Recording]:
    """PTB-XL's 100 Hz records that are there.

    Raises:
        InputError: there are none.
    """
    recordings = list(read_ptbxl(data / "ptbxl"))
    if not recordings:
        raise InputError(f"{data}: no PTB-XL records; give the folder that holds ptbxl/ with --data")
    return recordings


def of_folds(recordings: Sequence[Recording], folds: Sequence[int]) -> list[Recording]:
    """PTB-XL recordings of some folds."""
    return [r for r in recordings if int(r.metadata["strat_fold"]) in folds]


def read_codes(data: Path) -> tuple[dict[str, tuple[str, ...]], str]:
    """PTB-XL recording to its SCP-ECG codes, whatever their likelihood, and the table's SHA-256."""
    rows, digest = ptbxl.read_table(data / "ptbxl")
    return {f"ptbxl:{ecg}": tuple(f"scp:{code}" for code in ptbxl.codes_of(row)) for ecg, row in rows.items()}, digest


def hash_signals(recordings: Sequence[Recording]) -> str:
    """SHA-256 over the recordings' contents and reports."""
    digest = hashlib.sha256()
    for recording in sorted(recordings, key=lambda r: r.recording_id):
        line = f"{recording.recording_id}|{recording.content_hash}|{recording.report or ''}\n"
        digest.update(line.encode())
    return digest.hexdigest()
