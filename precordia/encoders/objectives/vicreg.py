"""VICReg: two views agree, no feature dies, no two features say the same; needs no negatives."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from precordia.encoders.architecture import Architecture
from precordia.encoders.corpus import Corpus
from precordia.encoders.objectives.objective import Objective, Step, projector


class Vicreg(Objective):
    """Bardes et al. 2022 with its weights (25, 25, 1), divided by 25, between the first two views."""

    min_views = 2

    def __init__(self, architecture: Architecture, corpus: Corpus, options: Mapping[str, float | str]) -> None:
        super().__init__(architecture, corpus, options)
        self.project = projector(architecture.dim, 512)

    def forward(self, step: Step) -> Tensor:
        a, b = (self.project(view.outputs.embedding).float() for view in step.views[:2])
        return F.mse_loss(a, b) + 0.5 * (_spread(a) + _spread(b)) + 0.04 * (_redundancy(a) + _redundancy(b))


def _spread(z: Tensor) -> Tensor:
    return F.relu(1.0 - (z.var(dim=0) + 1e-4).sqrt()).mean()


def _redundancy(z: Tensor) -> Tensor:
    centred = z - z.mean(dim=0)
    covariance = centred.T @ centred / max(len(z) - 1, 1)
    off_diagonal = covariance - torch.diag(covariance.diagonal())
    return off_diagonal.square().sum() / z.shape[1]
