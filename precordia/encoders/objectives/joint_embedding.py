"""Joint-embedding prediction: what is hidden is told in features of the running mean, not in millivolts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from precordia.encoders.architecture import Architecture
from precordia.encoders.augment import Augmenter, lead_subsets
from precordia.encoders.corpus import Corpus
from precordia.encoders.network import AttentionLayer, Inputs
from precordia.encoders.objectives.objective import Objective, Step, projector


class JointEmbedding(Objective):
    """Smooth distance to the teacher's features of hidden steps, and to its embedding of the whole (Assran et al. 2023, I-JEPA;
    Grill et al. 2020, BYOL).

    The look shares its time axis with the clean ECG that the teacher sees; half of the looks lack leads as well. Targets are
    normalised over the batch, so that features that are all alike tell nothing. A predictor stands between.

    Options: ``hide`` (0.5) share of the steps hidden, ``whole`` (1.0) weight of the embedding.
    """

    needs_teacher = True

    def __init__(self, architecture: Architecture, corpus: Corpus, options: Mapping[str, float | str]) -> None:
        super().__init__(architecture, corpus, options)
        width = architecture.channels[-1]
        self.mix, self.out = AttentionLayer(width, architecture), nn.Linear(width, width)
        self.whole = projector(architecture.dim, architecture.dim)
        self._hidden = torch.zeros(0, 0, dtype=torch.bool)

    def looks(self, clean: Inputs, augmenter: Augmenter, generator: torch.Generator) -> tuple[Inputs, ...]:
        n, _, length = clean.signal.shape
        stride = self.architecture.stride
        self._hidden = torch.rand(n, -(-length // stride), generator=generator) < self.option("hide", 0.5)
        shown = ~self._hidden.repeat_interleave(stride, dim=1)[:, :length]
        fewer = clean.leads & (lead_subsets(n, generator) | (torch.rand(n, 1, generator=generator) < 0.5))
        leads = torch.where(fewer.any(1, keepdim=True), fewer, clean.leads)
        return (replace(clean, signal=clean.signal * leads[:, :, None] * shown[:, None, :], leads=leads),)

    def forward(self, step: Step) -> Tensor:
        assert step.teacher is not None
        (look,) = step.looks
        asked = self._hidden & step.teacher.step_mask
        whole = F.batch_norm(step.teacher.embedding.float(), None, None, training=True)
        loss: Tensor = self.option("whole", 1.0) * F.smooth_l1_loss(self.whole(look.embedding).float(), whole)
        if int(asked.sum()) < 2:
            return loss
        target = F.batch_norm(step.teacher.steps[asked].float(), None, None, training=True)
        predicted = self.out(self.mix(look.steps, look.step_mask))[asked].float()
        return loss + F.smooth_l1_loss(predicted, target)
