"""ECG-text matching: is this text true of this ECG, told apart from texts that are nearly right."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from precordia.encoders.architecture import Architecture
from precordia.encoders.corpus import Corpus
from precordia.encoders.objectives.objective import Objective, Step, nothing
from precordia.encoders.objectives.texts import nearest_negatives, report_texts

_WIDTH = 256
_NEAREST = 16
"""Nearest negatives of a text, of which each step draws one."""


class EcgTextMatching(Objective):
    """Binary cross-entropy on pairs of an ECG and a text (the matching task of C-MELT and D-BETA, Pham et al. 2024, 2025).

    Each ECG meets its own text, a hard negative (one of the texts most like its own that are wrong for it: see
    :func:`~precordia.encoders.objectives.texts.nearest_negatives`) and an easy one (another ECG's of the batch, unless its
    cosine to the own text is ``same`` or more). The head reads both vectors and their product.

    Options: ``same`` (0.95), ``text_encoder`` ("default").
    """

    vectors: Tensor
    text_row: Tensor
    nearest: Tensor

    def __init__(self, architecture: Architecture, corpus: Corpus, options: Mapping[str, float | str]) -> None:
        super().__init__(architecture, corpus, options)
        known = report_texts(corpus.texts, str(options.get("text_encoder", "default")))
        nearest = nearest_negatives(known, self.option("same", 0.95), _NEAREST)
        self.register_buffer("vectors", torch.from_numpy(known.vectors), persistent=False)
        self.register_buffer("text_row", torch.from_numpy(known.rows), persistent=False)
        self.register_buffer("nearest", torch.from_numpy(nearest), persistent=False)
        self.of_signal = nn.Linear(architecture.dim, _WIDTH)
        self.of_text = nn.Linear(known.vectors.shape[1], _WIDTH)
        self.head = nn.Sequential(nn.Linear(3 * _WIDTH, _WIDTH), nn.GELU(), nn.Linear(_WIDTH, 1))

    def forward(self, step: Step) -> Tensor:
        own = self.text_row[step.rows]
        has = own >= 0
        if not bool(has.any()):
            return nothing(step.views)
        own = own[has]
        hard, hard_there = self._hard(own)
        easy = own.roll(1)
        easy_there = (self.vectors[own] * self.vectors[easy]).sum(1) < self.option("same", 0.95)
        losses = []
        for view in step.views:
            embedding = view.outputs.embedding[has]
            true = F.softplus(-self.score(embedding, own)).mean()
            pairs = ((hard, hard_there), (easy, easy_there))
            wrong = [F.softplus(self.score(embedding, texts))[there] for texts, there in pairs]
            losses.append(0.5 * true + 0.5 * torch.cat(wrong).sum() / max(int(hard_there.sum() + easy_there.sum()), 1))
        return sum(losses[1:], losses[0]) / len(losses)

    def score(self, embedding: Tensor, texts: Tensor) -> Tensor:
        """``(n,)`` log-odds that each text is true of its ECG.

        Args:
            embedding: ``(n, dim)`` of the ECGs.
            texts: ``(n,)`` int64, rows of the corpus's distinct texts.
        """
        # Unit vectors of 384 numbers are small; this brings them to the embedding's scale.
        signal, text = self.of_signal(embedding), self.of_text(self.vectors[texts] * self.vectors.shape[1] ** 0.5)
        out: Tensor = self.head(torch.cat([signal, text, signal * text], dim=1))[:, 0].float()
        return out

    def _hard(self, own: Tensor) -> tuple[Tensor, Tensor]:
        """A hard negative of each text (itself where there is none), and whether there is one."""
        table = self.nearest[own]
        count = (table >= 0).sum(1)
        drawn = (torch.rand(len(table)).to(count.device) * count).long()
        picked = table.gather(1, drawn[:, None])[:, 0]
        return torch.where(count > 0, picked, own), count > 0
