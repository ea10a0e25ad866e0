"""Distillation: a view with leads missing and noise added must mean what the whole clean ECG means."""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor

from precordia.encoders.architecture import Architecture
from precordia.encoders.corpus import Corpus
from precordia.encoders.objectives.contrast import nt_xent
from precordia.encoders.objectives.objective import Objective, Step, patient_numbers


class Distillation(Objective):
    """Each view finds its own clean ECG, as the running mean of the network sees it, among the other patients' (the student
    and teacher of TolerantECG, with the negatives of MoCo, He et al. 2020).

    Embeddings are compared as they are, without a predictor, so that a lead subset's vector can be searched among vectors
    of whole ECGs. Attraction alone (one minus the cosine to the teacher) made all embeddings share one direction within the
    first ten steps, which nothing else learned its way out of: the young teacher's embeddings nearly do, as its statistics
    lag behind its weights. Hence two guards: the teacher's embeddings are centred over the batch, and others repel. The
    cross-entropy is multiplied by the temperature, which leaves attraction at the scale of a cosine.

    Options: ``temperature`` (0.1).
    """

    needs_teacher = True

    patient: Tensor

    def __init__(self, architecture: Architecture, corpus: Corpus, options: Mapping[str, float | str]) -> None:
        super().__init__(architecture, corpus, options)
        self.register_buffer("patient", patient_numbers(corpus), persistent=False)

    def forward(self, step: Step) -> Tensor:
        assert step.teacher is not None
        target = F.batch_norm(step.teacher.embedding.float(), None, None, training=True)
        patient, temperature = self.patient[step.rows], self.option("temperature", 0.1)
        losses = [nt_xent(v.outputs.embedding, target, patient, temperature, within=False) for v in step.views]
        return temperature * sum(losses[1:], losses[0]) / len(losses)
