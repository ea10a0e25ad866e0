"""What a tuned model reads: measurements and precedents in some hundred tokens, then what is to be written.

    rate 70, PR 160, regular
    5: Sinus rhythm. Normal ECG.
    3: Sinus bradycardia.
    Report: Sinus rhythm. Normal ECG.

Precedents that say the same stand in one line with their number, in the order of the nearest of each.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from precordia.language_models.own_model.context import Sees, Shown

LONGEST_CASE: Final = 160
"""Characters of one precedent's statements."""


def asked(shown: Shown, question: str | None, sees: Sees) -> str:
    """The text up to where the model begins to write.

    >>> shown = Shown(measured="rate 70", precedents=(("Sinus rhythm.", 0.9), ("Pacing.", 0.8), ("Sinus rhythm.", 0.7)))
    >>> print(asked(shown, None, Sees("none", 3)))
    rate 70
    2: Sinus rhythm.
    1: Pacing.
    Report:
    """
    counted = Counter(text[:LONGEST_CASE] for text, _ in shown.precedents[: sees.precedents])
    lines = [shown.measured] if sees.measurements and shown.measured else []
    lines += [f"{n}: {text}" for text, n in counted.items()]
    lines += ["Report:"] if question is None else [f"Question: {question}", "Answer:"]
    return "\n".join(lines)


def written(answer: str) -> str:
    """What is to be written, as it follows that text."""
    return f" {answer}"
