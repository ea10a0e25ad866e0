"""Masked signal modelling: tell hidden stretches and absent leads from what is there."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from precordia.encoders.architecture import Architecture
from precordia.encoders.corpus import Corpus
from precordia.encoders.objectives.objective import Objective, Step, View


class MaskedSignal(Objective):
    """Mean squared error, in the network's compressed amplitude, where a view hid time or leads (He et al. 2022, MAE)."""

    def __init__(self, architecture: Architecture, corpus: Corpus, options: Mapping[str, float | str]) -> None:
        super().__init__(architecture, corpus, options)
        self.decoder = nn.Sequential(
            nn.Linear(architecture.channels[-1], 256), nn.GELU(),
            nn.Linear(256, corpus.signal.shape[1] * architecture.stride),
        )  # fmt: skip

    def forward(self, step: Step) -> Tensor:
        losses = [self._view(view) for view in step.views]
        return torch.stack(losses).mean()

    def _view(self, view: View) -> Tensor:
        steps = self.decoder(view.outputs.steps)
        n, count, _ = steps.shape
        whole, stride = view.glimpse.whole, self.architecture.stride
        predicted = steps.reshape(n, count, -1, stride).permute(0, 2, 1, 3).flatten(2)[:, :, : whole.signal.shape[2]]
        target = torch.asinh(whole.signal * self.architecture.gain)
        unseen = view.glimpse.hidden[:, None, :] | ~view.glimpse.inputs.leads[:, :, None]
        weight = (unseen & whole.leads[:, :, None] & whole.samples[:, None, :]).float()
        error = (predicted.float() - target).square().clamp(max=25.0) * weight
        loss: Tensor = error.sum() / weight.sum().clamp(min=1.0)
        return loss
