"""A Parquet file's rows, ready to be read by position: a file mapped into memory, made once per Parquet file.

Parquet decodes a whole row group for one row; a mapped file reads only the blocks asked for, and checks each when it is
first touched (:mod:`precordia.indexing.blocks`). The files lie in ``cache/`` and are derived: named after the Parquet file
they mirror (which never changes), they are made when first needed, made again when they are damaged, and go when it goes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from precordia.core.errors import StorageError
from precordia.indexing.blocks import BlockDamage, Blocks, block_file
from precordia.indexing.durable import make_folder, remove, write_pieces
from precordia.indexing.id_order import is_among
from precordia.indexing.locks import CACHE_LOCK, locked
from precordia.indexing.tables import DeltaFolder

_SUFFIX: Final = ".v2.blocks"


class RowCache:
    """The rows of one version of a table, by id.

    Args:
        table: The table.
        schema: The columns kept; the first is ``case_id``.
        folder: Where the mapped files lie.
        root: The knowledge base, for its lock.
        before: The cache of an earlier version, whose files are used again.
    """

    def __init__(
        self, table: DeltaFolder, schema: pa.Schema, folder: Path, root: Path, before: RowCache | None = None
    ) -> None:
        self._schema = schema
        self._folder = folder
        self._root = root
        self._table = table
        self._mapped: dict[str, Blocks] = {}
        self.version = table.version
        self.files = tuple(table.files)
        for name in self.files:
            known = before._mapped.get(name) if before is not None else None
            self._mapped[name] = known if known is not None else self._open(name)
        parts = [self._column_of(name, "case_id").to_numpy() for name in self.files]
        ids = np.concatenate(parts) if parts else np.zeros(0, np.int64)
        order = np.argsort(ids, kind="stable")
        self.ids: NDArray[np.int64] = ids[order]
        self._rows: NDArray[np.int64] = order.astype(np.int64)
        self._starts = np.cumsum([0, *(part.size for part in parts)])

    def positions(self, ids: Sequence[int] | NDArray[np.int64]) -> list[tuple[str, int]]:
        """File and row of each id.

        Raises:
            KeyError: an id is not there.
        """
        rows = self._places(np.asarray(ids, dtype=np.int64))
        files = np.searchsorted(self._starts, rows, side="right") - 1
        return [(self.files[f], int(r - self._starts[f])) for f, r in zip(files, rows, strict=True)]

    def read(self, ids: Sequence[int], columns: Sequence[str]) -> list[dict[str, Any]]:
        """Some columns of the rows of ids, in their order.

        Raises:
            KeyError: an id is not there.
        """
        places: dict[str, list[tuple[int, int]]] = {}
        for at, (file, row) in enumerate(self.positions(ids)):
            places.setdefault(file, []).append((at, row))
        out: list[dict[str, Any]] = [{} for _ in ids]
        for file, wanted in places.items():
            rows = np.array([row for _, row in wanted], dtype=np.int64)
            try:
                found = self._mapped[file].rows(rows, columns)
            except BlockDamage:
                found = self._again(file).rows(rows, columns)
            for (at, _), values in zip(wanted, found, strict=True):
                out[at] = values
        return out

    def values(self, name: str, ids: NDArray[np.int64]) -> list[Any]:
        """One column of the rows of ids, in their order.

        Raises:
            KeyError: an id is not there.
        """
        found: list[Any] = self.column(name).take(pa.array(self._places(ids))).to_pylist()
        return found

    def of_file(self, name: str, columns: Sequence[str]) -> pa.Table:
        """Some columns of the rows of one Parquet file."""
        return pa.table([self._column_of(name, column) for column in columns], names=list(columns))

    def column(self, name: str) -> pa.ChunkedArray:
        """One column of every row, in the order of :attr:`files`."""
        parts = [self._column_of(file, name) for file in self.files]
        return pa.chunked_array(parts, type=self._schema.field(name).type)

    def metadata_keys(self) -> list[str]:
        """Every key of the ``metadata`` column, sorted."""
        return sorted({key for blocks in self._mapped.values() for key in blocks.keys})

    def _places(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The row of each id, counted over all files."""
        there = is_among(ids, self.ids)
        if not there.all():
            raise KeyError(int(ids[~there][0]))
        return self._rows[np.searchsorted(self.ids, ids)]

    def _column_of(self, name: str, column: str) -> pa.Array:
        try:
            return self._mapped[name].column(column)
        except BlockDamage:
            return self._again(name).column(column)

    def _again(self, name: str) -> Blocks:
        """A file's rows from the table, in the place of a damaged mirror."""
        blocks = self._mapped[name] = self._mirror(name)
        return blocks

    def _open(self, name: str) -> Blocks:
        with contextlib.suppress(BlockDamage, OSError):  # whatever ails a mirror, the table has the rows
            return Blocks.mapped(mirror_of(self._folder, name), self._schema)
        return self._mirror(name)

    def _mirror(self, name: str) -> Blocks:
        path = mirror_of(self._folder, name)
        rows, keys = _rows(self._table, name, self._schema)
        with contextlib.suppress(StorageError, BlockDamage):
            # A reader that may not write, or has no space left, keeps the rows in memory instead.
            make_folder(self._folder)
            with locked(self._root, CACHE_LOCK, -1, "caching rows"):
                # Erased while this was being read: leave no copy behind.
                if (self._table.path / name).exists():
                    write_pieces(path, block_file(rows, keys))
                    return Blocks.mapped(path, self._schema)
        return Blocks.of(rows, keys)


def _rows(table: DeltaFolder, name: str, schema: pa.Schema) -> tuple[pa.Table, list[str]]:
    """A Parquet file's rows, and the keys of their metadata."""
    import pyarrow.compute as pc

    rows = table.ids(name) if schema.names == ["case_id"] else table.read(name, schema)
    keys: set[str] = set()
    if "metadata" in schema.names:
        for chunk in rows.column("metadata").chunks:
            keys.update(pc.unique(chunk.keys).to_pylist())
    return rows, sorted(keys)


def mirror_of(folder: Path, name: str) -> Path:
    """Where the mirror of a Parquet file lies."""
    return folder / f"{Path(name).stem}{_SUFFIX}"


def drop_unused(folder: Path, tables: Sequence[DeltaFolder]) -> None:
    """Remove mirrors of Parquet files that are no more, and what a crash left. The caller holds the cache lock."""
    keep = {mirror_of(folder, name).name for table in tables for name in table.files}
    for file in folder.glob("*"):
        if file.name not in keep:
            remove(file)
