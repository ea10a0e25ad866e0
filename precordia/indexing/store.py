"""The case store: three Delta tables in one folder, read at one version, written by one process at a time.

``cases`` holds a row a case with its vectors, ``signals`` the signals, ``rejects`` what was seen and not kept. A shard's
signals are written before its cases: a case is there exactly when its row is, and a signal without a row is left over
from a crash and goes with the next writer.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from precordia.core.case import Case
from precordia.core.errors import KnowledgeBaseNotFoundError
from precordia.core.recording import MedianBeats, Recording
from precordia.indexing.filters import Expression, FilterEngine, check_concepts, metadata_column, resolve
from precordia.indexing.locks import CACHE_LOCK, WRITE_LOCK, locked
from precordia.indexing.rows import RowCache, drop_unused, read_parquet
from precordia.indexing.schema import (
    CASE_OF_COLUMNS,
    CASE_SCHEMA,
    FILTER_COLUMNS,
    LIGHT_SCHEMA,
    REJECT_SCHEMA,
    SIGNAL_SCHEMA,
    Reject,
    case_of,
    reject_table,
)
from precordia.indexing.signals import decode_signal
from precordia.indexing.tables import DeltaFolder

VectorKind = Literal["signal", "text"]

_VECTOR_COLUMNS: Final[dict[str, str]] = {"signal": "embedding", "text": "text_embedding"}
PRESENT: Final = "present"
"""Stage of the rows of the reject table that note a second copy of a recording that is kept."""

_COPY: Final = "the same recording is in the knowledge base already"
_COPY_COLUMNS: Final = ["source", "source_stamp", "recording_id", "patient_key"]
_SIGNALS_PER_GROUP: Final = 8
"""A point read decodes a row group: eight signals are some 200 kB."""

_COMPACT_FILES: Final = 32
_COMPACT_BYTES: Final = 64 * 2**20


@dataclass(frozen=True)
class Erasure:
    """What :meth:`DeltaCaseStore.erase` removed.

    Attributes:
        case_ids: The cases.
        n_rejects: Number of rows of the reject table.
    """

    case_ids: tuple[int, ...]
    n_rejects: int


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
        self._filters = FilterEngine()
        self._cached_rows: RowCache | None = None
        self._cached_signals: RowCache | None = None
        self._known: set[int] | None = None
        self._known_rejects: set[Reject] = set()
        self._reset()

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

    def select(self, where: str | None) -> NDArray[np.int64]:
        """Ids of the cases for which a condition is true, ascending; see :mod:`precordia.indexing.filters`.

        Raises:
            FilterError: the expression is not valid; the message lists the columns.
        """
        if where is None or not where.strip():
            return self.ids
        if where not in self._selected:
            expression = self._filters.parse(where)
            _check_vocabulary(expression, where)
            found = self._filters.run(expression, where, self._filter_rows(expression, where))
            found.setflags(write=False)
            self._selected[where] = found
        return self._selected[where]

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
    def writing(self, wait_s: float = 0.0) -> Iterator[DeltaCaseStore]:
        """Be the one writer: brings the store up to date and clears what a crash has left.

        Raises:
            BusyError: another process is writing, for longer than ``wait_s``.
        """
        with locked(self.path, WRITE_LOCK, wait_s, "this one"):
            self.refresh()
            self._clear_crash()
            self._known = set(self.ids.tolist())
            self._known_rejects = set(self._all_rejects())
            try:
                yield self
            finally:
                self._known = None

    def append(self, cases: pa.Table, signals: pa.Table, rejects: Sequence[Reject] = ()) -> int:
        """Add a shard; cases that are there already are passed over. Only inside :meth:`writing`.

        Args:
            cases: By :func:`~precordia.indexing.schema.case_table`.
            signals: Of the same cases, in the same order.
            rejects: What the shard did not keep.

        Returns:
            The number of cases added.
        """
        if self._known is None:
            raise RuntimeError("append only inside writing()")
        fresh = [i not in self._known for i in cases.column("case_id").to_pylist()]
        copies = cases.filter(pa.array([not f for f in fresh], pa.bool_())).select(_COPY_COLUMNS).to_pylist()
        noted = [*rejects, *(Reject(**row, reason=_COPY, stage=PRESENT, error="Duplicate") for row in copies)]
        noted = [reject for reject in noted if reject not in self._known_rejects]
        self._signals.append(signals.filter(pa.array(fresh, pa.bool_())))
        self._rejects.append(reject_table(noted))
        self._known_rejects.update(noted)
        cases = cases.filter(pa.array(fresh, pa.bool_()))
        self._cases.append(cases)
        self._known.update(cases.column("case_id").to_pylist())
        self._reset()
        return int(cases.num_rows)

    def erase(self, patient_key: str, wait_s: float = 30.0) -> Erasure:
        """Remove a patient's rows, and the bytes of every older version of the files that held them.

        Derived files go too: mapped rows here, indexes by whoever keeps them (``cache/`` is emptied of all of them).

        Raises:
            BusyError: another process is writing.
        """
        with self.writing(wait_s):
            gone = [int(i) for i in self.ids_of_patient(patient_key)]
            names = {row["recording_id"] for row in self._rows.read(gone, ["recording_id"])}
            rejects = self._all_rejects()
            kept = [r for r in rejects if r.patient_key != patient_key and r.recording_id not in names]
            n_rejects = len(rejects) - len(kept)
            if gone:
                self._cases.delete(gone)
                self._signals.delete(gone)
            if n_rejects:
                self._rejects.replace(reject_table(kept))
            self._purge()
            return Erasure(tuple(gone), n_rejects)

    def compact(self) -> None:
        """Gather many small files of cases into few, and put everything on the disk. Only inside :meth:`writing`."""
        if len(self._cases.files) > _COMPACT_FILES:
            self._cases.compact(_COMPACT_BYTES)
        if len(self._rejects.files) > _COMPACT_FILES:
            self._rejects.compact(_COMPACT_BYTES)
        self._reset()
        with locked(self.path, CACHE_LOCK, -1, "clearing the cache"):
            drop_unused(self.path / "cache" / "rows", [self._cases, self._signals])
        for table in (self._signals, self._rejects, self._cases):
            table.sync()

    # --- inside -------------------------------------------------------------------------------------------------

    @property
    def _rows(self) -> RowCache:
        if self._cached_rows is None or self._cached_rows.version != self._cases.version:
            self._cached_rows = self._cache(self._cases, LIGHT_SCHEMA, self._cached_rows)
        return self._cached_rows

    @property
    def _signal_rows(self) -> RowCache:
        if self._cached_signals is None or self._cached_signals.version != self._signals.version:
            schema = pa.schema([SIGNAL_SCHEMA.field("case_id")])
            self._cached_signals = self._cache(self._signals, schema, self._cached_signals)
        return self._cached_signals

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
        self._selected: dict[str, NDArray[np.int64]] = {}
        self._filter_columns: dict[tuple[str, str | None], pa.ChunkedArray] = {}

    def _signal_row(self, case_id: int) -> dict[str, Any]:
        import pyarrow.parquet as pq

        for attempt in (0, 1):
            ((name, row),) = self._signal_rows.positions([case_id])
            try:
                with pq.ParquetFile(self._signals.path / name) as file:
                    for group in range(file.num_row_groups):
                        n = file.metadata.row_group(group).num_rows
                        if row < n:
                            rows = file.read_row_group(group, columns=SIGNAL_SCHEMA.names)
                            found: dict[str, Any] = rows.slice(row, 1).to_pylist()[0]
                            return found
                        row -= n
            except FileNotFoundError:
                if attempt or not self.refresh():
                    raise
        raise KeyError(case_id)

    def _filter_rows(self, expression: Expression, where: str) -> pa.Table:
        named = resolve(expression, where, FILTER_COLUMNS, self._rows.metadata_keys())
        arrays = {"case_id": self._filter_column("case_id", None)}
        for name, (column, key) in named.items():
            arrays[name] = self._filter_column(column, key)
        return pa.table(arrays)

    def _filter_column(self, column: str, key: str | None) -> pa.ChunkedArray:
        if (column, key) not in self._filter_columns:
            values = self._rows.column(column)
            self._filter_columns[column, key] = values if key is None else metadata_column(values, key)
        return self._filter_columns[column, key]

    def _matching(self, column: str, value: str) -> NDArray[np.int64]:
        import pyarrow.compute as pc

        mask = pc.fill_null(pc.equal(self._rows.column(column), value), False)
        return np.sort(self._rows.column("case_id").filter(mask).to_numpy())

    def forget_rejects(self) -> None:
        """Empty the reject table, so that everything in it is read again. Only inside :meth:`writing`."""
        self._rejects.replace(REJECT_SCHEMA.empty_table())
        self._known_rejects.clear()

    def _all_rejects(self) -> list[Reject]:
        rows = self._reject_rows().to_pylist()
        return sorted((Reject(**row) for row in rows), key=lambda r: (r.source, r.stage, r.reason))

    def _reject_rows(self) -> pa.Table:
        parts = [read_parquet(self._rejects.path / name, REJECT_SCHEMA) for name in self._rejects.files]
        return pa.concat_tables([REJECT_SCHEMA.empty_table(), *parts])

    def _clear_crash(self) -> None:
        orphans = np.setdiff1d(self._signal_rows.ids, self.ids)
        if orphans.size:
            self._signals.delete([int(i) for i in orphans])
        if orphans.size or any(t.has_strays() for t in (self._cases, self._signals, self._rejects)):
            self._purge()

    def _purge(self) -> None:
        """Remove every byte that the newest version does not need, derived files included."""
        with locked(self.path, CACHE_LOCK, -1, "clearing the cache"):
            for table in (self._cases, self._signals, self._rejects):
                table.purge()
            drop_unused(self.path / "cache" / "rows", [self._cases, self._signals])
            for file in sorted((self.path / "cache").rglob("*"), reverse=True):
                if file.parent.name != "rows" and file.name != "rows":
                    with contextlib.suppress(FileNotFoundError):
                        file.rmdir() if file.is_dir() else file.unlink()
        self._reset()


def _check_vocabulary(expression: Expression, where: str) -> None:
    known = _known_concepts() if expression.concepts else frozenset()
    if known:
        check_concepts(expression, where, known.__contains__, known)


@lru_cache(maxsize=1)
def _known_concepts() -> frozenset[str]:
    from precordia.concepts import vocabulary

    return frozenset(concept.id for concept in vocabulary())
