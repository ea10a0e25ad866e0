"""Learned views: contrast with augmentations whose strengths are learned by looking one step ahead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn

from precordia.encoders.architecture import Architecture
from precordia.encoders.augment import Augmenter
from precordia.encoders.corpus import Corpus
from precordia.encoders.network import Inputs
from precordia.encoders.objectives.contrast import nt_xent
from precordia.encoders.objectives.objective import Objective, Step, patient_numbers

LARGEST: Final = {"noise": 1.0, "gain": 0.6, "lead_gain": 0.4, "stretch": 0.2}
"""Largest strengths, as :meth:`Augmenter.vary` takes them; learning starts at half of each."""


class LearnedViews(Objective):
    """NT-Xent between the first view and a view of learned strengths; the strengths are meta-learned (Raghu et al. 2021,
    "Meta-learning to improve pre-training", there too with ECG augmentations).

    Looking ahead: one gradient step of the last layer on the learned views of half of the batch, then the contrast between
    the recipe's first two views for the other half. The strengths descend that contrast; the network and the projector
    descend the contrast on the learned views, whose gradient never reaches the strengths (they would only shrink). So the
    recipe's views say what the encoder must withstand, and the strengths are those that prepare for it best.

    Limits: one step ahead is short-sighted and leans to small strengths (Wu et al. 2018); the step is of the last layer alone
    (as in ANIL, Raghu et al. 2020), which makes it cost one more backward pass; dropping leads has no strength to learn.

    Options: ``temperature`` (0.1), ``ahead`` (1.0: rate of the step ahead), ``speed`` (20: of learning strengths, relative to
    the recipe's rate), ``every`` (4: steps between looks ahead).
    """

    min_views = 2

    patient: Tensor
    steps: Tensor

    def __init__(self, architecture: Architecture, corpus: Corpus, options: Mapping[str, float | str]) -> None:
        super().__init__(architecture, corpus, options)
        self.hidden = nn.Sequential(nn.Linear(architecture.dim, 512), nn.BatchNorm1d(512), nn.ReLU())
        self.last = nn.Linear(512, 128, bias=False)
        self.strength = nn.Parameter(torch.zeros(len(LARGEST)))
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.register_buffer("patient", patient_numbers(corpus), persistent=False)
        self._used: Tensor | None = None

    @property
    def strengths(self) -> dict[str, float]:
        """What has been learned, in the units of :meth:`Augmenter.vary`."""
        return dict(zip(LARGEST, self._strengths().tolist(), strict=True))

    def looks(self, clean: Inputs, augmenter: Augmenter, generator: torch.Generator) -> tuple[Inputs, ...]:
        self._used = self._strengths().detach().requires_grad_(self.training)
        noise, gain, lead_gain, stretch = self._used
        return (augmenter.vary(clean, noise, gain, lead_gain, stretch, generator),)

    def forward(self, step: Step) -> Tensor:
        (look,) = step.looks
        first, second = (view.outputs.embedding for view in step.views[:2])
        n, patient = len(first), self.patient[step.rows]
        first, second, varied = self.hidden(torch.cat([first, second, look.embedding])).split(n)
        loss = self._contrast(self.last.weight, varied, first, patient)
        ahead = self.training and int(self.steps) % int(self.option("every", 4)) == 0 and n >= 4
        self.steps += int(self.training)
        if not ahead:
            return loss + self.strength.sum() * 0.0
        half = n // 2
        now = self._contrast(self.last.weight, varied[:half], first[:half], patient[:half])
        (slope,) = torch.autograd.grad(now, self.last.weight, create_graph=True)
        then = self.last.weight - self.option("ahead", 1.0) * slope
        later = self._contrast(then, second[half:], first[half:], patient[half:])
        assert self._used is not None
        (direction,) = torch.autograd.grad(later, self._used, retain_graph=True)
        carried = (self._strengths() * direction.detach()).sum()
        return loss + carried - carried.detach()

    def _contrast(self, last: Tensor, a: Tensor, b: Tensor, patient: Tensor) -> Tensor:
        return nt_xent(a @ last.to(a.dtype).T, b @ last.to(b.dtype).T, patient, self.option("temperature", 0.1))

    def _strengths(self) -> Tensor:
        largest = torch.tensor(list(LARGEST.values()), device=self.strength.device)
        return torch.sigmoid(self.option("speed", 20.0) * self.strength) * largest
