"""The ways to rank cases: by signal, by words, by meaning. Each turns a query into ids with scores, best first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from precordia.core.protocols import TextEncoder, VectorIndex

Ranking = list[tuple[int, float]]
"""Case ids with scores, best first, ties by id."""


class WordSearch(Protocol):
    """Words to ids with BM25 scores."""

    def search(self, text: str, k: int, allowed: NDArray[np.int64] | None = None) -> Ranking:
        """At most ``k`` cases whose report holds words of ``text``."""
        ...


@dataclass(frozen=True, eq=False)
class VectorModality:
    """Nearest vectors.

    Attributes:
        index: The vectors.
        vector: ``(dim,)`` float32, unit norm.
    """

    index: VectorIndex
    vector: NDArray[np.float32]
    _nearest: Ranking = field(default_factory=list, init=False)

    def rank(self, k: int, allowed: NDArray[np.int64] | None) -> Ranking:
        """At most ``k`` cases by cosine similarity."""
        if allowed is not None:
            return self._search(k, allowed)
        # Guards ask for the nearest of all as well: what was found is not looked for again.
        if k > len(self._nearest):
            self._nearest[:] = self._search(k, None)
        return self._nearest[:k]

    def _search(self, k: int, allowed: NDArray[np.int64] | None) -> Ranking:
        ids, scores = self.index.search(self.vector[None, :], k, allowed)
        return [(int(i), float(s)) for i, s in zip(ids[0], scores[0], strict=True) if i >= 0]


@dataclass(frozen=True, eq=False)
class WordModality:
    """Shared words.

    Attributes:
        words: The word index.
        text: The question.
    """

    words: WordSearch
    text: str

    def rank(self, k: int, allowed: NDArray[np.int64] | None) -> Ranking:
        """At most ``k`` cases by BM25."""
        return self.words.search(self.text, k, allowed)


def embed_text(encoder: TextEncoder, text: str) -> NDArray[np.float32]:
    """``(dim,)`` float32: the text, said in canonical English where it can be, as the cases' reports are."""
    from precordia.concepts import canonical_text

    vector: NDArray[np.float32] = encoder.embed([canonical_text(text) or text])[0]
    return vector
