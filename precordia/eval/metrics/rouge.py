"""ROUGE-L of a sentence: the longest common subsequence of words (Lin, ACL workshop 2004)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from precordia.eval.metrics.words import TOKENISER

SETTINGS: Final = (
    "ROUGE-L, F1 (beta 1, as rouge-score has it; COCO takes beta 1.2), mean over samples, one sentence a text, no stemming; "
    f"{TOKENISER}"
)


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
