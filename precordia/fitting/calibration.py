"""Fits what a knowledge base has learned of its own cases: its finding models, thresholds and promise."""

from __future__ import annotations

from pathlib import Path

from precordia.fitting.trained import Trained
from precordia.knowledge_base import KnowledgeBase


def train_calibration(kb: Path | str) -> Trained:
    """Fit the finding models, the thresholds and the promise of a knowledge base anew, as ``precordia build --refit`` does.

    Args:
        kb: The knowledge base's folder.

    Raises:
        KnowledgeBaseNotFoundError: there is none.
        BusyError: another process is writing.
    """
    opened = KnowledgeBase.open(kb)
    opened.refit()
    taught = opened.knowledge().document()
    notes = tuple(f"{name}: {value}" for name, value in taught.items())
    return Trained(
        "calibration", opened.path, {"kb": str(opened.path), "n_cases": len(opened), "taught": taught}, notes
    )
