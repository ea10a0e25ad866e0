"""How far the words of two texts overlap: BLEU, METEOR, ROUGE-L and CIDEr-D, and the words that all of them see.

BLEU is of a corpus, from counts a sample, by sacrebleu (Papineni et al., ACL 2002; Post, WMT 2018). METEOR is of a sentence, by
NLTK (Lavie and Agarwal, WMT 2007): its alignment takes, from the end, the last free occurrence of a word rather than the one with
the fewest chunks, and the published Java program finds somewhat higher figures; synonyms need WordNet, a download, and are not
used. ROUGE-L is the longest common subsequence of words (Lin, ACL workshop 2004).

CIDEr-D is likeness of n-grams, each weighed by how rare it is among the references (Vedantam, Zitnick and Parikh, CVPR 2015), with
the constants of the COCO scorer: clipped counts, a Gaussian penalty on the difference of lengths, ten times the mean over n.
N-grams that a reference is too short to hold count as zero, so that an exact copy of a reference of two words reaches 5 of 10; so
does the COCO scorer.
"""

from __future__ import annotations

import importlib
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import MissingExtraError

TOKENISER: Final = "lower case, NFC, runs of letters and digits; punctuation dropped"
"""As it is named beside a figure. COCO's scorers drop punctuation too (by Stanford's tokeniser, which needs Java)."""

_WORD: Final = re.compile(r"[^\W_]+")
ORDER: Final = 4
"""Longest n-gram of BLEU and CIDEr-D."""
BLEU: Final = f"corpus BLEU, n up to 4 with equal weights, brevity penalty, no smoothing, 0 to 1; {TOKENISER}"
METEOR: Final = (
    "METEOR of NLTK, mean over samples, exact and stem matches (Porter, English), no WordNet synonyms, alpha 0.9, beta 3, "
    f"gamma 0.5; {TOKENISER}"
)
ROUGE_L: Final = (
    "ROUGE-L, F1 (beta 1, as rouge-score has it; COCO takes beta 1.2), mean over samples, one sentence a text, no stemming; "
    f"{TOKENISER}"
)
SIGMA: Final = 6.0
CIDER_D: Final = (
    "CIDEr-D, n up to 4, sigma 6 words, inverse document frequencies from the references of the samples asked, mean over "
    f"samples, 0 to 10, no stemming; {TOKENISER}"
)

Ngram = tuple[str, ...]


def words(text: str) -> tuple[str, ...]:
    """The words of a text, of any language that puts spaces between them.

    >>> words("Sinusrhythmus. QRS(T) abnormal, ST-Senkung in V4-6; fÖrmaksflimmer")
    ('sinusrhythmus', 'qrs', 't', 'abnormal', 'st', 'senkung', 'in', 'v4', '6', 'förmaksflimmer')
    """
    return tuple(_WORD.findall(unicodedata.normalize("NFC", text).lower()))


def load_library(module: str, purpose: str) -> Any:
    """A module of the extra ``eval``.

    Args:
        module: Its full name.
        purpose: What it is needed for, as the message says it.

    Raises:
        MissingExtraError: its package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(module.partition(".")[0], "eval", purpose) from error


def bleu_counts(candidate: Sequence[str], reference: Sequence[str]) -> NDArray[np.int64]:
    """``(10,)`` what a sample adds to a corpus: n-grams matched for n = 1 to 4, n-grams there are, both lengths.

    Args:
        candidate: Words of the text to be judged.
        reference: Words of the text it is held against.
    """
    found = _bleu_scorer().sentence_score(" ".join(candidate), [" ".join(reference)])
    return np.array([*found.counts, *found.totals, found.sys_len, found.ref_len], dtype=np.int64)


def bleu(summed: NDArray[np.int64], order: int = ORDER) -> float:
    """BLEU-``order`` of a corpus, 0 to 1; 0 where no n-gram of some length matches.

    Args:
        summed: ``(10,)`` sum of :func:`bleu_counts` over the corpus.
        order: Longest n-gram, 1 to 4.
    """
    total = np.asarray(summed).tolist()
    found = _bleu_scorer().compute_bleu(
        total[:order],
        total[ORDER : ORDER + order],
        int(total[-2]),
        int(total[-1]),
        smooth_method="none",
        max_ngram_order=order,
    )
    return float(found.score) / 100


@lru_cache(maxsize=1)
def _bleu_scorer() -> Any:
    library = load_library("sacrebleu.metrics", "BLEU")
    # The effective order only matters for the score of one sentence, which is not used.
    return library.BLEU(tokenize="none", smooth_method="none", max_ngram_order=ORDER, effective_order=True, force=True)


class _NoSynonyms:
    """Stands where NLTK wants WordNet."""

    def synsets(self, word: str) -> tuple[()]:
        return ()


def meteor(candidate: Sequence[str], reference: Sequence[str]) -> float:
    """METEOR, 0 to 1.

    Args:
        candidate: Words of the text to be judged.
        reference: Words of the text it is held against.
    """
    score = _meteor_library().single_meteor_score(list(reference), list(candidate), wordnet=_NoSynonyms())
    return float(score)


@lru_cache(maxsize=1)
def _meteor_library() -> Any:
    return load_library("nltk.translate.meteor_score", "METEOR")


def rouge_l(candidate: Sequence[str], reference: Sequence[str], beta: float = 1.0) -> float:
    """F measure of the longest common subsequence, 0 to 1.

    Args:
        candidate: Words of the text to be judged.
        reference: Words of the text it is held against.
        beta: How much more recall counts than precision.

    >>> rouge_l(("sinus", "rhythm"), ("sinus", "bradycardia", "left", "axis"))
    0.3333333333333333
    """
    common = longest_common(candidate, reference)
    if common == 0:
        return 0.0
    precision, recall = common / len(candidate), common / len(reference)
    return (1 + beta**2) * precision * recall / (recall + beta**2 * precision)


def longest_common(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest sequence of words that both have in this order, gaps allowed."""
    row = [0] * (len(b) + 1)
    for word in a:
        before = 0
        for j, other in enumerate(b, 1):
            here = row[j]
            row[j] = before + 1 if word == other else max(row[j], row[j - 1])
            before = here
    return row[-1]


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
