"""Precordia: the memory of an ECG archive.

The public names below are imported when first used, so that ``import precordia`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_WHERE = {
    "Case": "precordia.core.case",
    "Draft": "precordia.core.drafts",
    "Finding": "precordia.core.findings",
    "Hit": "precordia.core.retrieval",
    "KnowledgeBase": "precordia.knowledge_base",
    "Measurements": "precordia.core.findings",
    "PrecordiaError": "precordia.core.errors",
    "Quality": "precordia.core.recording",
    "Query": "precordia.core.retrieval",
    "Recording": "precordia.core.recording",
    "SignalSpec": "precordia.records.standardize",
    "assess": "precordia.records.quality",
    "label_report": "precordia.concepts",
    "load_encoder": "precordia.encoders",
    "measure": "precordia.measurements",
    "read_recording": "precordia.records.read",
    "standardize": "precordia.records.standardize",
}

__all__ = [
    "Case",
    "Draft",
    "Finding",
    "Hit",
    "KnowledgeBase",
    "Measurements",
    "PrecordiaError",
    "Quality",
    "Query",
    "Recording",
    "SignalSpec",
    "assess",
    "label_report",
    "load_encoder",
    "measure",
    "read_recording",
    "standardize",
]

if TYPE_CHECKING:
    from precordia.concepts import label_report as label_report
    from precordia.core.case import Case as Case
    from precordia.core.drafts import Draft as Draft
    from precordia.core.errors import PrecordiaError as PrecordiaError
    from precordia.core.findings import Finding as Finding
    from precordia.core.findings import Measurements as Measurements
    from precordia.core.recording import Quality as Quality
    from precordia.core.recording import Recording as Recording
    from precordia.core.retrieval import Hit as Hit
    from precordia.core.retrieval import Query as Query
    from precordia.encoders import load_encoder as load_encoder
    from precordia.knowledge_base import KnowledgeBase as KnowledgeBase
    from precordia.measurements import measure as measure
    from precordia.records.quality import assess as assess
    from precordia.records.read import read_recording as read_recording
    from precordia.records.standardize import SignalSpec as SignalSpec
    from precordia.records.standardize import standardize as standardize


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'precordia' has no attribute {name!r}")
    value = getattr(importlib.import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
