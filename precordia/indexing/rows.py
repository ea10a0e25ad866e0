"""A Parquet file's rows, ready to be read by position: an Arrow file mapped into memory, made once per Parquet file.

Parquet decodes a whole row group for one row; a mapped Arrow file reads only the bytes asked for. The files lie in
``cache/`` and are derived: named after the Parquet file they mirror (which never changes), they are made when first
needed and go when it goes.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from precordia.indexing.locks import CACHE_LOCK, locked
from precordia.indexing.tables import DeltaFolder

_KEYS: Final = b"metadata_keys"
_VERSION: Final = "v1"


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
        self._mapped: dict[str, pa.Table] = {}
        self.version = table.version
        self.files = tuple(table.files)
        for name in self.files:
            known = before._mapped.get(name) if before is not None else None
            self._mapped[name] = known if known is not None else self._open(table, name)
        parts = [self._mapped[name].column(0).to_numpy() for name in self.files]
        ids = np.concatenate(parts) if parts else np.zeros(0, np.int64)
        order = np.argsort(ids, kind="stable")
        self.ids: NDArray[np.int64] = ids[order]
        self._rows: NDArray[np.int64] = order.astype(np.int64)
        self._starts = np.cumsum([0, *(part.size for part in parts)])
        self._columns: dict[str, pa.ChunkedArray] = {}

    def positions(self, ids: Sequence[int] | NDArray[np.int64]) -> list[tuple[str, int]]:
        """File and row of each id.

        Raises:
            KeyError: an id is not there.
        """
        wanted = np.asarray(ids, dtype=np.int64)
        found = np.searchsorted(self.ids, wanted)
        inside = np.minimum(found, max(self.ids.size - 1, 0))
        missing = wanted if not self.ids.size else wanted[self.ids[inside] != wanted]
        if missing.size:
            raise KeyError(int(missing[0]))
        rows = self._rows[inside]
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
            rows = self._mapped[file].select(columns).take([row for _, row in wanted]).to_pylist()
            for (at, _), values in zip(wanted, rows, strict=True):
                out[at] = values
        return out

    def of_file(self, name: str) -> pa.Table:
        """The rows of one Parquet file."""
        return self._mapped[name]

    def column(self, name: str) -> pa.ChunkedArray:
        """One column of every row, in the order of :attr:`files`."""
        parts = [self._mapped[file].column(name) for file in self.files]
        chunks = [chunk for part in parts for chunk in part.chunks]
        return pa.chunked_array(chunks, type=self._schema.field(name).type)

    def metadata_keys(self) -> list[str]:
        """Every key of the ``metadata`` column, sorted."""
        keys: set[str] = set()
        for mapped in self._mapped.values():
            keys.update(json.loads((mapped.schema.metadata or {}).get(_KEYS, b"[]")))
        return sorted(keys)

    def _open(self, table: DeltaFolder, name: str) -> pa.Table:
        path = self._folder / f"{Path(name).stem}.{_VERSION}.arrow"
        if path.exists():
            with contextlib.suppress(pa.ArrowInvalid, OSError):
                mapped = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
                if mapped.schema.equals(self._schema):
                    return mapped
        rows = read_parquet(table.path / name, self._schema)
        with contextlib.suppress(OSError, pa.ArrowInvalid):
            # A reader that may not write keeps the rows in memory instead.
            self._folder.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(f".{os.getpid()}.tmp")
            with locked(self._root, CACHE_LOCK, -1, "caching rows"):
                # Erased while this was being read: leave no copy behind.
                if (table.path / name).exists():
                    with pa.OSFile(str(partial), "wb") as sink, pa.ipc.new_file(sink, rows.schema) as writer:
                        writer.write_table(rows)
                    partial.replace(path)
                    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        return rows


def read_parquet(path: Path, schema: pa.Schema, columns: Sequence[str] | None = None) -> pa.Table:
    """A table's Parquet file with exactly the types of a schema, as one chunk, the metadata keys noted."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    wanted = pa.schema([schema.field(name) for name in (columns or schema.names)])
    with pq.ParquetFile(path) as file:
        rows = file.read(columns=wanted.names).select(wanted.names).cast(wanted).combine_chunks()
    if "metadata" in wanted.names:
        keys: set[str] = set()
        for chunk in rows.column("metadata").chunks:
            keys.update(pc.unique(chunk.keys).to_pylist())
        rows = rows.replace_schema_metadata({_KEYS: json.dumps(sorted(keys))})
    return rows


def drop_unused(folder: Path, tables: Sequence[DeltaFolder]) -> None:
    """Remove mapped files of Parquet files that are no more, and what a crash left. The caller holds the cache lock."""
    keep = {f"{Path(name).stem}.{_VERSION}.arrow" for table in tables for name in table.files}
    for file in folder.glob("*"):
        if file.name not in keep:
            file.unlink(missing_ok=True)
