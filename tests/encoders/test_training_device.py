"""What is relied on: a step's views and objectives are computed where the batch is.

torch's device "meta" stands in for a GPU: like one, it refuses to meet tensors of the CPU; it computes no numbers.
"""

from __future__ import annotations

import numpy as np
import torch

from precordia.encoders.augment import Augmenter
from precordia.encoders.corpus import Corpus
from precordia.encoders.network import Inputs, SignalNetwork
from precordia.encoders.objectives import OBJECTIVES
from precordia.encoders.objectives.objective import Step, View
from precordia.encoders.recipe import load_recipe
from precordia.records.standardize import SignalSpec


def test_nothing_of_a_step_is_left_on_the_cpu(corpus: Corpus) -> None:
    elsewhere, rows = torch.device("meta"), np.arange(8)
    augmenter = Augmenter(SignalSpec(), torch.from_numpy(corpus.typical_mv).to(elsewhere), 0)
    parts = (corpus.signal, corpus.leads, corpus.samples, corpus.calibrated)
    clean = Inputs(*(torch.from_numpy(part[rows]).to(elsewhere) for part in parts))
    architecture, generator = load_recipe("tiny").architecture, torch.Generator().manual_seed(0)
    network = SignalNetwork(architecture).to(elsewhere)
    names = ("masked_signal", "vicreg", "contrast", "distillation")
    objectives = [OBJECTIVES.get(name)(architecture, corpus, {}).to(elsewhere) for name in names]
    with elsewhere:  # as in Run
        glimpses = [augmenter.view(clean, settings, generator) for settings in load_recipe("base").views]
        views = tuple(View(glimpse, network(glimpse.inputs)) for glimpse in glimpses)
        step = Step(torch.arange(8), clean, views, network(clean))
        losses = [objective(step) for objective in objectives]
    for glimpse in glimpses:
        for seen in (glimpse.inputs, glimpse.whole):
            assert {x.device.type for x in (seen.signal, seen.leads, seen.samples, seen.calibrated)} == {"meta"}
    assert {loss.device.type for loss in losses} == {"meta"}
