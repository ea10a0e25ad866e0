"""Distillation: a view with leads missing and noise added must mean what the whole clean ECG means."""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor

from precordia.encoders.architecture import Architecture
from precordia.encoders.corpus import Corpus
from precordia.encoders.objectives.objective import Objective, Step


class Distillation(Objective):
    """One minus the cosine between each view's embedding and the running mean network's of the clean ECG (TolerantECG).

    Embeddings are compared as they are, without a predictor, so that a lead subset's vector can be searched among vectors
    of whole ECGs. Another objective must keep them from collapsing.
    """

    needs_teacher = True

    def __init__(self, architecture: Architecture, corpus: Corpus, options: Mapping[str, float | str]) -> None:
        super().__init__(architecture, corpus, options)

    def forward(self, step: Step) -> Tensor:
        assert step.teacher is not None
        target = F.normalize(step.teacher.embedding.float(), dim=1)
        losses = [1.0 - (F.normalize(v.outputs.embedding.float(), dim=1) * target).sum(1).mean() for v in step.views]
        return sum(losses[1:], losses[0]) / len(losses)
