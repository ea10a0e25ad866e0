"""Masked text: tell hidden statements of the report from the ECG and the statements that are left."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from precordia.encoders.architecture import Architecture
from precordia.encoders.corpus import Corpus
from precordia.encoders.network import AttentionLayer
from precordia.encoders.objectives.objective import Objective, Step, View, nothing
from precordia.encoders.objectives.texts import statements

_WORD: Final = re.compile(r"[^\W_]+")
_PAD, _MASK, _RARE, _FIRST = 0, 1, 2, 3
_LENGTH: Final = 64
"""Words of a report that are read, the first ones."""


class MaskedText(Objective):
    """Cross-entropy on the words of hidden statements (masked language modelling over ECG and text; C-MELT, D-BETA).

    Words are those of the canonical statements, so that no decoder and no language is needed. A statement is hidden as a
    whole: inside one, the other words would give a word away without a look at the ECG. The ECG enters as its embedding,
    one token before the words, so that what is learned stands in the vector that is searched with.

    Options: ``share`` (0.5) of the statements hidden; ``min_reports`` (5) that must hold a word; rarer ones are one word
    that is never asked for.
    """

    words: Tensor
    part: Tensor

    def __init__(self, architecture: Architecture, corpus: Corpus, options: Mapping[str, float | str]) -> None:
        super().__init__(architecture, corpus, options)
        split = [_split(text) if text else [] for text in corpus.texts]
        training = (said for said, aside in zip(split, corpus.held_out, strict=True) if not aside)
        counts = Counter(word for said in training for word in {w for statement in said for w in statement})
        self.vocabulary = sorted(w for w, c in counts.items() if c >= self.option("min_reports", 5))
        number = {word: i for i, word in enumerate(self.vocabulary, _FIRST)}
        words = torch.full((len(split), _LENGTH), _PAD)
        part = torch.zeros_like(words)
        for row, said in enumerate(split):
            flat = [(number.get(w, _RARE), i) for i, statement in enumerate(said) for w in statement][:_LENGTH]
            if flat:
                words[row, : len(flat)], part[row, : len(flat)] = torch.tensor(flat).T
        self.register_buffer("words", words, persistent=False)
        self.register_buffer("part", part, persistent=False)
        width = 32 * architecture.heads
        self.of_signal = nn.Linear(architecture.dim, width)
        self.of_word = nn.Embedding(_FIRST + len(self.vocabulary), width)
        self.of_place = nn.Parameter(torch.randn(_LENGTH, width) * 0.1)
        self.layer = AttentionLayer(width, architecture)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, _FIRST + len(self.vocabulary)))

    def forward(self, step: Step) -> Tensor:
        words = self.words[step.rows]
        has = (words != _PAD).any(1)
        chance = torch.rand(len(words), _LENGTH).to(words.device).gather(1, self.part[step.rows])
        hidden = (chance < self.option("share", 0.5)) & (words >= _FIRST)
        if not bool(hidden.any()):
            return nothing(step.views)
        words, hidden = words[has], hidden[has]
        return torch.stack([self._view(view, has, words, hidden) for view in step.views]).mean()

    def _view(self, view: View, has: Tensor, words: Tensor, hidden: Tensor) -> Tensor:
        shown = torch.where(hidden, _MASK, words)
        signal = self.of_signal(view.outputs.embedding[has])[:, None]
        tokens = torch.cat([signal, self.of_word(shown) + self.of_place], dim=1)
        mask = torch.cat([torch.ones_like(hidden[:, :1]), words != _PAD], dim=1)
        logits = self.head(self.layer(tokens, mask)[:, 1:][hidden]).float()
        return F.cross_entropy(logits, words[hidden])


def _split(report: str) -> list[list[str]]:
    """The words of each canonical statement of a report."""
    from precordia.concepts import canonical_text

    return [_WORD.findall(statement.lower()) for statement in statements(canonical_text(report))]
