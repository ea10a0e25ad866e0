"""The case store: three Delta tables in one folder, read at one version, written by one process at a time.

``cases`` holds a row a case with its vectors, ``signals`` the signals, ``rejects`` what was seen and not kept. A shard's
signals are written before its cases: a case is there exactly when its row is, and a signal without a row is left over
from a crash and goes with the next writer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from precordia.core.case import Case
from precordia.core.errors import (
    BusyError,
    DamageError,
    KnowledgeBaseNotFoundError,
    StorageError,
    UnfinishedErasureError,
)
from precordia.core.progress import Progress, silent
from precordia.core.protocols import Encoder
from precordia.core.recording import Recording
from precordia.indexing.addresses import folder_of
from precordia.indexing.deltalog import LOG
from precordia.indexing.durable import storage_error, telling
from precordia.indexing.erasure import Erasure, Journal
from precordia.indexing.filter_memory import FilterMemory
from precordia.indexing.filters import FilterEngine, check_concepts
from precordia.indexing.id_order import is_among
from precordia.indexing.ledger import LEDGER, remedy
from precordia.indexing.locks import WRITE_LOCK, locked
from precordia.indexing.manifest import Manifest
from precordia.indexing.mapped_rows import RowCache
from precordia.indexing.reembedding import JOURNAL as REEMBEDDING
from precordia.indexing.reembedding import finish_reembedding
from precordia.indexing.schema import (
    CASE_OF_COLUMNS,
    CASE_SCHEMA,
    FILTER_COLUMNS,
    LIGHT_SCHEMA,
    REJECT_SCHEMA,
    SIGNAL_SCHEMA,
    Reject,
    case_of,
    recording_of,
    signal_checksum,
)
from precordia.indexing.signals import decode_signal
from precordia.indexing.single_rows import row_of
from precordia.indexing.tables import DeltaFolder, open_tables
from precordia.indexing.writer import PRESENT, StoreWriter

VectorKind = Literal["signal", "text"]

_VECTOR_COLUMNS: Final[dict[str, str]] = {"signal": "embedding", "text": "text_embedding"}
_EMBEDDED: Final = 64
"""Signals that are embedded at a time."""


class DeltaCaseStore:
    """Cases, signals and rejects of a knowledge base; a :class:`~precordia.core.protocols.CaseStore`.

    Reads one version until :meth:`refresh`, so that what one query sees is consistent while another process writes.

    Args:
        path: The knowledge base's folder.

    Raises:
        KnowledgeBaseNotFoundError: there are no tables at ``path``.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = folder_of(path)
        with telling(self.path):
            there = (self.path / "cases" / LEDGER).exists() or (self.path / "cases" / LOG).exists()
        if not there:
            raise KnowledgeBaseNotFoundError(
                f"no knowledge base at {self.path}: build one with: precordia build ARCHIVE"
            )
        self._cases, self._signals, self._rejects = open_tables(self.path)
        self._cached_rows: RowCache | None = None
        self._cached_signals: RowCache | None = None
        self._filter_memory: FilterMemory | None = None
        self._latest_signal: dict[str, Any] | None = None
        self._finished: tuple[Journal, Erasure] | None = None
        self.finish_erasure()
        self.finish_reembedding()

    @classmethod
    def create(cls, path: Path | str) -> DeltaCaseStore:
        """Make the tables, unless they are there, and open them."""
        folder = folder_of(path)
        # The table of cases comes last: it is what makes the folder a knowledge base.
        for name, schema in (("signals", SIGNAL_SCHEMA), ("rejects", REJECT_SCHEMA), ("cases", CASE_SCHEMA)):
            DeltaFolder.create(folder / name, schema)
        return cls(folder)

    # --- reading ------------------------------------------------------------------------------------------------

    @property
    def version(self) -> int:
        """The version of the case table that is read."""
        return self._cases.version

    @property
    def files(self) -> tuple[str, ...]:
        """The Parquet files of this version of the case table; a file never changes."""
        return tuple(self._cases.files)

    @property
    def ids(self) -> NDArray[np.int64]:
        """Every case id, ascending."""
        return self._rows.ids

    def __len__(self) -> int:
        return int(self._rows.ids.size)

    def refresh(self) -> bool:
        """Read the newest version; whether there was one."""
        changed = [table.refresh() for table in self._tables]
        if changed[0] or changed[1]:
            self._reset()
        return any(changed)

    def get(self, ids: Sequence[int]) -> list[Case]:
        """The cases, in the order of ``ids``.

        Raises:
            KeyError: an id is not there.
        """
        return [case_of(row) for row in self._rows.read(ids, CASE_OF_COLUMNS)]

    def row(self, case_id: int, columns: Sequence[str]) -> dict[str, Any]:
        """Columns of a case's row, as they are stored.

        Raises:
            KeyError: the id is not there.
        """
        (row,) = self._rows.read([case_id], list(columns))
        return dict(row)

    def recording(self, case_id: int) -> Recording:
        """The recording with its signal, lossless to 0.1 µV or the file's own step.

        Raises:
            KeyError: the id is not there.
            DamageError: what is stored is not what was written.
        """
        (row,) = self._rows.read([case_id], CASE_OF_COLUMNS)
        blobs = self._signal_row(case_id)
        recording = recording_of(row, blobs)
        # Whatever befell it on its way, a signal that is not the case's own is never given out.
        if row["content_hash"] and recording.content_hash != row["content_hash"]:
            raise self._damaged_signal(case_id)
        return recording

    def waveform(self, case_id: int, leads: Collection[str] | None = None) -> Recording:
        """The signal alone: of :meth:`recording`, the rate and some leads, or all.

        Raises:
            KeyError: the id is not there.
            DamageError: what is stored is not what was written.
        """
        signal, fs, names = decode_signal(self._signal_row(case_id)["signal"], leads)
        return Recording(signal, fs, names, recording_id=str(case_id))

    def select(self, where: str | None) -> NDArray[np.int64]:
        """Ids of the cases for which a condition is true, ascending; see :mod:`precordia.indexing.filters`.

        Raises:
            FilterError: the expression is not valid; the message lists the columns.
        """
        if where is None or not where.strip():
            return self.ids
        memory = self._memory_of(self._rows)
        found = memory.recall(where)
        if found is None:
            expression = self._filters.parse(where)
            check_concepts(expression)
            found = self._filters.run(expression, memory.table(expression))
            memory.keep(where, found)
        return found

    def columns(self) -> list[str]:
        """What a ``where`` expression may name: columns, then metadata keys."""
        return [*FILTER_COLUMNS, *(k for k in self._rows.metadata_keys() if k not in FILTER_COLUMNS)]

    def column(self, name: str) -> pa.ChunkedArray:
        """One column of the case table for every case, in the order of :meth:`column` of ``case_id``."""
        return self._rows.column(name)

    def values(self, name: str, ids: NDArray[np.int64]) -> list[Any]:
        """One column of some cases, in their order.

        Raises:
            KeyError: an id is not there.
        """
        return self._rows.values(name, ids)

    def make_ready(self) -> None:
        """Leave behind what reading makes of new files, so that the first question need not."""
        _ = self._rows, self._signal_rows

    def ids_of_patient(self, patient_key: str) -> NDArray[np.int64]:
        """Ids of a patient's cases, ascending."""
        import pyarrow.compute as pc

        mask = pc.fill_null(pc.equal(self._rows.column("patient_key"), patient_key), False)
        return np.sort(self._rows.column("case_id").filter(mask).to_numpy())

    def vectors(
        self, kind: VectorKind = "signal", files: Iterable[str] | None = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Ids and ``(n, dim)`` vectors, a file at a time; cases without one (no report) are left out.

        Args:
            kind: Of the signal or of the report.
            files: Names of :attr:`files`, or None for all.
        """
        column = _VECTOR_COLUMNS[kind]
        for name in self.files if files is None else files:
            rows = self._cases.read(name, CASE_SCHEMA, ["case_id", column])
            rows = rows.filter(rows.column(column).is_valid()).combine_chunks()
            if rows.num_rows:
                flat = np.concatenate([chunk.flatten().to_numpy() for chunk in rows.column(column).chunks])
                yield rows.column(0).to_numpy(), np.ascontiguousarray(flat.reshape(rows.num_rows, -1), dtype=np.float32)

    def ids_with_vector(self, kind: VectorKind = "signal") -> NDArray[np.int64]:
        """Ids of the cases that have a vector, ascending: every signal has one, and of the reports those that say something."""
        if kind == "signal":
            return self.ids
        import pyarrow.compute as pc

        said = pc.fill_null(pc.greater(pc.binary_length(self.column("statements")), 0), False)
        return np.sort(self.column("case_id").filter(said).to_numpy())

    def texts(self, files: Iterable[str] | None = None) -> list[pa.Table]:
        """``case_id``, ``report`` and ``statements`` of every case, a table a file; mapped, and checked already."""
        columns = ("case_id", "report", "statements")
        return [self._rows.of_file(name, columns) for name in (self.files if files is None else files)]

    def rejects(self) -> list[Reject]:
        """What was seen and not kept, by source; second copies of what is kept are not among them."""
        return [reject for reject in self._all_rejects() if reject.stage != PRESENT]

    # --- writing ------------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self, wait_s: float = 0.0) -> Iterator[StoreWriter]:
        """Be the one writer: brings the store up to date, clears what a crash has left, and gives the writer.

        Raises:
            BusyError: another process is writing, for longer than ``wait_s``.
            DamageError: a table is not what was written.
            StorageError: the folder cannot be written to.
        """
        with locked(self.path, WRITE_LOCK, wait_s, "this one"):
            self.refresh()
            for table in self._tables:
                table.recover()
            if (journal := Journal.load(self.path)) is not None:
                self._finished = (journal, self._writer().finish_erasure(journal))
                self._reset()
            reembedded = finish_reembedding(self.path, self.version)
            writer = self._writer()
            kept = self._signal_rows.ids
            orphans = kept[~is_among(kept, self.ids)]
            if orphans.size:
                writer.delete_orphans([int(i) for i in orphans])
            elif reembedded or writer.has_strays():
                writer.purge()
            try:
                yield writer
            finally:
                self._reset()

    def erase(
        self,
        patient_key: str,
        wait_s: float = 30.0,
        catch_up: Callable[[DeltaCaseStore], Collection[str]] = lambda _: (),
    ) -> Erasure:
        """Remove a patient's rows, and the bytes of every older version of the files that held them.

        Everything derived goes too, and is made again when it is needed. An erasure of the same patient that was
        interrupted, and that the opening of this store or this call has finished, counts.

        Args:
            patient_key: The patient.
            wait_s: How long to wait for another writer, s.
            catch_up: Takes what is gone out of what is derived; the files of the cache that hold nothing of it, and stay. See
                :func:`~precordia.indexing.index_cache.caught_up`.

        Raises:
            BusyError: another process is writing.
            UnfinishedErasureError: it has begun, and could not be finished.
        """
        with self.writing(wait_s) as writer:
            erased = writer.erase(patient_key, lambda: catch_up(self))
        finished, self._finished = self._finished, None
        if finished is not None and finished[0].is_of(patient_key):
            before = finished[1]
            return Erasure((*before.case_ids, *erased.case_ids), before.n_rejects + erased.n_rejects)
        return erased

    def finish_erasure(self) -> None:
        """Finish an erasure that was interrupted, unless another process is at it.

        Raises:
            UnfinishedErasureError: it cannot be finished here.
        """
        if Journal.load(self.path) is None:
            return
        try:
            with self.writing():
                pass
        except BusyError:  # the one who writes has finished it before, or is the one who erases
            return
        except StorageError as error:
            raise UnfinishedErasureError(
                f"knowledge base {self.path}: an erasure was interrupted and cannot be finished here: {error}"
            ) from error

    def reembed(self, manifest: Manifest, encoder: Encoder, wait_s: float = 30.0, progress: Progress = silent) -> None:
        """Embed every stored signal with another encoder; the former vectors are physically gone, and what rests on them.

        Args:
            manifest: Of that encoder.
            encoder: The encoder.
            wait_s: How long to wait for another writer, s.
            progress: Shows how far it is.

        Raises:
            BusyError: another process is writing.
        """
        with self.writing(wait_s) as writer:
            blocks = range(0, len(self), _EMBEDDED)
            bar = progress(blocks, len(blocks), "embedding", "block")

            def embed(ids: NDArray[np.int64]) -> NDArray[np.float32]:
                parts = [np.zeros((0, encoder.dim), dtype=np.float32)]
                for start in range(0, len(ids), _EMBEDDED):
                    parts.append(encoder.embed([self.recording(int(i)) for i in ids[start : start + _EMBEDDED]]))
                    next(bar, None)
                return np.concatenate(parts)

            writer.reembed(manifest, embed)
            for _ in bar:  # files need not end where blocks do
                pass

    def finish_reembedding(self) -> None:
        """Finish one that was interrupted, unless another process is at it, or nothing can be written here.

        Until it is finished, readers go by its journal: :func:`~precordia.indexing.reembedding.manifest_of`.
        """
        if (self.path / REEMBEDDING).exists():
            with suppress(BusyError, StorageError), self.writing():
                pass

    # --- inside -------------------------------------------------------------------------------------------------

    @cached_property
    def _filters(self) -> FilterEngine:
        return FilterEngine()

    @property
    def _tables(self) -> tuple[DeltaFolder, DeltaFolder, DeltaFolder]:
        return self._cases, self._signals, self._rejects

    def _writer(self) -> StoreWriter:
        return StoreWriter(self.path, self._cases, self._signals, self._rejects, self._rows, self._all_rejects())

    @property
    def _rows(self) -> RowCache:
        # Another thread may put newer rows in the place of these at any moment: what is returned is what was looked at.
        rows = self._cached_rows
        if rows is None or rows.version != self._cases.version:
            rows = self._cached_rows = self._cache(self._cases, LIGHT_SCHEMA, rows)
        return rows

    @property
    def _signal_rows(self) -> RowCache:
        rows = self._cached_signals
        if rows is None or rows.version != self._signals.version:
            schema = pa.schema([SIGNAL_SCHEMA.field("case_id")])
            rows = self._cached_signals = self._cache(self._signals, schema, rows)
        return rows

    def _memory_of(self, rows: RowCache) -> FilterMemory:
        memory = self._filter_memory
        if memory is None or memory.rows is not rows:
            memory = self._filter_memory = FilterMemory(rows)
        return memory

    def _cache(self, table: DeltaFolder, schema: pa.Schema, before: RowCache | None) -> RowCache:
        folder = self.path / "cache" / "rows"
        for _ in range(3):
            try:
                return RowCache(table, schema, folder, self.path, before)
            except FileNotFoundError:  # erased or compacted since this version: read the newest
                if not self.refresh():
                    raise
        return RowCache(table, schema, folder, self.path, before)

    def _reset(self) -> None:
        self._filter_memory = self._latest_signal = None

    def _signal_row(self, case_id: int) -> dict[str, Any]:
        latest = self._latest_signal  # a case that is alike in a few leads is looked at in all of them next
        if latest is not None and latest["case_id"] == case_id:
            return latest
        for attempt in (0, 1):
            ((name, row),) = self._signal_rows.positions([case_id])
            try:
                found = row_of(self._signals.path / name, row)
                break
            except FileNotFoundError:
                if attempt or not self.refresh():
                    raise
            except (pa.ArrowException, OSError) as error:
                if isinstance(error, OSError) and error.errno:
                    raise storage_error(error, self._signals.path / name) from None
                raise self._damaged_signal(case_id) from None
        if found["case_id"] != case_id or found["checksum"] != signal_checksum(
            case_id, found["signal"], found["median_beats"]
        ):
            raise self._damaged_signal(case_id)
        self._latest_signal = found
        return found

    def _damaged_signal(self, case_id: int) -> DamageError:
        return DamageError(f"knowledge base {self.path}: the signal of case {case_id} is damaged; {remedy(self.path)}")

    def _all_rejects(self) -> list[Reject]:
        rows = self._reject_rows().to_pylist()
        return sorted((Reject(**row) for row in rows), key=lambda r: (r.source, r.stage, r.reason))

    def _reject_rows(self) -> pa.Table:
        parts = [self._rejects.read(name, REJECT_SCHEMA) for name in self._rejects.files]
        return pa.concat_tables([REJECT_SCHEMA.empty_table(), *parts])
