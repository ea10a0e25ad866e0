"""Contrast: two views of an ECG are nearer to each other than to any other ECG of the batch."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from precordia.encoders.architecture import Architecture
from precordia.encoders.corpus import Corpus
from precordia.encoders.objectives.objective import Objective, Step, patient_numbers, projector


class Contrast(Objective):
    """NT-Xent between the first two views (Chen et al. 2020, SimCLR); a patient's other ECGs are no negatives.

    Options: ``temperature`` (0.1).
    """

    min_views = 2

    patient: Tensor

    def __init__(self, architecture: Architecture, corpus: Corpus, options: Mapping[str, float | str]) -> None:
        super().__init__(architecture, corpus, options)
        self.project = projector(architecture.dim, 128)
        self.register_buffer("patient", patient_numbers(corpus), persistent=False)

    def forward(self, step: Step) -> Tensor:
        z = F.normalize(self.project(torch.cat([view.outputs.embedding for view in step.views[:2]])).float(), dim=1)
        n = len(step.rows)
        patient = self.patient[step.rows].repeat(2)
        partner = torch.arange(2 * n).roll(n)
        ignored = patient[:, None] == patient[None, :]
        ignored[torch.arange(2 * n), partner] = False
        logits = (z @ z.T / self.option("temperature", 0.1)).masked_fill(ignored, -1e4)
        return F.cross_entropy(logits, partner)
