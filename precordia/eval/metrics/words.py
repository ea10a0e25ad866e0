"""The words that every word-counting metric here sees."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

TOKENISER: Final = "lower case, NFC, runs of letters and digits; punctuation dropped"
"""As it is named beside a figure. COCO's scorers drop punctuation too (by Stanford's tokeniser, which needs Java)."""

_WORD: Final = re.compile(r"[^\W_]+")


def words(text: str) -> tuple[str, ...]:
    """The words of a text, of any language that puts spaces between them.

    >>> words("Sinusrhythmus. QRS(T) abnormal, ST-Senkung in V4-6; fÖrmaksflimmer")
    ('sinusrhythmus', 'qrs', 't', 'abnormal', 'st', 'senkung', 'in', 'v4', '6', 'förmaksflimmer')
    """
    return tuple(_WORD.findall(unicodedata.normalize("NFC", text).lower()))
