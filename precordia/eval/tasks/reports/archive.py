"""Past ECGs as precedents: a knowledge base, asked as users ask it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from tempfile import gettempdir

from precordia.core.case import Case
from precordia.core.errors import InputError
from precordia.core.recording import Recording
from precordia.eval.archive_kb import archive_kb
from precordia.eval.harness.task import Settings
from precordia.judgement.evidence import Evidence
from precordia.knowledge_base import KnowledgeBase


class Archive:
    """A knowledge base's cases, and the evidence that it gathers for any recording.

    Args:
        folder: The knowledge base.
        folds: PTB-XL's folds that it may hold; its other cases are of no concern.

    Raises:
        InputError: it holds recordings of other folds of PTB-XL, whose patients are asked about.
    """

    def __init__(self, folder: Path, folds: Sequence[int] = range(1, 9)) -> None:
        self.kb = KnowledgeBase.open(folder)
        held_back = [c for c in self.cases if c.metadata.get("strat_fold", "1") not in {str(fold) for fold in folds}]
        if held_back:
            raise InputError(
                f"{folder}: holds {len(held_back)} recordings of PTB-XL's folds that are asked about; "
                "build one with --where 'strat_fold <= 8'"
            )
        self.name = f"knowledge base {folder.name}"

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """All there are, by id."""
        return tuple(self.kb.cases(sorted(int(i) for i in self.kb.ids())))

    def evidence(self, recording: Recording) -> Evidence:
        """As :meth:`KnowledgeBase.evidence` gathers it."""
        return self.kb.evidence(recording)


def open_archive(settings: Settings, also: Sequence[Path] = ()) -> Archive:
    """The archive that a task asks: the one given, or PTB-XL's folds 1-8, built once and kept.

    Args:
        settings: Of the task.
        also: Other recordings that it is to hold besides; only where it is built.
    """
    if settings.kb is not None and not also:
        return Archive(settings.kb)
    return Archive(archive_kb(settings, settings.out or Path(gettempdir()) / "precordia-eval", also))
