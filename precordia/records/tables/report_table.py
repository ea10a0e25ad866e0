"""A table of reports: one row an ECG, joined to recordings by explicit keys."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from precordia.core.errors import FilterError, InputError, UsageError
from precordia.core.recording import Recording
from precordia.records.channels import one_line, parse_time
from precordia.records.conditions import ConditionEngine
from precordia.records.people import age_at, parse_sex
from precordia.records.read import read_alone
from precordia.records.readers.statements import report_of
from precordia.records.scan import UNKNOWN, RecordRef
from precordia.records.tables.columns import cell_text, load_table, parse_codes
from precordia.records.tables.mapping import TableMapping, mapping_for

_KNOWN_BESIDE: Final = ("ptbxl_database.csv",)
_LEVELS_UP: Final = 3
_UNREADABLE: Final = -1
_ROW: Final = "__row"


class ReportTable:
    """Reports beside an archive.

    Args:
        table: A ``pyarrow.Table``.
        mapping: Which column is what.
        path: Where it came from, for messages.

    Raises:
        UsageError: the mapping does not fit the table.
    """

    def __init__(self, table: Any, mapping: TableMapping, path: str) -> None:
        mapping.check(table.column_names, path)
        self.mapping = mapping
        self.path = path
        self._table = table
        self._by_stem: dict[str, list[tuple[int, str]]] = {}
        self._by_id: dict[str, list[int]] = {}
        for column in mapping.files:
            for row, value in enumerate(table.column(column).to_pylist()):
                if text := cell_text(value):
                    self._by_stem.setdefault(_stem(text), []).append((row, text))
        for column in mapping.ids:
            for row, value in enumerate(table.column(column).to_pylist()):
                if text := cell_text(value):
                    self._by_id.setdefault(text, []).append(row)

    @staticmethod
    def load(
        path: str | os.PathLike[str], mapping: TableMapping | Mapping[str, Any] | str | os.PathLike[str] | None = None
    ) -> ReportTable:
        """The table in a CSV or Parquet file.

        Args:
            path: The file.
            mapping: A mapping, a dictionary or a JSON file of one; by default PTB-XL's, or one guessed from the column names.

        Raises:
            InputError: the file is no table.
            UsageError: the mapping does not fit it.
        """
        table = load_table(Path(path))
        if mapping is None:
            mapping = mapping_for(table.column_names)
        elif isinstance(mapping, str | os.PathLike):
            mapping = TableMapping.from_json(Path(mapping))
        elif isinstance(mapping, Mapping):
            mapping = TableMapping.from_dict(dict(mapping), "mapping")
        return ReportTable(table, mapping, str(path))

    @staticmethod
    def find_beside(path: str | os.PathLike[str]) -> ReportTable | None:
        """The known report table (``ptbxl_database.csv``) in a file's folder or up to three above it, or None.

        The newest two are kept, each as long as its file does not change.
        """
        for folder in list(Path(path).absolute().parents)[: _LEVELS_UP + 1]:
            for name in _KNOWN_BESIDE:
                candidate = folder / name
                try:
                    status = candidate.stat()
                except OSError:
                    continue
                return _load_version(candidate, status.st_mtime_ns, status.st_size)
        return None

    def __len__(self) -> int:
        return int(self._table.num_rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names."""
        return tuple(self._table.column_names)

    def row_of(self, path: str, *ids: str) -> int | None:
        """The row that belongs to a file, or to one of the ids; None when there is none or more than one fits equally."""
        candidates = self._by_stem.get(_stem(path), [])
        if len({row for row, _ in candidates}) > 1:
            parts = _parts(path)
            ranked = sorted(((_shared_tail(parts, _parts(text)), row) for row, text in candidates), reverse=True)
            best = {row for score, row in ranked if score == ranked[0][0]}
            if len(best) == 1:
                return best.pop()
        elif candidates:
            return candidates[0][0]
        for one in ids:
            rows = self._by_id.get(one, [])
            if len(set(rows)) == 1:
                return rows[0]
        return None

    def join(self, recording: Recording) -> Recording:
        """The recording with what its row says; unchanged when there is no row for it.

        The row wins over the file, since archives anonymise files and correct tables; what the row leaves empty keeps
        the file's value. Codes and metadata of both are kept.
        """
        mapping = self.mapping
        row = self.row_of(recording.source, *self._ids_of(recording))
        if row is None:
            return recording
        cells = {name: self._table.column(name)[row].as_py() for name in self._table.column_names}

        def text(column: str | None) -> str | None:
            return cell_text(cells[column]) if column else None

        sex_text = text(mapping.sex) or ""
        time = _time(cells.get(mapping.time or "")) or recording.time
        wanted = mapping.metadata if mapping.metadata is not None else tuple(c for c in cells if c not in mapping.used)
        extra = {name: value for name in wanted if (value := cell_text(cells[name])) is not None}
        codes = parse_codes(cells[mapping.codes], mapping.code_scheme) if mapping.codes else ()
        report = _joined(cells[column] for column in mapping.report)
        return replace(
            recording,
            patient_id=text(mapping.patient_id) or recording.patient_id,
            time=time,
            age=_first(age_at(time, text(mapping.age)), recording.age),
            sex=mapping.sex_values.get(sex_text) or parse_sex(sex_text, mapping.sex or "") or recording.sex,
            device=one_line(text(mapping.device) or "") or recording.device,
            report=report or recording.report,
            codes=tuple(dict.fromkeys((*recording.codes, *codes))),
            metadata={**recording.metadata, **extra},
        )

    def _ids_of(self, recording: Recording) -> tuple[str, ...]:
        if self.mapping.match != "recording_id":
            value = recording.metadata.get(self.mapping.match)
            return (value,) if value else ()
        return (recording.recording_id, _stem(recording.source))

    def select(self, where: str) -> set[str]:
        """Ids of the recordings whose row satisfies an SQL boolean expression over the table's columns.

        An id is a file's name without folder and extension ("00001_lr"), and the value of the id columns.

        For example ``table.select("strat_fold <= 8 and age > 60")``.

        Raises:
            FilterError: the expression is not valid; the message lists the columns.
        """
        chosen = self._rows_where(where)
        ids = {stem for stem, rows in self._by_stem.items() if any(row in chosen for row, _ in rows)}
        return ids | {text for text, rows in self._by_id.items() if any(row in chosen for row in rows)}

    def select_refs(self, refs: Iterable[RecordRef], where: str) -> list[RecordRef]:
        """Those of ``refs`` whose row satisfies an SQL boolean expression; files without a row are not among them.

        Where the mapping joins by what stands inside a file (``match``), each file is read; one that cannot be read stays,
        so that it ends among the rejects with its reason.

        Raises:
            FilterError: see :meth:`select`.
            UsageError: not one of the files has a row.
        """
        chosen = self._rows_where(where)
        every = list(refs)
        rows = [self._row_of_ref(ref) for ref in every]
        if every and not any(row is not None for row in rows):
            raise UsageError(
                f"{self.path}: none of {len(every)} recordings has a row there; say in a mapping which column identifies them"
            )
        return [ref for ref, row in zip(every, rows, strict=True) if row in chosen or row == _UNREADABLE]

    def _row_of_ref(self, ref: RecordRef) -> int | None:
        if self.mapping.match == "recording_id":
            return self.row_of(ref.path, _stem(ref.path))
        try:
            known = None if ref.format == UNKNOWN else ref.format
            return self.row_of(ref.path, *self._ids_of(read_alone(ref.path, format=known)))
        except InputError:
            return _UNREADABLE

    def duplicates(self, refs: Iterable[RecordRef]) -> dict[RecordRef, str]:
        """Which of ``refs`` are the same ECG as another one at a higher rate, with the reason for leaving them out.

        A table that names several files a row (PTB-XL's 500 and 100 Hz versions) lists the best first.
        """
        rows: dict[int, list[tuple[int, RecordRef]]] = {}
        if len(self.mapping.files) < 2:
            return {}
        rank_of = {column: rank for rank, column in enumerate(self.mapping.files)}
        order = {column: self._table.column(column).to_pylist() for column in self.mapping.files}
        for ref in sorted(refs):
            row = self.row_of(ref.path)
            if row is None:
                continue
            stem = _stem(ref.path)
            ranks = [rank_of[c] for c in order if (text := cell_text(order[c][row])) and _stem(text) == stem]
            rows.setdefault(row, []).append((min(ranks, default=99), ref))
        out: dict[RecordRef, str] = {}
        for same in rows.values():
            best = min(same)
            for rank, ref in same:
                if rank > best[0]:
                    out[ref] = f"same ECG as {_stem(best[1].path)} at a lower rate"
        return out

    def _rows_where(self, where: str) -> set[int]:
        import pyarrow as pa

        numbered = self._table.append_column(_ROW, pa.array(range(len(self)), type=pa.int64()))
        engine = ConditionEngine()
        try:
            return {int(row) for row in engine.select(engine.parse(where), numbered, _ROW)}
        except FilterError as error:
            raise FilterError(f"{error}; columns: {', '.join(self.columns)}") from None


@lru_cache(maxsize=2)
def _load_version(path: Path, mtime_ns: int, size: int) -> ReportTable:
    return ReportTable.load(path)


def _stem(path: str) -> str:
    """File name without folder and without one of the extensions that recordings have."""
    name = path.replace("\\", "/").rsplit("/", 1)[-1]
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and stem and len(suffix) <= 5 and not suffix.isdigit() else name


def _parts(path: str) -> list[str]:
    return [*path.replace("\\", "/").split("/")[:-1], _stem(path)]


def _shared_tail(a: list[str], b: list[str]) -> int:
    count = 0
    for x, y in zip(reversed(a), reversed(b), strict=False):
        if x != y:
            break
        count += 1
    return count


def _time(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    text = cell_text(value)
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        day, _, clock = text.partition(" ")
        return parse_time(day, clock)


def _joined(cells: Iterable[Any]) -> str | None:
    """The texts of a row as one: a single one as it is, several as sentences."""
    texts = [text for cell in cells if (text := cell_text(cell))]
    return texts[0] if len(texts) == 1 else report_of(texts)


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)
