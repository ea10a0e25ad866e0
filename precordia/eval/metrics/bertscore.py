"""BERTScore of a sentence: each word piece against the likest one of the other text (Zhang et al., ICLR 2020).

The word pieces are embedded by the text encoder that comes with the package (MiniLM), so that nothing is downloaded. Its
figures are not comparable with published ones, which are roberta-large's and mostly rescaled; MiniLM knows English best.
As in the authors' program the marks of beginning and end weigh nothing but may be matched.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.encoders.bert import TokenVectors
from precordia.encoders.text import SentenceEncoder, load_text_encoder

SETTINGS: Final = (
    "BERTScore F1 with the last layer of all-MiniLM-L6-v2 (offline), no rescaling by a baseline, mean over samples, case and "
    "punctuation as the model's own tokeniser has them; not comparable with roberta-large's figures"
)


@dataclass(frozen=True)
class Match:
    """How well two texts match: precision, recall and their harmonic mean."""

    precision: float
    recall: float
    f1: float


class BertScore:
    """BERTScore against one reference a sample; each text is embedded once.

    Args:
        texts: Every text that will be judged or held against.
        references: Where given, word pieces weigh by how rare they are among these texts; else all weigh the same.
        encoder: Of word pieces; the package's own when None.
    """

    def __init__(
        self, texts: Sequence[str], references: Sequence[str] | None = None, encoder: SentenceEncoder | None = None
    ) -> None:
        encoder = encoder or load_text_encoder(device="cpu")
        unique = sorted({*texts, *(references or ())})
        self._tokens = dict(zip(unique, encoder.embed_tokens(unique), strict=True))
        self._rarity = None if references is None else rarity([self._tokens[text].ids for text in references])
        self._n = 0 if references is None else len(references)

    def score(self, candidate: str, reference: str) -> Match:
        """How well a text matches its reference."""
        said, wanted = self._tokens[candidate], self._tokens[reference]
        return match(said.vectors, self._weights(said), wanted.vectors, self._weights(wanted))

    def _weights(self, tokens: TokenVectors) -> NDArray[np.float64]:
        if self._rarity is None:
            return (~tokens.special).astype(np.float64)
        unseen = math.log(self._n + 1)
        weights = np.array([self._rarity.get(int(i), unseen) for i in tokens.ids])
        return np.where(tokens.special, 0.0, weights)


def rarity(references: Sequence[NDArray[np.int64]]) -> Mapping[int, float]:
    """Word piece to ``log((n + 1) / (texts that hold it + 1))``.

    Args:
        references: Word pieces of each text.
    """
    n = len(references)
    held = Counter(int(i) for ids in references for i in set(ids.tolist()))
    return {piece: math.log((n + 1) / (count + 1)) for piece, count in held.items()}


def match(
    said: NDArray[np.float32],
    said_weights: NDArray[np.float64],
    wanted: NDArray[np.float32],
    wanted_weights: NDArray[np.float64],
) -> Match:
    """Greedy matching by cosine similarity.

    Args:
        said: ``(n, dim)`` unit vectors of the text to be judged.
        said_weights: ``(n,)`` what each counts.
        wanted: ``(m, dim)`` those of the reference.
        wanted_weights: ``(m,)`` likewise.
    """
    if said_weights.sum() == 0 or wanted_weights.sum() == 0:
        return Match(0.0, 0.0, 0.0)
    similarity = np.clip(said.astype(np.float64) @ wanted.astype(np.float64).T, -1.0, 1.0)
    precision = float(similarity.max(axis=1) @ said_weights / said_weights.sum())
    recall = float(similarity.max(axis=0) @ wanted_weights / wanted_weights.sum())
    both = precision + recall
    return Match(precision, recall, 2 * precision * recall / both if both else 0.0)
