"""Masked signal modelling: tell hidden stretches and absent leads from what is there."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from precordia.encoders.architecture import Architecture
from precordia.encoders.corpus import Corpus
from precordia.encoders.objectives.objective import Objective, Step


class MaskedSignal(Objective):
    """Mean squared error, in the network's compressed amplitude, where the view hid time or leads (He et al. 2022, MAE).

    Only views whose time axis is the recording's own may be compared with it: set ``stretch`` and ``crop`` of the views
    to 0, or name the view to use with the option ``view`` (default: the last).

    Options: ``view``.
    """

    def __init__(self, architecture: Architecture, corpus: Corpus, options: Mapping[str, float | str]) -> None:
        super().__init__(architecture, corpus, options)
        self.decoder = nn.Sequential(
            nn.Linear(architecture.channels[-1], 256), nn.GELU(),
            nn.Linear(256, corpus.signal.shape[1] * architecture.stride),
        )  # fmt: skip

    def forward(self, step: Step) -> Tensor:
        view = step.views[int(self.option("view", -1))]
        steps = self.decoder(view.outputs.steps)
        n, count, _ = steps.shape
        stride = self.architecture.stride
        predicted = steps.reshape(n, count, -1, stride).permute(0, 2, 1, 3).flatten(2)[:, :, : step.clean.signal.shape[2]]
        target = torch.asinh(step.clean.signal * self.architecture.gain)
        unseen = view.hidden[:, None, :] | ~view.inputs.leads[:, :, None]
        known = step.clean.leads[:, :, None] & step.clean.samples[:, None, :]
        weight = (unseen & known).float() * (view.inputs.calibrated == step.clean.calibrated)[:, None, None]
        error = (predicted.float() - target).square().clamp(max=25.0) * weight
        return error.sum() / weight.sum().clamp(min=1.0)
