"""BLEU of a corpus, from counts a sample, by sacrebleu (Papineni et al., ACL 2002; Post, WMT 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.eval.metrics.packages import load_library
from precordia.eval.metrics.words import TOKENISER

SETTINGS: Final = f"corpus BLEU, n up to 4 with equal weights, brevity penalty, no smoothing, 0 to 1; {TOKENISER}"
ORDER: Final = 4


def counts(candidate: Sequence[str], reference: Sequence[str]) -> NDArray[np.int64]:
    """``(10,)`` what a sample adds to a corpus: n-grams matched for n = 1 to 4, n-grams there are, both lengths.

    Args:
        candidate: Words of the text to be judged.
        reference: Words of the text it is held against.
    """
    found = _scorer().sentence_score(" ".join(candidate), [" ".join(reference)])
    return np.array([*found.counts, *found.totals, found.sys_len, found.ref_len], dtype=np.int64)


def bleu(summed: NDArray[np.int64], order: int = ORDER) -> float:
    """BLEU-``order`` of a corpus, 0 to 1; 0 where no n-gram of some length matches.

    Args:
        summed: ``(10,)`` sum of :func:`counts` over the corpus.
        order: Longest n-gram, 1 to 4.
    """
    total = np.asarray(summed).tolist()
    found = _scorer().compute_bleu(
        total[:order],
        total[ORDER : ORDER + order],
        int(total[-2]),
        int(total[-1]),
        smooth_method="none",
        max_ngram_order=order,
    )
    return float(found.score) / 100


@lru_cache(maxsize=1)
def _scorer() -> Any:
    library = load_library("sacrebleu.metrics", "BLEU")
    # The effective order only matters for the score of one sentence, which is not used.
    return library.BLEU(tokenize="none", smooth_method="none", max_ngram_order=ORDER, effective_order=True, force=True)
