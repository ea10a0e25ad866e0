"""A Delta table in a folder: append, delete so that the bytes are gone, every byte checked when it is read."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from precordia.core.errors import BusyError, DamageError
from precordia.indexing import deltalog
from precordia.indexing.durable import (
    PARTIAL,
    make_folder,
    remove,
    storage_error,
    sync_folder,
    telling,
    write_atomically,
    write_synced,
)
from precordia.indexing.holes import fill
from precordia.indexing.ledger import LEDGER, Ledger, TableFile, remedy
from precordia.indexing.parquet import Layout, decode, encode, ids_in_footer, salvage
from precordia.indexing.seals import digest_of, digest_of_file

CHECKPOINT_EVERY: Final = 64
"""Transactions after which the log is put into one file, so that neither it nor the ledger grows without end."""

_OURS: Final = (".parquet", PARTIAL, ".crc")
"""Ends of the names of what may be removed when no version names it."""

_IDS: Final = pa.schema([("case_id", pa.int64())])


class DeltaFolder:
    """One Delta table, read at one version until :meth:`refresh`.

    Nothing of a patient ever enters the log: there are no column statistics in it, and no predicates.

    Args:
        path: The table's folder.
        layout: How its files are written.
        complete: Refuse a table of which a file is missing; else it can be mended.

    Raises:
        DamageError: the ledger or a file of the table is missing or not what was written.
    """

    def __init__(self, path: Path, layout: Layout = Layout(), complete: bool = True) -> None:  # noqa: B008
        self.path = path
        self._complete = complete
        self._layout = layout
        self._lock = threading.RLock()
        self._state, self._seen = self._load()

    @staticmethod
    def create(path: Path, schema: pa.Schema) -> None:
        """Make an empty table, unless there is one.

        Raises:
            DamageError: there are files, but no ledger.
        """
        if (path / LEDGER).exists():
            return
        log = path / deltalog.LOG
        if any(path.glob("*.parquet")) or (log / deltalog.entry_name(1)).exists():
            raise DamageError(f"{path / LEDGER} is missing; {remedy(path.parent)}")
        make_folder(log)
        content, protocol, metadata = deltalog.first_entry(schema)
        write_atomically(log / deltalog.entry_name(0), content)
        Ledger(0, {}, {deltalog.entry_name(0): digest_of(content)}, protocol, metadata).save(path)

    @property
    def version(self) -> int:
        """The version read."""
        return self._state.version

    @property
    def files(self) -> list[str]:
        """Names of the Parquet files of this version, sorted; a file never changes."""
        return sorted(self._state.files)

    @property
    def ledger(self) -> Ledger:
        """This version's files with their checksums."""
        return self._state

    def is_stale(self) -> bool:
        """Whether another version has been written since."""
        with telling(self.path / LEDGER):
            return _signature(self.path / LEDGER) != self._seen

    def refresh(self) -> bool:
        """Read the newest version; whether it changed."""
        with self._lock:
            if not self.is_stale():
                return False
            before = self._state
            self._state, self._seen = self._load()
            return self._state != before

    # --- reading ------------------------------------------------------------------------------------------------

    def read(self, name: str, schema: pa.Schema, columns: Sequence[str] | None = None) -> pa.Table:
        """A Parquet file with exactly the types of a schema, as one chunk; its checksum is compared first.

        Raises:
            DamageError: it is not what was written.
            FileNotFoundError: it has been erased or compacted.
        """
        return decode(pa.BufferReader(self._content(name)), schema, columns)

    def ids(self, name: str) -> pa.Table:
        """The column ``case_id`` of a Parquet file, its pages checked, without reading the rest of it."""
        try:
            named = ids_in_footer(self.path / name, self._state_of(name)) if self._layout.names_rows else None
            if named is not None:
                return pa.table([named], schema=_IDS)
            fill(self.path / name)
            with pa.memory_map(str(self.path / name)) as stream:
                return decode(stream, _IDS, by_page=True)
        except FileNotFoundError:
            raise
        except (pa.ArrowException, OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno:
                raise storage_error(error, self.path / name) from None
            raise self._damaged(name) from None

    def sound_rows(self, name: str) -> pa.Table | None:
        """The rows of a damaged file that are what was written; None where nothing can be told."""
        file = self.path / name
        if not file.exists():
            return None
        fill(file)
        return salvage(file.read_bytes(), self._state_of(name))

    # --- writing: only while the write lock is held ---------------------------------------------------------------

    def recover(self) -> None:
        """Take over what a crash left in the log and not in the ledger, and what another engine has written.

        Raises:
            DamageError: an entry of the log cannot be read, or a file that it names is missing.
        """
        with self._lock:
            while (entry := self._entry(self._state.version + 1)).exists():
                content = entry.read_bytes()
                try:
                    add, gone = deltalog.read_entry(content)
                except ValueError as error:
                    raise DamageError(f"{entry} is damaged ({error}); {remedy(self.path.parent)}") from None
                for name, file in add.items():
                    if _size(self.path / name) != file.size:
                        raise DamageError(f"{self.path / name} is missing; {remedy(self.path.parent)}")
                    if not file.digest:
                        add[name] = TableFile(file.rows, file.size, digest_of_file(self.path / name))
                log = {entry.name: digest_of(content)}
                self._become(self._state.changed(self._state.version + 1, add, gone, log))

    def append(self, rows: pa.Table) -> None:
        """Add rows in one transaction."""
        if rows.num_rows:
            self._commit("WRITE", [rows], ())

    def delete(self, case_ids: Sequence[int], instead: pa.Table | None = None) -> None:
        """Remove rows by id from this and every later version; :meth:`purge` then removes the bytes.

        Args:
            case_ids: The rows; those that are not there are passed over.
            instead: Rows that come in the same transaction.
        """
        gone = np.asarray(sorted(case_ids), dtype=np.int64)
        kept: list[pa.Table] = []
        outdated: list[str] = []
        for name in self.files:
            if np.isin(self.ids(name).column(0).to_numpy(), gone).any():
                rows = self._rows_of(name)
                outdated.append(name)
                kept.append(rows.filter(pa.array(~np.isin(rows.column("case_id").to_numpy(), gone))))
        new = [rows for rows in (*kept, instead) if rows is not None and rows.num_rows]
        if outdated or instead is not None:
            self._commit("DELETE", new, outdated)

    def replace(self, rows: pa.Table) -> None:
        """Put other rows in the place of all."""
        self._commit("WRITE", [rows] if rows.num_rows else [], self.files)

    def rewrite(self, change: Callable[[pa.Table], pa.Table]) -> None:
        """Put other rows in the place of each file's, all in one transaction, a file at a time in memory."""
        self._commit("WRITE", (change(self._rows_of(name)) for name in self.files), self.files)

    def compact(self, target_bytes: int) -> None:
        """Rewrite many small files as few large ones, and purge."""
        groups: list[list[str]] = [[]]
        room = target_bytes
        for name in self.files:
            size = self._state.files[name].size
            if size > room and groups[-1]:
                groups.append([])
                room = target_bytes
            groups[-1].append(name)
            room -= size
        several = [group for group in groups if len(group) > 1]
        for group in several:
            rows = [self._rows_of(name) for name in group]
            self._commit("OPTIMIZE", [pa.concat_tables(rows, promote_options="default").combine_chunks()], group)
        self.purge()

    def put_right(self, name: str, kept: pa.Table | None) -> None:
        """Put those rows of a damaged file that are sound in its place."""
        self._commit("DELETE", [kept] if kept is not None and kept.num_rows else [], [name])
        self.purge()

    def purge(self) -> None:
        """Remove every file that this version does not name: older versions, and what a crash left behind."""
        for stray in self.strays():
            remove(stray)
        sync_folder(self.path)
        sync_folder(self.path / deltalog.LOG)

    def strays(self) -> list[Path]:
        """Files that this version does not name."""
        log = self.path / deltalog.LOG
        kept = {*self._state.files, *self._state.log}
        return [
            file
            for folder, suffixes in ((self.path, _OURS), (log, (*_OURS, ".json")))
            for file in folder.iterdir()
            if file.name.endswith(suffixes) and file.name not in kept
        ]

    def checkpoint(self) -> None:
        """Put the log into one file that stands for all entries so far, and remove those."""
        content, pointer = deltalog.checkpoint(self._state)
        log, name = self.path / deltalog.LOG, deltalog.checkpoint_name(self.version)
        write_synced(log / name, content)
        write_synced(log / deltalog.LAST_CHECKPOINT, pointer)
        sync_folder(log)
        kept = {name: digest_of(content), deltalog.LAST_CHECKPOINT: digest_of(pointer)}
        self._become(Ledger(self.version, self._state.files, kept, self._state.protocol, self._state.metadata))
        self.purge()

    # --- inside -------------------------------------------------------------------------------------------------

    def _rows_of(self, name: str) -> pa.Table:
        """All columns of a file, as they were written."""
        return decode(pa.BufferReader(self._content(name)))

    def _content(self, name: str) -> bytes:
        with telling(self.path / name):
            fill(self.path / name)
            content = (self.path / name).read_bytes()
        if digest_of(content) != self._state_of(name).digest:
            raise self._damaged(name)
        return content

    def _commit(self, operation: str, tables: Iterable[pa.Table], gone: Collection[str]) -> None:
        with self._lock:
            version = self._state.version + 1
            entry = self._entry(version)
            if entry.exists():
                raise BusyError(f"{self.path}: another program has written to this table: try again")
            add: dict[str, TableFile] = {}
            for rows in tables:
                content, file = encode(rows, self._layout)
                name = deltalog.file_name(version, file.digest)
                add[name] = file
                write_synced(self.path / name, content)
            if add:
                sync_folder(self.path)
            content = deltalog.entry(operation, add, gone)
            write_atomically(entry, content)
            self._become(self._state.changed(version, add, set(gone), {entry.name: digest_of(content)}))
            if version % CHECKPOINT_EVERY == 0:
                self.checkpoint()

    def _become(self, ledger: Ledger) -> None:
        ledger.save(self.path)
        self._state, self._seen = ledger, _signature(self.path / LEDGER)

    def _load(self) -> tuple[Ledger, tuple[int, ...]]:
        for _ in range(20):
            with telling(self.path / LEDGER):
                try:
                    seen = _signature(self.path / LEDGER)
                except FileNotFoundError:
                    seen = (0,)
            ledger = Ledger.load(self.path)
            if seen == _signature(self.path / LEDGER):
                break
        lost = next((n for n, file in ledger.files.items() if _size(self.path / n) != file.size), None)
        if lost is None or not self._complete:
            return ledger, seen
        if _signature(self.path / LEDGER) != seen:  # erased or compacted meanwhile
            return self._load()
        raise DamageError(f"{self.path / lost} is missing or cut short; {remedy(self.path.parent)}")

    def _state_of(self, name: str) -> TableFile:
        try:
            return self._state.files[name]
        except KeyError:
            raise FileNotFoundError(name) from None

    def _entry(self, version: int) -> Path:
        return self.path / deltalog.LOG / deltalog.entry_name(version)

    def _damaged(self, name: str) -> DamageError:
        return DamageError(f"{self.path / name} is damaged: it is not what was written; {remedy(self.path.parent)}")


def _signature(file: Path) -> tuple[int, ...]:
    status = os.stat(file)  # noqa: PTH116
    return status.st_ino, status.st_mtime_ns, status.st_size


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return -1


_SIGNALS: Final = Layout(rows_per_group=8, compression="NONE", names_rows=True)
"""A point read decodes a row group: eight signals are some 200 kB, compressed before."""


def open_table(path: Path, name: str, complete: bool = True) -> DeltaFolder:
    """A table of the knowledge base at ``path``.

    Args:
        path: Its folder.
        name: "cases", "signals" or "rejects".
        complete: Refuse a table of which a file is missing.

    Raises:
        DamageError: it is not what was written.
    """
    return DeltaFolder(path / name, _SIGNALS if name == "signals" else Layout(), complete)


def open_tables(path: Path) -> tuple[DeltaFolder, DeltaFolder, DeltaFolder]:
    """Cases, signals and rejects. Raises as :func:`open_table`."""
    return open_table(path, "cases"), open_table(path, "signals"), open_table(path, "rejects")
