"""Reports by their words: BM25 over what was written and what it says in canonical English.

Text is split at anything that is no letter or digit, lowercased, and folded: ä, ö, ü, ß become ae, oe, ue, ss (as
German reports without umlauts spell them), other accents fall away.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import MissingExtraError, StorageError

_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "oe"})
_BETWEEN: Final = re.compile(r"[\W_]+")
"""What is no letter or digit: between words."""
_HEAP: Final = 50_000_000
"""Bytes that tantivy may use while it writes."""

FEW: Final = 5_000
"""Up to this many allowed ids the search itself is restricted to them; above, what it finds is."""


class WordIndex:
    """BM25 over reports.

    Args:
        path: A folder of its own, or None to keep it in memory.

    Raises:
        MissingExtraError: tantivy is not installed.
        StorageError: the folder cannot be read or written.
    """

    def __init__(self, path: Path | None = None) -> None:
        tantivy = _import_tantivy()
        self._path = path
        builder = tantivy.SchemaBuilder()
        # case_id is kept as text to be deleted by, and as a number to be read.
        builder.add_integer_field("case_id", stored=True, indexed=True, fast=True)
        builder.add_text_field("words", stored=False, tokenizer_name="whitespace", index_option="freq")
        schema = builder.build()
        if path is None:
            self._index: Any = tantivy.Index(schema)
        else:
            path.mkdir(parents=True, exist_ok=True)
            with self._told():
                self._index = tantivy.Index(schema, path=str(path))

    def __len__(self) -> int:
        return int(self._index.searcher().num_docs)

    def add(self, texts: Iterable[tuple[int, str]]) -> None:
        """Add texts under their ids.

        Raises:
            StorageError: the folder cannot be written.
        """
        tantivy = _import_tantivy()
        with self._told():
            writer = self._index.writer(_HEAP, 1)
            for case_id, text in texts:
                document = tantivy.Document()
                document.add_integer("case_id", int(case_id))
                document.add_text("words", folded(text))
                writer.add_document(document)
            writer.commit()
            writer.wait_merging_threads()
            self._index.reload()

    def search(self, text: str, k: int, allowed: NDArray[np.int64] | None = None) -> list[tuple[int, float]]:
        """Ids and BM25 scores of at most ``k`` texts that share a word with ``text``, best first, ties by id."""
        tantivy = _import_tantivy()
        words = folded(text).split()
        if not words or k < 1 or not len(self):
            return []
        query = self._query(list(dict.fromkeys(words)))
        if allowed is not None and allowed.size <= FEW:
            rows = tantivy.Query.term_set_query(self._index.schema, "case_id", [int(i) for i in allowed])
            inside = tantivy.Query.const_score_query(rows, 0.0)
            query = tantivy.Query.boolean_query([(tantivy.Occur.Must, query), (tantivy.Occur.Must, inside)])
            allowed = None
        searcher, n = self._index.searcher(), len(self)
        limit = min(k + 64, n)
        while True:
            hits = searcher.search(query, limit, count=False).hits
            scores = np.array([score for score, _ in hits], dtype=np.float64)
            ids = np.array(searcher.fast_field_values("case_id", [at for _, at in hits]), dtype=np.int64)
            rows = np.arange(ids.size) if allowed is None else np.flatnonzero(np.isin(ids, allowed))
            best = rows[np.lexsort((ids[rows], -scores[rows]))][:k]
            # Ties that run over the edge of what was fetched may hide a smaller id: fetch more.
            if limit >= n or ids.size < limit or (best.size >= k and scores[best[-1]] > scores[-1]):
                return [(int(ids[i]), float(scores[i])) for i in best]
            limit = min(limit * 8, n)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tantivy's errors name no kind; of an index on a disk they are the disk's."""
        try:
            yield
        except ValueError:
            if self._path is None:
                raise
            raise StorageError(f"{self._path}: the index of words cannot be read or written") from None

    def _query(self, words: list[str]) -> Any:
        query = _import_tantivy().Query
        should = _import_tantivy().Occur.Should
        terms = [(should, query.term_query(self._index.schema, "words", word, "freq")) for word in words]
        return query.boolean_query(terms)


def folded(text: str) -> str:
    """Lowercase words, umlauts written out, accents and punctuation gone.

    >>> folded("Sinusrhythmus, Lagetyp überdreht; T-Wellen-Veränderungen")
    'sinusrhythmus lagetyp ueberdreht t wellen veraenderungen'
    """
    bare = text.lower()
    if not text.isascii():
        lower = unicodedata.normalize("NFC", text).lower().translate(_UMLAUTS)
        bare = "".join(c for c in unicodedata.normalize("NFKD", lower) if not unicodedata.combining(c))
    return _BETWEEN.sub(" ", bare).strip()


def _import_tantivy() -> Any:
    try:
        import tantivy
    except ImportError:
        raise MissingExtraError("tantivy", "text", "searching by words") from None
    return tantivy
