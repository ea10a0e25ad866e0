"""One reader a format. A new one is one file here and one line in ``READERS``."""

from __future__ import annotations

from typing import Final

from precordia.core.registry import Registry
from precordia.records.readers.reader import Reader

READERS: Final[Registry[Reader]] = Registry(
    "format",
    {
        "wfdb": "precordia.records.readers.wfdb:READER",
    },
)
"""Format name to reader."""
