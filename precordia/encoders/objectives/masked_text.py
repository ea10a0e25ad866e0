"""Masked text: tell hidden statements of the report from the ECG and the statements that are left."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn

from precordia.encoders.architecture import Architecture
from precordia.encoders.corpus import Corpus
from precordia.encoders.network import AttentionLayer
from precordia.encoders.objectives.objective import Objective, Step, View, nothing
from precordia.encoders.objectives.texts import statements

_WORD: Final = re.compile(r"[^\W_]+")
_MOST: Final = 24
"""Statements of a report that are read, the first ones."""


class MaskedText(Objective):
    """Cross-entropy on the words of hidden statements (masked language modelling over ECG and text; C-MELT, D-BETA).

    Words are those of the canonical statements, so that no decoder and no language is needed. A statement is one token, the
    mean of its words, and is hidden as a whole: beside the rest of its words, or places for them, a word would be told
    without a look at the ECG. Hidden statements of one report are told together, as their order says nothing. The ECG enters
    as its embedding, one token before the statements, so that what is learned stands in the vector that is searched with.

    Options: ``share`` (0.5) of the statements hidden; ``min_reports`` (5) that must hold a word, else it is left out.
    """

    said: Tensor
    spelled: Tensor

    def __init__(self, architecture: Architecture, corpus: Corpus, options: Mapping[str, float | str]) -> None:
        super().__init__(architecture, corpus, options)
        reports = [_statements(text) if text else () for text in corpus.texts]
        training = (said for said, aside in zip(reports, corpus.held_out, strict=True) if not aside)
        counts = Counter(word for said in training for word in {w for statement in said for w in _words(statement)})
        self.vocabulary = sorted(w for w, c in counts.items() if c >= self.option("min_reports", 5)) or [""]
        number = {word: i for i, word in enumerate(self.vocabulary)}
        distinct = sorted({s for said in reports for s in said if any(w in number for w in _words(s))})
        place = {statement: i for i, statement in enumerate(distinct)}
        self.register_buffer("said", torch.full((len(reports), _MOST), -1), persistent=False)
        for row, report in enumerate(reports):
            known = [place[s] for s in report if s in place][:_MOST]
            self.said[row, : len(known)] = torch.tensor(known, dtype=torch.long)
        self.register_buffer("spelled", torch.zeros(max(len(distinct), 1), len(number)), persistent=False)
        for statement, row in place.items():
            words = [number[w] for w in _words(statement) if w in number]
            self.spelled[row, words] = 1.0 / len(set(words))
        width = 32 * architecture.heads
        self.of_signal = nn.Linear(architecture.dim, width)
        self.of_words = nn.Linear(len(number), width)
        self.hidden = nn.Parameter(torch.randn(width))
        self.layer = AttentionLayer(width, architecture)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, len(number)))

    def forward(self, step: Step) -> Tensor:
        said = self.said[step.rows]
        hidden = (torch.rand(said.shape) < self.option("share", 0.5)) & (said >= 0)
        if not bool(hidden.any()):
            return nothing(step.views)
        return torch.stack([self._view(view, said, hidden) for view in step.views]).mean()

    def _view(self, view: View, said: Tensor, hidden: Tensor) -> Tensor:
        spelled = self.spelled[said.clamp(min=0)]
        shown = torch.where(hidden[:, :, None], self.hidden, self.of_words(spelled).float())
        signal = self.of_signal(view.outputs.embedding).float()[:, None]
        mask = torch.cat([torch.ones_like(hidden[:, :1]), said >= 0], dim=1)
        logits = self.head(self.layer(torch.cat([signal, shown], dim=1), mask)[:, 1:][hidden]).float()
        loss: Tensor = -(logits.log_softmax(1) * spelled[hidden]).sum(1).mean()
        return loss


def _statements(report: str) -> tuple[str, ...]:
    from precordia.concepts import canonical_text

    return statements(canonical_text(report))


def _words(statement: str) -> list[str]:
    return _WORD.findall(statement.lower())
