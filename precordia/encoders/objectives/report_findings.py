"""Report findings: what the labeller of ``precordia.concepts`` reads in the report, as targets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from precordia.encoders.architecture import Architecture
from precordia.encoders.corpus import Corpus
from precordia.encoders.objectives.objective import Objective, Step, frequency_head, nothing

_VALUE = {"present": 1.0, "uncertain": 0.7, "absent": 0.0}
"""Target of a finding's status; "uncertain" findings ("possible infarction") are most often meant."""


class ReportFindings(Objective):
    """Binary cross-entropy on findings read from the report's words, with their ancestors.

    This is supervision by text: the labels come from the report alone, never from the archive's diagnosis codes.

    Options: ``min_reports`` (15), ``smoothing`` (0.02).
    """

    targets: Tensor
    known: Tensor

    def __init__(self, architecture: Architecture, corpus: Corpus, options: Mapping[str, float | str]) -> None:
        super().__init__(architecture, corpus, options)
        stated = stated_findings(corpus, int(self.option("min_reports", 15)))
        self.concepts = stated.concepts
        self.register_buffer("targets", torch.from_numpy(stated.targets), persistent=False)
        self.register_buffer("known", torch.from_numpy(stated.known), persistent=False)
        self.dropout = nn.Dropout(architecture.dropout)
        self.head = frequency_head(architecture.dim, self.targets[torch.from_numpy(~corpus.held_out) & self.known])

    def forward(self, step: Step) -> Tensor:
        known = self.known[step.rows]
        if not bool(known.any()) or not self.concepts:
            return nothing(step.views)
        smoothing = self.option("smoothing", 0.02)
        targets = self.targets[step.rows][known] * (1 - 2 * smoothing) + smoothing
        losses = []
        for view in step.views:
            logits = self.head(self.dropout(view.outputs.embedding[known])).float()
            losses.append(F.binary_cross_entropy_with_logits(logits, targets, reduction="none"))
        loss: Tensor = torch.stack(losses).mean(dim=(0, 1)).sum() / len(self.concepts) ** 0.5
        return loss


@dataclass(frozen=True, eq=False)
class StatedFindings:
    """What the reports of a corpus state.

    Attributes:
        concepts: Findings, sorted.
        targets: ``(n, len(concepts))`` float32, 0 to 1.
        known: ``(n,)`` bool, which recordings have a report that states anything.
    """

    concepts: list[str]
    targets: NDArray[np.float32]
    known: NDArray[np.bool_]


def stated_findings(corpus: Corpus, min_reports: int) -> StatedFindings:
    """The findings that at least ``min_reports`` reports of the training part state."""
    labels = [_labels(text) if text else None for text in corpus.texts]
    training = [found for found, aside in zip(labels, corpus.held_out, strict=True) if found is not None and not aside]
    counts = Counter(concept for found in training for concept, value in found.items() if value > 0.5)
    concepts = sorted(c for c, n in counts.items() if n >= min_reports)
    targets = [[found.get(c, 0.0) if found else 0.0 for c in concepts] for found in labels]
    known = np.array([bool(found) for found in labels], dtype=np.bool_)
    return StatedFindings(concepts, np.array(targets, dtype=np.float32).reshape(len(labels), len(concepts)), known)


def _labels(text: str) -> dict[str, float]:
    """Concept to target; ancestors of a finding that is present or uncertain hold as well."""
    from precordia.concepts import label_report, vocabulary

    known = vocabulary()
    out: dict[str, float] = {}
    for finding in label_report(text):
        value = _VALUE[finding.status]
        out[finding.concept] = max(out.get(finding.concept, 0.0), value)
        if value > 0:
            for ancestor in known.ancestors(finding.concept):
                out[ancestor] = max(out.get(ancestor, 0.0), value)
    return out
