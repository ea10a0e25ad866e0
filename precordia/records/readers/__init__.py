"""One reader a format. A new one is one file here and one line in ``READERS``."""

from __future__ import annotations

from typing import Final

from precordia.core.registry import Registry
from precordia.records.readers.reader import Reader

READERS: Final[Registry[Reader]] = Registry(
    "format",
    {
        "aecg": "precordia.records.readers.aecg:READER",
        "cardiosoft": "precordia.records.readers.cardiosoft:READER",
        "csv": "precordia.records.readers.sample_table:READER",
        "dicom": "precordia.records.readers.dicom:READER",
        "edf": "precordia.records.readers.edf:READER",
        "hdf5": "precordia.records.readers.hdf5:READER",
        "ishne": "precordia.records.readers.ishne:READER",
        "matlab": "precordia.records.readers.matlab:READER",
        "mfer": "precordia.records.readers.mfer:READER",
        "mortara": "precordia.records.readers.mortara:READER",
        "muse": "precordia.records.readers.muse:READER",
        "numpy": "precordia.records.readers.arrays:NUMPY",
        "packed": "precordia.records.packed:READER",
        "philips": "precordia.records.readers.philips:READER",
        "rhythm-text": "precordia.records.readers.rhythm_text:READER",
        "schiller": "precordia.records.readers.schiller:READER",
        "scp": "precordia.records.readers.scp:READER",
        "wfdb": "precordia.records.readers.wfdb:READER",
    },
)
"""Format name to reader."""
