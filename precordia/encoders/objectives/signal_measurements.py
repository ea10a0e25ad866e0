"""Measurements: the intervals, axes and amplitudes of the whole clean ECG, as targets of every view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from precordia.core.errors import PrecordiaError
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.encoders.architecture import Architecture
from precordia.encoders.corpus import Corpus
from precordia.encoders.objectives.objective import Objective, Step, frequency_head, nothing
from precordia.measurements.feature_vector import AMPLITUDES, MEASURED_FROM, N_MEASURED, numbers_of

_SHARES: Final = (0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95)
"""Where each measurement's range is cut: quantiles of the training part."""
_IN_MV: Final = (*AMPLITUDES, "criteria")
_RARE: Final = 0.005
"""A target that holds for fewer of the training part, or for all but so few, says nothing."""


class SignalMeasurements(Objective):
    """Binary cross-entropy on "is this measurement above that quantile", and on "can it be measured at all".

    The teacher is :func:`precordia.measurements.measure` on the recording as it is, so that no report is needed; a view with
    leads missing must say what the whole ECG measures. Cutting at quantiles, as the stumps of boosted trees do, puts the
    tails (a wide QRS, a low ST) where a linear probe can read them. Amplitudes of recordings that are not in true mV are left
    out. Measuring takes some 20 ms an ECG of one core when training starts.

    Options: ``most`` (20000) recordings that are measured, drawn evenly; the others have no targets, nor have those that cannot
    be measured.
    """

    targets: Tensor
    known: Tensor

    def __init__(self, architecture: Architecture, corpus: Corpus, options: Mapping[str, float | str]) -> None:
        super().__init__(architecture, corpus, options)
        numbers, measured = measure_corpus(corpus, int(self.option("most", 20_000)))
        targets, known = _cut(numbers, measured & ~corpus.held_out)
        self.register_buffer("targets", torch.from_numpy(targets), persistent=False)
        self.register_buffer("known", torch.from_numpy(known & measured[:, None]), persistent=False)
        self.dropout = nn.Dropout(architecture.dropout)
        self.head = frequency_head(architecture.dim, self.targets[torch.from_numpy(measured & ~corpus.held_out)])

    def forward(self, step: Step) -> Tensor:
        known, targets = self.known[step.rows], self.targets[step.rows].float()
        if not bool(known.any()):
            return nothing(step.views)
        losses = []
        for view in step.views:
            logits = self.head(self.dropout(view.outputs.embedding)).float()
            losses.append(F.binary_cross_entropy_with_logits(logits, targets, reduction="none")[known].mean())
        loss: Tensor = N_MEASURED**0.5 * torch.stack(losses).mean()
        return loss


def measure_corpus(corpus: Corpus, most: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """``(n, 84)`` numbers, NaN where not measured, and ``(n,)`` which recordings were measured.

    Args:
        corpus: The recordings.
        most: At most so many are measured, drawn evenly.
    """
    from precordia.measurements import measure

    n = len(corpus)
    numbers, measured = np.full((n, N_MEASURED), np.nan), np.zeros(n, dtype=np.bool_)
    in_mv = np.isin(MEASURED_FROM, _IN_MV)
    for row in np.unique(np.linspace(0, n - 1, min(most, n)).round().astype(np.int64)).tolist():
        block = np.array([row])
        present, samples = corpus.leads[row], np.flatnonzero(corpus.samples[block][0])
        recording = Recording(
            signal=corpus.signal[block][0][present][:, : samples[-1] + 1],
            fs=corpus.fs,
            leads=tuple(lead for lead, there in zip(LEADS, present, strict=True) if there),
            recording_id=corpus.ids[row],
        )
        try:
            numbers[row] = numbers_of(measure(recording))
        except PrecordiaError:
            continue
        if not corpus.calibrated[row]:
            numbers[row, in_mv] = np.nan
        measured[row] = True
    numbers[:, MEASURED_FROM.index("n_beats")] = np.nan  # says how long the recording is
    return numbers, measured


def _cut(numbers: NDArray[np.float64], training: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Targets ``(n, n_targets)`` and which of them are known, by the quantiles of the rows in ``training``."""
    targets, known = [], []
    for name, values in zip(MEASURED_FROM, numbers.T, strict=True):
        there = ~np.isnan(values)
        inside = values[training & there]
        for threshold in np.unique(np.quantile(inside, _SHARES)) if len(inside) else ():
            targets.append(values > threshold)
            known.append(there)
        if name not in _IN_MV:
            targets.append(there)
            known.append(np.ones_like(there))
    stacked, where = np.stack(targets, axis=1), np.stack(known, axis=1)
    counted = np.maximum((where & training[:, None]).sum(0), 1)
    share = (stacked & where & training[:, None]).sum(0) / counted
    told = (share >= _RARE) & (share <= 1 - _RARE)
    return stacked[:, told], where[:, told]
