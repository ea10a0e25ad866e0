"""Which precedents a system is shown: an ECG's own, none, random ones, or those of another patient's ECG."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

import numpy as np

from precordia.core.findings import Measurements
from precordia.core.retrieval import Hit
from precordia.datasets.ecgqa.questions import Question
from precordia.fitting.answers.archive import Archive
from precordia.fitting.answers.signals import Signals
from precordia.judgement.knowledge import Knowledge

Context = Literal["nearest", "none", "random", "wrong"]
CONTEXTS: Final[tuple[Context, ...]] = ("nearest", "none", "random", "wrong")
"""Precedents shown: the ECG's own; none; cases drawn at random; the precedents of another patient's ECG."""


class Shown:
    """An archive that gives other precedents than asked for, so that what retrieval gives can be seen."""

    def __init__(self, archive: Archive, context: Context, others: Mapping[int, int], seed: int = 42) -> None:
        """Put ``context`` between ``archive`` and who asks it.

        Args:
            archive: Of precedents.
            context: Which are shown.
            others: ECG to another patient's ECG, for "wrong".
            seed: For "random".
        """
        self._archive = archive
        self._context = context
        self._others = others
        self._seed = seed

    def hits(self, ecg: int) -> list[Hit]:
        """The same by signal alone."""
        return self._shown(ecg, self._archive.hits)

    def precedents(self, ecg: int, measurements: Callable[[int], Measurements]) -> list[Hit]:
        """The precedents that the context shows; where no other patient's ECG is known, "wrong" shows none."""
        return self._shown(ecg, lambda one: self._archive.precedents(one, measurements))

    def _shown(self, ecg: int, nearest: Callable[[int], list[Hit]]) -> list[Hit]:
        if self._context == "none":
            return []
        if self._context == "random":
            return self._archive.random_hits(ecg, self._seed)
        if self._context == "wrong":
            return nearest(self._others[ecg]) if ecg in self._others else []
        return nearest(ecg)

    def random_hits(self, ecg: int, seed: int) -> list[Hit]:
        """Those of the archive."""
        return self._archive.random_hits(ecg, seed)

    def knowledge(self, measurements: Callable[[int], Measurements]) -> Knowledge:
        """That of the archive: what it has taught stays, whichever cases are shown."""
        return self._archive.knowledge(measurements)


def other_patients(asked: Sequence[Question], signals: Signals, seed: int) -> dict[int, int]:
    """For each ECG one of another patient among those asked about; none where there is no other patient."""
    ecgs = sorted({ecg for question in asked for ecg in question.ecgs})
    generator = np.random.default_rng(seed)
    out = {}
    for ecg in ecgs:
        others = [other for other in ecgs if signals.patient(other) != signals.patient(ecg)]
        if others:
            out[ecg] = others[int(generator.integers(len(others)))]
    return out
