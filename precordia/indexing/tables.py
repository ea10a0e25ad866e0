"""A Delta table in a folder: append, delete so that the bytes are gone, and the files of a version."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa


class DeltaFolder:
    """One Delta table, read at one version until :meth:`refresh`.

    Column statistics are kept for ``case_id`` alone, so that no words, names or identifiers ever enter the log, and rows
    are deleted by ``case_id`` for the same reason: the log repeats the predicate.

    Args:
        path: The table's folder.
        rows_per_group: Rows a Parquet row group: few, where single large values are read.
        compression: Of the Parquet pages.
    """

    def __init__(self, path: Path, rows_per_group: int = 8192, compression: str = "ZSTD") -> None:
        from deltalake import DeltaTable

        self.path = path
        self._rows_per_group = rows_per_group
        self._compression = compression
        self._table: Any = DeltaTable(str(path))
        self._lock = threading.RLock()
        self._version, self._files = self._read()

    @staticmethod
    def create(path: Path, schema: pa.Schema) -> None:
        """Make an empty table, unless there is one."""
        from deltalake import DeltaTable

        path.mkdir(parents=True, exist_ok=True)
        indexed = "case_id" if "case_id" in schema.names else None
        configuration = (
            {"delta.dataSkippingStatsColumns": indexed} if indexed else {"delta.dataSkippingNumIndexedCols": "0"}
        )
        DeltaTable.create(str(path), schema=schema, mode="ignore", configuration=configuration)

    @property
    def version(self) -> int:
        """The version read."""
        return self._version

    @property
    def files(self) -> list[str]:
        """Names of the Parquet files of this version, sorted."""
        return self._files

    def is_stale(self) -> bool:
        """Whether another version has been written since."""
        return (self.path / "_delta_log" / f"{self.version + 1:020d}.json").exists()

    def refresh(self) -> bool:
        """Read the newest version; whether it changed."""
        with self._lock:
            if not self.is_stale():
                return False
            self._update()
        return True

    def append(self, rows: pa.Table) -> None:
        """Add rows in one transaction."""
        from deltalake import write_deltalake

        if rows.num_rows:
            with self._lock:
                write_deltalake(self._table, rows, mode="append", writer_properties=self._properties())
                self._update()

    def delete(self, case_ids: Sequence[int]) -> None:
        """Remove rows by id from this and every later version; :meth:`purge` then removes the bytes."""
        with self._lock:
            for start in range(0, len(case_ids), 1000):
                listed = ", ".join(str(int(i)) for i in case_ids[start : start + 1000])
                self._table.delete(f"case_id in ({listed})", writer_properties=self._properties())
            self._update()

    def replace(self, rows: pa.Table) -> None:
        """Put other rows in the place of all."""
        from deltalake import write_deltalake

        with self._lock:
            write_deltalake(self._table, rows, mode="overwrite", writer_properties=self._properties())
            self._update()

    def purge(self) -> None:
        """Remove every file that this version does not name: older versions, and what a crash left behind.

        Only while the write lock is held.
        """
        keep = set(self.files)
        for file in self.path.glob("*.parquet"):
            if file.name not in keep:
                file.unlink(missing_ok=True)
        for file in (self.path / "_delta_log").glob("_commit_*"):
            file.unlink(missing_ok=True)

    def has_strays(self) -> bool:
        """Whether there are files that this version does not name."""
        return len(list(self.path.glob("*.parquet"))) != len(self.files)

    def compact(self, target_bytes: int) -> None:
        """Rewrite many small files as few large ones, and purge."""
        with self._lock:
            self._table.optimize.compact(target_size=target_bytes, writer_properties=self._properties())
            self._update()
        self.purge()

    def sync(self) -> None:
        """Ask the system to put everything on the disk."""
        import os

        for file in [*self.path.glob("*.parquet"), *(self.path / "_delta_log").glob("*.json")]:
            with contextlib.suppress(FileNotFoundError), file.open("rb") as stream:
                os.fsync(stream.fileno())

    def _update(self) -> None:
        self._table.update_incremental()
        self._version, self._files = self._read()

    def _read(self) -> tuple[int, list[str]]:
        names = (unquote(uri).rsplit("/", 1)[-1] for uri in self._table.file_uris())
        return int(self._table.version()), sorted(names)

    def _properties(self) -> Any:
        from deltalake import ColumnProperties, WriterProperties

        return WriterProperties(
            compression=self._compression,
            max_row_group_size=self._rows_per_group,
            default_column_properties=ColumnProperties(statistics_enabled="NONE"),
        )
