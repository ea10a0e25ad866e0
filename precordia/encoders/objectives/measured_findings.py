"""Measured findings: what measurements make probable of the report's findings, as targets that a report's words cannot give."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from precordia.core.errors import MissingExtraError
from precordia.encoders.architecture import Architecture
from precordia.encoders.corpus import Corpus
from precordia.encoders.objectives.objective import Objective, Step, frequency_head, nothing
from precordia.encoders.objectives.report_findings import stated_findings
from precordia.encoders.objectives.signal_measurements import measure_corpus

_PARTS: Final = 5
"""Parts of the patients, each told by trees that were grown on the others."""
_TREES: Final = {
    "max_iter": 60,
    "learning_rate": 0.06,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 10,
    "l2_regularization": 1.0,
}


class MeasuredFindings(Objective):
    """Cross-entropy with the probability of each finding of the reports that boosted trees read from the measurements.

    Trees (scikit-learn's histogram kind) are grown on the recordings with a report, part of the patients by part, so that no
    recording is told by trees that know its report: the targets are a function of the signal and cannot be learned by
    heart. Recordings without a report have targets as well, the mean of all trees. In the spirit of generalised
    distillation (Lopez-Paz et al., ICLR 2016): the teacher knows measurements, the student the signal.

    Options: ``min_reports`` (15), ``most`` (20000) recordings that are measured, as :class:`SignalMeasurements` has it.
    """

    targets: Tensor
    known: Tensor

    def __init__(self, architecture: Architecture, corpus: Corpus, options: Mapping[str, float | str]) -> None:
        super().__init__(architecture, corpus, options)
        numbers, measured = measure_corpus(corpus, int(self.option("most", 20_000)))
        stated = stated_findings(corpus, int(self.option("min_reports", 15)))
        self.concepts = stated.concepts
        learned = stated.known & measured & ~corpus.held_out
        targets = _told(numbers, stated.targets > 0.5, learned, _parts(corpus.patients))
        self.register_buffer("targets", torch.from_numpy(targets), persistent=False)
        self.register_buffer("known", torch.from_numpy(measured), persistent=False)
        self.dropout = nn.Dropout(architecture.dropout)
        self.head = frequency_head(architecture.dim, self.targets[torch.from_numpy(learned)])

    def forward(self, step: Step) -> Tensor:
        known = self.known[step.rows]
        if not bool(known.any()) or not self.concepts:
            return nothing(step.views)
        targets = self.targets[step.rows][known]
        losses = []
        for view in step.views:
            logits = self.head(self.dropout(view.outputs.embedding[known])).float()
            losses.append(F.binary_cross_entropy_with_logits(logits, targets, reduction="none"))
        loss: Tensor = torch.stack(losses).mean(dim=(0, 1)).sum() / len(self.concepts) ** 0.5
        return loss


def _parts(patients: tuple[str, ...]) -> NDArray[np.intp]:
    """``(n,)`` the part of each recording, the same for all of a patient."""
    return np.array([int.from_bytes(hashlib.sha256(p.encode()).digest()[:4]) % _PARTS for p in patients], dtype=np.intp)


def _told(
    numbers: NDArray[np.float64], stated: NDArray[np.bool_], learned: NDArray[np.bool_], part: NDArray[np.intp]
) -> NDArray[np.float32]:
    """``(n, n_findings)`` probabilities, each recording of ``learned`` by trees that have not seen its part."""
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "train", "the objective measured_findings") from error

    out = np.zeros((len(numbers), stated.shape[1]), dtype=np.float32)
    for aside in range(_PARTS):
        rows = np.flatnonzero(learned & (part != aside))
        own = np.flatnonzero(learned & (part == aside))
        others = np.flatnonzero(~learned)
        varied = [name for name, values in enumerate(numbers[rows].T) if np.unique(values[~np.isnan(values)]).size > 1]
        asked = numbers[:, varied]
        for column in range(stated.shape[1]):
            truth = stated[rows, column]
            if not varied or truth.all() or not truth.any():
                told = np.full(len(numbers), truth.mean() if len(rows) else 0.0)
            else:
                trees = HistGradientBoostingClassifier(early_stopping=False, random_state=0, **_TREES)
                trees.fit(asked[rows], truth)
                told = np.zeros(len(numbers))
                for wanted in (own, others):
                    if len(wanted):
                        told[wanted] = trees.predict_proba(asked[wanted])[:, 1]
            out[own, column] = told[own]
            out[others, column] += told[others] / _PARTS
    return out
