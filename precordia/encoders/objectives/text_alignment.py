"""Text alignment: an ECG lies near its own report, in the space of a frozen text encoder."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from precordia.encoders.architecture import Architecture
from precordia.encoders.corpus import Corpus
from precordia.encoders.objectives.objective import Objective, Step, nothing
from precordia.encoders.objectives.texts import frequent_statements, nearest_negatives, report_texts

_NEAREST = 8
"""Nearest negatives of a text, of which each step draws one."""


class TextAlignment(Objective):
    """A frozen text encoder's vectors (Li et al. 2023, METS), matched over all pairs of a batch.

    Reports reach the text encoder as canonical English statements, so that German and English reports of one finding are
    one text. Pairs whose texts are as good as equal (cosine above ``same``) are positives.

    Prompts are single statements and reports are not: ``statements`` adds the cross-entropy of every frequent statement, as the
    cosine with its own text says it, over all ECGs with a report. A bias each takes up how frequent it is.

    Options: ``loss`` ("sigmoid": each pair on its own, Zhai et al. 2023, SigLIP; "infonce": each ECG picks its text and
    each text its ECG, as in METS), ``negatives`` ("batch", or "nearest": besides, one text per ECG of those most like its
    own that are wrong for it), ``statements`` (0.0) weight of the statements' loss, ``min_reports`` (12) of a statement in the
    training part, ``same`` (0.95), ``text_encoder`` ("default").
    """

    vectors: Tensor
    text_row: Tensor
    nearest: Tensor
    statements: Tensor
    stated: Tensor

    def __init__(self, architecture: Architecture, corpus: Corpus, options: Mapping[str, float | str]) -> None:
        super().__init__(architecture, corpus, options)
        self.loss = self.choice("loss", ("sigmoid", "infonce"))
        known = report_texts(corpus.texts, str(options.get("text_encoder", "default")))
        self.text_fingerprint = known.fingerprint
        self.register_buffer("vectors", torch.from_numpy(known.vectors), persistent=False)
        self.register_buffer("text_row", torch.from_numpy(known.rows), persistent=False)
        hard = self.choice("negatives", ("batch", "nearest")) == "nearest"
        nearest = nearest_negatives(known, self.option("same", 0.95), _NEAREST if hard else 0)
        self.register_buffer("nearest", torch.from_numpy(nearest), persistent=False)
        self.project = nn.Linear(architecture.dim, known.vectors.shape[1], bias=False)
        self.scale = nn.Parameter(torch.tensor(np.log(10.0), dtype=torch.float32))
        self.bias = nn.Parameter(torch.tensor(-10.0))
        self.weight = self.option("statements", 0.0)
        if self.weight > 0:
            training = known.rows[(known.rows >= 0) & ~corpus.held_out]
            said = frequent_statements(known, training, self.option("min_reports", 12), self.option("same", 0.95))
            self.register_buffer("statements", torch.from_numpy(said.vectors), persistent=False)
            self.register_buffer("stated", torch.from_numpy(said.stated), persistent=False)
            frequency = self.stated[torch.from_numpy(training)].float().mean(0)
            self.frequency = nn.Parameter(torch.logit(frequency.clamp(1e-4, 1 - 1e-4)))
            self.statement_scale = nn.Parameter(torch.tensor(np.log(10.0), dtype=torch.float32))

    def forward(self, step: Step) -> Tensor:
        text_rows = self.text_row[step.rows]
        has = text_rows >= 0
        if int(has.sum()) < 2:
            return nothing(step.views)
        own = self.vectors[text_rows[has]]
        columns = torch.cat([own, self._negatives(text_rows[has])])
        positive = own @ columns.T > self.option("same", 0.95)
        losses = []
        for view in step.views:
            signals = F.normalize(self.project(F.normalize(view.outputs.embedding[has].float(), dim=1)), dim=1)
            similarity = signals @ columns.T * self.scale.exp()
            loss = self._sigmoid(similarity, positive) if self.loss == "sigmoid" else _pick(similarity, positive)
            if self.weight > 0 and len(self.statements):
                loss = loss + self.weight * self._stated(signals, self.stated[text_rows[has]])
            losses.append(loss)
        return sum(losses[1:], losses[0]) / len(losses)

    @property
    def projection(self) -> np.ndarray:
        """``(text_dim, dim)`` float32: from unit embeddings to the text encoder's space."""
        weights: np.ndarray = self.project.weight.detach().cpu().numpy().copy()
        return weights

    def _negatives(self, text_rows: Tensor) -> Tensor:
        """Vectors of one hard negative a text, of those that have any."""
        if not self.nearest.shape[1]:
            return self.vectors[:0]
        table = self.nearest[text_rows]
        count = (table >= 0).sum(1)
        drawn = (torch.rand(len(table)).to(count.device) * count).long()
        return self.vectors[table.gather(1, drawn[:, None])[:, 0][count > 0]]

    def _stated(self, signals: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy of each statement, summed over them and over the square root of their number."""
        logits = signals @ self.statements.T * self.statement_scale.exp() + self.frequency
        each = F.binary_cross_entropy_with_logits(logits, targets.float(), reduction="none")
        loss: Tensor = each.mean(0).sum() / len(self.statements) ** 0.5
        return loss

    def _sigmoid(self, similarity: Tensor, positive: Tensor) -> Tensor:
        sign = positive.float() * 2 - 1
        return -F.logsigmoid(sign * (similarity + self.bias)).sum(1).mean()


def _pick(similarity: Tensor, positive: Tensor) -> Tensor:
    """Cross-entropy both ways; texts as good as equal share the target. Hard negatives stand in no row of the way back."""
    n = len(similarity)

    def one_way(logits: Tensor, target: Tensor) -> Tensor:
        share = target.float() / target.sum(1, keepdim=True)
        return -(logits.log_softmax(1) * share).sum(1).mean()

    return 0.5 * (one_way(similarity, positive) + one_way(similarity[:, :n].T, positive[:, :n].T))
