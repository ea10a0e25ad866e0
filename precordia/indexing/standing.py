"""What stands in the case table when a writer begins, and what it has changed since: which case is of which source.

Held as columns: an archive of millions costs eight bytes a case here, not a string and a number of Python's.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from precordia.indexing.id_order import is_among
from precordia.indexing.mapped_rows import RowCache

_BASE: Final = np.uint64(0x9E3779B97F4A7C15)
"""Odd, and so its powers spread over all 64 bits (2^64 over the golden ratio)."""
AT_A_TIME: Final = 1 << 16
"""Texts fingerprinted together: some 50 MB meanwhile, whatever the table's length."""


class TextRows:
    """Which rows of a column of texts hold a text.

    Args:
        column: Texts without nulls.
    """

    def __init__(self, column: pa.ChunkedArray) -> None:
        self._column = column
        prints = np.concatenate([np.zeros(0, np.uint64), *(fingerprints(chunk) for chunk in column.chunks)])
        self._order = np.argsort(prints, kind="stable")
        self._sorted = prints[self._order]

    def last(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """The last row that holds each text, ``(n,)``; -1 where none does."""
        import pyarrow.compute as pc

        wanted = pa.array(texts, pa.string())
        prints = fingerprints(wanted)
        first = np.searchsorted(self._sorted, prints, side="left")
        at = np.searchsorted(self._sorted, prints, side="right") - 1
        out = np.full(len(texts), -1, np.int64)
        while (left := np.flatnonzero(at >= first)).size:
            rows = self._order[at[left]]
            same = pc.equal(self._column.take(pa.array(rows)), wanted.take(pa.array(left)))
            alike = flags(same)
            out[left[alike]] = rows[alike]
            at[left] -= 1  # another text with the same fingerprint
            at[left[alike]] = -1
        return out


class Standing:
    """The cases by id, by source, and of a long recording by the second at which a stretch of it begins.

    Args:
        rows: The cases there are.
    """

    def __init__(self, rows: RowCache) -> None:
        self._rows = rows
        self._added: set[int] = set()
        self._gone: set[int] = set()
        self._since: dict[str, int] = {}
        self._stretches_since: dict[str, dict[float, int]] = {}

    def cases_of(self, sources: Sequence[str]) -> list[int | None]:
        """The case that was read from each source last, as a whole, whether it is still there or not."""
        rows = self._sources.last(sources)
        there = self._whole("case_id").take(pa.array(np.maximum(rows, 0))).to_pylist() if (rows >= 0).any() else rows
        return [
            self._since.get(source, int(case_id) if row >= 0 else None)
            for source, row, case_id in zip(sources, rows, there, strict=True)
        ]

    def stretches_of(self, sources: Collection[str]) -> dict[str, dict[float, int]]:
        """Of each source that has some: the second at which a stretch begins to its case, whether it is still there or not."""
        import pyarrow.compute as pc

        out: dict[str, dict[float, int]] = {}
        if self._n_stretches:
            asked = pc.and_(
                pc.invert(self._is_whole_row),
                pc.is_in(self._rows.column("source"), pa.array(sorted(set(sources)), pa.string())),
            )
            found = (self._rows.column(name).filter(asked).to_pylist() for name in ("source", "start_s", "case_id"))
            for source, start, case_id in zip(*found, strict=True):
                out.setdefault(source, {})[start] = case_id
        for source in self._stretches_since.keys() & set(sources):
            out.setdefault(source, {}).update(self._stretches_since[source])
        return out

    def had(self, sources: Sequence[str], stamps: Sequence[str]) -> list[bool]:
        """Whether a case was read from each source when it had that stamp; of what stood when the writer began."""
        import pyarrow.compute as pc

        rows = self._sources.last(sources)
        found = np.flatnonzero(rows >= 0)
        out = np.zeros(len(sources), np.bool_)
        if found.size:
            there = self._whole("source_stamp").take(pa.array(rows[found]))
            out[found] = flags(pc.equal(there, pa.array(stamps, pa.string()).take(pa.array(found))))
        return [bool(one) for one in out]

    def knows(self, ids: Sequence[int]) -> list[bool]:
        """Whether each case is there."""
        there = is_among(np.array(ids, dtype=np.int64), self._rows.ids)
        return [(known and i not in self._gone) or i in self._added for i, known in zip(ids, there, strict=True)]

    def change(
        self, sources: Sequence[str], starts: Sequence[float | None], ids: Sequence[int], gone: Collection[int]
    ) -> None:
        """Take note of cases that have come, with where they were read from, and of those that have gone."""
        self._added.difference_update(gone)
        self._gone.update(gone)
        self._added.update(ids)
        for source, start, case_id in zip(sources, starts, ids, strict=True):
            if start is None:
                self._since[source] = case_id
            else:
                self._stretches_since.setdefault(source, {})[start] = case_id

    @cached_property
    def _sources(self) -> TextRows:
        return TextRows(self._whole("source"))

    @cached_property
    def _is_whole_row(self) -> pa.ChunkedArray:
        return self._rows.column("start_s").is_null()

    @property
    def _n_stretches(self) -> int:
        column = self._rows.column("start_s")
        return len(column) - int(column.null_count)

    def _whole(self, name: str) -> pa.ChunkedArray:
        """A column of the cases that are whole recordings."""
        column = self._rows.column(name)
        return column.filter(self._is_whole_row) if self._n_stretches else column


def flags(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """A column of truth values, what is unknown as false."""
    import pyarrow.compute as pc

    return np.asarray(pc.fill_null(column, False).to_numpy(), dtype=np.bool_)


def fingerprints(texts: pa.Array) -> NDArray[np.uint64]:
    """A number for each text, equal for equal ones: a polynomial of its bytes, modulo 2^64.

    >>> one, other, again = fingerprints(pa.array(["a/1.hea", "a/2.hea", "a/1.hea"]))
    >>> bool(one == again), bool(one == other)
    (True, False)
    """
    _, offsets, data = texts.buffers()
    out = np.zeros(len(texts), np.uint64)
    if not len(texts) or data is None:
        return out
    at = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    letters = np.frombuffer(data, np.uint8)
    longest = int(np.diff(at).max())
    powers = np.cumprod(np.full(longest + 1, _BASE))
    for start in range(0, len(texts), AT_A_TIME):
        ends = at[start : start + AT_A_TIME + 1]
        lengths = np.diff(ends)
        places = np.arange(ends[-1] - ends[0]) - np.repeat(ends[:-1] - ends[0], lengths)
        terms = (letters[ends[0] : ends[-1]].astype(np.uint64) + np.uint64(1)) * powers[places]
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms, dtype=np.uint64)])
        out[start : start + lengths.size] = sums[ends[1:] - ends[0]] - sums[ends[:-1] - ends[0]]
    return out


def counts_of(lists: pa.ChunkedArray) -> dict[str, int]:
    """How many lists of a column hold each entry, most frequent first.

    >>> counts_of(pa.chunked_array([[["AFIB"], None, ["SR", "LVH"]], [["SR"]]]))
    {'SR': 2, 'AFIB': 1, 'LVH': 1}
    """
    import pyarrow.compute as pc

    return counted(pc.list_flatten(lists))


def counted(column: pa.ChunkedArray) -> dict[str, int]:
    """How often a column has each value, most frequent first."""
    import pyarrow.compute as pc

    found = pc.value_counts(column).to_pylist()
    return {entry["values"]: entry["counts"] for entry in sorted(found, key=lambda entry: -entry["counts"])}


def n_different(column: pa.ChunkedArray) -> int:
    """How many different values a column has; none is one of them."""
    import pyarrow.compute as pc

    n: int = pc.count_distinct(column, mode="all").as_py()
    return n
