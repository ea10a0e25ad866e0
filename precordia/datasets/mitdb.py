"""MIT-BIH Arrhythmia Database: two leads for half an hour, every beat marked by two cardiologists.

Moody, Mark, IEEE Eng Med Biol Mag 2001;20:45-50. Annotations are read with wfdb-python.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

BEATS: Final = frozenset("NLRBAaJSVrFejnE/fQ?")
"""Annotation codes that mark a QRS complex; the others mark rhythm, noise and waves."""
VENTRICULAR: Final = ("V",)
SUPRAVENTRICULAR: Final = ("A", "a", "J", "S")


@dataclass(frozen=True, eq=False)
class MarkedBeats:
    """The beats that people marked.

    Attributes:
        time_s: ``(n,)`` s.
        symbol: ``(n,)`` PhysioNet's code of each.
    """

    time_s: NDArray[np.float64]
    symbol: NDArray[np.str_]


def records(folder: Path) -> list[Path]:
    """The records in a folder that have annotations, by number."""
    return sorted(path.with_suffix("") for path in folder.glob("*.atr"))


def read_beats(record: Path) -> MarkedBeats:
    """The beats that are marked in a record."""
    import wfdb

    marks = wfdb.rdann(str(record), "atr")
    fs = float(marks.fs or 360.0)
    kept = [i for i, symbol in enumerate(marks.symbol) if symbol in BEATS]
    return MarkedBeats(np.asarray(marks.sample)[kept] / fs, np.asarray(marks.symbol)[kept])
