"""Optimal transport: the ECGs of a batch are carried to its texts at least cost, and each must arrive at its own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from precordia.encoders.architecture import Architecture
from precordia.encoders.corpus import Corpus
from precordia.encoders.objectives.objective import Objective, Step, nothing
from precordia.encoders.objectives.texts import report_texts


class OptimalTransport(Objective):
    """Minus the log of the share of an ECG's mass that the entropic plan (Cuturi 2013) brings to its own text.

    ECG-text alignment by transport follows Qiu et al. 2023; learning the cost from a known plan is inverse optimal transport
    (Shi et al. 2023). The plan is between embeddings and frozen text vectors rather than between time steps and words,
    because embeddings are what is searched with. Against a softmax over the batch it has two merits here: a text that
    several ECGs share takes as much mass as there are of them, so that equal reports are no false negatives, and no text can
    be everyone's nearest. ECGs without a report are mass without a partner: a bin takes as much as there are of them.

    Options: ``entropy`` (0.07, the plan's regularisation in units of cosine), ``rounds`` (20), ``text_encoder`` ("default").
    """

    vectors: Tensor
    text_row: Tensor

    def __init__(self, architecture: Architecture, corpus: Corpus, options: Mapping[str, float | str]) -> None:
        super().__init__(architecture, corpus, options)
        known = report_texts(corpus.texts, str(options.get("text_encoder", "default")))
        self.text_fingerprint = known.fingerprint
        self.register_buffer("vectors", torch.from_numpy(known.vectors), persistent=False)
        self.register_buffer("text_row", torch.from_numpy(known.rows), persistent=False)
        self.project = nn.Linear(architecture.dim, known.vectors.shape[1], bias=False)
        self.bin = nn.Parameter(torch.zeros(()))

    def forward(self, step: Step) -> Tensor:
        own = self.text_row[step.rows]
        has = own >= 0
        texts, column, count = torch.unique(own[has], return_inverse=True, return_counts=True)
        if len(texts) < 2:
            return nothing(step.views)
        without = len(own) - int(has.sum())
        mass = torch.cat([count, count.new_tensor([without] if without else [])]).float()
        losses = []
        for view in step.views:
            signals = F.normalize(self.project(F.normalize(view.outputs.embedding.float(), dim=1)), dim=1)
            similarity = (signals @ self.vectors[texts].T).float()
            if without:
                similarity = torch.cat([similarity, self.bin.expand(len(own), 1)], dim=1)
            plan = sinkhorn(similarity / self.option("entropy", 0.07), mass.log(), int(self.option("rounds", 20)))
            losses.append(-plan[has].gather(1, column[:, None]).mean())
        return sum(losses[1:], losses[0]) / len(losses)

    @property
    def projection(self) -> np.ndarray:
        """``(text_dim, dim)`` float32: from unit embeddings to the text encoder's space."""
        weights: np.ndarray = self.project.weight.detach().cpu().numpy().copy()
        return weights


def sinkhorn(similarity: Tensor, log_mass: Tensor, rounds: int) -> Tensor:
    """Log of the entropic plan ``(n, m)`` that sends one unit from each row; gradients flow through the rounds.

    Args:
        similarity: ``(n, m)`` minus the cost, over the entropy's weight.
        log_mass: ``(m,)`` log of what each column takes; together n.
        rounds: Alternations; the last one is over rows, so that each row's plan sums to one exactly.
    """
    plan = similarity
    for _ in range(rounds):
        plan = plan - torch.logsumexp(plan, dim=0, keepdim=True) + log_mass
        plan = plan - torch.logsumexp(plan, dim=1, keepdim=True)
    return plan
