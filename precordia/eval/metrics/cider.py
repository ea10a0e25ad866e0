"""CIDEr-D of a sentence: likeness of n-grams, each weighed by how rare it is among the references.

Vedantam, Zitnick and Parikh, CVPR 2015, with the constants of the COCO scorer: clipped counts, a Gaussian penalty on the
difference of lengths, ten times the mean over n. N-grams that a reference is too short to hold count as zero, so that an
exact copy of a reference of two words reaches 5 of 10; so does the COCO scorer.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

from precordia.eval.metrics.words import TOKENISER

ORDER: Final = 4
SIGMA: Final = 6.0
SETTINGS: Final = (
    "CIDEr-D, n up to 4, sigma 6 words, inverse document frequencies from the references of the samples asked, mean over "
    f"samples, 0 to 10, no stemming; {TOKENISER}"
)

Ngram = tuple[str, ...]


class CiderD:
    """CIDEr-D against one reference a sample.

    Args:
        references: ``(n,)`` words of every reference; how many of them hold an n-gram is its document frequency.
    """

    def __init__(self, references: Sequence[Sequence[str]]) -> None:
        self._frequency = Counter(ngram for words in references for ngram in _ngrams(words))
        self._log_n = math.log(max(len(references), 1))

    def score(self, candidate: Sequence[str], reference: Sequence[str]) -> float:
        """CIDEr-D, 0 to 10.

        Args:
            candidate: Words of the text to be judged.
            reference: Words of the text it is held against.
        """
        said, wanted = self._weigh(candidate), self._weigh(reference)
        likeness = 0.0
        for order in range(ORDER):
            norms = _norm(said[order]) * _norm(wanted[order])
            if norms:
                shared = (min(weight, wanted[order].get(ngram, 0.0)) * wanted[order].get(ngram, 0.0)
                          for ngram, weight in said[order].items())  # fmt: skip
                likeness += math.fsum(shared) / norms
        gap = len(candidate) - len(reference)
        return 10.0 * math.exp(-(gap**2) / (2 * SIGMA**2)) * likeness / ORDER

    def _weigh(self, words: Sequence[str]) -> list[dict[Ngram, float]]:
        weights: list[dict[Ngram, float]] = [{} for _ in range(ORDER)]
        for ngram, count in _ngrams(words).items():
            rarity = self._log_n - math.log(max(1, self._frequency[ngram]))
            weights[len(ngram) - 1][ngram] = count * rarity
        return weights


def _ngrams(words: Sequence[str]) -> Counter[Ngram]:
    return Counter(tuple(words[i : i + n]) for n in range(1, ORDER + 1) for i in range(len(words) - n + 1))


def _norm(weights: dict[Ngram, float]) -> float:
    return math.sqrt(math.fsum(weight**2 for weight in weights.values()))
