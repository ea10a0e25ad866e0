"""Findings of an ECG: one vocabulary, and how reports, codes and measurements are read in it.

Everything loads on first use; importing this package reads nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from precordia.concepts.consistency import contradictions
    from precordia.concepts.criteria import findings_from_measurements
    from precordia.concepts.crosswalk import findings_from_codes
    from precordia.concepts.labeller import label_report
    from precordia.concepts.statements import canonical_text, statement_of
    from precordia.concepts.stemi import Criterion, stemi_pattern
    from precordia.concepts.terms import Concept, Vocabulary, vocabulary

__all__ = [
    "Concept",
    "Criterion",
    "Vocabulary",
    "canonical_text",
    "contradictions",
    "findings_from_codes",
    "findings_from_measurements",
    "label_report",
    "statement_of",
    "stemi_pattern",
    "vocabulary",
]

_WHERE = {
    "Concept": "terms",
    "Criterion": "stemi",
    "Vocabulary": "terms",
    "canonical_text": "statements",
    "contradictions": "consistency",
    "findings_from_codes": "crosswalk",
    "findings_from_measurements": "criteria",
    "label_report": "labeller",
    "statement_of": "statements",
    "stemi_pattern": "stemi",
    "vocabulary": "terms",
}


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(import_module(f"precordia.concepts.{_WHERE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
