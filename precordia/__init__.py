"""Precordia: the memory of an ECG archive.

The public names below are imported when first used, so that ``import precordia`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_WHERE = {
    "AccessDeniedError": "precordia.core.errors",
    "BusyError": "precordia.core.errors",
    "Case": "precordia.core.case",
    "CaseStore": "precordia.core.protocols",
    "CheckpointError": "precordia.core.errors",
    "Citation": "precordia.core.drafts",
    "DamageError": "precordia.core.errors",
    "DiskFullError": "precordia.core.errors",
    "Draft": "precordia.core.drafts",
    "Encoder": "precordia.core.protocols",
    "Evidence": "precordia.judgement.evidence",
    "Executor": "precordia.core.protocols",
    "FilterError": "precordia.core.errors",
    "Finding": "precordia.core.findings",
    "Hit": "precordia.core.retrieval",
    "InputError": "precordia.core.errors",
    "Judgement": "precordia.judgement.judge",
    "KnowledgeBase": "precordia.knowledge_base",
    "KnowledgeBaseError": "precordia.core.errors",
    "KnowledgeBaseNotFoundError": "precordia.core.errors",
    "LanguageModel": "precordia.core.protocols",
    "LanguageModelError": "precordia.core.errors",
    "LanguageModelSettings": "precordia.language_models",
    "Measurements": "precordia.core.findings",
    "MedianBeats": "precordia.core.recording",
    "Message": "precordia.core.drafts",
    "MismatchError": "precordia.core.errors",
    "MissingExtraError": "precordia.core.errors",
    "PrecordiaError": "precordia.core.errors",
    "Problem": "precordia.core.recording",
    "Prompt": "precordia.core.drafts",
    "Quality": "precordia.core.recording",
    "Query": "precordia.core.retrieval",
    "ReadOnlyError": "precordia.core.errors",
    "Recording": "precordia.core.recording",
    "Reply": "precordia.core.drafts",
    "SignalSpec": "precordia.records.standardize",
    "Standing": "precordia.judgement.standing",
    "Statement": "precordia.core.drafts",
    "StorageError": "precordia.core.errors",
    "TextEncoder": "precordia.core.protocols",
    "Trained": "precordia.fitting.trained",
    "UnfinishedErasureError": "precordia.core.errors",
    "UnknownFormatError": "precordia.core.errors",
    "UnknownNameError": "precordia.core.errors",
    "UnreadableRecordingError": "precordia.core.errors",
    "UnusableSignalError": "precordia.core.errors",
    "UsageError": "precordia.core.errors",
    "VectorIndex": "precordia.core.protocols",
    "Why": "precordia.core.retrieval",
    "assess": "precordia.records.quality",
    "label_report": "precordia.concepts",
    "load_encoder": "precordia.encoders",
    "load_language_model": "precordia.language_models",
    "measure": "precordia.measurements",
    "read_recording": "precordia.records.read",
    "standardize": "precordia.records.standardize",
    "train": "precordia.fitting",
}
"""Public name to the module that has it."""

__all__ = [
    "AccessDeniedError",
    "BusyError",
    "Case",
    "CaseStore",
    "CheckpointError",
    "Citation",
    "DamageError",
    "DiskFullError",
    "Draft",
    "Encoder",
    "Evidence",
    "Executor",
    "FilterError",
    "Finding",
    "Hit",
    "InputError",
    "Judgement",
    "KnowledgeBase",
    "KnowledgeBaseError",
    "KnowledgeBaseNotFoundError",
    "LanguageModel",
    "LanguageModelError",
    "LanguageModelSettings",
    "Measurements",
    "MedianBeats",
    "Message",
    "MismatchError",
    "MissingExtraError",
    "PrecordiaError",
    "Problem",
    "Prompt",
    "Quality",
    "Query",
    "ReadOnlyError",
    "Recording",
    "Reply",
    "SignalSpec",
    "Standing",
    "Statement",
    "StorageError",
    "TextEncoder",
    "Trained",
    "UnfinishedErasureError",
    "UnknownFormatError",
    "UnknownNameError",
    "UnreadableRecordingError",
    "UnusableSignalError",
    "UsageError",
    "VectorIndex",
    "Why",
    "assess",
    "label_report",
    "load_encoder",
    "load_language_model",
    "measure",
    "read_recording",
    "standardize",
    "train",
]

if TYPE_CHECKING:
    from precordia.concepts import label_report as label_report
    from precordia.core.case import Case as Case
    from precordia.core.drafts import Citation as Citation
    from precordia.core.drafts import Draft as Draft
    from precordia.core.drafts import Message as Message
    from precordia.core.drafts import Prompt as Prompt
    from precordia.core.drafts import Reply as Reply
    from precordia.core.drafts import Statement as Statement
    from precordia.core.errors import AccessDeniedError as AccessDeniedError
    from precordia.core.errors import BusyError as BusyError
    from precordia.core.errors import CheckpointError as CheckpointError
    from precordia.core.errors import DamageError as DamageError
    from precordia.core.errors import DiskFullError as DiskFullError
    from precordia.core.errors import FilterError as FilterError
    from precordia.core.errors import InputError as InputError
    from precordia.core.errors import KnowledgeBaseError as KnowledgeBaseError
    from precordia.core.errors import KnowledgeBaseNotFoundError as KnowledgeBaseNotFoundError
    from precordia.core.errors import LanguageModelError as LanguageModelError
    from precordia.core.errors import MismatchError as MismatchError
    from precordia.core.errors import MissingExtraError as MissingExtraError
    from precordia.core.errors import PrecordiaError as PrecordiaError
    from precordia.core.errors import ReadOnlyError as ReadOnlyError
    from precordia.core.errors import StorageError as StorageError
    from precordia.core.errors import UnfinishedErasureError as UnfinishedErasureError
    from precordia.core.errors import UnknownFormatError as UnknownFormatError
    from precordia.core.errors import UnknownNameError as UnknownNameError
    from precordia.core.errors import UnreadableRecordingError as UnreadableRecordingError
    from precordia.core.errors import UnusableSignalError as UnusableSignalError
    from precordia.core.errors import UsageError as UsageError
    from precordia.core.findings import Finding as Finding
    from precordia.core.findings import Measurements as Measurements
    from precordia.core.protocols import CaseStore as CaseStore
    from precordia.core.protocols import Encoder as Encoder
    from precordia.core.protocols import Executor as Executor
    from precordia.core.protocols import LanguageModel as LanguageModel
    from precordia.core.protocols import TextEncoder as TextEncoder
    from precordia.core.protocols import VectorIndex as VectorIndex
    from precordia.core.recording import MedianBeats as MedianBeats
    from precordia.core.recording import Problem as Problem
    from precordia.core.recording import Quality as Quality
    from precordia.core.recording import Recording as Recording
    from precordia.core.retrieval import Hit as Hit
    from precordia.core.retrieval import Query as Query
    from precordia.core.retrieval import Why as Why
    from precordia.encoders import load_encoder as load_encoder
    from precordia.fitting import train as train
    from precordia.fitting.trained import Trained as Trained
    from precordia.judgement.evidence import Evidence as Evidence
    from precordia.judgement.judge import Judgement as Judgement
    from precordia.judgement.standing import Standing as Standing
    from precordia.knowledge_base import KnowledgeBase as KnowledgeBase
    from precordia.language_models import LanguageModelSettings as LanguageModelSettings
    from precordia.language_models import load_language_model as load_language_model
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
