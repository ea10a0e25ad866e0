"""Reports by their words: BM25 over what was written and what it says in canonical English.

Text is split at anything that is no letter or digit, lowercased, and folded: ä, ö, ü, ß become ae, oe, ue, ss (as
German reports without umlauts spell them), other accents fall away.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import MissingExtraError

_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "oe"})
_HEAP: Final = 50_000_000
"""Bytes that tantivy may use while it writes."""


class WordIndex:
    """BM25 over reports.

    Args:
        path: A folder of its own, or None to keep it in memory.

    Raises:
        MissingExtraError: tantivy is not installed.
    """

    def __init__(self, path: Path | None = None) -> None:
        tantivy = _import_tantivy()
        builder = tantivy.SchemaBuilder()
        # case_id is kept as text to be deleted by, and as a number to be read.
        builder.add_integer_field("case_id", stored=True, indexed=True, fast=True)
        builder.add_text_field("words", stored=False, tokenizer_name="whitespace", index_option="freq")
        schema = builder.build()
        if path is None:
            self._index: Any = tantivy.Index(schema)
        else:
            path.mkdir(parents=True, exist_ok=True)
            self._index = tantivy.Index(schema, path=str(path))

    def __len__(self) -> int:
        return int(self._index.searcher().num_docs)

    def add(self, texts: Iterable[tuple[int, str]]) -> None:
        """Add texts under their ids."""
        tantivy = _import_tantivy()
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
        schema = self._index.schema
        query = tantivy.Query.boolean_query(
            [
                (tantivy.Occur.Should, tantivy.Query.term_query(schema, "words", word, "freq"))
                for word in dict.fromkeys(words)
            ]
        )
        searcher = self._index.searcher()
        keep = None if allowed is None else {int(i) for i in allowed}
        limit = k + 64
        while True:
            result = searcher.search(query, limit, count=False)
            hits = [(int(searcher.doc(at)["case_id"][0]), float(score)) for score, at in result.hits]
            kept = sorted((h for h in hits if keep is None or h[0] in keep), key=lambda h: (-h[1], h[0]))
            complete = len(hits) < limit
            # Ties that run over the edge of what was fetched may hide a smaller id: fetch more.
            if complete or (len(kept) >= k and kept[k - 1][1] > hits[-1][1]):
                return kept[:k]
            limit = min(limit * 4, len(self)) if limit < len(self) else limit + 1


def folded(text: str) -> str:
    """Lowercase words, umlauts written out, accents and punctuation gone.

    >>> folded("Sinusrhythmus, Lagetyp überdreht; T-Wellen-Veränderungen")
    'sinusrhythmus lagetyp ueberdreht t wellen veraenderungen'
    """
    lower = unicodedata.normalize("NFC", text).lower().translate(_UMLAUTS)
    bare = "".join(c for c in unicodedata.normalize("NFKD", lower) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in bare).split())


def _import_tantivy() -> Any:
    try:
        import tantivy
    except ImportError:
        raise MissingExtraError("tantivy", "text", "searching by words") from None
    return tantivy
