"""Report words: which words and word pairs its report uses, in whatever language it is written."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from precordia.encoders.architecture import Architecture
from precordia.encoders.corpus import Corpus
from precordia.encoders.objectives.objective import Objective, Step, frequency_head, nothing

_WORD = re.compile(r"[^\W\d_]+(?:\d)?")


class ReportWords(Objective):
    """Binary cross-entropy on the words and word pairs of the report (a bag of words; Joulin et al. 2016).

    The vocabulary comes from the training part: whatever stands in at least ``min_reports`` reports and at most 60% of
    them, the ``size`` most frequent. No labeller and no language is assumed.

    Options: ``size`` (400), ``min_reports`` (12).
    """

    targets: Tensor
    known: Tensor

    def __init__(self, architecture: Architecture, corpus: Corpus, options: Mapping[str, float | str]) -> None:
        super().__init__(architecture, corpus, options)
        bags = [words(text) if text else None for text in corpus.texts]
        training = [bag for bag, aside in zip(bags, corpus.held_out, strict=True) if bag is not None and not aside]
        counts = Counter(term for bag in training for term in bag)
        most, least = 0.6 * len(training), self.option("min_reports", 12)
        usable = sorted((t for t, c in counts.items() if least <= c <= most), key=lambda t: (-counts[t], t))
        self.vocabulary = usable[: int(self.option("size", 400))]
        targets = [[term in bag for term in self.vocabulary] if bag else [False] * len(self.vocabulary) for bag in bags]
        shape = (len(bags), len(self.vocabulary))
        self.register_buffer("targets", torch.tensor(targets, dtype=torch.bool).reshape(shape), persistent=False)
        self.register_buffer("known", torch.tensor([bag is not None for bag in bags]), persistent=False)
        self.dropout = nn.Dropout(architecture.dropout)
        self.head = frequency_head(architecture.dim, self.targets[torch.from_numpy(~corpus.held_out) & self.known])

    def forward(self, step: Step) -> Tensor:
        known = self.known[step.rows]
        if not bool(known.any()) or not self.vocabulary:
            return nothing(step.views)
        targets = self.targets[step.rows][known].float()
        losses = []
        for view in step.views:
            logits = self.head(self.dropout(view.outputs.embedding[known])).float()
            losses.append(F.binary_cross_entropy_with_logits(logits, targets, reduction="none"))
        loss: Tensor = torch.stack(losses).mean(dim=(0, 1)).sum() / len(self.vocabulary) ** 0.5
        return loss


def words(text: str) -> frozenset[str]:
    """Words and neighbouring pairs, lower case, numbers left out.

    >>> sorted(words("Sinus rhythm. V1 normal"))
    ['normal', 'rhythm', 'rhythm v1', 'sinus', 'sinus rhythm', 'v1', 'v1 normal']
    """
    single = _WORD.findall(text.lower())
    return frozenset(single) | {f"{a} {b}" for a, b in itertools.pairwise(single)}
