"""Visits: recordings of one patient are nearer to each other than to any other patient's."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from precordia.encoders.architecture import Architecture
from precordia.encoders.corpus import Corpus
from precordia.encoders.objectives.objective import Objective, Step, nothing, patient_numbers, projector


class Visits(Objective):
    """Contrast with several positives (Khosla et al. 2020): the patient's other recordings (CLOCS, Kiyasseh et al. 2021;
    PCLR, Diamant et al. 2022).

    A patient's illness changes between visits, so that recordings years apart may rightly differ; the objective does not know
    of dates. With ``own_views`` a recording's other views are positives too, which gives patients seen once something to
    learn from; without it they are negatives only, and a batch without two recordings of a patient costs nothing.

    Options: ``temperature`` (0.1), ``own_views`` (0; 1 for yes, needs two views to matter).
    """

    wants_visits = True

    patient: Tensor

    def __init__(self, architecture: Architecture, corpus: Corpus, options: Mapping[str, float | str]) -> None:
        super().__init__(architecture, corpus, options)
        self.project = projector(architecture.dim, 128)
        self.register_buffer("patient", patient_numbers(corpus), persistent=False)

    def forward(self, step: Step) -> Tensor:
        patient, recording = self.patient[step.rows].repeat(len(step.views)), step.rows.repeat(len(step.views))
        alike, same = patient[:, None] == patient[None, :], recording[:, None] == recording[None, :]
        itself = torch.eye(len(recording), dtype=torch.bool, device=same.device)
        positive = alike & ~itself if self.option("own_views", 0) else alike & ~same
        anchors = positive.any(1)
        if not bool(anchors.any()):
            return nothing(step.views)
        z = F.normalize(self.project(torch.cat([view.outputs.embedding for view in step.views])).float(), dim=1)
        # A recording's own views stand on neither side unless they are positives.
        logits = (z @ z.T / self.option("temperature", 0.1)).masked_fill(alike & ~positive, -1e4)
        share = positive[anchors].float() / positive[anchors].sum(1, keepdim=True)
        return -(logits[anchors].log_softmax(1) * share).sum(1).mean()
