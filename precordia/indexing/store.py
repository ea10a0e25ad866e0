"""The case store: three Delta tables in one folder, read at one version, written by one process at a time.

``cases`` holds a row a case with its vectors, ``signals`` the signals, ``rejects`` what was seen and not kept. A shard's
signals are written before its cases: a case is there exactly when its row is, and a signal without a row is left over
from a crash and goes with the next writer.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from precordia.core.case import Case
from precordia.core.errors import KnowledgeBaseNotFoundError
from precordia.core.recording import MedianBeats, Recording
from precordia.indexing.filters import Expression, FilterEngine, check_concepts, metadata_column, resolve
from precordia.indexing.locks import WRITE_LOCK, locked
from precordia.indexing.rows import RowCache, read_parquet
from precordia.indexing.schema import (
    CASE_OF_COLUMNS,
    CASE_SCHEMA,
    FILTER_COLUMNS,
    LIGHT_SCHEMA,
    REJECT_SCHEMA,
    SIGNAL_SCHEMA,
    Reject,
    case_of,
)
from precordia.indexing.signals import decode_signal
from precordia.indexing.tables import DeltaFolder
from precordia.indexing.writer import PRESENT, Erasure, StoreWriter

VectorKind = Literal["signal", "text"]

_VECTOR_COLUMNS: Final[dict[str, str]] = {"signal": "embedding", "text": "text_embedding"}
_SIGNALS_PER_GROUP: Final = 8
"""A point read decodes a row group: eight signals are some 200 kB."""


_REMEMBERED: Final = 256
_REMEMBERED_BYTES: Final = 64 * 2**20
_METADATA_COLUMNS: Final = 16
"""Filters whose result is remembered, the bytes of all their ids, and the metadata columns kept: the newest of each."""


class _FilterMemory:
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
        kept, left = {}, _REMEMBERED_BYTES
        for key, ids in [(where, found), *reversed(self._selected.items())][:_REMEMBERED]:
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


class DeltaCaseStore:
    """Cases, signals and rejects of a knowledge base; a :class:`~precordia.core.protocols.CaseStore`.

    Reads one version until :meth:`refresh`, so that what one query sees is consistent while another process writes.

    Args:
        path: The knowledge base's folder.

    Raises:
        KnowledgeBaseNotFoundError: there are no tables at ``path``.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not (self.path / "cases" / "_delta_log").is_dir():
            raise KnowledgeBaseNotFoundError(
                f"no knowledge base at {self.path}: build one with: precordia build ARCHIVE"
            )
        self._cases = DeltaFolder(self.path / "cases")
        self._signals = DeltaFolder(self.path / "signals", _SIGNALS_PER_GROUP, "UNCOMPRESSED")
        self._rejects = DeltaFolder(self.path / "rejects")
        self._cached_rows: RowCache | None = None
        self._cached_signals: RowCache | None = None
        self._filter_memory: _FilterMemory | None = None

    @classmethod
    def create(cls, path: Path | str) -> DeltaCaseStore:
        """Make the tables, unless they are there, and open them."""
        folder = Path(path)
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
        changed = [table.refresh() for table in (self._cases, self._signals, self._rejects)]
        if changed[0] or changed[1]:
            self._reset()
        return any(changed)

    def get(self, ids: Sequence[int]) -> list[Case]:
        """The cases, in the order of ``ids``.

        Raises:
            KeyError: an id is not there.
        """
        return [case_of(row) for row in self._rows.read(ids, CASE_OF_COLUMNS)]

    def recording(self, case_id: int) -> Recording:
        """The recording with its signal, lossless to 0.1 µV or the file's own step.

        Raises:
            KeyError: the id is not there.
        """
        (row,) = self._rows.read([case_id], CASE_OF_COLUMNS)
        blobs = self._signal_row(case_id)
        signal, fs, leads = decode_signal(blobs["signal"])
        details = json.loads(row["details"])
        case = case_of(row)
        median = MedianBeats(*decode_signal(blobs["median_beats"])) if blobs["median_beats"] else None
        return Recording(
            signal=signal,
            fs=fs,
            leads=leads,
            recording_id=case.recording_id,
            patient_id=details["patient_id"],
            time=case.time,
            age=case.age,
            sex=case.sex,
            device=case.device,
            source=case.source,
            format=case.format,
            report=case.report,
            vendor_statements=case.vendor_statements,
            vendor_measurements=details["vendor_measurements"],
            codes=case.codes,
            median_beats=median,
            metadata=case.metadata,
            notes=tuple(details["notes"]),
        )

    def waveform(self, case_id: int, leads: Collection[str] | None = None) -> Recording:
        """The signal alone: of :meth:`recording`, the rate and some leads, or all.

        Raises:
            KeyError: the id is not there.
        """
        signal, fs, names = decode_signal(self._signal_row(case_id, ("signal",))["signal"], leads)
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
            _check_vocabulary(expression)
            found = self._filters.run(expression, memory.table(expression))
            memory.keep(where, found)
        return found

    def columns(self) -> list[str]:
        """What a ``where`` expression may name: columns, then metadata keys."""
        return [*FILTER_COLUMNS, *(k for k in self._rows.metadata_keys() if k not in FILTER_COLUMNS)]

    def column(self, name: str) -> pa.ChunkedArray:
        """One column of the case table for every case, in the order of :meth:`column` of ``case_id``."""
        return self._rows.column(name)

    def ids_of_patient(self, patient_key: str) -> NDArray[np.int64]:
        """Ids of a patient's cases, ascending."""
        return self._matching("patient_key", patient_key)

    def ids_of_content(self, content_hash: str) -> NDArray[np.int64]:
        """Ids of the cases with a signal, ascending."""
        return self._matching("content_hash", content_hash)

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
            rows = read_parquet(self._cases.path / name, CASE_SCHEMA, ["case_id", column])
            rows = rows.filter(rows.column(column).is_valid()).combine_chunks()
            if rows.num_rows:
                flat = np.concatenate([chunk.flatten().to_numpy() for chunk in rows.column(column).chunks])
                yield rows.column(0).to_numpy(), np.ascontiguousarray(flat.reshape(rows.num_rows, -1), dtype=np.float32)

    def texts(self, files: Iterable[str] | None = None) -> Iterator[tuple[int, str, str]]:
        """Id, report and canonical statements of every case that has a report, in no particular order."""
        for name in self.files if files is None else files:
            rows = self._rows.of_file(name).select(["case_id", "report", "statements"])
            for row in rows.to_pylist():
                if row["report"] or row["statements"]:
                    yield row["case_id"], row["report"] or "", row["statements"] or ""

    def rejects(self) -> list[Reject]:
        """What was seen and not kept, by source; second copies of what is kept are not among them."""
        return [reject for reject in self._all_rejects() if reject.stage != PRESENT]

    def sources(self) -> set[tuple[str, str]]:
        """Source and stamp of everything that was read, kept or not."""
        rejects = self._reject_rows()
        pairs = [(self.column("source"), self.column("source_stamp")), (rejects["source"], rejects["source_stamp"])]
        return {pair for a, b in pairs for pair in zip(a.to_pylist(), b.to_pylist(), strict=True)}

    # --- writing ------------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self, wait_s: float = 0.0) -> Iterator[StoreWriter]:
        """Be the one writer: brings the store up to date, clears what a crash has left, and gives the writer.

        Raises:
            BusyError: another process is writing, for longer than ``wait_s``.
        """
        with locked(self.path, WRITE_LOCK, wait_s, "this one"):
            self.refresh()
            writer = StoreWriter(self.path, self._cases, self._signals, self._rejects, self._rows, self._all_rejects())
            orphans = np.setdiff1d(self._signal_rows.ids, self.ids)
            if orphans.size:
                writer.delete_orphans([int(i) for i in orphans])
            elif writer.has_strays():
                writer.purge()
            try:
                yield writer
            finally:
                self._reset()

    def erase(self, patient_key: str, wait_s: float = 30.0) -> Erasure:
        """Remove a patient's rows, and the bytes of every older version of the files that held them.

        Everything derived goes too, and is made again when it is needed.

        Raises:
            BusyError: another process is writing.
        """
        with self.writing(wait_s) as writer:
            return writer.erase(patient_key)

    # --- inside -------------------------------------------------------------------------------------------------

    @cached_property
    def _filters(self) -> FilterEngine:
        return FilterEngine()

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

    def _memory_of(self, rows: RowCache) -> _FilterMemory:
        memory = self._filter_memory
        if memory is None or memory.rows is not rows:
            memory = self._filter_memory = _FilterMemory(rows)
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
        self._filter_memory = None

    def _signal_row(self, case_id: int, columns: Sequence[str] = tuple(SIGNAL_SCHEMA.names)) -> dict[str, Any]:
        import pyarrow.parquet as pq

        for attempt in (0, 1):
            ((name, row),) = self._signal_rows.positions([case_id])
            path = str(self._signals.path / name)
            try:
                metadata, starts = _groups_of(path)
                with pq.ParquetFile(path, metadata=metadata) as file:
                    group = int(np.searchsorted(starts, row, side="right")) - 1
                    rows = file.read_row_group(group, columns=list(columns), use_threads=False)
                    found: dict[str, Any] = rows.slice(row - int(starts[group]), 1).to_pylist()[0]
                    return found
            except FileNotFoundError:
                if attempt or not self.refresh():
                    raise
        raise KeyError(case_id)

    def _matching(self, column: str, value: str) -> NDArray[np.int64]:
        import pyarrow.compute as pc

        rows = self._rows
        mask = pc.fill_null(pc.equal(rows.column(column), value), False)
        return np.sort(rows.column("case_id").filter(mask).to_numpy())

    def _all_rejects(self) -> list[Reject]:
        rows = self._reject_rows().to_pylist()
        return sorted((Reject(**row) for row in rows), key=lambda r: (r.source, r.stage, r.reason))

    def _reject_rows(self) -> pa.Table:
        parts = [read_parquet(self._rejects.path / name, REJECT_SCHEMA) for name in self._rejects.files]
        return pa.concat_tables([REJECT_SCHEMA.empty_table(), *parts])


def _check_vocabulary(expression: Expression) -> None:
    known = _known_concepts() if expression.concepts else frozenset()
    if known:
        check_concepts(expression, known.__contains__, known)


@lru_cache(maxsize=256)
def _groups_of(path: str) -> tuple[Any, NDArray[np.int64]]:
    """A Parquet file's metadata and the first row of each of its groups; the file never changes."""
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(path)
    counts = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    return metadata, np.cumsum([0, *counts[:-1]], dtype=np.int64)


@lru_cache(maxsize=1)
def _known_concepts() -> frozenset[str]:
    from precordia.concepts import vocabulary

    return frozenset(concept.id for concept in vocabulary())
