"""What reports say, as the frozen text encoder sees them: canonical statements, their vectors, and near but untrue texts."""

from __future__ import annotations

import re
from collections import Counter
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
        encoder: Its name.
    """

    texts: tuple[str, ...]
    vectors: NDArray[np.float32]
    rows: NDArray[np.int64]
    fingerprint: str
    encoder: str = "default"


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
    return ReportTexts(distinct, np.asarray(vectors, dtype=np.float32), rows, encoder.fingerprint, text_encoder)


def statements(text: str) -> tuple[str, ...]:
    """The sentences of a canonical text.

    >>> statements("Sinus rhythm. Leftward axis (between -30 and +30 degrees).")
    ('Sinus rhythm.', 'Leftward axis (between -30 and +30 degrees).')
    """
    return tuple(_END.split(text)) if text else ()


@dataclass(frozen=True, eq=False)
class Statements:
    """The statements that reports make often.

    Attributes:
        vectors: ``(n_statements, text_dim)`` float32, unit norm, in the order of their words.
        stated: ``(n_texts, n_statements)`` bool, whether a text states it, or one that reads as good as the same.
    """

    vectors: NDArray[np.float32]
    stated: NDArray[np.bool_]


def frequent_statements(known: ReportTexts, rows: NDArray[np.int64], least: float, same: float) -> Statements:
    """The statements of at least ``least`` of the recordings whose texts are ``rows``.

    Args:
        known: The texts.
        rows: ``(n,)`` text of each recording that counts.
        least: Fewest recordings of a statement.
        same: Cosine above which two statements are one.
    """
    from precordia.encoders.text import load_text_encoder

    said = [statements(text) for text in known.texts]
    counts = Counter(statement for row in rows.tolist() for statement in set(said[row]))
    every = sorted({statement for own in said for statement in own})
    kept = [i for i, statement in enumerate(every) if counts[statement] >= least]
    if not kept:
        return Statements(known.vectors[:0], np.zeros((max(len(said), 1), 0), dtype=np.bool_))
    vectors = np.asarray(load_text_encoder(known.encoder).embed(every), dtype=np.float32)
    alike = vectors @ vectors[kept].T > same
    column = {statement: i for i, statement in enumerate(every)}
    stated = np.stack([alike[[column[s] for s in own]].any(0) if own else np.zeros(len(kept), bool) for own in said])
    return Statements(vectors[kept], stated)


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
