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


class TextAlignment(Objective):
    """Sigmoid loss over all pairs of a batch (Zhai et al. 2023, SigLIP) with a frozen text encoder (Li et al. 2023, METS).

    Reports reach the text encoder as canonical English statements, so that German and English reports of one finding are
    one text. Pairs whose texts are as good as equal (cosine above ``same``) are positives.

    Options: ``same`` (0.95), ``text_encoder`` ("default").
    """

    vectors: Tensor
    text_row: Tensor

    def __init__(self, architecture: Architecture, corpus: Corpus, options: Mapping[str, float | str]) -> None:
        super().__init__(architecture, corpus, options)
        vectors, rows, self.text_fingerprint = _text_vectors(corpus, str(options.get("text_encoder", "default")))
        self.register_buffer("vectors", torch.from_numpy(vectors), persistent=False)
        self.register_buffer("text_row", torch.from_numpy(rows), persistent=False)
        self.project = nn.Linear(architecture.dim, vectors.shape[1], bias=False)
        self.scale = nn.Parameter(torch.tensor(np.log(10.0), dtype=torch.float32))
        self.bias = nn.Parameter(torch.tensor(-10.0))

    def forward(self, step: Step) -> Tensor:
        text_rows = self.text_row[step.rows]
        has = text_rows >= 0
        if int(has.sum()) < 2:
            return nothing(step.views)
        texts = self.vectors[text_rows[has]]
        positive = (texts @ texts.T > self.option("same", 0.95)).float() * 2 - 1
        losses = []
        for view in step.views:
            signals = F.normalize(self.project(F.normalize(view.outputs.embedding[has].float(), dim=1)), dim=1)
            logits = signals @ texts.T * self.scale.exp() + self.bias
            losses.append(-F.logsigmoid(positive * logits).sum(1).mean())
        return sum(losses[1:], losses[0]) / len(losses)

    @property
    def projection(self) -> np.ndarray:
        """``(text_dim, dim)`` float32: from unit embeddings to the text encoder's space."""
        weights: np.ndarray = self.project.weight.detach().numpy().copy()
        return weights


def _text_vectors(corpus: Corpus, name: str) -> tuple[np.ndarray, np.ndarray, str]:
    """Unit vectors of the distinct texts, each recording's row in them (-1 without text), and the encoder's fingerprint."""
    from precordia.concepts import canonical_text
    from precordia.encoders.text import load_text_encoder

    encoder = load_text_encoder(name)
    canonical: dict[str, str] = {text: canonical_text(text) for text in sorted({t for t in corpus.texts if t})}
    distinct = sorted({c for c in canonical.values() if c})
    row_of = {text: i for i, text in enumerate(distinct)}
    rows = np.array([row_of.get(canonical[t], -1) if t else -1 for t in corpus.texts], dtype=np.int64)
    vectors = encoder.embed(distinct) if distinct else np.zeros((1, encoder.dim), dtype=np.float32)
    return np.asarray(vectors, dtype=np.float32), rows, encoder.fingerprint
