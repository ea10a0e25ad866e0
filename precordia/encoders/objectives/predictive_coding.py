"""Contrastive predictive coding: what was seen so far tells this ECG's next seconds from those of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from precordia.encoders.architecture import Architecture
from precordia.encoders.augment import Augmenter
from precordia.encoders.corpus import Corpus
from precordia.encoders.network import Inputs, Outputs
from precordia.encoders.objectives.contrast import nt_xent
from precordia.encoders.objectives.objective import Objective, Step, patient_numbers

_EARLIEST, _LATEST = 0.3, 0.7
"""Where the present lies, as a share of the window."""


class PredictiveCoding(Objective):
    """InfoNCE between a prediction from the past and the features of the steps that follow (van den Oord et al. 2018).

    Past and future pass through the network apart, as attention and convolutions look both ways. The context is the embedding
    of the past, in the place of a recurrent network's state, so that the embedding itself learns to foretell.

    Options: ``temperature`` (0.1), ``ahead`` (4) steps that are foretold.
    """

    patient: Tensor

    def __init__(self, architecture: Architecture, corpus: Corpus, options: Mapping[str, float | str]) -> None:
        super().__init__(architecture, corpus, options)
        width = architecture.channels[-1]
        self.foretell = nn.ModuleList(nn.Linear(architecture.dim, width) for _ in range(int(self.option("ahead", 4))))
        self.register_buffer("patient", patient_numbers(corpus), persistent=False)
        self._present = 0

    def looks(self, clean: Inputs, augmenter: Augmenter, generator: torch.Generator) -> tuple[Inputs, ...]:
        length, stride = clean.signal.shape[2], self.architecture.stride
        share = _EARLIEST + (_LATEST - _EARLIEST) * torch.rand((), generator=generator).item()
        self._present = int(share * length / stride)
        past = torch.arange(length, device=clean.samples.device) < self._present * stride
        return tuple(replace(clean, signal=clean.signal * part, samples=clean.samples & part) for part in (past, ~past))

    def forward(self, step: Step) -> Tensor:
        past, future = step.looks
        losses = [self._told(head, past, future, step.rows, self._present + k) for k, head in enumerate(self.foretell)]
        return torch.stack(losses).mean()

    def _told(self, head: nn.Module, past: Outputs, future: Outputs, rows: Tensor, at: int) -> Tensor:
        there = future.step_mask[:, at] & past.step_mask.any(1)
        if int(there.sum()) < 2:
            return (past.embedding.sum() + future.steps.sum()) * 0.0
        predicted, target = head(past.embedding[there]), future.steps[there, at]
        return nt_xent(predicted, target, self.patient[rows][there], self.option("temperature", 0.1), within=False)
