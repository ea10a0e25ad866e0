"""The usual way, as a yardstick: read with wfdb, embed one by one, a flat FAISS index, metadata in a CSV file.

Nothing is checked, measured, stored losslessly or safe against a crash; results are joined by row position.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import faiss
import numpy as np
import pandas as pd
import wfdb

from precordia.core.leads import canonical_lead
from precordia.core.protocols import Encoder
from precordia.core.recording import Recording


def read(path: Path) -> Recording:
    """A WFDB record by ``wfdb.rdrecord``."""
    record = wfdb.rdrecord(str(path.with_suffix("")))
    leads = tuple(canonical_lead(name) or name for name in record.sig_name)
    return Recording(record.p_signal.T.astype(np.float32), float(record.fs), leads, path.stem)


def build(headers: Sequence[Path], folder: Path, encoder: Encoder) -> None:
    """``index.faiss`` and ``cases.csv``."""
    index = faiss.IndexFlatIP(encoder.dim)
    with (folder / "cases.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["recording_id", "path", "fs", "n_samples"])
        for path in headers:
            recording = read(path)
            index.add(encoder.embed([recording]))
            rows.writerow([recording.recording_id, path, recording.fs, recording.n_samples])
    faiss.write_index(index, str(folder / "index.faiss"))


def query(path: Path, index: faiss.Index, cases: pd.DataFrame, encoder: Encoder, k: int = 10) -> list[str]:
    """The ``k`` nearest by position."""
    _, rows = index.search(encoder.embed([read(path)]), k)
    return [str(cases["recording_id"].iloc[i]) for i in rows[0]]
