"""Questions to a knowledge base, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import index
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from precordia.core.case import Case
from precordia.core.errors import UsageError
from precordia.core.recording import Recording

Mode = Literal["signal", "words", "meaning", "hybrid"]

HITS: Final = 10
"""How many cases a search finds by default."""

PRECEDENTS: Final = 20
"""How many precedents a report or an answer rests on by default."""

MAX_K: Final = 1000
"""Most hits of one query. Each is a case read whole; who wants more wants a filter, or the table."""


def check_number(k: int) -> None:
    """Refuse a number of hits that is none.

    Raises:
        UsageError: it is no whole number, or not 1 to :data:`MAX_K`.
    """
    try:
        number = index(k)
    except TypeError:
        number = 0
    if not 1 <= number <= MAX_K:
        raise UsageError(f"k is {k!r}; ask for 1 to {MAX_K} hits")


@dataclass(frozen=True, eq=False)
class Query:
    """What to look for.

    Attributes:
        recording: An ECG, or None.
        text: Words, or None. One of the two, or ``vector``, must be given.
        k: Number of hits wanted, 1 to :data:`MAX_K`.
        where: SQL over the case columns ("age > 60 and findings has 'LBBB'"), or None.
        mode: "signal" needs a recording, "words" and "meaning" a text; "hybrid" fuses what can be had;
            None chooses: signal for a recording, hybrid for text or for both.
        exclude_self: Leave out cases with the query's own signal.
        exclude_patient: Leave out cases of the query's own patient.
        exclude_near_duplicates: Leave out cases whose signal is almost the query's (resampled, cropped, rescaled copies).
        per_patient: At most this many hits of one patient, or None for no limit.
        stretches: Whether a stretch of a long recording may be a hit, instead of the whole of it; nothing is written of one.
        vector: ``(dim,)`` unit vector in the encoder's space, of something else than an ECG (a pulse), or None.
        how: How that was made.
    """

    recording: Recording | None = None
    text: str | None = None
    k: int = HITS
    where: str | None = None
    mode: Mode | None = None
    exclude_self: bool = True
    exclude_patient: bool = True
    exclude_near_duplicates: bool = True
    per_patient: int | None = None
    stretches: bool = True
    vector: NDArray[np.float32] | None = None
    how: str = ""

    @property
    def by_signal(self) -> bool:
        """Whether there is a signal to search with."""
        return self.recording is not None or self.vector is not None

    def __repr__(self) -> str:
        words = "" if self.text is None else f"{len(self.text)} characters of text, "
        ecg = "" if self.recording is None else f"{self.recording!r}, "
        return f"Query({ecg}{words}k={self.k}{'' if self.where is None else ', filtered'})"


ALIKE: Final = "likeness"
"""Among the scores of a precedent: how alike its findings are to the query's, as the archive's models see them, 0 to 1."""


@dataclass(frozen=True)
class Why:
    """Why a case was found.

    Attributes:
        scores: Modality ("signal", "words", "meaning", :data:`ALIKE`) to its own score: cosine similarity for signal and
            meaning, BM25 for words.
        ranks: Modality to the rank (from 1) that it gave the case.
        shared_findings: Concepts that the case shares with the query (its text, or what can be told from its measurements).
        signal: How the query's vector was made: "direct", or "fused" with which leads were inferred; None without a signal.
    """

    scores: Mapping[str, float] = field(default_factory=dict)
    ranks: Mapping[str, int] = field(default_factory=dict)
    shared_findings: tuple[str, ...] = ()
    signal: str | None = None

    def __repr__(self) -> str:
        scores = ", ".join(f"{modality} {score:.3f}" for modality, score in self.scores.items())
        return f"Why({scores or 'no score'}{''.join(f', {concept}' for concept in self.shared_findings[:6])})"


@dataclass(frozen=True)
class Hit:
    """A case that answers a query.

    Attributes:
        rank: From 1.
        score: Higher is nearer: cosine similarity by signal or meaning, BM25 by words, the fused score for hybrid, and
            likeness for precedents of an archive that has models.
        case: The case.
        why: The parts of the score.
    """

    rank: int
    score: float
    case: Case
    why: Why = field(default_factory=Why)

    def __repr__(self) -> str:
        return f"Hit({self.rank}, {self.score:.3f}, {self.case!r})"
