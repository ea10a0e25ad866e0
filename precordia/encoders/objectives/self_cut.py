"""Self-cut: a stretch of one lead means what all leads of the same ECG mean."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from precordia.encoders.architecture import Architecture
from precordia.encoders.augment import Augmenter
from precordia.encoders.corpus import Corpus
from precordia.encoders.network import Inputs
from precordia.encoders.objectives.contrast import nt_xent
from precordia.encoders.objectives.objective import Objective, Step, patient_numbers


class SelfCut(Objective):
    """NT-Xent between the embedding of a lead cut out of the ECG and the first view's; other patients are the negatives.

    After SelfMIS (aligning a single lead with all leads by cutting it from the same recording). Embeddings are compared as
    they are, without a projector, so that a single lead's vector can be searched among vectors of whole ECGs. The first view
    of the recipe should keep all leads (``subset`` 0).

    Options: ``lead_one`` (0.4) share of cuts that are lead I, the lead of watches, where it is there; the others are any lead;
    ``cut`` (0.5) share of cuts in time as well; ``shortest_s`` (2.5); ``temperature`` (0.1).
    """

    patient: Tensor

    def __init__(self, architecture: Architecture, corpus: Corpus, options: Mapping[str, float | str]) -> None:
        super().__init__(architecture, corpus, options)
        self.register_buffer("patient", patient_numbers(corpus), persistent=False)

    def looks(self, clean: Inputs, augmenter: Augmenter, generator: torch.Generator) -> tuple[Inputs, ...]:
        n = len(clean)
        weight = clean.leads.float()
        first = (torch.rand(n, generator=generator) < self.option("lead_one", 0.4)) & clean.leads[:, 0]
        weight = torch.where(first[:, None], torch.eye(weight.shape[1])[0], weight)
        lead = torch.multinomial(weight, 1, generator=generator)
        leads = torch.zeros_like(clean.leads).scatter_(1, lead, True)
        cut = torch.rand(n, generator=generator) < self.option("cut", 0.5)
        signal, samples = augmenter.cut(clean, cut, self.option("shortest_s", 2.5), generator)
        return (Inputs(signal * leads[:, :, None], leads, samples, clean.calibrated),)

    def forward(self, step: Step) -> Tensor:
        (single,) = step.looks
        patient, temperature = self.patient[step.rows], self.option("temperature", 0.1)
        return nt_xent(single.embedding, step.views[0].outputs.embedding, patient, temperature, within=False)
