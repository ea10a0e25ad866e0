"""What a signal shows, as numbers: beats, intervals, axes, voltages, ST levels and rhythm.

:func:`measure` gives the numbers, :func:`delineate` the times of the waves that they rest on.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from precordia.measurements.delineation import Delineation as Delineation
    from precordia.measurements.delineation import delineate as delineate
    from precordia.measurements.measuring import measure as measure

_WHERE = {
    "Delineation": "precordia.measurements.delineation",
    "delineate": "precordia.measurements.delineation",
    "measure": "precordia.measurements.measuring",
}

__all__ = ["Delineation", "delineate", "measure"]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'precordia.measurements' has no attribute {name!r}")
    value = getattr(importlib.import_module(_WHERE[name]), name)
    globals()[name] = value
    return value
