"""METEOR of a sentence, by NLTK (Lavie and Agarwal, WMT 2007).

NLTK's alignment takes, from the end, the last free occurrence of a word rather than the one with the fewest chunks; the
published Java program finds somewhat higher figures. Synonyms need WordNet, a download, and are not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from precordia.eval.metrics.packages import load_library
from precordia.eval.metrics.words import TOKENISER

SETTINGS: Final = (
    "METEOR of NLTK, mean over samples, exact and stem matches (Porter, English), no WordNet synonyms, alpha 0.9, beta 3, "
    f"gamma 0.5; {TOKENISER}"
)


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
    score = _library().single_meteor_score(list(reference), list(candidate), wordnet=_NoSynonyms())
    return float(score)


@lru_cache(maxsize=1)
def _library() -> Any:
    return load_library("nltk.translate.meteor_score", "METEOR")
