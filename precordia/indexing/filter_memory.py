"""What filters have found and needed, remembered while the case table stands as it is."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from precordia.indexing.filters import Expression, metadata_column, resolve
from precordia.indexing.mapped_rows import RowCache
from precordia.indexing.schema import FILTER_COLUMNS

REMEMBERED: Final = 256
REMEMBERED_BYTES: Final = 64 * 2**20
_METADATA_COLUMNS: Final = 16
"""Filters whose result is remembered, the bytes of all their ids, and the metadata columns kept: the newest of each."""


class FilterMemory:
    """What filters have needed of one version's rows, and found; columns of two versions never meet."""

    def __init__(self, rows: RowCache) -> None:
        self.rows = rows
        self._selected: dict[str, NDArray[np.int64]] = {}
        self._columns: dict[str, pa.ChunkedArray] = {}

    def recall(self, where: str) -> NDArray[np.int64] | None:
        """What a condition has found before, None where that is not remembered."""
        return self._selected.get(where)

    def keep(self, where: str, found: NDArray[np.int64]) -> None:
        """Remember what a condition has found, in place of the oldest where it would be too much."""
        found.setflags(write=False)
        kept, left = {}, REMEMBERED_BYTES
        for key, ids in [(where, found), *reversed(self._selected.items())][:REMEMBERED]:
            left -= ids.nbytes
            if left < 0:
                break
            kept[key] = ids
        self._selected = dict(reversed(kept.items()))

    def table(self, expression: Expression) -> pa.Table:
        """The columns that an expression names, with ``case_id``."""
        named = resolve(expression, FILTER_COLUMNS, self.rows.metadata_keys())
        arrays = {"case_id": self.rows.column("case_id")}
        for name, (column, key) in named.items():
            arrays[name] = self.rows.column(column) if key is None else self._metadata(key)
        return pa.table(arrays)

    def _metadata(self, key: str) -> pa.ChunkedArray:
        values = self._columns.get(key)
        if values is None:
            values = metadata_column(self.rows.column("metadata"), key)
            self._columns = {**dict([*self._columns.items()][1 - _METADATA_COLUMNS :]), key: values}
        return values
