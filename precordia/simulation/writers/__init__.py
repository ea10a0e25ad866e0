"""Writers of the formats that hospitals hold, one a file: ``write(stem, recording) -> Path``. For simulated ECGs only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from precordia.core.recording import Recording
from precordia.core.registry import Registry

Writer = Callable[[Path, Recording], Path]

WRITERS: Final[Registry[Writer]] = Registry(
    "format",
    {
        "aecg": "precordia.simulation.writers.aecg:write",
        "dicom": "precordia.simulation.writers.dicom:write",
        "edf": "precordia.simulation.writers.edf:write",
        "muse": "precordia.simulation.writers.muse:write",
        "wfdb": "precordia.simulation.writers.wfdb:write",
    },
)
"""Format name (as its reader calls it) to writer: ``stem`` is the path without extension."""
