"""What reports say, as the frozen text encoder sees them: canonical statements, their vectors, and near but untrue texts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

_END: Final = re.compile(r"(?<=\.)\s+(?=[A-Z0-9])")
_ROWS: Final = 1024
"""Texts compared with all others at a time."""

_LOOKED_AT: Final = 64
"""Nearest texts of a text that are looked through for negatives."""


@dataclass(frozen=True, eq=False)
class ReportTexts:
    """The distinct canonical texts of a corpus.

    Attributes:
        texts: Sorted.
        vectors: ``(n_texts, text_dim)`` float32, unit norm; one row of zeros where there is no text.
        rows: ``(n_recordings,)`` int64, each recording's text, -1 where its report states nothing or is missing.
        fingerprint: Of the text encoder.
    """

    texts: tuple[str, ...]
    vectors: NDArray[np.float32]
    rows: NDArray[np.int64]
    fingerprint: str


@lru_cache(maxsize=2)
def report_texts(reports: tuple[str | None, ...], text_encoder: str = "default") -> ReportTexts:
    """Reports as canonical English statements, so that German and English reports of one finding are one text.

    Args:
        reports: One a recording, in any language that ``precordia.concepts`` reads; None where there is none.
        text_encoder: A name of ``precordia.encoders.text``.
    """
    from precordia.concepts import canonical_text
    from precordia.encoders.text import load_text_encoder

    encoder = load_text_encoder(text_encoder)
    canonical: dict[str, str] = {report: canonical_text(report) for report in sorted({r for r in reports if r})}
    distinct = tuple(sorted({c for c in canonical.values() if c}))
    row_of = {text: i for i, text in enumerate(distinct)}
    rows = np.array([row_of.get(canonical[r], -1) if r else -1 for r in reports], dtype=np.int64)
    vectors = encoder.embed(distinct) if distinct else np.zeros((1, encoder.dim), dtype=np.float32)
    return ReportTexts(distinct, np.asarray(vectors, dtype=np.float32), rows, encoder.fingerprint)


def statements(text: str) -> tuple[str, ...]:
    """The sentences of a canonical text.

    >>> statements("Sinus rhythm. Leftward axis (between -30 and +30 degrees).")
    ('Sinus rhythm.', 'Leftward axis (between -30 and +30 degrees).')
    """
    return tuple(_END.split(text)) if text else ()


def nearest_negatives(known: ReportTexts, same: float, count: int) -> NDArray[np.int64]:
    """The texts most like each text that are wrong for its ECG: ``(n_texts, count)`` int64, -1 where there are fewer.

    A text is taken as wrong when its cosine to the own one is below ``same`` *and* it states something that the own one
    does not state; a text that merely leaves something out is true of the ECG, however little it says. A report that
    leaves out what everyone can see ("sinus rhythm") can still make a true text count as wrong. (Nearest-neighbour
    negatives: D-BETA, Pham et al. 2025.)
    """
    found = np.full((max(len(known.texts), 1), count), -1, dtype=np.int64)
    if not count:
        return found
    said = [frozenset(statements(text)) for text in known.texts]
    for start in range(0, len(said), _ROWS):
        cosine = known.vectors[start : start + _ROWS] @ known.vectors.T
        nearest = _lowest(np.where(cosine < same, -cosine, np.inf), _LOOKED_AT)
        for own, (row, candidates) in enumerate(zip(cosine, nearest, strict=True), start):
            wrong = [int(c) for c in candidates if row[c] < same and said[c] - said[own]][:count]
            found[own, : len(wrong)] = wrong
    return found


def _lowest(values: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Columns of the ``count`` lowest values of each row, lowest first, ties by column."""
    if values.shape[1] <= count:
        return np.argsort(values, axis=1, kind="stable")
    some = np.sort(np.argpartition(values, count, axis=1)[:, :count], axis=1)
    order = np.argsort(np.take_along_axis(values, some, axis=1), axis=1, kind="stable")
    return np.take_along_axis(some, order, axis=1)
