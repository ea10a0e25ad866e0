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
        a, b = self.project(torch.cat([view.outputs.embedding for view in step.views[:2]])).chunk(2)
        return nt_xent(a, b, self.patient[step.rows], self.option("temperature", 0.1))


def nt_xent(a: Tensor, b: Tensor, patient: Tensor, temperature: float, *, within: bool = True) -> Tensor:
    """Cross-entropy of finding each row's partner by cosine, from both sides; a scalar.

    Args:
        a: ``(n, d)``; row i of ``b`` is the partner of row i.
        b: ``(n, d)``.
        patient: ``(n,)``; other rows of a row's patient are left out.
        temperature: What cosines are divided by.
        within: Whether rows of the same side are negatives too, as in SimCLR.
    """
    z = F.normalize(torch.cat([a, b]).float(), dim=1)
    n = len(patient)
    patient, partner = patient.repeat(2), torch.arange(2 * n, device=z.device).roll(n)
    ignored = patient[:, None] == patient[None, :]
    if not within:
        side = torch.arange(2 * n, device=z.device) < n
        ignored = ignored | (side[:, None] == side[None, :])
    ignored[torch.arange(2 * n, device=z.device), partner] = False
    logits = (z @ z.T / temperature).masked_fill(ignored, -1e4)
    return F.cross_entropy(logits, partner)
